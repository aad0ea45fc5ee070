package sales

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"hourbank/database"
	"hourbank/models"
	"hourbank/services/lots"
)

// settle brings the lots up to date that an order of what is unused looks at.
func (s *SalesService) settle(ctx context.Context, purchaseID string, order RefundOrder) error {
	if !order.Unused {
		return nil
	}
	p, err := ReadPurchase(s.db.Reader.WithContext(ctx), purchaseID)
	if err != nil {
		return err
	}
	return lots.SettleStudent(ctx, s.db, p.StudentID)
}

// unusedOf is how many of a purchase's hours no lesson used, and none is held for:
// of hours that expire, what nobody drew; of all others, lessons used those first that
// came first. What has expired counts as used, unless its plan refunds it.
func unusedOf(tx *gorm.DB, p *models.Purchase) (models.Hours, error) {
	held, err := lots.Of(tx, p.StudentID)
	if err != nil {
		return 0, err
	}
	for _, l := range held {
		if l.ID != p.ID {
			continue
		}
		expired, err := refundsExpired(tx, p)
		if err != nil || !expired {
			return l.Left(), err
		}
		return l.Hours - l.Drawn, nil
	}
	used, before, err := usedOfOthers(tx, p, held)
	if err != nil {
		return 0, err
	}
	hours := p.HoursCredited - p.HoursReversed
	return max(hours-max(used-before, 0), 0), nil
}

func refundsExpired(tx *gorm.DB, p *models.Purchase) (bool, error) {
	if p.PlanID == nil {
		return false, nil
	}
	var plan models.Plan
	if err := tx.Where("id = ?", *p.PlanID).Take(&plan).Error; err != nil {
		return false, fmt.Errorf("read a purchase's plan: %w", err)
	}
	return plan.RefundExpired, nil
}

// usedOfOthers gives what bookings took of hours that never expire, and how many of
// these came before the purchase.
func usedOfOthers(tx *gorm.DB, p *models.Purchase, held models.Lots) (used, before models.Hours, err error) {
	draws, err := lots.Draws(tx, p.StudentID)
	if err != nil {
		return 0, 0, err
	}
	expiring := make([]string, len(held))
	for i := range held {
		used -= held[i].Drawn
		expiring[i] = held[i].ID
	}
	for _, draw := range draws {
		used += draw.Hours
	}
	var others []models.Purchase
	if err := tx.Where("student_id = ? AND hours_credited > 0 AND NOT ?", p.StudentID, database.IsAnyOf(tx, "id", expiring)).Find(&others).Error; err != nil {
		return 0, 0, fmt.Errorf("read a student's purchases: %w", err)
	}
	slices.SortFunc(others, cameBefore)
	for _, other := range others {
		if other.ID == p.ID {
			break
		}
		before += other.HoursCredited - other.HoursReversed
	}
	var given []models.LedgerEntry
	err = tx.Where("student_id = ? AND (kind = 'grant' OR (kind = 'adjustment' AND hours > 0)) AND NOT ?", p.StudentID, database.IsAnyOf(tx, "id", expiring)).Find(&given).Error
	if err != nil {
		return 0, 0, fmt.Errorf("read what a student was given: %w", err)
	}
	for _, entry := range given {
		if p.CompletedAt != nil && entry.OccurredAt.Before(*p.CompletedAt) {
			before += entry.Hours
		}
	}
	return used, before, nil
}

func cameBefore(a, b models.Purchase) int {
	if a.CompletedAt == nil || b.CompletedAt == nil {
		return cmp.Compare(a.ID, b.ID)
	}
	return cmp.Or(a.CompletedAt.Compare(*b.CompletedAt), cmp.Compare(a.ID, b.ID))
}
