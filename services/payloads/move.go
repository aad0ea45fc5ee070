package payloads

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"hourbank/database"
	"hourbank/models"
)

// movedAfter is how long an event stays whole: as long as Stripe may send it again.
// https://docs.stripe.com/webhooks#automatic-retries
const movedAfter = 3 * 24 * time.Hour

// Move puts payloads apart of events that were received more than three days ago, and
// gives how many. It goes on where it ended, at the newest one that lies apart, so that it
// costs what is new. Those that settle later than that stay where they are: they are few.
func Move(ctx context.Context, db *database.DB) (int, error) {
	before := db.NowFunc().Add(-movedAfter)
	if wall := database.WallClock(); wall.Before(before) { // a sandbox's clock is ahead
		before = wall
	}
	for moved := 0; ; {
		var many int
		err := database.RetryConflicts(ctx, func() error {
			return db.WithContext(ctx).Transaction(func(tx *gorm.DB) (err error) {
				many, err = moveChunk(tx, before)
				return err
			})
		})
		if err != nil {
			return moved, fmt.Errorf("put payloads apart: %w", err)
		}
		if moved += many; many < chunk {
			return moved, nil
		}
	}
}

// moveChunk locks events first, so that none is woken meanwhile, and passes by those that
// somebody else has locked.
func moveChunk(tx *gorm.DB, before time.Time) (int, error) {
	if database.IsPostgres(tx) { // so that no month is dropped meanwhile
		if err := tx.Exec("LOCK TABLE event_payloads IN ROW EXCLUSIVE MODE").Error; err != nil {
			return 0, err
		}
	}
	var newest []time.Time
	if err := tx.Table("event_payloads").Order("received_at DESC").Limit(1).Pluck("received_at", &newest).Error; err != nil {
		return 0, err
	}
	query := tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate, Options: clause.LockingOptionsSkipLocked}).Select("id", "received_at")
	if len(newest) > 0 {
		query = query.Where("received_at >= ?", newest[0])
	}
	var events []models.WebhookEvent
	err := query.Where("received_at < ? AND payload <> ''", before).Where(Settled).Order("received_at, id").Limit(chunk).Find(&events).Error
	if err != nil || len(events) == 0 {
		return 0, err
	}
	months := map[time.Time]bool{}
	for _, e := range events {
		months[monthOf(e.ReceivedAt)] = true
	}
	if database.IsPostgres(tx) {
		for month := range months {
			if err := tx.Exec("SELECT make_payload_month(?)", month).Error; err != nil {
				return 0, err
			}
		}
	}
	these := database.IsAnyOf(tx, "id", idsOf(events))
	// One that waited meanwhile may lie there already.
	err = tx.Exec(`INSERT INTO event_payloads (received_at, event_id, payload, snapshot)
		SELECT received_at, id, payload, snapshot FROM webhook_events WHERE ?
		ON CONFLICT (received_at, event_id) DO UPDATE SET payload = excluded.payload, snapshot = excluded.snapshot`, these).Error
	if err != nil {
		return 0, err
	}
	return len(events), tx.Exec("UPDATE webhook_events SET payload = '', snapshot = NULL WHERE ?", these).Error
}

// monthOf is the beginning of a month, in UTC.
func monthOf(t time.Time) time.Time {
	t = t.UTC()
	return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)
}
