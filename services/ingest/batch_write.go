package ingest

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"hourbank/database"
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
		Where(database.IsAnyOf(tx, "id", ids)).Order("id").Find(&rows).Error
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
	writes := slices.DeleteFunc([]database.Write{
		insertEvents(fresh),
		updateEvents(known),
		insertPurchases(b.purchases.made()),
		updatePurchases(b.purchases.changed(), b.now),
		noteOtherIntents(b.purchases.others),
		rememberSubscriptions(b.periods.told, b.now),
		moveAccounts(totals(b.ledger), b.now),
		insertLedger(b.ledger),
	}, func(w database.Write) bool { return w.Rows == 0 })
	return database.Store(tx, writes)
}

// insertEvents falls short when another transaction was first with an event.
func insertEvents(rows []models.WebhookEvent) database.Write {
	type event = models.WebhookEvent
	return database.Write{What: "insert events", Rows: len(rows), Short: errOvertaken, Statement: `
		INSERT INTO webhook_events (id, type, api_version, livemode, status, reason, attempts, deliveries, payload,
			transaction_id, next_attempt_at, received_at, processed_at)
		SELECT id, type, api_version, livemode, status, reason, attempts, deliveries, payload,
			transaction_id, next_attempt_at, received_at, processed_at
		FROM %s WHERE true
		ON CONFLICT (id) DO NOTHING`, Columns: []database.Column{
		database.ColumnOf("id", "text", rows, func(e event) string { return e.ID }),
		database.ColumnOf("type", "text", rows, func(e event) string { return e.Type }),
		database.ColumnOf("api_version", "text", rows, func(e event) *string { return e.APIVersion }),
		database.ColumnOf("livemode", "boolean", rows, func(e event) bool { return e.Livemode }),
		database.ColumnOf("status", "text", rows, func(e event) string { return string(e.Status) }),
		database.ColumnOf("reason", "text", rows, func(e event) *string { return (*string)(e.Reason) }),
		database.ColumnOf("attempts", "integer", rows, func(e event) int { return e.Attempts }),
		database.ColumnOf("deliveries", "integer", rows, func(e event) int { return e.Deliveries }),
		database.ColumnOf("payload", "text", rows, func(e event) string { return e.Payload }),
		database.ColumnOf("transaction_id", "text", rows, func(e event) *string { return e.TransactionID }),
		database.ColumnOf("next_attempt_at", "timestamptz", rows, func(e event) *time.Time { return e.NextAttemptAt }),
		database.ColumnOf("received_at", "timestamptz", rows, func(e event) *time.Time { return &e.ReceivedAt }),
		database.ColumnOf("processed_at", "timestamptz", rows, func(e event) *time.Time { return e.ProcessedAt }),
	}}
}

func updateEvents(rows []models.WebhookEvent) database.Write {
	type event = models.WebhookEvent
	return database.Write{What: "update events", Rows: len(rows), Statement: `
		UPDATE webhook_events SET status = r.status, reason = r.reason, attempts = r.attempts, deliveries = r.deliveries,
			transaction_id = r.transaction_id, next_attempt_at = r.next_attempt_at, processed_at = r.processed_at
		FROM %s WHERE webhook_events.id = r.id`, Columns: []database.Column{
		database.ColumnOf("id", "text", rows, func(e event) string { return e.ID }),
		database.ColumnOf("status", "text", rows, func(e event) string { return string(e.Status) }),
		database.ColumnOf("reason", "text", rows, func(e event) *string { return (*string)(e.Reason) }),
		database.ColumnOf("attempts", "integer", rows, func(e event) int { return e.Attempts }),
		database.ColumnOf("deliveries", "integer", rows, func(e event) int { return e.Deliveries }),
		database.ColumnOf("transaction_id", "text", rows, func(e event) *string { return e.TransactionID }),
		database.ColumnOf("next_attempt_at", "timestamptz", rows, func(e event) *time.Time { return e.NextAttemptAt }),
		database.ColumnOf("processed_at", "timestamptz", rows, func(e event) *time.Time { return e.ProcessedAt }),
	}}
}

