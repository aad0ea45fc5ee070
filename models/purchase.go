package models

import (
	"encoding/binary"
	"time"

	"github.com/google/uuid"
)

// Purchase is a student's intent to buy hours: so much money for so many
// hours, tied to one PaymentIntent, Checkout Session or invoice. Its status,
// hours and money are always what Derive makes of its evidence.
type Purchase struct {
	ID              string          `gorm:"primaryKey" json:"id"`
	StudentID       string          `json:"student_id"`
	TransactionType TransactionType `json:"transaction_type"`
	PaymentStatus   PaymentStatus   `json:"payment_status"`
	Amount          int64           `json:"amount"` // minor units, as all amounts
	Currency        string          `json:"currency"`
	Hours           Hours           `json:"hours"`
	HoursCredited   Hours           `json:"hours_credited"`
	HoursReversed   Hours           `json:"hours_reversed"`
	AmountReceived  int64           `json:"amount_received"`
	AmountRefunded  int64           `json:"amount_refunded"`
	AmountDisputed  int64           `json:"amount_disputed"`

	StripePaymentIntentID   *string `json:"stripe_payment_intent_id"`
	StripeCheckoutSessionID *string `json:"stripe_checkout_session_id"`
	StripeInvoiceID         *string `json:"stripe_invoice_id"`
	StripeCustomerID        *string `json:"stripe_customer_id"`

	PlanID    *string           `json:"plan_id"`
	ValidDays *int              `json:"-"` // how long the hours live once paid; nil: for ever
	Failure   *Failure          `gorm:"serializer:json" json:"failure"`
	Metadata  map[string]string `gorm:"serializer:json" json:"metadata"`
	Evidence  Evidence          `gorm:"serializer:json" json:"-"`

	ExpiresAt   *time.Time `json:"expires_at"`
	CompletedAt *time.Time `json:"completed_at"`
	CreatedAt   time.Time  `json:"created_at"`
	UpdatedAt   time.Time  `json:"updated_at"`
}

// TableName is the contract's.
func (Purchase) TableName() string { return "purchase_transactions" }

// OtherIntent is a further PaymentIntent of a purchase, beside the one that it
// was tied to first.
type OtherIntent struct {
	ID         string `gorm:"primaryKey"`
	PurchaseID string
}

// TableName says whose they are.
func (OtherIntent) TableName() string { return "purchase_payment_intents" }

// NewID makes a time-ordered identifier, so that rows made together lie
// together in an index, without a sequence that replicas would contend for.
func NewID() string { return uuid.Must(uuid.NewV7()).String() }

// FirstIDAt sorts before every identifier made at the time or later.
func FirstIDAt(t time.Time) string {
	var id uuid.UUID
	binary.BigEndian.PutUint64(id[:8], uint64(t.UnixMilli())<<16)
	return id.String()
}

// Terms are what the purchase agreed on.
func (p *Purchase) Terms() Terms {
	return Terms{Amount: p.Amount, Currency: p.Currency, Hours: p.Hours}
}

// Unpaid is the purchase as it was before any event told of it.
func (p *Purchase) Unpaid() *Purchase {
	before := *p
	before.Evidence = Evidence{}
	before.apply(Derive(p.Terms(), Evidence{}))
	return &before
}

// Lesson is what a purchase made of an event's facts.
type Lesson struct {
	Entries []LedgerEntry // that the change of state asks for, without ids, event and time
	Reason  Reason        // stale: they told nothing new; or why an operator must look
	Changed bool          // the evidence, if only in when something was told
}

// Learn joins an event's facts into the purchase's evidence, in place, and
// derives its state anew.
func (p *Purchase) Learn(facts []Fact) Lesson {
	known, before := p.Evidence, Derive(p.Terms(), p.Evidence)
	evidence := known.clone()
	lesson := Lesson{}
	for _, fact := range facts {
		if reason := fact.join(&evidence, p.Terms()); reason != ReasonNone {
			lesson.Reason = reason
		}
	}
	posted := p.posted()
	p.Evidence = evidence
	after := Derive(p.Terms(), evidence)
	p.apply(after)
	lesson.Entries = p.postings(posted)
	lesson.Changed = len(lesson.Entries) > 0 || !evidence.equal(known)
	if lesson.Reason == ReasonNone && len(lesson.Entries) == 0 && evidence.timeless().equal(known.timeless()) && after.equal(before) {
		lesson.Reason = ReasonStale
	}
	return lesson
}

// Reprice sets the amount to what the purchase's invoice was paid with, in
// minor units: a failed attempt may have named another. A success that
// disagreed with that one may agree now. Terms that were credited stay.
func (p *Purchase) Reprice(amount int64) {
	if p.HoursCredited > 0 {
		return
	}
	p.Amount = amount
	if received := p.Evidence.Mismatched; received != nil && received.Amount == amount {
		PaymentReceived(*received).join(&p.Evidence, p.Terms())
	}
}

// posted is the state that the ledger was last brought to.
func (p *Purchase) posted() Derived {
	return Derived{
		HoursCredited: p.HoursCredited, HoursReversed: p.HoursReversed,
		AmountRefunded: p.AmountRefunded, AmountDisputed: p.AmountDisputed,
	}
}

func (p *Purchase) apply(d Derived) {
	p.PaymentStatus = d.Status
	p.HoursCredited, p.HoursReversed = d.HoursCredited, d.HoursReversed
	p.AmountReceived, p.AmountRefunded, p.AmountDisputed = d.AmountReceived, d.AmountRefunded, d.AmountDisputed
	p.Failure, p.CompletedAt, p.ExpiresAt = d.Failure, nil, nil
	if d.CompletedAtUnix == 0 {
		return
	}
	completed := time.Unix(d.CompletedAtUnix, 0).UTC()
	p.CompletedAt = &completed
	if p.ValidDays != nil {
		expires := completed.AddDate(0, 0, *p.ValidDays)
		p.ExpiresAt = &expires
	}
}

// postings are the entries that carry the ledger from the state before to the
// purchase's state now: at most a credit and one movement back or forth.
func (p *Purchase) postings(before Derived) []LedgerEntry {
	var entries []LedgerEntry
	if credited := p.HoursCredited - before.HoursCredited; credited != 0 {
		entries = append(entries, p.entry(EntryCredit, credited, p.AmountReceived))
	}
	hours := p.HoursReversed - before.HoursReversed
	money := p.AmountRefunded + p.AmountDisputed - before.AmountRefunded - before.AmountDisputed
	switch {
	case money > 0: // hours follow money monotonically, but may round to none
		entries = append(entries, p.entry(EntryReversal, -hours, -money))
	case money < 0:
		entries = append(entries, p.entry(EntryReinstatement, -hours, -money))
	}
	return entries
}

func (p *Purchase) entry(kind EntryKind, hours Hours, amount int64) LedgerEntry {
	return LedgerEntry{
		StudentID: p.StudentID, TransactionID: &p.ID, Kind: kind,
		Hours: hours, Amount: amount, Currency: p.Currency,
	}
}
