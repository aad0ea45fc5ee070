package payloads

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"hourbank/database"
	"hourbank/models"
)

// ofMonth are payloads that lie apart, of events that were received in some time, with
// their events.
const ofMonth = `event_payloads p JOIN webhook_events e ON e.id = p.event_id AND e.received_at = p.received_at
	WHERE p.received_at >= ? AND p.received_at < ?`

// Discard removes payloads that lie apart of events that were received before a moment, that
// are settled, and of which a condition on webhook_events holds. On PostgreSQL, a month all
// of whose payloads may go is dropped, at once.
func Discard(ctx context.Context, db *database.DB, before time.Time, condition string) error {
	condition = Settled + " AND " + condition
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
		to, dropped := from, false
		if before.Before(to) {
			to = before
		}
		if db.Engine == database.Postgres && to.Equal(from) {
			if dropped, err = drop(ctx, db, month, condition); err != nil {
				return fmt.Errorf("drop the payloads of %s: %w", month.Format("2006-01"), err)
			}
		}
		if !dropped {
			err = inChunks(ctx, db, `DELETE FROM event_payloads WHERE received_at >= ? AND received_at < ? AND (received_at, event_id) IN (
				SELECT p.received_at, p.event_id FROM `+ofMonth+" AND "+condition+" LIMIT ?)", month, to, month, to, chunk)
			if err != nil {
				return fmt.Errorf("remove old payloads: %w", err)
			}
		}
	}
}

// drop drops a month, unless it holds a payload that must stay. Nobody can put one there
// meanwhile.
func drop(ctx context.Context, db *database.DB, month time.Time, condition string) (dropped bool, err error) {
	err = database.RetryConflicts(ctx, func() error {
		return db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
			if err := tx.Exec("LOCK TABLE event_payloads IN SHARE ROW EXCLUSIVE MODE").Error; err != nil {
				return err
			}
			var stays bool
			err := tx.Raw("SELECT EXISTS (SELECT FROM "+ofMonth+" AND NOT ("+condition+"))", month, month.AddDate(0, 1, 0)).Scan(&stays).Error
			if dropped = err == nil && !stays; !dropped {
				return err
			}
			return tx.Exec("SELECT drop_payload_month(?)", month).Error
		})
	})
	return dropped, err
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
		ids := make([]string, len(old))
		for i, event := range old {
			ids[i] = event.ID
		}
		tx := db.WithContext(ctx)
		gone := tx.Model(&models.WebhookEvent{}).Where(database.IsAnyOf(tx, "id", ids)).
			Where(Settled). // somebody may have woken it meanwhile
			Updates(map[string]any{"payload": "", "snapshot": nil})
		if gone.Error != nil {
			return emptied, fmt.Errorf("empty old payloads: %w", gone.Error)
		}
		emptied += int(gone.RowsAffected)
		after = old[len(old)-1]
	}
}

// inChunks runs a statement, which removes a chunk at most, until it finds no more.
func inChunks(ctx context.Context, db *database.DB, statement string, args ...any) error {
	for {
		if gone := db.WithContext(ctx).Exec(statement, args...); gone.Error != nil || gone.RowsAffected < chunk {
			return gone.Error
		}
	}
}
