package models

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// WebhookEvent is one Stripe event as it was delivered, and what became of
// it. Its id is Stripe's, which is what makes a second delivery a duplicate.
type WebhookEvent struct {
	ID            string      `gorm:"primaryKey" json:"id"`
	Type          string      `json:"type"`
	APIVersion    *string     `json:"api_version"`
	Livemode      bool        `json:"livemode"`
	Status        EventStatus `json:"status"`
	Reason        *Reason     `json:"reason"`
	Attempts      int         `json:"attempts"`                                    // how often it was tried on a purchase
	Deliveries    int         `json:"deliveries"`                                  // how often Stripe sent it
	Payload       string      `json:"-"`                                           // without what is never needed; empty: it lies apart, or is not kept any more
	PayloadSHA256 *string     `gorm:"column:payload_sha256" json:"payload_sha256"` // of what was signed, byte for byte; null: not known
	Snapshot      *string     `json:"-"`                                           // the object that was fetched for it; null: none was
	TransactionID *string     `json:"transaction_id"`
	ReceivedAt    time.Time   `json:"received_at"`
	ProcessedAt   *time.Time  `json:"processed_at"`
	NextAttemptAt *time.Time  `json:"next_attempt_at"`
}

// HasPayload says whether anything is kept of what Stripe sent.
func (e *WebhookEvent) HasPayload() bool { return e.Payload != "" }

// JSONWithPayload shows the event together with what is kept of what Stripe
// sent, byte for byte: encoding/json would refuse nesting that Stripe's signature
// covered.
func (e *WebhookEvent) JSONWithPayload() ([]byte, error) {
	encoded, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("encode event %s: %w", e.ID, err)
	}
	encoded = append(encoded[:len(encoded)-1], `,"payload":`...)
	return append(append(encoded, cmp.Or(e.Payload, "null")...), '}'), nil
}

// TableName is the contract's.
func (WebhookEvent) TableName() string { return "webhook_events" }

// Plan is a priced package or subscription period of hours.
type Plan struct {
	ID              string          `gorm:"primaryKey" json:"id"`
	Name            string          `json:"name"`
	TransactionType TransactionType `json:"transaction_type"`
	Hours           Hours           `json:"hours"`
	Amount          int64           `json:"amount"` // minor units
	Currency        string          `json:"currency"`
	StripePriceID   *string         `json:"stripe_price_id"`
	ValidDays       *int            `json:"valid_days"`
	// How many hours of its earlier periods a subscription keeps when a new one is paid;
	// null: all.
	RolloverHours *Hours `json:"rollover_hours"`
	// Whether hours that expired count as unused where these are refunded.
	RefundExpired bool      `json:"refund_expired"`
	LowHours      *Hours    `json:"low_hours"` // below which the platform is told; null: never
	Active        bool      `json:"active"`
	CreatedAt     time.Time `json:"-"`
	UpdatedAt     time.Time `json:"-"`
}

// TableName is the contract's.
func (Plan) TableName() string { return "pricing_plans" }

// Subscription is what was told at a moment of whose a Stripe subscription is.
// All of these are kept, so that an invoice that says neither its student nor
// its plan finds those that held when it was paid, whatever arrived meanwhile.
// What a Checkout Session told of the subscription that it began has ToldAt 0:
// whatever the subscription itself tells counts more.
type Subscription struct {
	ID            string `gorm:"primaryKey"`
	StudentID     string
	PlanID        string
	StripePriceID string
	ToldAt        int64 `gorm:"primaryKey;autoIncrement:false"` // Stripe's event.created, Unix seconds; or one of the two below
	UpdatedAt     time.Time
}

// What the Checkout Session told that a subscription began with counts least. A Payment
// Link's reference is its customer's own word.
const (
	ToldBySession = 0
	ToldByLink    = -1
)

// After says whether this counts more than the other: what names a student,
// then the later one; within a second, which of two different tellings is kept
// must only be the same in any order.
func (s *Subscription) After(other *Subscription) bool {
	return cmp.Or(cmp.Compare(age(s.StudentID != ""), age(other.StudentID != "")), cmp.Compare(s.ToldAt, other.ToldAt),
		cmp.Compare(s.StudentID, other.StudentID), cmp.Compare(s.PlanID, other.PlanID), cmp.Compare(s.StripePriceID, other.StripePriceID)) > 0
}

// SubscriptionAt is what held at a moment (Unix seconds) of all that was told
// of a subscription: the last that named a student until then; else the last
// that named one since; else what its Checkout Session told; else the last.
// Empty where nothing was told.
func SubscriptionAt(told []*Subscription, at int64) Subscription {
	if len(told) == 0 {
		return Subscription{}
	}
	rank := func(s *Subscription) int {
		switch {
		case s.StudentID == "":
			return 0
		case s.ToldAt <= ToldBySession:
			return 1
		case s.ToldAt > at:
			return 2
		}
		return 3
	}
	return *slices.MaxFunc(told, func(a, b *Subscription) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.ToldAt, b.ToldAt))
	})
}

// TableName keeps it apart from subscriptions of other kinds.
func (Subscription) TableName() string { return "stripe_subscriptions" }

// age orders what is not yet so before what is.
func age(over bool) int {
	if over {
		return 1
	}
	return 0
}
