package services

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
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

// write stores what was decided.
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
	writes := slices.DeleteFunc([]write{
		insertEvents(fresh),
		updateEvents(known),
		insertPurchases(b.purchases.made()),
		updatePurchases(b.purchases.changed(), b.now),
		noteOtherIntents(b.purchases.others),
		rememberSubscriptions(b.periods.told, b.now),
		moveAccounts(totals(b.ledger), b.now),
		insertLedger(b.ledger),
	}, func(w write) bool { return w.rows == 0 })
	return store(tx, writes)
}

// insertEvents falls short when another transaction was first with an event.
func insertEvents(rows []models.WebhookEvent) write {
	type event = models.WebhookEvent
	return write{what: "insert events", rows: len(rows), short: errOvertaken, statement: `
		INSERT INTO webhook_events (id, type, api_version, livemode, status, reason, attempts, deliveries, payload,
			transaction_id, next_attempt_at, received_at, processed_at)
		SELECT id, type, api_version, livemode, status, reason, attempts, deliveries, payload,
			transaction_id, next_attempt_at, received_at, processed_at
		FROM %s WHERE true
		ON CONFLICT (id) DO NOTHING`, columns: []column{
		columnOf("id", "text", rows, func(e event) string { return e.ID }),
		columnOf("type", "text", rows, func(e event) string { return e.Type }),
		columnOf("api_version", "text", rows, func(e event) *string { return e.APIVersion }),
		columnOf("livemode", "boolean", rows, func(e event) bool { return e.Livemode }),
		columnOf("status", "text", rows, func(e event) string { return string(e.Status) }),
		columnOf("reason", "text", rows, func(e event) *string { return (*string)(e.Reason) }),
		columnOf("attempts", "integer", rows, func(e event) int { return e.Attempts }),
		columnOf("deliveries", "integer", rows, func(e event) int { return e.Deliveries }),
		columnOf("payload", "text", rows, func(e event) string { return e.Payload }),
		columnOf("transaction_id", "text", rows, func(e event) *string { return e.TransactionID }),
		columnOf("next_attempt_at", "timestamptz", rows, func(e event) *time.Time { return e.NextAttemptAt }),
		columnOf("received_at", "timestamptz", rows, func(e event) *time.Time { return &e.ReceivedAt }),
		columnOf("processed_at", "timestamptz", rows, func(e event) *time.Time { return e.ProcessedAt }),
	}}
}

func updateEvents(rows []models.WebhookEvent) write {
	type event = models.WebhookEvent
	return write{what: "update events", rows: len(rows), statement: `
		UPDATE webhook_events SET status = r.status, reason = r.reason, attempts = r.attempts, deliveries = r.deliveries,
			transaction_id = r.transaction_id, next_attempt_at = r.next_attempt_at, processed_at = r.processed_at
		FROM %s WHERE webhook_events.id = r.id`, columns: []column{
		columnOf("id", "text", rows, func(e event) string { return e.ID }),
		columnOf("status", "text", rows, func(e event) string { return string(e.Status) }),
		columnOf("reason", "text", rows, func(e event) *string { return (*string)(e.Reason) }),
		columnOf("attempts", "integer", rows, func(e event) int { return e.Attempts }),
		columnOf("deliveries", "integer", rows, func(e event) int { return e.Deliveries }),
		columnOf("transaction_id", "text", rows, func(e event) *string { return e.TransactionID }),
		columnOf("next_attempt_at", "timestamptz", rows, func(e event) *time.Time { return e.NextAttemptAt }),
		columnOf("processed_at", "timestamptz", rows, func(e event) *time.Time { return e.ProcessedAt }),
	}}
}