// purchaseColumns are the columns that events change.
func purchaseColumns(rows []*models.Purchase, now time.Time) []database.Column {
	type purchase = *models.Purchase
	return []database.Column{
		database.ColumnOf("id", "text", rows, func(p purchase) string { return p.ID }),
		database.ColumnOf("payment_status", "text", rows, func(p purchase) string { return string(p.PaymentStatus) }),
		database.ColumnOf("amount", "bigint", rows, func(p purchase) int64 { return p.Amount }),
		database.ColumnOf("hours_credited", "bigint", rows, func(p purchase) int64 { return int64(p.HoursCredited) }),
		database.ColumnOf("hours_reversed", "bigint", rows, func(p purchase) int64 { return int64(p.HoursReversed) }),
		database.ColumnOf("amount_received", "bigint", rows, func(p purchase) int64 { return p.AmountReceived }),
		database.ColumnOf("amount_refunded", "bigint", rows, func(p purchase) int64 { return p.AmountRefunded }),
		database.ColumnOf("amount_disputed", "bigint", rows, func(p purchase) int64 { return p.AmountDisputed }),
		database.ColumnOf("stripe_payment_intent_id", "text", rows, func(p purchase) *string { return p.StripePaymentIntentID }),
		database.ColumnOf("stripe_checkout_session_id", "text", rows, func(p purchase) *string { return p.StripeCheckoutSessionID }),
		database.ColumnOf("stripe_invoice_id", "text", rows, func(p purchase) *string { return p.StripeInvoiceID }),
		database.ColumnOf("stripe_customer_id", "text", rows, func(p purchase) *string { return p.StripeCustomerID }),
		database.ColumnOf("failure", "jsonb", rows, func(p purchase) *string { return database.JSONOrNull(p.Failure) }),
		database.ColumnOf("evidence", "jsonb", rows, func(p purchase) *string { return database.JSONOrNull(&p.Evidence) }),
		database.ColumnOf("expires_at", "timestamptz", rows, func(p purchase) *time.Time { return p.ExpiresAt }),
		database.ColumnOf("completed_at", "timestamptz", rows, func(p purchase) *time.Time { return p.CompletedAt }),
		database.ColumnOf("updated_at", "timestamptz", rows, func(purchase) *time.Time { return &now }),
	}
}

func updatePurchases(rows []*models.Purchase, now time.Time) database.Write {
	return database.Write{What: "update purchases", Rows: len(rows), Columns: purchaseColumns(rows, now), Statement: `
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
func insertPurchases(rows []*models.Purchase) database.Write {
	type purchase = *models.Purchase
	columns := append(purchaseColumns(rows, time.Time{}),
		database.ColumnOf("student_id", "text", rows, func(p purchase) string { return p.StudentID }),
		database.ColumnOf("transaction_type", "text", rows, func(p purchase) string { return string(p.TransactionType) }),
		database.ColumnOf("currency", "text", rows, func(p purchase) string { return p.Currency }),
		database.ColumnOf("hours", "bigint", rows, func(p purchase) int64 { return int64(p.Hours) }),
		database.ColumnOf("plan_id", "text", rows, func(p purchase) *string { return p.PlanID }),
		database.ColumnOf("valid_days", "integer", rows, func(p purchase) *int { return p.ValidDays }),
		database.ColumnOf("created_at", "timestamptz", rows, func(p purchase) *time.Time { return &p.CreatedAt }),
	)
	return database.Write{What: "insert purchases", Rows: len(rows), Short: errOvertaken, Columns: columns, Statement: `
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
func noteOtherIntents(others []models.OtherIntent) database.Write {
	type other = models.OtherIntent
	rows := slices.SortedFunc(slices.Values(others), func(a, b other) int { return cmp.Compare(a.ID, b.ID) })
	return database.Write{What: "note other payment intents", Rows: len(rows), Statement: `
		INSERT INTO purchase_payment_intents (id, purchase_id) SELECT id, purchase_id FROM %s WHERE true
		ON CONFLICT (id) DO UPDATE SET purchase_id = EXCLUDED.purchase_id`, Columns: []database.Column{
		database.ColumnOf("id", "text", rows, func(o other) string { return o.ID }),
		database.ColumnOf("purchase_id", "text", rows, func(o other) string { return o.PurchaseID }),
	}}
}

func rememberSubscriptions(told map[telling]*models.Subscription, now time.Time) database.Write {
	type subscription = *models.Subscription
	rows := slices.SortedFunc(maps.Values(told), func(a, b subscription) int {
		return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.ToldAt, b.ToldAt))
	})
	return database.Write{What: "remember subscriptions", Rows: len(rows), Short: errOvertaken, Statement: `
		INSERT INTO stripe_subscriptions (id, student_id, plan_id, stripe_price_id, told_at, updated_at)
		SELECT id, student_id, plan_id, stripe_price_id, told_at, updated_at FROM %s WHERE true
		ON CONFLICT (id, told_at) DO UPDATE SET student_id = EXCLUDED.student_id, plan_id = EXCLUDED.plan_id,
			stripe_price_id = EXCLUDED.stripe_price_id, updated_at = EXCLUDED.updated_at
		WHERE (stripe_subscriptions.student_id, stripe_subscriptions.plan_id, stripe_subscriptions.stripe_price_id)
			< (EXCLUDED.student_id, EXCLUDED.plan_id, EXCLUDED.stripe_price_id)`, Columns: []database.Column{
		database.ColumnOf("id", "text", rows, func(s subscription) string { return s.ID }),
		database.ColumnOf("student_id", "text", rows, func(s subscription) string { return s.StudentID }),
		database.ColumnOf("plan_id", "text", rows, func(s subscription) string { return s.PlanID }),
		database.ColumnOf("stripe_price_id", "text", rows, func(s subscription) string { return s.StripePriceID }),
		database.ColumnOf("told_at", "bigint", rows, func(s subscription) int64 { return s.ToldAt }),
		database.ColumnOf("updated_at", "timestamptz", rows, func(subscription) *time.Time { return &now }),
	}}
}

