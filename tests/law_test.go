package tests

import (
	"math/rand/v2"
	"testing"

	"golang.org/x/sync/errgroup"

	"hourbank/tests/harness"
)

// lawStories is how many histories go through the database on each engine.
const lawStories = 200

// The law, through the whole program: a story told in order, one event after
// the other, and the same story told in any order, with repeats and several
// events at once, end in the same purchase and the same account. (The pure
// core is held to a naive model beside it, in models/law_test.go.)
func TestLawThroughTheDatabase(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		var group errgroup.Group
		group.SetLimit(4)
		for seed := range uint64(lawStories) {
			ordered, shuffled := app.NewPurchase(t), app.NewPurchase(t)
			group.Go(func() error {
				random := rand.New(rand.NewPCG(seed, 7))
				for _, event := range story(ordered, rand.New(rand.NewPCG(seed, 8))) {
					app.Deliver(t, event)
				}
				if err := atOnce(app, random, story(shuffled, rand.New(rand.NewPCG(seed, 8)))); err != nil {
					return err
				}
				compareEnds(t, app, seed, ordered, shuffled)
				return nil
			})
		}
		if err := group.Wait(); err != nil {
			t.Fatal(err)
		}
		app.MustAudit(t)
	})
}

// atOnce delivers the events shuffled, some of them twice, up to four at a
// time, so that they meet in batches.
func atOnce(app *harness.App, random *rand.Rand, events []*harness.Event) error {
	for range random.IntN(4) {
		events = append(events, events[random.IntN(len(events))])
	}
	random.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
	var group errgroup.Group
	group.SetLimit(1 + random.IntN(4))
	for _, event := range events {
		group.Go(func() error {
			_, err := app.TryDeliver(event)
			return err
		})
	}
	return group.Wait()
}

func compareEnds(t *testing.T, app *harness.App, seed uint64, ordered, shuffled *harness.Purchase) {
	t.Helper()
	one, other := app.Get(t, api+"/purchases/"+ordered.ID), app.Get(t, api+"/purchases/"+shuffled.ID)
	for _, field := range []string{"payment_status", "hours_credited", "hours_reversed", "amount_received", "amount_refunded",
		"amount_disputed", "failure", "completed_at"} {
		if one.Get(field).Raw != other.Get(field).Raw {
			t.Errorf("story %d: %s is %s in order, %s out of order", seed, field, one.Get(field).Raw, other.Get(field).Raw)
		}
	}
	one, other = app.Get(t, api+"/students/"+ordered.Student+"/balance/"), app.Get(t, api+"/students/"+shuffled.Student+"/balance/")
	for _, field := range []string{"hours_purchased", "hours_reversed", "hours_available", "balance_amount", "overdrawn"} {
		if one.Get(field).Raw != other.Get(field).Raw {
			t.Errorf("story %d: the account's %s is %s in order, %s out of order", seed, field, one.Get(field).Raw, other.Get(field).Raw)
		}
	}
}

// story is one payment's random history, in order.
func story(p *harness.Purchase, random *rand.Rand) []*harness.Event {
	var events []*harness.Event
	now := int64(0)
	tell := func(e *harness.Event) {
		now += random.Int64N(3)
		events = append(events, e.At(now))
	}
	for range random.IntN(3) {
		tell(p.Intent("payment_intent.processing"))
		tell(p.Intent("payment_intent.payment_failed"))
	}
	if random.IntN(5) == 0 {
		tell(p.Intent("payment_intent.canceled"))
	}
	if random.IntN(6) > 0 {
		tell(p.Succeeded())
	}
	returned := int64(0)
	for i := range random.IntN(4) {
		id, amount := p.PaymentIntent+"_re"+string(rune('a'+i)), 1+random.Int64N(2000)
		created := now + 1
		now = created
		returned += amount
		tell(p.Refund("refund.created", id, amount, "pending", created))
		tell(p.ChargeRefunded(returned))
		if random.IntN(2) == 0 {
			returned -= amount
			tell(p.Refund("refund.failed", id, amount, "failed", created))
		} else {
			tell(p.Refund("charge.refund.updated", id, amount, "succeeded", created))
		}
	}
	if random.IntN(2) == 0 {
		id := p.PaymentIntent + "_dp"
		tell(p.Dispute("charge.dispute.created", id, 3000, "needs_response"))
		tell(p.Dispute("charge.dispute.funds_withdrawn", id, 3000, "needs_response"))
		if random.IntN(2) == 0 {
			tell(p.Dispute("charge.dispute.closed", id, 3000, "won"))
			tell(p.Dispute("charge.dispute.funds_reinstated", id, 3000, "won"))
		} else {
			tell(p.Dispute("charge.dispute.closed", id, 3000, "lost"))
		}
	}
	if len(events) == 0 {
		tell(p.Intent("payment_intent.created"))
	}
	return events
}
