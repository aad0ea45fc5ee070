package database

import (
	"context"
	"time"

	"github.com/cenkalti/backoff/v5"
	"gorm.io/gorm"
)

const (
	// TransactionTimeout bounds one transaction, whatever locks it waits for.
	// Stripe waits about ten seconds for an answer, so one retry must fit.
	TransactionTimeout = 4 * time.Second
	conflictTries      = 5
)

// Transact runs a request's transaction within TransactionTimeout. work may
// run more than once: see RetryConflicts.
func Transact(ctx context.Context, db *DB, work func(tx *gorm.DB) error) error {
	ctx, cancel := context.WithTimeout(ctx, TransactionTimeout)
	defer cancel()
	return RetryConflicts(ctx, func() error { return db.WithContext(ctx).Transaction(work) })
}

// RetryConflicts runs a transaction again, with jitter, where it and another
// one were in each other's way, for a few times and not for long.
func RetryConflicts(ctx context.Context, transaction func() error) error {
	delays := backoff.NewExponentialBackOff()
	delays.InitialInterval = 5 * time.Millisecond
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		err := transaction()
		if err != nil && !IsConflict(err) {
			err = backoff.Permanent(err)
		}
		return struct{}{}, err
	}, backoff.WithBackOff(delays), backoff.WithMaxTries(conflictTries), backoff.WithMaxElapsedTime(TransactionTimeout))
	return err
}