// purchaseColumns are the columns that events change.
func purchaseColumns(rows []*models.Purchase, now time.Time) []column {
	type purchase = *models.Purchase
	return []column{
		columnOf("id", "text", rows, func(p purchase) string { return p.ID }),
		columnOf("payment_status", "text", rows, func(p purchase) string { return string(p.PaymentStatus) }),
		columnOf("amount", "bigint", rows, func(p purchase) int64 { return p.Amount }),
		columnOf("hours_credited", "bigint", rows, func(p purchase) int64 { return int64(p.HoursCredited) }),
		columnOf("hours_reversed", "bigint", rows, func(p purchase) int64 { return int64(p.HoursReversed) }),
		columnOf("amount_received", "bigint", rows, func(p purchase) int64 { return p.AmountReceived }),
		columnOf("amount_refunded", "bigint", rows, func(p purchase) int64 { return p.AmountRefunded }),
		columnOf("amount_disputed", "bigint", rows, func(p purchase) int64 { return p.AmountDisputed }),
		columnOf("stripe_payment_intent_id", "text", rows, func(p purchase) *string { return p.StripePaymentIntentID }),
		columnOf("stripe_checkout_session_id", "text", rows, func(p purchase) *string { return p.StripeCheckoutSessionID }),
		columnOf("stripe_invoice_id", "text", rows, func(p purchase) *string { return p.StripeInvoiceID }),
		columnOf("stripe_customer_id", "text", rows, func(p purchase) *string { return p.StripeCustomerID }),
		columnOf("failure", "jsonb", rows, func(p purchase) *string { return jsonOrNull(p.Failure) }),
		columnOf("evidence", "jsonb", rows, func(p purchase) *string { return jsonOrNull(&p.Evidence) }),
		columnOf("expires_at", "timestamptz", rows, func(p purchase) *time.Time { return p.ExpiresAt }),
		columnOf("completed_at", "timestamptz", rows, func(p purchase) *time.Time { return p.CompletedAt }),
		columnOf("updated_at", "timestamptz", rows, func(purchase) *time.Time { return &now }),
	}
}

func updatePurchases(rows []*models.Purchase, now time.Time) write {
	return write{what: "update purchases", rows: len(rows), columns: purchaseColumns(rows, now), statement: `
		UPDATE purchase_transactions SET payment_status = r.payment_status, amount = r.amount,
			hours_credited = r.hours_credited, hours_reversed = r.hours_reversed, amount_received = r.amount_received,
			amount_refunded = r.amount_refunded, amount_disputed = r.amount_disputed,
			stripe_payment_intent_id = r.stripe_payment_intent_id, stripe_invoice_id = r.stripe_invoice_id,
			stripe_checkout_session_id = r.stripe_checkout_session_id, stripe_customer_id = r.stripe_customer_id,
			failure = r.failure, evidence = r.evidence, expires_at = r.expires_at, completed_at = r.completed_at,
			updated_at = r.updated_at
		FROM %s WHERE purchase_transactions.id = r.id`}
}

// insertPurchases stores the purchases that invoices made. It falls short
// when another transaction was first with an invoice.
func insertPurchases(rows []*models.Purchase) write {
	type purchase = *models.Purchase
	columns := append(purchaseColumns(rows, time.Time{}),
		columnOf("student_id", "text", rows, func(p purchase) string { return p.StudentID }),
		columnOf("transaction_type", "text", rows, func(p purchase) string { return string(p.TransactionType) }),
		columnOf("currency", "text", rows, func(p purchase) string { return p.Currency }),
		columnOf("hours", "bigint", rows, func(p purchase) int64 { return int64(p.Hours) }),
		columnOf("plan_id", "text", rows, func(p purchase) *string { return p.PlanID }),
		columnOf("valid_days", "integer", rows, func(p purchase) *int { return p.ValidDays }),
		columnOf("created_at", "timestamptz", rows, func(p purchase) *time.Time { return &p.CreatedAt }),
	)
	return write{what: "insert purchases", rows: len(rows), short: errOvertaken, columns: columns, statement: `
		INSERT INTO purchase_transactions (id, student_id, transaction_type, payment_status, amount, currency, hours,
			hours_credited, hours_reversed, amount_received, amount_refunded, amount_disputed, stripe_payment_intent_id,
			stripe_checkout_session_id, stripe_invoice_id, stripe_customer_id, plan_id, valid_days, failure, evidence,
			expires_at, completed_at, created_at, updated_at)
		SELECT id, student_id, transaction_type, payment_status, amount, currency, hours,
			hours_credited, hours_reversed, amount_received, amount_refunded, amount_disputed, stripe_payment_intent_id,
			stripe_checkout_session_id, stripe_invoice_id, stripe_customer_id, plan_id, valid_days, failure, evidence,
			expires_at, completed_at, created_at, created_at
		FROM %s WHERE true
		ON CONFLICT (stripe_invoice_id) DO NOTHING`}
}

// noteOtherIntents may note one again.
func noteOtherIntents(others []models.OtherIntent) write {
	type other = models.OtherIntent
	rows := slices.SortedFunc(slices.Values(others), func(a, b other) int { return cmp.Compare(a.ID, b.ID) })
	return write{what: "note other payment intents", rows: len(rows), statement: `
		INSERT INTO purchase_payment_intents (id, purchase_id) SELECT id, purchase_id FROM %s WHERE true
		ON CONFLICT (id) DO UPDATE SET purchase_id = EXCLUDED.purchase_id`, columns: []column{
		columnOf("id", "text", rows, func(o other) string { return o.ID }),
		columnOf("purchase_id", "text", rows, func(o other) string { return o.PurchaseID }),
	}}
}

