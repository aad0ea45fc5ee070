package services

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"hourbank/models"
)

// lockEvents reads and locks the rows of those events that have one.
func lockEvents(tx *gorm.DB, entries []*entry) (map[string]*models.WebhookEvent, error) {
	ids := make([]string, len(entries))
	for i, e := range entries {
		ids[i] = e.event.ID
	}
	var rows []*models.WebhookEvent
	err := tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}).Omit("payload").
		Where(isAnyOf(tx, "id", ids)).Order("id").Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("look up known events: %w", err)
	}
	known := make(map[string]*models.WebhookEvent, len(rows))
	for _, row := range rows {
		known[row.ID] = row
	}
	return known, nil
}

// write stores what was decided. Every statement handles the whole batch.
func (b *batch) write(tx *gorm.DB) error {
	sorted := slices.SortedFunc(slices.Values(b.entries), func(a, b *entry) int { return cmp.Compare(a.event.ID, b.event.ID) })
	var fresh, known []models.WebhookEvent
	for _, e := range sorted {
		if e.known == nil {
			fresh = append(fresh, e.row)
		} else {
			known = append(known, e.row)
		}
	}
	if err := insertEvents(tx, fresh); err != nil {
		return err
	}
	if err := updateEvents(tx, known); err != nil {
		return err
	}
	if err := updatePurchases(tx, b.purchases.changed(), b.now); err != nil {
		return err
	}
	return post(tx, b.ledger, b.totals(), b.now)
}

// insertEvents returns errKnownEvents when another transaction was first with
// any of them.
func insertEvents(tx *gorm.DB, rows []models.WebhookEvent) error {
	if len(rows) == 0 {
		return nil
	}
	type event = models.WebhookEvent
	result := exec(tx, `
		INSERT INTO webhook_events (id, type, api_version, livemode, status, reason, attempts, deliveries, payload,
			transaction_id, next_attempt_at, received_at, processed_at)
		SELECT id, type, api_version, livemode, status, reason, attempts, deliveries, payload,
			transaction_id, next_attempt_at, received_at, processed_at
		FROM %s WHERE true
		ON CONFLICT (id) DO NOTHING`,
		column("id", "text", rows, func(e event) string { return e.ID }),
		column("type", "text", rows, func(e event) string { return e.Type }),
		column("api_version", "text", rows, func(e event) *string { return e.APIVersion }),
		column("livemode", "boolean", rows, func(e event) bool { return e.Livemode }),
		column("status", "text", rows, func(e event) string { return string(e.Status) }),
		column("reason", "text", rows, func(e event) *string { return (*string)(e.Reason) }),
		column("attempts", "integer", rows, func(e event) int { return e.Attempts }),
		column("deliveries", "integer", rows, func(e event) int { return e.Deliveries }),
		column("payload", "text", rows, func(e event) string { return e.Payload }),
		column("transaction_id", "text", rows, func(e event) *string { return e.TransactionID }),
		column("next_attempt_at", "timestamptz", rows, func(e event) *time.Time { return e.NextAttemptAt }),
		column("received_at", "timestamptz", rows, func(e event) *time.Time { return &e.ReceivedAt }),
		column("processed_at", "timestamptz", rows, func(e event) *time.Time { return e.ProcessedAt }),
	)
	if result.Error != nil {
		return fmt.Errorf("insert events: %w", result.Error)
	}
	if result.RowsAffected < int64(len(rows)) {
		return errKnownEvents
	}
	return nil
}

func updateEvents(tx *gorm.DB, rows []models.WebhookEvent) error {
	if len(rows) == 0 {
		return nil
	}
	type event = models.WebhookEvent
	result := exec(tx, `
		UPDATE webhook_events SET status = r.status, reason = r.reason, attempts = r.attempts, deliveries = r.deliveries,
			transaction_id = r.transaction_id, next_attempt_at = r.next_attempt_at, processed_at = r.processed_at
		FROM %s WHERE webhook_events.id = r.id`,
		column("id", "text", rows, func(e event) string { return e.ID }),
		column("status", "text", rows, func(e event) string { return string(e.Status) }),
		column("reason", "text", rows, func(e event) *string { return (*string)(e.Reason) }),
		column("attempts", "integer", rows, func(e event) int { return e.Attempts }),
		column("deliveries", "integer", rows, func(e event) int { return e.Deliveries }),
		column("transaction_id", "text", rows, func(e event) *string { return e.TransactionID }),
		column("next_attempt_at", "timestamptz", rows, func(e event) *time.Time { return e.NextAttemptAt }),
		column("processed_at", "timestamptz", rows, func(e event) *time.Time { return e.ProcessedAt }),
	)
	if result.Error != nil {
		return fmt.Errorf("update events: %w", result.Error)
	}
	return nil
}

