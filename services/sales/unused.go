package sales

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"hourbank/models"
	"hourbank/services/lots"
)

// settle brings the account up to date that an order for what is unused looks at.
func (s *SalesService) settle(ctx context.Context, purchaseID string, order RefundOrder) error {
	if !order.Unused {
		return nil
	}
	p, err := ReadPurchase(s.db.Reader.WithContext(ctx), purchaseID)
	if err != nil {
		return err
	}
	return lots.SettleStudent(ctx, s.db, p.AccountID())
}

// unusedOf is how many of a purchase's hours no lesson used, and none is held for.
// What has expired counts as used, unless its plan refunds it.
func unusedOf(tx *gorm.DB, p *models.Purchase) (models.Hours, error) {
	account, held, err := readWithLots(tx, p.AccountID())
	if err != nil {
		return 0, err
	}
	if account.LotsSettled == nil { // nothing expires, and nobody keeps who drew from what
		if held, err = lots.Replayed(tx, p.AccountID(), nil); err != nil {
			return 0, err
		}
	}
	for _, l := range held {
		if l.ID == p.ID {
			refunded, err := refundsExpired(tx, p)
			if refunded {
				return l.Hours - l.Drawn, err
			}
			return l.Left(), err
		}
	}
	return 0, nil // it was never paid
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
