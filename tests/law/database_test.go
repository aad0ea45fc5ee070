package law

import (
	"net/http"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	"pgregory.net/rapid"

	"hourbank/models"
	"hourbank/tests/harness"
)

// The law through HTTP and the database, in random batches: what arrives
// together is sent together.
func TestLawThroughTheDatabase(t *testing.T) {
	for _, engine := range harness.Engines {
		t.Run(string(engine), func(t *testing.T) {
			histories(t, databaseHistories)
			db := harness.NewDatabase(t, engine)
			app := db.Serve(t)
			rapid.Check(t, func(rt *rapid.T) {
				h := drawHistory(rt)
				p := harness.NewPurchase(t).Of(h.terms.Hours, h.terms.Amount).Create(db)
				deliverInBatches(rt, app, p, scramble(rt, h.told))
				if got, want := shown(t, app, p), naive(h.terms, h.told); got != want {
					rt.Fatalf("the API shows\n%+v, the naive model says\n%+v, of\n%v", got, want, h)
				}
				checkAccount(rt, t, app, p, naive(h.terms, h.told))
			})
			db.MustAudit(t)
		})
	}
}

func deliverInBatches(rt *rapid.T, app *harness.App, p *harness.Purchase, arrival []told) {
	events := map[int]*harness.Event{} // a repeated delivery is the same event
	for len(arrival) > 0 {
		size := rapid.IntRange(1, len(arrival)).Draw(rt, "batch")
		var group errgroup.Group
		for _, told := range arrival[:size] {
			if events[told.n] == nil {
				events[told.n] = told.event(p)
			}
			event := events[told.n]
			group.Go(func() error {
				answer, err := app.TryDeliver(event)
				if err == nil && answer.Status != http.StatusOK {
					rt.Errorf("%s: answered %d: %s", told.name, answer.Status, answer.Body)
				}
				return err
			})
		}
		if err := group.Wait(); err != nil {
			rt.Fatalf("deliver: %v", err)
		}
		arrival = arrival[size:]
	}
}

// shown is the purchase's state as the API tells it.
func shown(t *testing.T, app *harness.App, p *harness.Purchase) state {
	t.Helper()
	answer := app.Get(t, "/api/finances/purchases/"+p.ID+"/")
	s := state{
		status:   models.PaymentStatus(answer.Get("payment_status").String()),
		credited: hours(t, answer.Get("hours_credited").String()), reversed: hours(t, answer.Get("hours_reversed").String()),
		received: answer.Get("amount_received").Int(), refunded: answer.Get("amount_refunded").Int(), disputed: answer.Get("amount_disputed").Int(),
		failure: answer.Get("failure.code").String(),
	}
	if at := answer.Get("completed_at").String(); at != "" {
		completed, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		s.completedAt = completed.Unix()
	}
	return s
}

func hours(t *testing.T, text string) models.Hours {
	t.Helper()
	h, err := models.ParseHours(text)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// checkAccount compares the student's balance; the purchase is the only one.
func checkAccount(rt *rapid.T, t *testing.T, app *harness.App, p *harness.Purchase, want state) {
	balance := app.Get(t, "/api/finances/students/"+p.Student+"/balance/")
	money := int64(0)
	if want.credited > 0 {
		money = want.received - want.refunded - want.disputed
	}
	if balance.Get("hours_purchased").String() != want.credited.String() || balance.Get("hours_reversed").String() != want.reversed.String() ||
		balance.Get("balance_amount").Int() != money {
		rt.Fatalf("the account is %s, the purchase %+v", balance.Body, want)
	}
}
