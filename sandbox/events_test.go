package sandbox_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"

	"hourbank/sandbox"
)

func TestEventsArePagedNewestFirst(t *testing.T) {
	b := start(t)
	for range 5 {
		b.pay(1000, "pm_card_visa") // 4 events each
	}
	params := &stripe.EventListParams{ListParams: stripe.ListParams{Limit: stripe.Int64(3)}}
	list, seen := b.api.Events.List(params), map[string]bool{}
	for list.Next() {
		seen[list.Event().ID] = true
	}
	ok(t, list.Err())
	equal(t, "all pages", len(seen), 20)
	first := b.api.Events.List(&stripe.EventListParams{ListParams: stripe.ListParams{Limit: stripe.Int64(2), Single: true}})
	equal(t, "more", first.EventList().HasMore, true)
	equal(t, "newest", string(first.EventList().Data[0].Type), "charge.updated")
	before := &stripe.EventListParams{ListParams: stripe.ListParams{EndingBefore: &first.EventList().Data[1].ID, Single: true}}
	equal(t, "before", len(b.api.Events.List(before).EventList().Data), 1)
}

func TestEventsByTypeAndTime(t *testing.T) {
	var now atomic.Int64
	now.Store(time.Now().Add(-31 * 24 * time.Hour).Unix())
	b := start(t, func(cfg *sandbox.Config) { cfg.Clock = func() time.Time { return time.Unix(now.Load(), 0) } })
	forgotten := b.pay(1000, "pm_card_visa")
	now.Store(time.Now().Unix())
	b.pay(1000, "pm_card_visa")
	count := func(params *stripe.EventListParams) (n int) {
		list := b.api.Events.List(params)
		for ; list.Next(); n++ {
		}
		ok(t, list.Err())
		return n
	}
	equal(t, "30 days only", count(&stripe.EventListParams{}), 4)
	equal(t, "type", count(&stripe.EventListParams{Type: stripe.String("charge.succeeded")}), 1)
	equal(t, "family", count(&stripe.EventListParams{Type: stripe.String("payment_intent.*")}), 2)
	equal(t, "types", count(&stripe.EventListParams{Types: stripe.StringSlice([]string{"charge.succeeded", "payment_intent.created"})}), 2)
	equal(t, "later", count(&stripe.EventListParams{CreatedRange: &stripe.RangeQueryParams{GreaterThan: now.Load()}}), 0)
	old, err := b.api.PaymentIntents.Get(forgotten.ID, nil)
	ok(t, err)
	equal(t, "the object stays", old.Status, stripe.PaymentIntentStatusSucceeded)
}

func TestEventIsASnapshot(t *testing.T) {
	b := start(t)
	params := paid(1000, "pm_card_visa")
	params.IdempotencyKey = stripe.String("key_1")
	pi, err := b.api.PaymentIntents.New(params)
	ok(t, err)
	b.refund(pi.ID, 400)
	b.settled()
	created := b.event("payment_intent.created")
	equal(t, "as it was", created.Data.Object["status"], any("requires_confirmation"))
	equal(t, "key", created.Request.IdempotencyKey, "key_1")
	equal(t, "version", created.APIVersion, stripe.APIVersion)
	equal(t, "pending", created.PendingWebhooks, 1)
	refunded := b.event("charge.refunded")
	equal(t, "now", refunded.Data.Object["amount_refunded"], any(float64(400)))
	equal(t, "before", refunded.Data.PreviousAttributes["amount_refunded"], any(float64(0)))
	equal(t, "changed", len(refunded.Data.PreviousAttributes), 1)
	again, err := b.api.Events.Get(created.ID, nil)
	ok(t, err)
	equal(t, "pending no more", again.PendingWebhooks, 0)
}
