package lots

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"hourbank/database"
	"hourbank/models"
	"hourbank/services/ledger"
)

// SettleStudent settles a student's account in a transaction of its own.
func SettleStudent(ctx context.Context, db *database.DB, studentID string) error {
	return database.Transact(ctx, db, func(tx *gorm.DB) error { return SettleLocked(tx, studentID) })
}

// SettleLocked locks a student's account, and settles it.
func SettleLocked(tx *gorm.DB, studentID string) error {
	var account models.Account
	if err := tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}).Where("student_id = ?", studentID).Take(&account).Error; err != nil {
		return fmt.Errorf("lock an account: %w", err)
	}
	_, err := Settle(tx, &account)
	return err
}

const (
	settleMany      = 500 // how many students' accounts are looked up at a time
	settledTogether = 20  // how many share a transaction, and keep others waiting that long
)

// settleTogether settles students' accounts in one transaction, but for those that
// others have locked.
func settleTogether(ctx context.Context, db *database.DB, students []string) error {
	return database.Transact(ctx, db, func(tx *gorm.DB) error {
		accounts, err := ledger.LockFree(tx, students)
		if err != nil {
			return err
		}
		_, err = settleAll(tx, accounts...)
		return err
	})
}

// SettleDue settles all accounts that are due. One that can't be, or that others have
// locked, keeps no other one waiting: it comes last, alone.
func SettleDue(ctx context.Context, db *database.DB) error {
	tried := map[string]bool{}
	for {
		var students []string
		// Two conditions, each with an index of its own.
		err := db.Reader.WithContext(ctx).Raw(`SELECT student_id FROM student_account_balances WHERE NOT lots_settled UNION
			SELECT student_id FROM hour_lots WHERE drawn + expired < hours AND expires_at <= ? LIMIT ?`, db.NowFunc(), settleMany+len(tried)).Scan(&students).Error
		if err != nil {
			return fmt.Errorf("look for hours that expired: %w", err)
		}
		untried := slices.DeleteFunc(slices.Clone(students), func(student string) bool { return tried[student] })
		for some := range slices.Chunk(untried, settledTogether) {
			_ = settleTogether(ctx, db, some) // what is wrong with one of them it says when it is alone
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
		for _, student := range untried {
			tried[student] = true
		}
		if len(untried) == 0 {
			return settleEach(ctx, db, students)
		}
	}
}

func settleEach(ctx context.Context, db *database.DB, students []string) error {
	var failed []error
	for _, student := range students {
		if err := SettleStudent(ctx, db, student); err != nil {
			failed = append(failed, fmt.Errorf("settle an account: %w", err))
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return errors.Join(failed...)
}

// expiry says from when on hours expire.
type expiry struct {
	Singleton   bool `gorm:"primaryKey"`
	ExpiresFrom *time.Time
}

// TableName says where it is.
func (expiry) TableName() string { return "hour_expiry" }

// start is the moment from which on hours expire: what should have before does at
// that moment. nil: not yet. A database that held hours with an end before
// Hourbank let any expire waits for its operator to say so.
func start(tx *gorm.DB) (*time.Time, error) {
	var e expiry
	if err := tx.Take(&e).Error; err != nil {
		return nil, fmt.Errorf("read from when on hours expire: %w", err)
	}
	return e.ExpiresFrom, nil
}
