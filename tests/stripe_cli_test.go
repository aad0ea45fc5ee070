package tests

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/coder/websocket"
	"github.com/stripe/stripe-go/v76"

	"hourbank/tests/harness"
)

// triggered are what the real CLI is asked to trigger, and the event that
// each must bring to the webhook.
var triggered = []string{
	"payment_intent.succeeded", "payment_intent.payment_failed", "payment_intent.canceled", "charge.refunded",
}

// TestTheStripeCLIForwardsToTheWebhook runs the unmodified CLI that STRIPE_CLI
// names against the stand-in, or plays its protocol where there is none.
func TestTheStripeCLIForwardsToTheWebhook(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		standIn := harness.NewStripe(t)
		app := db.Serve(t, standIn.Settings()...)
		if path := os.Getenv("STRIPE_CLI"); path != "" {
			listenAndTrigger(t, path, app, standIn)
		} else {
			t.Log("STRIPE_CLI names no Stripe CLI: a websocket client of the test's own plays its protocol")
			playTheCLI(t, app, standIn)
		}
		for _, line := range app.Log.Lines("route", harness.WebhookPath) {
			if status := line.Get("status").Int(); status != http.StatusOK && status != http.StatusAccepted {
				t.Errorf("%s was answered %d", line.Get("event_type"), status)
			}
		}
	})
}

func listenAndTrigger(t *testing.T, path string, app *harness.App, standIn *harness.Stripe) {
	t.Helper()
	home := t.TempDir()
	cli := func(args ...string) *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), path, append(args, "--api-base", standIn.URL, "--api-key", "sk_test_of_the_cli")...)
		// Nothing of the developer's own, and no way out but loopback.
		cmd.Env = []string{"HOME=" + home, "PATH=" + os.Getenv("PATH"), "STRIPE_CLI_TELEMETRY_OPTOUT=1",
			"HTTPS_PROXY=http://127.0.0.1:9", "NO_PROXY=127.0.0.1"}
		return cmd
	}
	listen := cli("listen", "--no-wss", "--skip-update", "--forward-to", app.BaseURL+harness.WebhookPath)
	out, in := io.Pipe()
	listen.Stdout, listen.Stderr = in, in
	if err := listen.Start(); err != nil {
		t.Fatal(err)
	}
	var output harness.Output
	var reading sync.WaitGroup
	reading.Go(func() { _, _ = io.Copy(&output, bufio.NewReader(out)) })
	t.Cleanup(func() {
		_ = listen.Process.Signal(os.Interrupt)
		_ = listen.Wait()
		_ = in.Close()
		reading.Wait()
	})
	harness.Eventually(t, "stripe listen is ready", func() bool { return strings.Contains(output.String(), "Ready!") })
	for _, name := range triggered {
		if printed, err := cli("trigger", name).CombinedOutput(); err != nil {
			t.Fatalf("stripe trigger %s: %v\n%s", name, err, printed)
		}
		wantArrived(t, app, name)
	}
}

func wantArrived(t *testing.T, app *harness.App, eventType string) {
	t.Helper()
	harness.Eventually(t, eventType+" has arrived", func() bool {
		return app.Get(t, api+"/events/?type="+eventType).Get("data.#").Int() > 0
	})
}

// playTheCLI asks for a session, connects, forwards what comes, and reports
// what was answered, as the CLI does.
func playTheCLI(t *testing.T, app *harness.App, standIn *harness.Stripe) {
	t.Helper()
	conn := connect(t, standIn)
	if _, err := standIn.API.PaymentIntents.New(&stripe.PaymentIntentParams{
		Amount: stripe.Int64(2000), Currency: stripe.String("usd"), Confirm: stripe.Bool(true),
		PaymentMethod: stripe.String("pm_card_visa"), PaymentMethodTypes: []*string{stripe.String("card")},
	}); err != nil {
		t.Fatal(err)
	}
	for len(app.Log.Lines("event_type", "payment_intent.succeeded")) == 0 {
		forwardOne(t, conn, app)
	}
	wantArrived(t, app, "payment_intent.succeeded")
}

func connect(t *testing.T, standIn *harness.Stripe) *websocket.Conn {
	t.Helper()
	form := url.Values{"device_name": {"test"}, "websocket_features[]": {"webhooks"}}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, standIn.URL+"/v1/stripecli/sessions", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Authorization", "Bearer sk_test_of_the_cli")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close() //nolint:errcheck // it is only read
	var session struct {
		WebsocketURL string `json:"websocket_url"`
		WebsocketID  string `json:"websocket_id"`
	}
	if err := json.NewDecoder(response.Body).Decode(&session); err != nil {
		t.Fatal(err)
	}
	conn, _, err := websocket.Dial( //nolint:bodyclose // Dial closes it
		t.Context(), session.WebsocketURL+"?websocket_feature=webhooks", &websocket.DialOptions{
			Subprotocols: []string{"stripecli-devproxy-v1"}, HTTPHeader: http.Header{"Websocket-Id": {session.WebsocketID}},
		})
	if err != nil {
		t.Fatal(err)
	}
	conn.SetReadLimit(1 << 20)
	t.Cleanup(func() { _ = conn.CloseNow() })
	return conn
}

func forwardOne(t *testing.T, conn *websocket.Conn, app *harness.App) {
	t.Helper()
	_, raw, err := conn.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var event struct {
		Endpoint struct {
			APIVersion *string `json:"api_version"`
		} `json:"endpoint"`
		Payload      string            `json:"event_payload"`
		Headers      map[string]string `json:"http_headers"`
		Conversation string            `json:"webhook_conversation_id"`
		WebhookID    string            `json:"webhook_id"`
	}
	if err := json.Unmarshal(raw, &event); err != nil {
		t.Fatal(err)
	}
	if event.Endpoint.APIVersion != nil {
		return // for a CLI that was started with --latest
	}
	answer := app.Request(t, http.MethodPost, harness.WebhookPath, event.Payload, "Stripe-Signature", event.Headers["Stripe-Signature"])
	report, err := json.Marshal(map[string]any{
		"type": "webhook_response", "status": answer.Status, "body": answer.Body, "http_headers": map[string]string{},
		"forward_url": app.BaseURL + harness.WebhookPath, "webhook_conversation_id": event.Conversation, "webhook_id": event.WebhookID,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Write(t.Context(), websocket.MessageText, report); err != nil {
		t.Fatal(err)
	}
}
