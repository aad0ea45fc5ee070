package tests

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

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

// hangUp sends events while nothing can be committed, until one waits in the
// queue, hangs up, and gives a line of the log.
func hangUp(t *testing.T, app *harness.App, requestID string) gjson.Result {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	p := app.NewPurchase(t)
	release := app.HoldUp(t, "purchase_transactions")
	var lines []gjson.Result
	sent := 0
	harness.Eventually(t, "an event waits for another", func() bool {
		if send(ctx, t, app, p.Succeeded(), fmt.Sprintf("%s-%d", requestID, sent)) {
			sent++
		}
		waiting := app.Request(t, http.MethodGet, "/metrics", "").Body
		return !strings.Contains(waiting, "\nhourbank_events_waiting 0\n")
	})
	cancel()
	harness.Eventually(t, "the log says what became of all", func() bool {
		lines = nil
		for i := range sent {
			lines = append(lines, app.Log.Lines("request_id", fmt.Sprintf("%s-%d", requestID, i))...)
		}
		return len(lines) == sent
	})
	release()
	return lines[sent-1]
}

// send sends an event and doesn't wait for the answer. It says whether all of it
// was written: of what wasn't, the service may never hear.
func send(ctx context.Context, t *testing.T, app *harness.App, event *harness.Event, requestID string) bool {
	t.Helper()
	written, over := make(chan struct{}), make(chan struct{})
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteRequest: func(i httptrace.WroteRequestInfo) {
		if i.Err == nil {
			close(written)
		}
	}})
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, app.BaseURL+harness.WebhookPath, strings.NewReader(event.Body()))
	if err != nil {
		t.Fatal(err)
	}
	request.GetBody = nil // one that can't be sent again is not: it is written once
	request.Header.Set("Stripe-Signature", harness.Sign(event.Body(), harness.WebhookSecret))
	request.Header.Set("X-Request-Id", requestID)
	go func() {
		defer close(over)
		if answer, err := http.DefaultClient.Do(request); err == nil {
			_ = answer.Body.Close() // it was answered too early
		}
	}()
	select {
	case <-written:
		return true
	case <-over:
		return false
	}
}