// moveAccounts adds to the accounts' totals. Its rows are in student order, and
// so are the locks it takes: whether a plan looks up each row's account or
// walks the index of accounts, it comes by them in that order.
func moveAccounts(rows []accountMovement, now time.Time) database.Write {
	type movement = accountMovement
	return database.Write{What: "move accounts", Rows: len(rows), Statement: `
		UPDATE student_account_balances SET hours_purchased = hours_purchased + r.purchased,
			hours_reversed = hours_reversed + r.reversed, hours_consumed = hours_consumed + r.consumed,
			balance_amount = balance_amount + r.amount, updated_at = r.updated_at
		FROM %s WHERE student_account_balances.student_id = r.student_id`, Columns: []database.Column{
		database.ColumnOf("student_id", "text", rows, func(m movement) string { return m.studentID }),
		database.ColumnOf("purchased", "bigint", rows, func(m movement) int64 { return int64(m.Purchased) }),
		database.ColumnOf("reversed", "bigint", rows, func(m movement) int64 { return int64(m.Reversed) }),
		database.ColumnOf("consumed", "bigint", rows, func(m movement) int64 { return int64(m.Consumed) }),
		database.ColumnOf("amount", "bigint", rows, func(m movement) int64 { return m.Amount }),
		database.ColumnOf("updated_at", "timestamptz", rows, func(movement) *time.Time { return &now }),
	}}
}

func insertLedger(rows []models.LedgerEntry) database.Write {
	type posting = models.LedgerEntry
	return database.Write{What: "insert ledger entries", Rows: len(rows), Statement: `
		INSERT INTO hour_ledger_entries (id, student_id, transaction_id, kind, hours, amount, currency, event_id,
			reference, reason, created_at)
		SELECT id, student_id, transaction_id, kind, hours, amount, currency, event_id, reference, reason, created_at
		FROM %s`, Columns: []database.Column{
		database.ColumnOf("id", "text", rows, func(l posting) string { return l.ID }),
		database.ColumnOf("student_id", "text", rows, func(l posting) string { return l.StudentID }),
		database.ColumnOf("transaction_id", "text", rows, func(l posting) *string { return l.TransactionID }),
		database.ColumnOf("kind", "text", rows, func(l posting) string { return string(l.Kind) }),
		database.ColumnOf("hours", "bigint", rows, func(l posting) int64 { return int64(l.Hours) }),
		database.ColumnOf("amount", "bigint", rows, func(l posting) int64 { return l.Amount }),
		database.ColumnOf("currency", "text", rows, func(l posting) string { return l.Currency }),
		database.ColumnOf("event_id", "text", rows, func(l posting) *string { return l.EventID }),
		database.ColumnOf("reference", "text", rows, func(l posting) *string { return l.Reference }),
		database.ColumnOf("reason", "text", rows, func(l posting) *string { return l.Reason }),
		database.ColumnOf("created_at", "timestamptz", rows, func(l posting) *time.Time { return &l.CreatedAt }),
	}}
}

// LedgerWrites book entries: on the students' accounts, and in the ledger.
func LedgerWrites(ledger []models.LedgerEntry, now time.Time) []database.Write {
	return []database.Write{moveAccounts(totals(ledger), now), insertLedger(ledger)}
}