func rememberSubscriptions(told map[telling]*models.Subscription, now time.Time) write {
	type subscription = *models.Subscription
	rows := slices.SortedFunc(maps.Values(told), func(a, b subscription) int {
		return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.ToldAt, b.ToldAt))
	})
	return write{what: "remember subscriptions", rows: len(rows), short: errOvertaken, statement: `
		INSERT INTO stripe_subscriptions (id, student_id, plan_id, stripe_price_id, told_at, updated_at)
		SELECT id, student_id, plan_id, stripe_price_id, told_at, updated_at FROM %s WHERE true
		ON CONFLICT (id, told_at) DO UPDATE SET student_id = EXCLUDED.student_id, plan_id = EXCLUDED.plan_id,
			stripe_price_id = EXCLUDED.stripe_price_id, updated_at = EXCLUDED.updated_at
		WHERE (stripe_subscriptions.student_id, stripe_subscriptions.plan_id, stripe_subscriptions.stripe_price_id)
			< (EXCLUDED.student_id, EXCLUDED.plan_id, EXCLUDED.stripe_price_id)`, columns: []column{
		columnOf("id", "text", rows, func(s subscription) string { return s.ID }),
		columnOf("student_id", "text", rows, func(s subscription) string { return s.StudentID }),
		columnOf("plan_id", "text", rows, func(s subscription) string { return s.PlanID }),
		columnOf("stripe_price_id", "text", rows, func(s subscription) string { return s.StripePriceID }),
		columnOf("told_at", "bigint", rows, func(s subscription) int64 { return s.ToldAt }),
		columnOf("updated_at", "timestamptz", rows, func(subscription) *time.Time { return &now }),
	}}
}

// moveAccounts adds to the accounts' totals. Its rows are in student order, and
// so are the locks it takes: whether a plan looks up each row's account or
// walks the index of accounts, it comes by them in that order.
func moveAccounts(rows []accountMovement, now time.Time) write {
	type movement = accountMovement
	return write{what: "move accounts", rows: len(rows), statement: `
		UPDATE student_account_balances SET hours_purchased = hours_purchased + r.purchased,
			hours_reversed = hours_reversed + r.reversed, hours_consumed = hours_consumed + r.consumed,
			balance_amount = balance_amount + r.amount, updated_at = r.updated_at
		FROM %s WHERE student_account_balances.student_id = r.student_id`, columns: []column{
		columnOf("student_id", "text", rows, func(m movement) string { return m.studentID }),
		columnOf("purchased", "bigint", rows, func(m movement) int64 { return int64(m.Purchased) }),
		columnOf("reversed", "bigint", rows, func(m movement) int64 { return int64(m.Reversed) }),
		columnOf("consumed", "bigint", rows, func(m movement) int64 { return int64(m.Consumed) }),
		columnOf("amount", "bigint", rows, func(m movement) int64 { return m.Amount }),
		columnOf("updated_at", "timestamptz", rows, func(movement) *time.Time { return &now }),
	}}
}

func insertLedger(rows []models.LedgerEntry) write {
	type posting = models.LedgerEntry
	return write{what: "insert ledger entries", rows: len(rows), statement: `
		INSERT INTO hour_ledger_entries (id, student_id, transaction_id, kind, hours, amount, currency, event_id,
			reference, reason, created_at)
		SELECT id, student_id, transaction_id, kind, hours, amount, currency, event_id, reference, reason, created_at
		FROM %s`, columns: []column{
		columnOf("id", "text", rows, func(l posting) string { return l.ID }),
		columnOf("student_id", "text", rows, func(l posting) string { return l.StudentID }),
		columnOf("transaction_id", "text", rows, func(l posting) *string { return l.TransactionID }),
		columnOf("kind", "text", rows, func(l posting) string { return string(l.Kind) }),
		columnOf("hours", "bigint", rows, func(l posting) int64 { return int64(l.Hours) }),
		columnOf("amount", "bigint", rows, func(l posting) int64 { return l.Amount }),
		columnOf("currency", "text", rows, func(l posting) string { return l.Currency }),
		columnOf("event_id", "text", rows, func(l posting) *string { return l.EventID }),
		columnOf("reference", "text", rows, func(l posting) *string { return l.Reference }),
		columnOf("reason", "text", rows, func(l posting) *string { return l.Reason }),
		columnOf("created_at", "timestamptz", rows, func(l posting) *time.Time { return &l.CreatedAt }),
	}}
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