func updatePurchases(tx *gorm.DB, rows []*models.Purchase, now time.Time) error {
	if len(rows) == 0 {
		return nil
	}
	type purchase = *models.Purchase
	result := exec(tx, `
		UPDATE purchase_transactions SET payment_status = r.payment_status, hours_credited = r.hours_credited,
			hours_reversed = r.hours_reversed, amount_received = r.amount_received, amount_refunded = r.amount_refunded,
			amount_disputed = r.amount_disputed, stripe_payment_intent_id = r.stripe_payment_intent_id,
			stripe_checkout_session_id = r.stripe_checkout_session_id, stripe_customer_id = r.stripe_customer_id,
			failure = r.failure, evidence = r.evidence, expires_at = r.expires_at, completed_at = r.completed_at,
			updated_at = ?
		FROM %s WHERE purchase_transactions.id = r.id`,
		argument(now),
		column("id", "text", rows, func(p purchase) string { return p.ID }),
		column("payment_status", "text", rows, func(p purchase) string { return string(p.PaymentStatus) }),
		column("hours_credited", "bigint", rows, func(p purchase) int64 { return int64(p.HoursCredited) }),
		column("hours_reversed", "bigint", rows, func(p purchase) int64 { return int64(p.HoursReversed) }),
		column("amount_received", "bigint", rows, func(p purchase) int64 { return p.AmountReceived }),
		column("amount_refunded", "bigint", rows, func(p purchase) int64 { return p.AmountRefunded }),
		column("amount_disputed", "bigint", rows, func(p purchase) int64 { return p.AmountDisputed }),
		column("stripe_payment_intent_id", "text", rows, func(p purchase) *string { return p.StripePaymentIntentID }),
		column("stripe_checkout_session_id", "text", rows, func(p purchase) *string { return p.StripeCheckoutSessionID }),
		column("stripe_customer_id", "text", rows, func(p purchase) *string { return p.StripeCustomerID }),
		column("failure", "jsonb", rows, func(p purchase) *string { return jsonOrNull(p.Failure) }),
		column("evidence", "jsonb", rows, func(p purchase) *string { return jsonOrNull(&p.Evidence) }),
		column("expires_at", "timestamptz", rows, func(p purchase) *time.Time { return p.ExpiresAt }),
		column("completed_at", "timestamptz", rows, func(p purchase) *time.Time { return p.CompletedAt }),
	)
	if result.Error != nil {
		return fmt.Errorf("update purchases: %w", result.Error)
	}
	return nil
}

// post moves the accounts by the sums of the entries and appends the entries.
func post(tx *gorm.DB, ledger []models.LedgerEntry, movements []accountMovement, now time.Time) error {
	if len(ledger) == 0 {
		return nil
	}
	result := exec(tx, `
		WITH r AS MATERIALIZED (
			SELECT r.* FROM %s JOIN student_account_balances a ON a.student_id = r.student_id
			ORDER BY r.student_id`+lockRows(tx)+`
		)
		UPDATE student_account_balances SET hours_purchased = hours_purchased + r.purchased,
			hours_reversed = hours_reversed + r.reversed, hours_consumed = hours_consumed + r.consumed,
			balance_amount = balance_amount + r.amount, updated_at = ?
		FROM r WHERE student_account_balances.student_id = r.student_id`,
		column("student_id", "text", movements, func(m accountMovement) string { return m.studentID }),
		column("purchased", "bigint", movements, func(m accountMovement) int64 { return int64(m.Purchased) }),
		column("reversed", "bigint", movements, func(m accountMovement) int64 { return int64(m.Reversed) }),
		column("consumed", "bigint", movements, func(m accountMovement) int64 { return int64(m.Consumed) }),
		column("amount", "bigint", movements, func(m accountMovement) int64 { return m.Amount }),
		argument(now),
	)
	if result.Error != nil {
		return fmt.Errorf("update accounts: %w", result.Error)
	}
	if result.RowsAffected != int64(len(movements)) {
		return fmt.Errorf("update accounts: %d of %d exist", result.RowsAffected, len(movements))
	}
	return insertLedger(tx, ledger)
}

func insertLedger(tx *gorm.DB, rows []models.LedgerEntry) error {
	type posting = models.LedgerEntry
	result := exec(tx, `
		INSERT INTO hour_ledger_entries (id, student_id, transaction_id, kind, hours, amount, currency, event_id,
			reference, created_at)
		SELECT id, student_id, transaction_id, kind, hours, amount, currency, event_id, reference, created_at FROM %s`,
		column("id", "text", rows, func(l posting) string { return l.ID }),
		column("student_id", "text", rows, func(l posting) string { return l.StudentID }),
		column("transaction_id", "text", rows, func(l posting) *string { return l.TransactionID }),
		column("kind", "text", rows, func(l posting) string { return string(l.Kind) }),
		column("hours", "bigint", rows, func(l posting) int64 { return int64(l.Hours) }),
		column("amount", "bigint", rows, func(l posting) int64 { return l.Amount }),
		column("currency", "text", rows, func(l posting) string { return l.Currency }),
		column("event_id", "text", rows, func(l posting) *string { return l.EventID }),
		column("reference", "text", rows, func(l posting) *string { return l.Reference }),
		column("created_at", "timestamptz", rows, func(l posting) *time.Time { return &l.CreatedAt }),
	)
	if result.Error != nil {
		return fmt.Errorf("insert ledger entries: %w", result.Error)
	}
	return nil
}

// jsonOrNull encodes a value that can always be encoded; nil is SQL's NULL.
func jsonOrNull[T any](value *T) *string {
	if value == nil {
		return nil
	}
	encoded, err := json.Marshal(value)
	if err != nil {
		panic(fmt.Sprintf("encode %T: %v", value, err)) // only strings, integers and maps of them get here
	}
	text := string(encoded)
	return &text
}
