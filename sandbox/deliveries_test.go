package sandbox_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stripe/stripe-go/v76"

	"hourbank/sandbox"
)

func TestRetriedUntilAnswered(t *testing.T) {
	b := start(t)
	failures := map[string]int{}
	b.hook.answers(func(event stripe.Event) int {
		if failures[event.ID]++; failures[event.ID] < 3 {
			return []int{http.StatusServiceUnavailable, http.StatusFound}[failures[event.ID]-1] // a redirect is a failure, too
		}
		return http.StatusOK
	})
	b.pay(1000, "pm_card_visa")
	b.settled()
	for _, d := range b.Deliveries() {
		equal(t, "attempts", d.Attempts, 3)
		equal(t, "state", d.State, "delivered")
	}
}

func TestGivenUpButListed(t *testing.T) {
	b := start(t)
	b.hook.answers(func(stripe.Event) int { return http.StatusInternalServerError })
	b.pay(1000, "pm_card_visa")
	b.settled()
	d := b.Deliveries()[0]
	equal(t, "attempts", d.Attempts, 5)
	equal(t, "state", d.State, "given_up")
	equal(t, "status", d.Status, 500)
	event, err := b.api.Events.Get(d.Event, nil)
	ok(t, err)
	equal(t, "pending", event.PendingWebhooks, 1)
}

func TestEndpointsGetWhatTheyAskFor(t *testing.T) {
	b := start(t)
	second := newReceiver(t, "whsec_second")
	ok(t, b.AddEndpoint(sandbox.Endpoint{URL: second.url, Secret: "whsec_second", Events: []string{"invoice.paid", "customer.subscription.created"}}))
	if b.AddEndpoint(sandbox.Endpoint{URL: second.url, Events: []string{"invoice.*"}}) == nil {
		t.Error("a pattern was taken for an event type")
	}
	b.subscribe("pm_card_visa")
	b.settled()
	equal(t, "invoice.paid", second.types()["invoice.paid"], 1)
	equal(t, "subscription", second.types()["customer.subscription.created"], 1)
	equal(t, "not asked for", second.types()["payment_intent.succeeded"]+second.types()["customer.subscription.updated"], 0)
	equal(t, "the first gets all", b.hook.types()["payment_intent.succeeded"], 1)
}

func TestRunEndsAtOnce(t *testing.T) {
	s := sandbox.New(sandbox.Config{RetryBase: patience})
	ok(t, s.AddEndpoint(sandbox.Endpoint{URL: "http://127.0.0.1:1", Secret: testSecret}))
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- s.Run(ctx) }()
	server := httptest.NewServer(s.Handler())
	defer server.Close()
	_, err := newClient(server.URL, testKey).PaymentIntents.New(paid(1000, "pm_card_visa"))
	ok(t, err)
	eventually(t, "attempted", func() bool { return s.Deliveries()[0].Attempts > 0 })
	cancel()
	ok(t, <-ended)
	equal(t, "state", s.Deliveries()[0].State, "abandoned")
	waiting, stop := context.WithTimeout(context.Background(), patience)
	defer stop()
	ok(t, s.Wait(waiting))
}

func TestDroppedIsListedAndNeverSent(t *testing.T) {
	b := start(t)
	ok(t, b.SetChaos(sandbox.Chaos{Drop: 1}))
	b.pay(1000, "pm_card_visa")
	b.settled()
	equal(t, "received", len(b.hook.ids()), 0)
	equal(t, "listed", len(b.types()), 4)
	equal(t, "state", b.Deliveries()[0].State, "dropped")
}

func TestDoubled(t *testing.T) {
	b := start(t)
	ok(t, b.SetChaos(sandbox.Chaos{Duplicate: 1, DelayMS: 3}))
	b.pay(1000, "pm_card_visa")
	b.settled()
	for kind, n := range b.hook.types() {
		equal(t, kind, n, 2)
	}
}

func TestReordered(t *testing.T) {
	b := start(t)
	ok(t, b.SetChaos(sandbox.Chaos{Reorder: 0.5, Seed: 3}))
	for range 5 {
		b.pay(1000, "pm_card_visa")
	}
	b.settled()
	equal(t, "received", len(b.hook.ids()), 20)
	held := 0
	for _, d := range b.Deliveries() {
		if d.Chaos == "reordered" {
			held++
		}
	}
	if held == 0 || held == 20 {
		t.Errorf("%d of 20 were reordered", held)
	}
}

// TestMixedFatesUnderChaos pays, declines, refunds and disputes while webhooks
// misbehave: what is listed as an event is exactly what is not dropped.
func TestMixedFatesUnderChaos(t *testing.T) {
	b := start(t)
	ok(t, b.SetChaos(sandbox.Chaos{Duplicate: 0.3, Drop: 0.2, Reorder: 0.3, DelayMS: 5, Seed: 1}))
	for i := range 25 {
		switch i % 5 {
		case 0:
			b.pay(1000, "pm_card_visa")
		case 1:
			_, _ = b.api.PaymentIntents.New(paid(1000, "pm_card_chargeDeclined"))
		case 2:
			b.refund(b.pay(1000, "pm_card_refundFail").ID, 300)
		case 3:
			b.do(b.do(b.pay(1000, "pm_card_visa").ID, "dispute", sandbox.Options{Amount: 600}), "lose", sandbox.Options{})
		case 4:
			b.refund(b.pay(1000, "pm_card_pendingRefund").ID, 200)
		}
	}
	b.settled()
	var received, refunded, disputed int64
	for _, book := range b.Books() {
		received, refunded, disputed = received+book.Received, refunded+book.Refunded, disputed+book.Disputed
	}
	equal(t, "received", received, 20*1000)
	equal(t, "refunded", refunded, 5*200)
	equal(t, "disputed", disputed, 5*600)
	sent, dropped := map[string]int{}, 0
	for _, d := range b.Deliveries() {
		if d.State == "dropped" {
			dropped++
		} else {
			sent[d.Event]++
		}
	}
	for id, n := range sent {
		equal(t, id, count(b.hook.ids(), id), n)
	}
	if dropped == 0 {
		t.Error("nothing was dropped")
	}
}
