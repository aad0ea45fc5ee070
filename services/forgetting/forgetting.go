// Package forgetting removes a person, and keeps the sums.
package forgetting

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"hourbank/database"
	"hourbank/models"
	"hourbank/models/money"
)

// Service forgets students. It is safe for concurrent use.
type Service struct{ db *database.DB }

// New makes the service.
func New(db *database.DB) *Service { return &Service{db: db} }

// Report is what was, or would be, forgotten.
type Report struct {
	DryRun    bool   `json:"dry_run"`
	Pseudonym string `json:"pseudonym"` // whose the rows are now; empty where nothing was done
	Purchases int    `json:"purchases"`
	Entries   int    `json:"entries"` // of the ledger
	Events    int    `json:"events"`  // whose payloads are gone
}

// student is all that is known of one, locked.
type student struct {
	id        string
	purchases []models.Purchase // also gifts to them
	ids       []string          // of the purchases
	entries   []models.LedgerEntry
	events    []string // by id
	cases     []string // by id
}

// patience bounds the transaction: longer than one that serves, because there is
// no caller who would give up.
const patience = time.Minute

// Forget gives all that a student bought and used to a pseudonym, and takes away
// what tells of the person; amounts, hours and dates stay. It returns a
// *models.Error with code not_found, or conflict while something of theirs is
// under way.
func (s *Service) Forget(ctx context.Context, studentID, by string, dryRun bool) (*Report, error) {
	found, err := s.naming(ctx, studentID)
	if err != nil {
		return nil, err
	}
	report := &Report{DryRun: dryRun}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err = database.RetryConflicts(ctx, func() error {
		return s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
			known, err := read(tx, studentID, found)
			if err != nil {
				return err
			}
			if err := known.mayBeForgotten(tx, found); err != nil {
				return err
			}
			report.Purchases, report.Entries, report.Events = len(known.purchases), len(known.entries), len(known.events)
			if dryRun {
				return nil
			}
			report.Pseudonym = models.NewPseudonym()
			return database.Forget(tx, report.Pseudonym, func() error { return known.forget(tx, report.Pseudonym, by) })
		})
	})
	if err != nil {
		return nil, fmt.Errorf("forget a student: %w", err)
	}
	return report, nil
}

// read reads and locks a student's rows, in the order of every transaction:
// purchases, events, accounts.
func read(tx *gorm.DB, studentID string, found named) (*student, error) {
	s := &student{id: studentID}
	locked := tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}).Session(&gorm.Session{})
	if err := locked.Where("(student_id = ? OR beneficiary_id = ?)", studentID, studentID).Order("id").Find(&s.purchases).Error; err != nil {
		return nil, fmt.Errorf("read purchases: %w", err)
	}
	for _, p := range s.purchases {
		s.ids = append(s.ids, p.ID)
	}
	if err := tx.Where("student_id = ?", studentID).Order("id").Find(&s.entries).Error; err != nil {
		return nil, fmt.Errorf("read the ledger: %w", err)
	}
	booked := found.all()
	for _, entry := range s.entries {
		if entry.EventID != nil {
			booked = append(booked, *entry.EventID)
		}
	}
	err := locked.Model(&models.WebhookEvent{}).Where("? OR ?", database.IsAnyOf(tx, "transaction_id", s.ids), database.IsAnyOf(tx, "id", booked)).
		Order("id").Pluck("id", &s.events).Error
	if err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	accounts := locked.Where("student_id = ?", studentID).Find(&[]models.Account{})
	if accounts.Error != nil {
		return nil, fmt.Errorf("read the account: %w", accounts.Error)
	}
	if accounts.RowsAffected == 0 {
		return nil, models.Errorf(models.CodeNotFound, "There is no such student.")
	}
	return s, tx.Model(&models.Case{}).Where("student_id = ?", studentID).Or(database.IsAnyOf(tx, "transaction_id", s.ids)).Pluck("id", &s.cases).Error
}

// mayBeForgotten refuses while something of theirs needs a person, or moves: who
// would be asked, or paid?
func (s *student) mayBeForgotten(tx *gorm.DB, found named) error {
	var open int64
	if err := tx.Model(&models.Case{}).Where("closed_at IS NULL").Where(database.IsAnyOf(tx, "id", s.cases)).Count(&open).Error; err != nil {
		return fmt.Errorf("look for open cases: %w", err)
	}
	if open > 0 {
		return models.Errorf(models.CodeConflict, "%d cases of this student are open: settle them first.", open)
	}
	if err := found.mayBeForgotten(tx); err != nil {
		return err
	}
	var refunds []models.RefundRequest
	if err := tx.Where(database.IsAnyOf(tx, "transaction_id", s.ids)).Find(&refunds).Error; err != nil {
		return fmt.Errorf("read refund requests: %w", err)
	}
	byID := map[string]*models.Purchase{}
	for i := range s.purchases {
		p := &s.purchases[i]
		byID[p.ID] = p
		if p.PaymentStatus == models.StatusProcessing {
			return models.Errorf(models.CodeConflict, "A payment of purchase %s is under way.", p.ID)
		}
		if p.BeneficiaryID != nil && !p.IsBooked() && p.MergedInto == nil && p.PaymentStatus != models.StatusCancelled {
			return models.Errorf(models.CodeConflict, "The gift %s is not paid, and may still be: cancel its payment at Stripe first.", p.ID)
		}
		for _, refund := range p.Evidence.Refunds {
			if refund.Status == money.RefundPending || refund.Status == "requires_action" {
				return models.Errorf(models.CodeConflict, "A refund of purchase %s is under way.", p.ID)
			}
		}
	}
	for _, refund := range refunds {
		p := byID[refund.TransactionID]
		if p == nil {
			continue // it is another's by now
		}
		if into := p.MergedInto; into != nil {
			if one := byID[*into]; one != nil {
				p = one
			}
		}
		if refund.IsOpen(p) {
			return models.Errorf(models.CodeConflict, "A refund of purchase %s was asked for, and is not told of yet.", p.ID)
		}
	}
	return nil
}
