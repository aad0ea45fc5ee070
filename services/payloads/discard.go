package payloads

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"hourbank/database"
	"hourbank/models"
)

// Discard removes payloads that lie apart of events that were received before a moment, that
// are settled, and of which a condition on webhook_events holds. On PostgreSQL, a month all
// of whose payloads may go is dropped, at once, unless somebody reads payloads for long, such
// as a dump.
func Discard(ctx context.Context, db *database.DB, before time.Time, condition string) error {
	condition = Settled + " AND " + condition
	mayDrop := db.Engine == database.Postgres
	for from := (time.Time{}); ; {
		var oldest []time.Time
		err := db.WithContext(ctx).Table("event_payloads").Where("received_at >= ? AND received_at < ?", from, before).
			Order("received_at").Limit(1).Pluck("received_at", &oldest).Error
		if err != nil {
			return fmt.Errorf("look for old payloads: %w", err)
		}
		if len(oldest) == 0 {
			return nil
		}
		month := monthOf(oldest[0])
		from = month.AddDate(0, 1, 0)
		dropped := false
		if mayDrop && !from.After(before) {
			dropped, err = drop(ctx, db, month, from, condition)
			if database.IsConflict(err) { // to try again would have whoever reads one wait once more
				mayDrop, err = false, nil
			}
		}
		if err == nil && !dropped {
			err = removeBetween(ctx, db, month, slices.MinFunc([]time.Time{from, before}, time.Time.Compare), condition)
		}
		if err != nil {
			return fmt.Errorf("remove the payloads of %s: %w", month.Format("2006-01"), err)
		}
	}
}

// drop drops a month, unless it holds a payload that must stay. Nobody can put one there
// meanwhile.
func drop(ctx context.Context, db *database.DB, month, end time.Time, condition string) (dropped bool, err error) {
	err = db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := tx.Exec("LOCK TABLE event_payloads IN SHARE ROW EXCLUSIVE MODE").Error; err != nil {
			return err
		}
		var stays bool
		err := tx.Raw(`SELECT EXISTS (SELECT FROM event_payloads p JOIN webhook_events e ON e.id = p.event_id AND e.received_at = p.received_at
			WHERE p.received_at >= @month AND p.received_at < @end AND e.received_at >= @month AND e.received_at < @end AND NOT (`+condition+"))",
			sql.Named("month", month), sql.Named("end", end)).Scan(&stays).Error
		if err != nil || stays {
			return err
		}
		dropped = true
		return tx.Exec("SELECT drop_payload_month(?)", month).Error
	})
	return dropped && err == nil, err
}

// removeBetween walks, so that it comes once by those that stay.
func removeBetween(ctx context.Context, db *database.DB, from, to time.Time, condition string) error {
	tx, last := db.WithContext(ctx), models.WebhookEvent{ReceivedAt: from}
	for {
		var next []models.WebhookEvent
		err := tx.Table("event_payloads").Select("received_at", "event_id AS id").
			Where("(received_at, event_id) > (?, ?) AND received_at < ?", last.ReceivedAt, last.ID, to).
			Order("received_at, event_id").Limit(chunk).Find(&next).Error
		if err != nil || len(next) == 0 {
			return err
		}
		if err := tx.Exec(removeThose+" AND "+condition+")", database.IsAnyOf(tx, "id", idsOf(next))).Error; err != nil {
			return err
		}
		last = next[len(next)-1]
	}
}

// Retain removes all payloads of settled events that were received before a moment, and
// gives how many of them had not been put apart. For these it walks, because a statement
// that looked for what is left would come by all that is empty already, each time.
func Retain(ctx context.Context, db *database.DB, before time.Time) (int, error) {
	if err := Discard(ctx, db, before, "true"); err != nil {
		return 0, err
	}
	emptied, after := 0, models.WebhookEvent{}
	for {
		var old []models.WebhookEvent
		err := db.Reader.WithContext(ctx).Select("id", "received_at").
			Where("received_at < ? AND (received_at, id) > (?, ?)", before, after.ReceivedAt, after.ID).
			Where(Settled + " AND (payload <> '' OR snapshot IS NOT NULL)").
			Order("received_at, id").Limit(chunk).Find(&old).Error
		if err != nil {
			return emptied, fmt.Errorf("look for old payloads: %w", err)
		}
		if len(old) == 0 {
			return emptied, nil
		}
		tx := db.WithContext(ctx)
		gone := tx.Model(&models.WebhookEvent{}).Where(database.IsAnyOf(tx, "id", idsOf(old))).
			Where(Settled). // somebody may have woken it meanwhile
			Updates(map[string]any{"payload": "", "snapshot": nil})
		if gone.Error != nil {
			return emptied, fmt.Errorf("empty old payloads: %w", gone.Error)
		}
		emptied += int(gone.RowsAffected)
		after = old[len(old)-1]
	}
}
