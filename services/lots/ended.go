package lots

import (
	"context"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"hourbank/database"
	"hourbank/models"
)

// Service answers operators' questions about hours that expire. It is safe for
// concurrent use.
type Service struct{ db *database.DB }

// New makes the service.
func New(db *database.DB) *Service { return &Service{db} }

// beginning is before all ends: lots end as their purchases say.
var beginning time.Time

// Ended lists the lots that have an end before now and of which hours are left, or
// would be were it not for the moment from which on hours expire: what the operator
// lets expire by saying so.
func (s *Service) Ended(ctx context.Context) (models.Lots, error) {
	now, ended := s.db.NowFunc(), models.Lots{}
	err := s.eachStudent(ctx, func(tx *gorm.DB, account *models.Account) error {
		known, err := Of(tx, account)
		if err != nil {
			return err
		}
		lots, err := Replayed(tx, account.StudentID, &beginning)
		for _, l := range lots.Carry(known) {
			if !l.IsValidAt(now) && l.Left() > 0 {
				ended = append(ended, l)
			}
		}
		return err
	})
	slices.SortStableFunc(ended, func(a, b models.Lot) int { return a.ExpiresAt.Compare(*b.ExpiresAt) })
	return ended, err
}

// eachStudent goes through the accounts that have lots.
func (s *Service) eachStudent(ctx context.Context, look func(*gorm.DB, *models.Account) error) error {
	tx := s.db.Reader.WithContext(ctx)
	for after := ""; ; {
		var accounts []models.Account
		err := tx.Where("lots_settled IS NOT NULL AND student_id > ?", after).Order("student_id").Limit(settleMany).Find(&accounts).Error
		if err != nil {
			return fmt.Errorf("look for accounts with lots: %w", err)
		}
		for i := range accounts {
			if err := look(tx, &accounts[i]); err != nil {
				return err
			}
			after = accounts[i].StudentID
		}
		if len(accounts) < settleMany {
			return nil
		}
	}
}

// Audit gives each account that has settled lots with these, and with what follows from
// what is booked.
func (s *Service) Audit(ctx context.Context, give func(lots, again models.Lots)) error {
	now := s.db.NowFunc()
	return s.eachStudent(ctx, func(tx *gorm.DB, account *models.Account) error {
		lots, err := Of(tx, account)
		if err != nil {
			return err
		}
		from, err := start(tx)
		if err != nil {
			return err
		}
		again, err := Replayed(tx, account.StudentID, from)
		if again = again.Carry(lots); !*account.LotsSettled {
			again = lots
		} else if !IsDue(account, lots, now) {
			again.Expire(now, now)
		}
		give(lots, again)
		return err
	})
}

// MakeAnew makes a locked account's lots of what is booked alone, whatever hour_lots
// say, and books what is expired by now.
func MakeAnew(tx *gorm.DB, account *models.Account) error {
	from, err := start(tx)
	if err != nil {
		return err
	}
	again, err := Replayed(tx, account.StudentID, from)
	if err != nil {
		return err
	}
	var expired []models.LedgerEntry
	if err := tx.Where("student_id = ? AND kind = 'expiration'", account.StudentID).Find(&expired).Error; err != nil {
		return fmt.Errorf("read what expired: %w", err)
	}
	for _, e := range expired {
		for i := range again {
			if again[i].ID == *e.LotID {
				again[i].Expired -= e.Hours
			}
		}
	}
	return Save(tx, Change{Account: account, Lots: again, Now: tx.NowFunc(), LastBooked: account.UpdatedAt})
}

// Start is the moment from which on hours expire; nil: none do yet.
func (s *Service) Start(ctx context.Context) (*time.Time, error) {
	return start(s.db.Reader.WithContext(ctx))
}

// SetStart lets hours expire from a moment on.
func (s *Service) SetStart(ctx context.Context, from time.Time) error {
	return database.Transact(ctx, s.db, func(tx *gorm.DB) error {
		if err := tx.Model(&expiry{}).Where("singleton").Update("expires_from", from).Error; err != nil {
			return fmt.Errorf("say from when on hours expire: %w", err)
		}
		if err := tx.Exec("UPDATE student_account_balances SET lots_settled = false WHERE lots_settled").Error; err != nil {
			return fmt.Errorf("have lots settled anew: %w", err)
		}
		return nil
	})
}
