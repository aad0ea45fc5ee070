package database

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"gorm.io/gorm"

	"hourbank/models"
)

// Clock is a sandbox's: people move it ahead of the machine's, by whole days, to see in
// a minute what takes a month. It never goes back. It is safe for concurrent use.
type Clock struct{ daysAhead atomic.Int64 }

// mostDaysAhead keeps its times within what everything else can hold.
const mostDaysAhead = 3650

// Now is the time.
func (c *Clock) Now() time.Time { return time.Now().Add(time.Duration(c.DaysAhead()) * day) }

const day = 24 * time.Hour

// DaysAhead is how far it is ahead; 0 without a clock.
func (c *Clock) DaysAhead() int {
	if c == nil {
		return 0
	}
	return int(c.daysAhead.Load())
}

// Advance moves the clock on by so many days, and says whether it did: it doesn't where
// it is no longer as far ahead as from, as for a form that is sent twice. It returns a
// *models.Error with code invalid_request.
func (c *Clock) Advance(from, days int) (bool, error) {
	if days < 1 || days > mostDaysAhead || from+days > mostDaysAhead {
		return false, models.Errorf(models.CodeInvalidRequest, "The clock goes forward by whole days, and is at most %d days ahead; it is %d now.", mostDaysAhead, c.DaysAhead())
	}
	return c.daysAhead.CompareAndSwap(int64(from), int64(from+days)), nil
}

// maxSkew is how far ahead another machine may have written without having been moved.
const maxSkew = time.Minute

// Follow has the database read a clock from now on. A clock that is behind what the
// database holds goes ahead of it first, so that a sandbox that starts again doesn't go
// back in time. It is to be called before anything else reads the time.
func (db *DB) Follow(ctx context.Context, clock *Clock) error {
	newest, err := db.newest(ctx)
	if err != nil {
		return err
	}
	if behind := time.Until(newest); behind > maxSkew {
		clock.daysAhead.Store(int64((behind-maxSkew)/day) + 1)
	}
	db.Clock = clock
	for _, handle := range []*gorm.DB{db.DB, db.Reader} {
		handle.NowFunc = func() time.Time { return stored(clock.Now()) }
	}
	return nil
}

// newest is when something was written last; zero: never.
func (db *DB) newest(ctx context.Context) (newest time.Time, err error) {
	for table, column := range map[string]string{
		"webhook_events": "received_at", "purchase_transactions": "created_at", "hour_ledger_entries": "created_at", "audit_log": "created_at",
	} {
		var last []time.Time
		if err := db.Reader.WithContext(ctx).Table(table).Order(column+" DESC").Limit(1).Pluck(column, &last).Error; err != nil {
			return newest, fmt.Errorf("look for the newest time in %s: %w", table, err)
		}
		if len(last) > 0 && last[0].After(newest) {
			newest = last[0]
		}
	}
	return newest, nil
}

// WallClock is the machine's time, as rows keep it, whatever a sandbox's clock says: for
// what is between us and browsers or receivers, whose clocks nobody moves.
func WallClock() time.Time { return stored(time.Now()) }

// stored is a time as rows keep it.
func stored(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }
