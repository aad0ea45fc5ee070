package bench

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"hourbank/database"
	"hourbank/models"
)

// openScratch makes an empty, migrated database beside the configured one: a
// schema of its own on PostgreSQL, a file in the same folder on SQLite, so
// that it lies on the same disk. remove drops it again.
func openScratch(ctx context.Context, databaseURL string) (db *database.DB, scratchURL string, remove func() error, err error) {
	scratchURL, drop, err := makeScratch(ctx, databaseURL)
	if err != nil {
		return nil, "", nil, err
	}
	db, err = database.Open(ctx, scratchURL)
	if err != nil {
		return nil, "", nil, errors.Join(err, drop())
	}
	remove = func() error { return errors.Join(db.Close(), drop()) }
	if _, err := db.Migrate(ctx); err != nil {
		return nil, "", nil, errors.Join(err, remove())
	}
	return db, scratchURL, remove, nil
}

// openInPlace opens a migrated database to measure on, and leaves it there.
func openInPlace(ctx context.Context, databaseURL string) (*database.DB, string, func() error, error) {
	db, err := database.Open(ctx, databaseURL)
	if err != nil {
		return nil, "", nil, err
	}
	return db, databaseURL, db.Close, nil
}

func makeScratch(ctx context.Context, databaseURL string) (scratchURL string, drop func() error, err error) {
	if path, ok := database.SQLitePath(databaseURL); ok {
		dir, err := os.MkdirTemp(filepath.Dir(path), "hourbank-bench-")
		if err != nil {
			return "", nil, fmt.Errorf("make a folder for the benchmark: %w", err)
		}
		return "sqlite:" + filepath.Join(dir, "bench.db"), func() error { return os.RemoveAll(dir) }, nil
	}
	schema := fmt.Sprintf("hourbank_bench_%d", time.Now().UnixNano())
	if err := onPostgres(ctx, databaseURL, "CREATE SCHEMA "+schema); err != nil {
		return "", nil, fmt.Errorf("make a schema for the benchmark: %w", err)
	}
	parsed, err := url.Parse(databaseURL)
	if err != nil {
		return "", nil, errors.New("DATABASE_URL can't be parsed")
	}
	query := parsed.Query()
	query.Set("search_path", schema)
	parsed.RawQuery = query.Encode()
	drop = func() error {
		// The run may have ended because ctx did; the schema goes all the same.
		return onPostgres(context.WithoutCancel(ctx), databaseURL, "DROP SCHEMA "+schema+" CASCADE")
	}
	return parsed.String(), drop, nil
}

func onPostgres(ctx context.Context, databaseURL, statement string) error {
	db, err := database.Open(ctx, databaseURL)
	if err != nil {
		return err
	}
	return errors.Join(db.WithContext(ctx).Exec(statement).Error, db.Close())
}

// feeder makes purchases for events to pay, and hands their numbers out.
type feeder struct {
	db   *database.DB
	made int64 // purchases of a student each
	hot  int64 // up to here, there are also purchases of one student
	next atomic.Int64
	free atomic.Int64 // numbers of events that pay nothing
}

// newFeeder starts where an earlier one on the same database ended.
func newFeeder(ctx context.Context, db *database.DB) (*feeder, error) {
	f := &feeder{db: db}
	err := db.WithContext(ctx).Model(&models.Purchase{}).Where("stripe_payment_intent_id LIKE ?", "pi_bench_%").Count(&f.made).Error
	f.next.Store(f.made)
	return f, err
}

const feedChunk = 5000

// stock makes sure that there are purchases enough for a turn at the rate
// seen so far, and half as many again.
func (f *feeder) stock(ctx context.Context, way Way, perSecond float64, turn time.Duration) error {
	if way == Empty {
		return nil
	}
	wanted := int64(max(perSecond, 4000)*turn.Seconds()*1.5) + feedChunk
	for f.made-f.next.Load() < wanted {
		err := f.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
			return makePurchases(tx, f.made, feedChunk, intentID, ownStudent)
		})
		if err != nil {
			return fmt.Errorf("make purchases: %w", err)
		}
		f.made += feedChunk
	}
	for f.hot = max(f.hot, f.next.Load()); way == OneStudent && f.hot < f.made; {
		count := min(feedChunk, f.made-f.hot)
		err := f.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
			return makePurchases(tx, f.hot, int(count), hotIntentID, hotStudent)
		})
		if err != nil {
			return fmt.Errorf("make one student's purchases: %w", err)
		}
		f.hot += count
	}
	if f.db.Engine == database.Postgres {
		return f.db.WithContext(ctx).Exec("ANALYZE purchase_transactions, student_account_balances").Error
	}
	return nil
}

// take hands out the number of a purchase that nobody has paid yet, or of
// none, where there is no database to look for it.
func (f *feeder) take(way Way) (int64, bool) {
	if way == Empty {
		return f.free.Add(1), true
	}
	n := f.next.Add(1) - 1
	return n, n < f.made
}

// target is an event and the payment that it tells of.
type target struct{ event, intent string }

// target is what event number n of a way tells: the success of a purchase of
// its own, unless the way is a hot spot.
func (f *feeder) target(way Way, n int64) target {
	switch way {
	case OneStudent:
		return target{eventID(n), hotIntentID(n)}
	case OnePurchase:
		return target{eventID(n), intentID(0)}
	case TenTimes:
		return target{eventID(n - n%10), intentID(n - n%10)}
	default:
		return target{eventID(n), intentID(n)}
	}
}

func eventID(n int64) string { return fmt.Sprintf("evt_bench_%012d", n) }

func intentID(n int64) string { return fmt.Sprintf("pi_bench_%012d", n) }

func hotIntentID(n int64) string { return fmt.Sprintf("pi_hot_%012d", n) }

func ownStudent(n int64) string { return fmt.Sprintf("student_%012d", n) }

func hotStudent(int64) string { return "student_hot" }

// purchaseKey is by which events find a purchase.
type purchaseKey struct{ Key, PurchaseID string }

// makePurchases inserts count purchases from number first on.
func makePurchases(tx *gorm.DB, first int64, count int, intentID, studentID func(int64) string) error {
	accounts, purchases, keys := make([]models.Account, count), make([]models.Purchase, count), make([]purchaseKey, count)
	now := tx.NowFunc()
	for i := range count {
		intent, student := intentID(first+int64(i)), studentID(first+int64(i))
		accounts[i] = models.Account{StudentID: student, Currency: new("eur"), UpdatedAt: now}
		purchases[i] = *models.NewPurchase{
			StudentID: student, TransactionType: models.TypePackage, Amount: amount, Currency: "eur", Hours: 1000, PaymentIntentID: intent,
		}.Purchase(now)
		keys[i] = purchaseKey{Key: intent, PurchaseID: purchases[i].ID}
	}
	if err := tx.Clauses(clause.OnConflict{DoNothing: true}).CreateInBatches(accounts, 500).Error; err != nil {
		return err
	}
	if err := tx.CreateInBatches(keys, 500).Error; err != nil {
		return err
	}
	return tx.CreateInBatches(purchases, 500).Error
}
