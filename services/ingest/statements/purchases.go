package statements

import (
	"time"

	"hourbank/database"
	"hourbank/models"
)

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

// UpdatePurchases notes what events changed of purchases.
func UpdatePurchases(rows []*models.Purchase, now time.Time) database.Write {
	return database.Update("update purchases", "purchase_transactions", rows, purchaseColumns(rows, now))
}

// InsertPurchases stores the purchases that Stripe began. It falls short when
// another transaction was first with one.
func InsertPurchases(rows []*models.Purchase) database.Write {
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
	w.Short = ErrOvertaken
	return w
}
