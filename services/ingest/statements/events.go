// Package statements writes down what a batch of events decided: a statement for each
// table, whatever the number of rows.
package statements

import (
	"errors"
	"time"

	"hourbank/database"
	"hourbank/models"
)

// ErrOvertaken rolls the transaction back when another one was first with
// some of the rows that it meant to insert.
var ErrOvertaken = errors.New("another transaction was first")

// InsertEvents falls short when another transaction was first with an event.
func InsertEvents(rows []models.WebhookEvent) database.Write {
	type event = models.WebhookEvent
	w := database.Insert("insert events", "webhook_events", rows, append(eventColumns(rows),
		database.ColumnOf("type", "text", rows, func(e event) string { return e.Type }),
		database.ColumnOf("api_version", "text", rows, func(e event) *string { return e.APIVersion }),
		database.ColumnOf("livemode", "boolean", rows, func(e event) bool { return e.Livemode }),
		database.ColumnOf("payload", "text", rows, func(e event) string { return e.Payload }),
		database.ColumnOf("payload_sha256", "text", rows, func(e event) *string { return e.PayloadSHA256 }),
		database.ColumnOf("received_at", "timestamptz", rows, func(e event) *time.Time { return &e.ReceivedAt }),
	), "ON CONFLICT (id) DO NOTHING")
	w.Short = ErrOvertaken
	return w
}

// UpdateEvents notes what became of events that are stored.
func UpdateEvents(rows []models.WebhookEvent) database.Write {
	return database.Update("update events", "webhook_events", rows, eventColumns(rows))
}

// eventColumns are what a try changes of an event.
func eventColumns(rows []models.WebhookEvent) []database.Column {
	type event = models.WebhookEvent
	return []database.Column{
		database.ColumnOf("id", "text", rows, func(e event) string { return e.ID }),
		database.ColumnOf("status", "text", rows, func(e event) string { return string(e.Status) }),
		database.ColumnOf("reason", "text", rows, func(e event) *string { return (*string)(e.Reason) }),
		database.ColumnOf("attempts", "integer", rows, func(e event) int { return e.Attempts }),
		database.ColumnOf("deliveries", "integer", rows, func(e event) int { return e.Deliveries }),
		database.ColumnOf("snapshot", "text", rows, func(e event) *string { return e.Snapshot }),
		database.ColumnOf("transaction_id", "text", rows, func(e event) *string { return e.TransactionID }),
		database.ColumnOf("next_attempt_at", "timestamptz", rows, func(e event) *time.Time { return e.NextAttemptAt }),
		database.ColumnOf("processed_at", "timestamptz", rows, func(e event) *time.Time { return e.ProcessedAt }),
	}
}
