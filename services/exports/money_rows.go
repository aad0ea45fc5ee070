package exports

import (
	"context"
	"slices"

	"gorm.io/gorm"

	"hourbank/models"
)

var purchaseColumns = slices.Concat(
	[]string{"id", "student_id", "transaction_type", "payment_status", "plan_id", "hours", "hours_credited", "hours_reversed"},
	twice("amount", "amount_due", "amount_received", "amount_refunded", "amount_disputed"),
	[]string{"currency", "stripe_payment_intent_id", "stripe_checkout_session_id", "stripe_invoice_id", "stripe_customer_id",
		"completed_at", "expires_at", "created_at", "test", "beneficiary_id"},
)

var purchases = table[models.Purchase]{
	columns: "id, student_id, transaction_type, payment_status, plan_id, hours, hours_credited, hours_reversed, amount, amount_due, " +
		"amount_received, amount_refunded, amount_disputed, currency, stripe_payment_intent_id, stripe_checkout_session_id, " +
		"stripe_invoice_id, stripe_customer_id, metadata, completed_at, expires_at, created_at, beneficiary_id",
	from: "purchase_transactions", key: []string{"created_at", "id"},
	keyOf: func(p *models.Purchase) []any { return []any{p.CreatedAt.UTC(), p.ID} },
	cells: func(p *models.Purchase) []string {
		return slices.Concat(
			[]string{text(p.ID), text(p.StudentID), string(p.TransactionType), string(p.PaymentStatus), optional(p.PlanID)},
			hours(p.Hours, p.HoursCredited, p.HoursReversed),
			amounts(p.Currency, p.Amount, p.AmountDue, p.AmountReceived, p.AmountRefunded, p.AmountDisputed),
			[]string{p.Currency, optional(p.StripePaymentIntentID), optional(p.StripeCheckoutSessionID), optional(p.StripeInvoiceID), optional(p.StripeCustomerID),
				optionalMoment(p.CompletedAt), optionalMoment(p.ExpiresAt), moment(p.CreatedAt), yes(p.IsTest()), optional(p.BeneficiaryID)})
	},
}

func (s *Service) purchases(ctx context.Context, q query, give func([][]string) error) error {
	return purchases.write(s.db.Reader.WithContext(ctx), func(tx *gorm.DB) *gorm.DB {
		tx = q.during(tx, "created_at")
		if student := q.Get("student_id"); student != "" { // a gift is of both
			tx = tx.Where("(student_id = ? OR beneficiary_id = ?)", student, student)
		}
		return q.equals(q.equals(tx, "payment_status", "payment_status"), "plan", "plan_id")
	}, give)
}

var entryColumns = slices.Concat(
	[]string{"id", "occurred_at", "created_at", "student_id", "kind", "hours"},
	twice("amount", "amount_refunded", "amount_disputed"),
	[]string{"currency", "transaction_id", "plan_id", "actor", "event_id", "reference", "reason", "test"},
)

// entry is a ledger entry with its purchase's plan.
type entry struct {
	models.LedgerEntry
	PlanID   *string
	Metadata map[string]string `gorm:"serializer:json"`
}

// Entries are in the order in which they were booked, which their ids keep.
var entries = table[entry]{
	columns: "l.*, p.plan_id, p.metadata", key: []string{"l.id"},
	from:  "hour_ledger_entries l LEFT JOIN purchase_transactions p ON p.id = l.transaction_id",
	keyOf: func(e *entry) []any { return []any{e.ID} },
	cells: func(e *entry) []string {
		purchase := models.Purchase{Metadata: e.Metadata}
		return slices.Concat(
			[]string{e.ID, moment(e.OccurredAt), moment(e.CreatedAt), text(e.StudentID), string(e.Kind), e.Hours.String()},
			amounts(optional(e.Currency), e.Amount, e.AmountRefunded, e.AmountDisputed),
			[]string{optional(e.Currency), optional(e.TransactionID), optional(e.PlanID), optional(e.Actor), optional(e.EventID), optional(e.Reference),
				optional(e.Reason), yes(purchase.IsTest())})
	},
}

func (s *Service) ledger(ctx context.Context, q query, give func([][]string) error) error {
	return entries.write(s.db.Reader.WithContext(ctx), func(tx *gorm.DB) *gorm.DB {
		tx = q.equals(q.during(tx, "l.occurred_at"), "student_id", "l.student_id")
		return q.equals(q.equals(tx, "kind", "l.kind"), "plan", "p.plan_id")
	}, give)
}
