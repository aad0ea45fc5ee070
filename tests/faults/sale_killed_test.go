package faults

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"testing"

	"hourbank/tests/harness"
)

// SIGKILL between Stripe's answer to a sale and our commit: repeating the
// request with its Idempotency-Key gives one purchase and one PaymentIntent.
func TestKilledBetweenStripesAnswerAndOurCommit(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		standIn := harness.NewStripe(t)
		slow := newSlowStripe(t, standIn.URL)
		settings := append(standIn.Settings(), "STRIPE_API_BASE="+slow.url)
		kills := rounds(t, 3, 10)
		for round := range kills {
			sellOnceThoughKilled(t, db, slow, settings)
			want := int64(round + 1)
			if n := int64(len(standIn.Books())); n != want {
				t.Fatalf("%d PaymentIntents were made of %d orders", n, want)
			}
			if n := db.Count(t, "SELECT count(*) FROM purchase_transactions"); n != want {
				t.Fatalf("%d purchases were made of %d orders", n, want)
			}
		}
		db.MustAudit(t)
		t.Logf("%d kills", kills)
	})
}

// sellOnceThoughKilled orders, kills the service once Stripe has answered and
// while it can't commit, and orders again.
func sellOnceThoughKilled(t *testing.T, db *harness.Database, slow *slowStripe, settings []string) {
	t.Helper()
	key := "key_" + harness.RandomName()
	order := func(app *harness.App) (harness.Response, error) {
		return app.Try(http.MethodPost, api+"/purchases/", `{"student_id":"student_1","hours":"10.00","amount":5000,"currency":"eur"}`,
			"Authorization", "Bearer "+harness.WriteKey, "Idempotency-Key", key)
	}
	killed := db.ServeProcess(t, settings...)
	slow.holdNext.Store(true)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if answer, err := order(killed.App); err == nil {
			t.Errorf("a killed service answered %d: %s", answer.Status, answer.Body)
		}
	}()
	<-slow.done
	release := db.HoldUp(t, "purchase_transactions")
	slow.answer <- struct{}{}
	<-slow.answered
	killed.Kill()
	release()
	<-ended
	restarted := db.ServeProcess(t, settings...)
	defer restarted.Kill()
	var bodies [2]string
	for i := range bodies {
		sold, err := order(restarted.App)
		if err != nil {
			t.Fatal(err)
		}
		bodies[i] = sold.Want(t, http.StatusCreated).Body
	}
	if bodies[0] != bodies[1] {
		t.Errorf("answered %s, then %s", bodies[0], bodies[1])
	}
}

// slowStripe stands before Stripe and can hold an answer back.
type slowStripe struct {
	url      string
	holdNext atomic.Bool
	done     chan struct{} // Stripe has made what the held call asks for
	answer   chan struct{} // sends the held answer on its way
	answered chan struct{} // it is on its way
}

func newSlowStripe(t *testing.T, stripe string) *slowStripe {
	t.Helper()
	target, err := url.Parse(stripe)
	if err != nil {
		t.Fatal(err)
	}
	s := &slowStripe{done: make(chan struct{}), answer: make(chan struct{}), answered: make(chan struct{})}
	onward := httputil.NewSingleHostReverseProxy(target)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.holdNext.Swap(false) {
			onward.ServeHTTP(w, r)
			return
		}
		held := httptest.NewRecorder()
		onward.ServeHTTP(held, r)
		s.done <- struct{}{}
		<-s.answer
		w.WriteHeader(held.Code)
		_, _ = w.Write(held.Body.Bytes())         // the service may be dead
		_ = http.NewResponseController(w).Flush() // likewise
		s.answered <- struct{}{}
	}))
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}
