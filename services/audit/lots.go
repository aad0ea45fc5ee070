package audit

import (
	"context"

	"hourbank/models"
	"hourbank/services/lots"
)

// lotSums is a lot, and what its purchase and the ledger say of it.
type lotSums struct {
	models.Lot
	LedgerExpired models.Hours
	PurchaseHours *models.Hours // null: a grant's
}

const lotQuery = `SELECT l.*, p.hours_credited - p.hours_reversed AS purchase_hours,
		(SELECT coalesce(-sum(e.hours), 0) FROM hour_ledger_entries e WHERE e.lot_id = l.id AND e.kind = 'expiration') AS ledger_expired
	FROM hour_lots l LEFT JOIN purchase_transactions p ON p.id = l.transaction_id WHERE l.student_id = ? ORDER BY l.id`

// auditLots draws each student's bookings from the lots anew, and compares.
func (s *Service) auditLots(ctx context.Context, report *Report, progress func(int)) (done int, err error) {
	tx := s.db.Reader.WithContext(ctx)
	start, err := lots.New(s.db).Start(ctx)
	if err != nil {
		return 0, err
	}
	for after := ""; ; {
		var students []string
		if err := tx.Model(&models.Lot{}).Distinct("student_id").Where("student_id > ?", after).Order("student_id").Limit(auditChunk).Find(&students).Error; err != nil {
			return done, err
		}
		for _, student := range students {
			var rows []lotSums
			if err := tx.Raw(lotQuery, student).Scan(&rows).Error; err != nil {
				return done, err
			}
			drawn, err := lots.Drawn(tx, student)
			if err != nil {
				return done, err
			}
			again := map[string]models.Hours{}
			for _, l := range drawn {
				again[l.ID] = l.Drawn
			}
			for i := range rows {
				report.Differences = append(report.Differences, rows[i].differences(start != nil, again[rows[i].ID])...)
			}
			after = student
			done += len(rows)
			progress(len(rows))
		}
		if len(students) < auditChunk {
			return done, nil
		}
	}
}

// differences of a lot. Bookings are drawn from it once hours expire, and before
// anybody looks.
func (row *lotSums) differences(expires bool, drawn models.Hours) []Difference {
	c := comparison{kind: "lot", id: row.ID}
	c.compare("hours_expired", row.Expired, row.LedgerExpired)
	if row.PurchaseHours != nil {
		c.compare("hours", row.Hours, *row.PurchaseHours)
	}
	if expires && !row.Stale {
		c.compare("hours_drawn", row.Drawn, drawn)
	}
	return c.found
}
