package ledger

import (
	"fmt"

	"gorm.io/gorm"

	"hourbank/models"
)

// Restate lets a purchase that is not stored yet say what the ledger has of it, so that
// what is posted next makes the ledger right also where the purchase's row was altered.
func Restate(tx *gorm.DB, p *models.Purchase) error {
	var booked struct {
		Credited, Reversed models.Hours
		Kept               int64
	}
	err := tx.Raw(`SELECT coalesce(sum(hours) FILTER (WHERE kind = 'credit'), 0) AS credited,
		coalesce(-sum(hours) FILTER (WHERE kind IN ('reversal', 'reinstatement')), 0) AS reversed, coalesce(sum(amount), 0) AS kept
		FROM hour_ledger_entries WHERE transaction_id = ?`, p.ID).Scan(&booked).Error
	if err != nil {
		return fmt.Errorf("add up what was booked of a purchase: %w", err)
	}
	p.HoursCredited, p.HoursReversed = booked.Credited, booked.Reversed
	p.AmountReceived += booked.Kept - (p.AmountReceived - p.AmountRefunded - p.AmountDisputed)
	return nil
}

// SaysTheSame says whether two rows of a purchase say the same of what was derived and
// booked.
func SaysTheSame(a, b *models.Purchase) bool {
	type row struct {
		status                            models.PaymentStatus
		credited, reversed                models.Hours
		due, received, refunded, disputed int64
		completed, expires                int64 // Unix seconds; 0: never
	}
	of := func(p *models.Purchase) row {
		r := row{p.PaymentStatus, p.HoursCredited, p.HoursReversed, p.AmountDue, p.AmountReceived, p.AmountRefunded, p.AmountDisputed, 0, 0}
		if p.CompletedAt != nil {
			r.completed = p.CompletedAt.Unix()
		}
		if p.ExpiresAt != nil {
			r.expires = p.ExpiresAt.Unix()
		}
		return r
	}
	return of(a) == of(b)
}
