package audit

import (
	"context"
	"fmt"
	"slices"

	"hourbank/models"
	"hourbank/services/lots"
)

// auditLots compares each account's lots with what is booked. What differs is looked at
// once more: hours may have been drawn or expired while an account was read.
func (s *Service) auditLots(ctx context.Context, report *Report, progress func(int)) (done int, err error) {
	found, done, err := s.compareLots(ctx, progress)
	if err != nil || len(found) == 0 {
		return done, err
	}
	again, _, err := s.compareLots(ctx, func(int) {})
	report.Differences = append(report.Differences, slices.DeleteFunc(found, func(d Difference) bool { return !slices.Contains(again, d) })...)
	return done, err
}

// compareLots makes each account's lots anew of what is booked, and compares, also with
// what the ledger says is expired.
func (s *Service) compareLots(ctx context.Context, progress func(int)) (found []Difference, done int, err error) {
	expired, err := s.expiredByLot(ctx)
	if err != nil {
		return nil, 0, err
	}
	err = lots.New(s.db).Audit(ctx, func(known, again models.Lots) {
		for i := range again {
			c := comparison{kind: "lot", id: again[i].ID, student: again[i].StudentID}
			recorded := models.Lot{}
			if k := slices.IndexFunc(known, func(l models.Lot) bool { return l.ID == again[i].ID }); k >= 0 {
				recorded = known[k]
			}
			c.compare("hours", recorded.Hours, again[i].Hours)
			c.compare("hours_drawn", recorded.Drawn, again[i].Drawn)
			c.compare("hours_expired", recorded.Expired, again[i].Expired)
			c.compare("expirations", expired[again[i].ID], again[i].Expired)
			found = append(found, c.found...)
		}
		done += len(again)
		progress(len(again))
	})
	return found, done, err
}

// expiredByLot is what the ledger says has expired.
func (s *Service) expiredByLot(ctx context.Context) (map[string]models.Hours, error) {
	var rows []models.LedgerEntry
	err := s.db.Reader.WithContext(ctx).Select("lot_id, -sum(hours) AS hours").Where("kind = 'expiration'").Group("lot_id").Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("add up what expired: %w", err)
	}
	expired := make(map[string]models.Hours, len(rows))
	for _, row := range rows {
		expired[*row.LotID] = row.Hours
	}
	return expired, nil
}
