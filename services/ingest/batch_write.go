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
	"hourbank/services/ledger"
	"hourbank/services/lots"
	"hourbank/services/payloads"
)

// lockEvents reads and locks the rows of those events that have one.
func lockEvents(tx *gorm.DB, items []*item) (map[string]*models.WebhookEvent, error) {
	ids := make([]string, len(items))
	for i, e := range items {
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
	var fresh, known []models.WebhookEvent
	var waiting, resolved []*item
	var forgotten []string // whose payloads are stored
	sorted := slices.SortedFunc(slices.Values(b.items), func(a, b *item) int { return cmp.Compare(a.event.ID, b.event.ID) })
	for _, e := range sorted {
		if e.known == nil {
			fresh = append(fresh, e.row)
		} else {
			known = append(known, e.row)
			if e.event.Forgotten {
				forgotten = append(forgotten, e.event.ID)
			}
		}
		switch {
		case e.repeated:
		case len(e.awaits) > 0:
			waiting = append(waiting, e)
		case wasOpen(e.known):
			resolved = append(resolved, e)
		}
	}
	keys := sortedKeys(b.book.keys)
	writes := []database.Write{
		insertEvents(fresh),
		updateEvents(known),
		await(waiting),
		awaitNoMore(resolved),
	}
	writes = append(writes, b.book.writes()...)
	later := []database.Write{lots.Follow(append(byID(b.book.made), byID(b.book.changed)...))}
	woken := Wake(b.wakingKeys(keys))
	if len(known) == 0 {
		writes = append(writes, woken)
	} else { // both update events, and one statement can't update a row twice
		later = append(later, woken)
	}
	if err := database.Store(tx, writes); err != nil {
		return err
	}
	if err := database.Store(tx, later); err != nil || len(forgotten) == 0 {
		return err
	}
	return payloads.Remove(tx, forgotten)
}

// writes store what the book holds, but for events.
func (b *book) writes() []database.Write {
	return []database.Write{
		insertPurchases(byID(b.made)),
		updatePurchases(byID(b.changed), b.now),
		moveKeys(sortedKeys(b.moved)),
		insertKeys(sortedKeys(b.keys)),
		shareKeys(b.shared),
		rememberSubscriptions(b.told, b.now),
		ledger.Book(b.ledger),
		b.cases.Opened(b.now),
		b.cases.Closed(b.now),
	}
}

// wakingKeys are what unresolved events may have waited for.
func (b *batch) wakingKeys(keys []purchaseKey) []string {
	waking := make([]string, 0, len(keys)+len(b.book.told)+len(b.book.made))
	for _, key := range keys {
		waking = append(waking, key.key)
	}
	waking = slices.AppendSeq(waking, maps.Keys(b.book.told))
	waking = slices.AppendSeq(waking, maps.Keys(b.book.made))
	slices.Sort(waking)
	return slices.Compact(waking)
}

func byID(purchases map[string]*models.Purchase) []*models.Purchase {
	return slices.SortedFunc(maps.Values(purchases), func(a, b *models.Purchase) int { return cmp.Compare(a.ID, b.ID) })
}

// insertEvents falls short when another transaction was first with an event.
func insertEvents(rows []models.WebhookEvent) database.Write {
	type event = models.WebhookEvent
	w := database.Insert("insert events", "webhook_events", rows, append(eventColumns(rows),
		database.ColumnOf("type", "text", rows, func(e event) string { return e.Type }),
		database.ColumnOf("api_version", "text", rows, func(e event) *string { return e.APIVersion }),
		database.ColumnOf("livemode", "boolean", rows, func(e event) bool { return e.Livemode }),
		database.ColumnOf("payload", "text", rows, func(e event) string { return e.Payload }),
		database.ColumnOf("payload_sha256", "text", rows, func(e event) *string { return e.PayloadSHA256 }),
		database.ColumnOf("received_at", "timestamptz", rows, func(e event) *time.Time { return &e.ReceivedAt }),
	), "ON CONFLICT (id) DO NOTHING")
	w.Short = errOvertaken
	return w
}

func updateEvents(rows []models.WebhookEvent) database.Write {
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

// purchaseColumns are the columns that events change.
func purchaseColumns(rows []*models.Purchase, now time.Time) []database.Column {
	type purchase = *models.Purchase
	return []database.Column{
		database.ColumnOf("id", "text", rows, func(p purchase) string { return p.ID }),
		database.ColumnOf("payment_status", "text", rows, func(p purchase) string { return string(p.PaymentStatus) }),
		database.ColumnOf("amount_due", "bigint", rows, func(p purchase) int64 { return p.AmountDue }),
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
		database.ColumnOf("merged_into", "text", rows, func(p purchase) *string { return p.MergedInto }),
		database.ColumnOf("expires_at", "timestamptz", rows, func(p purchase) *time.Time { return p.ExpiresAt }),
		database.ColumnOf("completed_at", "timestamptz", rows, func(p purchase) *time.Time { return p.CompletedAt }),
		database.ColumnOf("updated_at", "timestamptz", rows, func(purchase) *time.Time { return &now }),
	}
}

func updatePurchases(rows []*models.Purchase, now time.Time) database.Write {
	return database.Update("update purchases", "purchase_transactions", rows, purchaseColumns(rows, now))
}

// insertPurchases stores the purchases that Stripe began. It falls short when
// another transaction was first with one.
func insertPurchases(rows []*models.Purchase) database.Write {
	type purchase = *models.Purchase
	now := time.Time{}
	if len(rows) > 0 {
		now = rows[0].CreatedAt
	}
	w := database.Insert("insert purchases", "purchase_transactions", rows, append(purchaseColumns(rows, now),
		database.ColumnOf("student_id", "text", rows, func(p purchase) string { return p.StudentID }),
		database.ColumnOf("beneficiary_id", "text", rows, func(p purchase) *string { return p.BeneficiaryID }),
		database.ColumnOf("transaction_type", "text", rows, func(p purchase) string { return string(p.TransactionType) }),
		database.ColumnOf("amount", "bigint", rows, func(p purchase) int64 { return p.Amount }),
		database.ColumnOf("currency", "text", rows, func(p purchase) string { return p.Currency }),
		database.ColumnOf("hours", "bigint", rows, func(p purchase) int64 { return int64(p.Hours) }),
		database.ColumnOf("origin", "integer", rows, func(p purchase) int { return int(p.Origin) }),
		database.ColumnOf("plan_id", "text", rows, func(p purchase) *string { return p.PlanID }),
		database.ColumnOf("valid_days", "integer", rows, func(p purchase) *int { return p.ValidDays }),
		database.ColumnOf("rollover_hours", "bigint", rows, func(p purchase) *int64 { return (*int64)(p.RolloverHours) }),
		database.ColumnOf("created_at", "timestamptz", rows, func(p purchase) *time.Time { return &p.CreatedAt }),
	), "ON CONFLICT (id) DO NOTHING")
	w.Short = errOvertaken
	return w
}

// purchaseKey is an id of Stripe's by which a purchase is found.
type purchaseKey struct{ key, purchaseID string }

// sortedKeys lists keys and whose they are, in order.
func sortedKeys(owners map[string]*models.Purchase) []purchaseKey {
	keys := make([]purchaseKey, 0, len(owners))
	for key, p := range owners {
		keys = append(keys, purchaseKey{key, p.ID})
	}
	slices.SortFunc(keys, func(a, b purchaseKey) int { return cmp.Compare(a.key, b.key) })
	return keys
}

func keyColumns(rows []purchaseKey) []database.Column {
	return []database.Column{
		database.ColumnOf("key", "text", rows, func(k purchaseKey) string { return k.key }),
		database.ColumnOf("purchase_id", "text", rows, func(k purchaseKey) string { return k.purchaseID }),
	}
}

// onTakenKey leaves a key where it is.
const onTakenKey = "ON CONFLICT (key) DO NOTHING"

// insertKeys falls short when another transaction was first with one.
func insertKeys(rows []purchaseKey) database.Write {
	w := database.Insert("note purchase keys", "purchase_keys", rows, keyColumns(rows), onTakenKey)
	w.Short = errOvertaken
	return w
}

// shareKeys notes keys that several purchases may have.
func shareKeys(shared map[purchaseKey]bool) database.Write {
	rows := slices.SortedFunc(maps.Keys(shared), func(a, b purchaseKey) int {
		return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.purchaseID, b.purchaseID))
	})
	w := database.Insert("note shared keys", "shared_keys", rows, keyColumns(rows), "ON CONFLICT (key, purchase_id) DO NOTHING")
	w.AtMost = true
	return w
}

