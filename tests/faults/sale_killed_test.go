package faults

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"hourbank/tests/harness"
)

// SIGKILL between Stripe's answer to a sale and our commit: repeating the
// request with its Idempotency-Key gives one purchase and one PaymentIntent.
func TestKilledBetweenStripesAnswerAndOurCommit(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		standIn := harness.NewStripe(t)
		moment := make(chan struct{})
		stripe, answered := slowToAnswer(t, standIn.URL, moment)
		kills := rounds(t, 3, 10)
		for round := range kills {
			sellOnceThoughKilled(t, db, append(standIn.Settings(), "STRIPE_API_BASE="+stripe), moment, answered)
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
func sellOnceThoughKilled(t *testing.T, db *harness.Database, settings []string, moment, answered chan struct{}) {
	t.Helper()
	key := "key_" + harness.RandomName()
	order := func(app *harness.App) (harness.Response, error) {
		return app.Try(http.MethodPost, api+"/purchases/", `{"student_id":"student_1","hours":"10.00","amount":5000,"currency":"eur"}`,
			"Authorization", "Bearer "+harness.WriteKey, "Idempotency-Key", key)
	}
	killed := db.ServeProcess(t, settings...)
	ended := make(chan struct{})
	go func() {
		answer, err := order(killed.App)
		if err == nil {
			t.Errorf("a killed service answered %d: %s", answer.Status, answer.Body)
		}
		close(ended)
	}()
	<-moment // Stripe has made the PaymentIntent
	release := holdUp(t, db)
	answered <- struct{}{}
	<-moment // its answer is on its way
	killed.Kill()
	release()
	<-ended
	restarted := db.ServeProcess(t, settings...)
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
	restarted.Kill()
}

// slowToAnswer stands before Stripe and holds the first answer to each new
// payment: it tells once Stripe has done it, waits for answered, and tells
// again once the answer is sent.
func slowToAnswer(t *testing.T, stripe string, moment chan struct{}) (address string, answered chan struct{}) {
	t.Helper()
	target, err := url.Parse(stripe)
	if err != nil {
		t.Fatal(err)
	}
	answered = make(chan struct{})
	seen := map[string]bool{} // by Stripe's idempotency key; one request at a time
	onward := httputil.NewSingleHostReverseProxy(target)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key := r.Header.Get("Idempotency-Key")
		if !strings.HasPrefix(r.URL.Path, "/v1/payment_intents") || seen[key] {
			onward.ServeHTTP(w, r)
			return
		}
		seen[key] = true
		recorded := httptest.NewRecorder()
		onward.ServeHTTP(recorded, r)
		moment <- struct{}{}
		<-answered
		w.Header().Set("Content-Type", recorded.Header().Get("Content-Type"))
		w.WriteHeader(recorded.Code)
		_, _ = w.Write(recorded.Body.Bytes()) // the service may be dead
		_ = http.NewResponseController(w).Flush()
		moment <- struct{}{}
	}))
	t.Cleanup(server.Close)
	return server.URL, answered
}
