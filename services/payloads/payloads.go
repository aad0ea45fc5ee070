// Package payloads keeps what Stripe sent apart from what became of it. A payload, with the
// snapshot that was fetched for it, comes into webhook_events with its event, moves to
// event_payloads once the event is left alone, and goes when it is archived, too old, or
// of a student who is forgotten.
package payloads

import (
	"fmt"

	"gorm.io/gorm"

	"hourbank/database"
	"hourbank/models"
)

// Settled is the condition that nothing will try an event again unless a person asks for it.
const Settled = "status <> 'parked' AND coalesce(reason, '') <> '" + string(models.ReasonUnmatched) + "'"

// Readable is the condition that no student was forgotten of whom the payload told.
const Readable = "coalesce(archived_sha256, '-') <> ''"

// Text is, of a row of webhook_events, the payload wherever it lies.
const Text = `CASE WHEN webhook_events.payload <> '' THEN webhook_events.payload ELSE (SELECT apart.payload FROM event_payloads apart
	WHERE apart.event_id = webhook_events.id AND apart.received_at = webhook_events.received_at) END`

// chunk is how many events a statement moves or removes, so that none holds locks for long.
const chunk = 1000

// Fill gives events, as they were read from webhook_events, the payloads that lie apart.
// Those of which nothing is kept any more stay without.
func Fill(tx *gorm.DB, events []models.WebhookEvent) error {
	without := map[string]*models.WebhookEvent{}
	var ids []string
	for i := range events {
		if e := &events[i]; !e.HasPayload() {
			without[e.ID] = e
			ids = append(ids, e.ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	var apart []models.WebhookEvent
	err := tx.Table("webhook_events e").Select("e.id", "p.payload", "p.snapshot").
		Joins("JOIN event_payloads p ON p.event_id = e.id AND p.received_at = e.received_at").
		Where(database.IsAnyOf(tx, "e.id", ids)).Find(&apart).Error
	if err != nil {
		return fmt.Errorf("read payloads: %w", err)
	}
	for _, found := range apart {
		e := without[found.ID]
		if e == nil {
			continue // it was not asked for
		}
		e.Payload = found.Payload
		if e.Snapshot == nil { // else it was fetched for a replay since
			e.Snapshot = found.Snapshot
		}
	}
	return nil
}

// removeThose removes payloads that lie apart of the events of a condition.
const removeThose = "DELETE FROM event_payloads WHERE (received_at, event_id) IN (SELECT received_at, id FROM webhook_events WHERE ?"

// Remove removes all that is kept of events, by their ids, for good: nothing gives their
// payloads back.
func Remove(tx *gorm.DB, ids []string) error {
	these := database.IsAnyOf(tx, "id", ids)
	err := tx.Exec(removeThose+")", these).Error
	if err == nil {
		err = tx.Exec("UPDATE webhook_events SET payload = '', snapshot = NULL, archived_sha256 = '' WHERE ?", these).Error
	}
	if err != nil {
		return fmt.Errorf("remove payloads: %w", err)
	}
	return nil
}

// GiveBack stores payloads again of events that are made to wait, whose rows are locked.
// Where an event was settled, its payload may have been taken away, or be about to be,
// since it was read.
func GiveBack(tx *gorm.DB, events []models.WebhookEvent) error {
	err := database.Store(tx, []database.Write{{What: "give payloads back", Rows: len(events), AtMost: true,
		Statement: "UPDATE webhook_events SET payload = r.payload FROM %s WHERE webhook_events.id = r.id AND webhook_events.payload = '' AND " + Readable,
		Columns: []database.Column{
			database.ColumnOf("id", "text", events, func(e models.WebhookEvent) string { return e.ID }),
			database.ColumnOf("payload", "text", events, func(e models.WebhookEvent) string { return e.Payload }),
		}}})
	if err != nil {
		return fmt.Errorf("store payloads of events that wait: %w", err)
	}
	return nil
}

func idsOf(events []models.WebhookEvent) []string {
	ids := make([]string, len(events))
	for i, e := range events {
		ids[i] = e.ID
	}
	return ids
}
