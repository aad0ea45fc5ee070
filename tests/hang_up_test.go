package tests

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"hourbank/database"
	"hourbank/tests/harness"
)

// A sender that doesn't wait for the answer is no error of ours.
func TestAClientThatHangsUpIsNoErrorInTheLog(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		tries := 0
		harness.Eventually(t, "a client hangs up before it is answered", func() bool {
			tries++
			line := hangUp(t, app, fmt.Sprintf("hang-up-%d", tries))
			if line.Get("code").String() != "client_closed_request" {
				return false // a machine so slow that it was answered meanwhile
			}
			if line.Get("status").Int() != 499 || line.Get("level").String() != "info" {
				t.Errorf("the log says %s", line)
			}
			return true
		})
		app.MustAudit(t)
	})
}

// hangUp sends two events while nothing can be committed, one of which
// waits in the queue, hangs up, and gives a line of the log.
func hangUp(t *testing.T, app *harness.App, requestID string) gjson.Result {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	p := app.NewPurchase(t)
	release := holdUp(t, app)
	for i, event := range []*harness.Event{p.Succeeded(), p.Succeeded()} {
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, app.BaseURL+harness.WebhookPath, strings.NewReader(event.Body()))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Stripe-Signature", harness.Sign(event.Body(), harness.WebhookSecret))
		request.Header.Set("X-Request-Id", fmt.Sprintf("%s-%d", requestID, i))
		go func() {
			if answer, err := http.DefaultClient.Do(request); err == nil {
				_ = answer.Body.Close() // it was answered too early
			}
		}()
	}
	lines := func() []gjson.Result {
		return append(app.Log.Lines("request_id", requestID+"-0"), app.Log.Lines("request_id", requestID+"-1")...)
	}
	harness.Eventually(t, "one event waits for the other", func() bool {
		waiting := app.Request(t, http.MethodGet, "/metrics", "").Body
		return strings.Contains(waiting, "\nhourbank_events_waiting 1\n") || len(lines()) > 0
	})
	cancel()
	harness.Eventually(t, "the log says what became of both", func() bool { return len(lines()) == 2 })
	release()
	return lines()[0]
}

// holdUp keeps the program from committing anything.
func holdUp(t *testing.T, app *harness.App) (release func()) {
	t.Helper()
	statement := "LOCK TABLE purchase_transactions IN EXCLUSIVE MODE"
	if app.Engine == database.SQLite {
		statement = "UPDATE purchase_transactions SET updated_at = updated_at" // it has one writer
	}
	tx, err := app.SQL(t).BeginTx(t.Context(), nil)
	if err == nil {
		_, err = tx.ExecContext(t.Context(), statement)
	}
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := tx.Rollback(); err != nil {
			t.Fatal(err)
		}
	}
}
