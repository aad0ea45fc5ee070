package services

import (
	"context"
	"time"

	"hourbank/database"

	"github.com/cenkalti/backoff/v5"
	"gorm.io/gorm"
)

const (
	// transactionTimeout bounds one transaction, whatever locks it waits for.
	// Stripe waits about ten seconds for an answer, so one retry must fit.
	transactionTimeout = 4 * time.Second
	conflictTries      = 5
)

// transact runs a request's transaction within transactionTimeout. work may
// run more than once: see retryConflicts.
func transact(ctx context.Context, db *database.DB, work func(tx *gorm.DB) error) error {
	ctx, cancel := context.WithTimeout(ctx, transactionTimeout)
	defer cancel()
	return retryConflicts(ctx, func() error { return db.WithContext(ctx).Transaction(work) })
}

// retryConflicts runs a transaction again, with jitter, where it and another
// one were in each other's way, for a few times and not for long.
func retryConflicts(ctx context.Context, transaction func() error) error {
	delays := backoff.NewExponentialBackOff()
	delays.InitialInterval = 5 * time.Millisecond
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		err := transaction()
		if err != nil && !database.IsConflict(err) {
			err = backoff.Permanent(err)
		}
		return struct{}{}, err
	}, backoff.WithBackOff(delays), backoff.WithMaxTries(conflictTries), backoff.WithMaxElapsedTime(transactionTimeout))
	return err
}