// moveKeys gives keys of merged purchases to those that took their evidence.
func moveKeys(rows []purchaseKey) database.Write {
	return database.Write{What: "move purchase keys", Rows: len(rows), Columns: keyColumns(rows), Statement: `
		UPDATE purchase_keys SET purchase_id = r.purchase_id FROM %s WHERE purchase_keys.key = r.key`}
}

func rememberSubscriptions(told map[string][]*models.Subscription, now time.Time) database.Write {
	type subscription = *models.Subscription
	rows := slices.Concat(slices.Collect(maps.Values(told))...)
	slices.SortFunc(rows, func(a, b subscription) int { return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.ToldAt, b.ToldAt)) })
	w := database.Insert("remember subscriptions", "stripe_subscriptions", rows, []database.Column{
		database.ColumnOf("id", "text", rows, func(s subscription) string { return s.ID }),
		database.ColumnOf("student_id", "text", rows, func(s subscription) string { return s.StudentID }),
		database.ColumnOf("plan_id", "text", rows, func(s subscription) string { return s.PlanID }),
		database.ColumnOf("stripe_price_id", "text", rows, func(s subscription) string { return s.StripePriceID }),
		database.ColumnOf("told_at", "bigint", rows, func(s subscription) int64 { return s.ToldAt }),
		database.ColumnOf("updated_at", "timestamptz", rows, func(subscription) *time.Time { return &now }),
	}, `ON CONFLICT (id, told_at) DO UPDATE SET student_id = EXCLUDED.student_id, plan_id = EXCLUDED.plan_id,
			stripe_price_id = EXCLUDED.stripe_price_id, updated_at = EXCLUDED.updated_at
		WHERE (stripe_subscriptions.student_id <> '', stripe_subscriptions.student_id, stripe_subscriptions.plan_id, stripe_subscriptions.stripe_price_id)
			< (EXCLUDED.student_id <> '', EXCLUDED.student_id, EXCLUDED.plan_id, EXCLUDED.stripe_price_id)`)
	w.Short = errOvertaken
	return w
}
