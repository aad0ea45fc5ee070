package sandbox_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stripe/stripe-go/v76"

	"hourbank/sandbox"
)

// forCLI is a sandbox whose only way out is a listening CLI.
func forCLI(cfg *sandbox.Config) { cfg.CLISecret = testSecret }

// TestStripeCLI drives the unmodified CLI that STRIPE_CLI names: listen and
// trigger.
func TestStripeCLI(t *testing.T) {
	path := os.Getenv("STRIPE_CLI")
	if path == "" {
		t.Skip("STRIPE_CLI names no Stripe CLI; TestCLIProtocol plays one")
	}
	b := start(t, forCLI)
	cli := &stripeCLI{t: t, path: path, home: t.TempDir(), url: b.url}
	cli.listen(b.hook.url)
	for name := range triggered {
		cli.run("trigger", name, "--api-base", b.url, "--api-key", testKey)
		eventually(t, name+" forwarded", func() bool { return b.hook.types()[name] > 0 })
	}
	eventually(t, "every event answered 2xx", func() bool {
		for _, d := range b.Deliveries() {
			if d.State != "delivered" || d.Status != http.StatusOK {
				return false
			}
		}
		return true
	})
}

type stripeCLI struct {
	t               *testing.T
	path, home, url string
}

// command runs the CLI with nothing of the developer's own, and with no way
// out but loopback.
func (c *stripeCLI) command(args ...string) *exec.Cmd {
	cmd := exec.CommandContext(c.t.Context(), c.path, args...)
	cmd.Env = []string{"HOME=" + c.home, "PATH=" + os.Getenv("PATH"), "STRIPE_CLI_TELEMETRY_OPTOUT=1",
		"HTTPS_PROXY=http://127.0.0.1:9", "NO_PROXY=127.0.0.1"}
	return cmd
}

func (c *stripeCLI) run(args ...string) {
	c.t.Helper()
	if out, err := c.command(args...).CombinedOutput(); err != nil {
		c.t.Fatalf("stripe %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// listen starts the CLI's listen and waits until it is ready.
func (c *stripeCLI) listen(forwardTo string) {
	c.t.Helper()
	cmd := c.command("listen", "--api-base", c.url, "--no-wss", "--api-key", testKey, "--forward-to", forwardTo, "--skip-update")
	out, in := io.Pipe()
	cmd.Stdout, cmd.Stderr = in, in
	ok(c.t, cmd.Start())
	ready := make(chan struct{})
	var drained sync.WaitGroup
	drained.Go(func() {
		lines, once := bufio.NewScanner(out), sync.Once{}
		for lines.Scan() {
			if strings.Contains(lines.Text(), "Ready!") {
				once.Do(func() { close(ready) })
			}
		}
	})
	c.t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
		_ = in.Close()
		drained.Wait()
	})
	select {
	case <-ready:
	case <-time.After(patience):
		c.t.Fatal("stripe listen never became ready")
	}
}

// TestCLIProtocol plays a CLI: it asks for a session, connects, acknowledges,
// forwards and reports.
func TestCLIProtocol(t *testing.T) {
	if os.Getenv("STRIPE_CLI") == "" {
		t.Log("no real Stripe CLI: a websocket client of the test's own drives the same protocol")
	}
	b := start(t, forCLI)
	p := connectCLI(t, b)
	pi := b.pay(2000, "pm_card_visa")
	for range 4 {
		event := p.next()
		p.acknowledge(event)
		p.send(map[string]any{"type": "webhook_response", "forward_url": b.hook.url, "status": p.forward(event), "body": "",
			"http_headers": map[string]string{}, "webhook_conversation_id": event.Conversation, "webhook_id": event.WebhookID})
	}
	equal(t, "succeeded", b.hook.types()["payment_intent.succeeded"], 1)
	equal(t, "status", pi.Status, stripe.PaymentIntentStatusSucceeded)
	eventually(t, "answers noted", func() bool {
		n := 0
		for _, d := range b.Deliveries() {
			if d.State == "delivered" && d.Status == http.StatusOK && d.URL == b.hook.url {
				n++
			}
		}
		return n == 4
	})
}

func TestCLISessionUnknown(t *testing.T) {
	b := start(t, forCLI)
	status, answer := b.call("GET", "/stripecli/subscribe/cliws_none?websocket_feature=webhooks", "")
	equal(t, "status", status, 404)
	equal(t, "message", answer["error"].(map[string]any)["message"], any("Unknown WebSocket ID."))
}

// TestCLIGoesAway shows that an event on its way to a CLI that hangs up holds
// nobody up.
func TestCLIGoesAway(t *testing.T) {
	b := start(t, forCLI)
	p := connectCLI(t, b)
	b.pay(2000, "pm_card_visa")
	p.next()
	ok(t, p.conn.CloseNow())
	b.settled()
	abandoned := 0
	for _, d := range b.Deliveries() {
		if d.State == "abandoned" {
			abandoned++
		}
	}
	if abandoned == 0 {
		t.Error("no delivery was abandoned")
	}
}

type wireEvent struct {
	Endpoint struct {
		APIVersion *string `json:"api_version"`
	} `json:"endpoint"`
	Type         string            `json:"type"`
	Payload      string            `json:"event_payload"`
	Headers      map[string]string `json:"http_headers"`
	Conversation string            `json:"webhook_conversation_id"`
	WebhookID    string            `json:"webhook_id"`
}

func (e wireEvent) id(t *testing.T) string {
	t.Helper()
	var event struct{ ID string }
	ok(t, json.Unmarshal([]byte(e.Payload), &event))
	return event.ID
}

// player plays the CLI.
type player struct {
	t       *testing.T
	b       *bench
	conn    *websocket.Conn
	version string // of the API; the account's where empty
}

func connectCLI(t *testing.T, b *bench) *player {
	t.Helper()
	p := &player{t: t, b: b}
	status, session := p.post("/v1/stripecli/sessions", url.Values{"device_name": {"test"}, "websocket_features[]": {"webhooks"}})
	equal(t, "session", status, 200)
	equal(t, "secret", session["secret"], any(testSecret))
	conn, _, err := websocket.Dial( //nolint:bodyclose // Dial closes it
		t.Context(), session["websocket_url"].(string)+"?websocket_feature=webhooks", &websocket.DialOptions{
			Subprotocols: []string{"stripecli-devproxy-v1"},
			HTTPHeader:   http.Header{"Websocket-Id": {session["websocket_id"].(string)}},
		})
	ok(t, err)
	conn.SetReadLimit(1 << 20)
	equal(t, "subprotocol", conn.Subprotocol(), "stripecli-devproxy-v1")
	t.Cleanup(func() { _ = conn.CloseNow() })
	p.conn = conn
	return p
}

func (p *player) post(path string, form url.Values) (int, map[string]any) {
	p.t.Helper()
	return p.ask(http.MethodPost, path, strings.NewReader(form.Encode()))
}

func (p *player) get(path string) (int, map[string]any) {
	p.t.Helper()
	return p.ask(http.MethodGet, path, nil)
}

// want posts what must succeed.
func (p *player) want(path string, form url.Values) map[string]any {
	p.t.Helper()
	status, answer := p.post(path, form)
	if status != http.StatusOK {
		p.t.Fatalf("%s: %d %v", path, status, answer)
	}
	return answer
}

func (p *player) ask(method, path string, body io.Reader) (int, map[string]any) {
	p.t.Helper()
	req, err := http.NewRequest(method, p.b.url+path, body)
	ok(p.t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Authorization", "Bearer "+testKey)
	if p.version != "" {
		req.Header.Set("Stripe-Version", p.version)
	}
	resp, err := http.DefaultClient.Do(req)
	ok(p.t, err)
	defer resp.Body.Close() //nolint:errcheck // it was only read
	var answer map[string]any
	ok(p.t, json.NewDecoder(resp.Body).Decode(&answer))
	return resp.StatusCode, answer
}

// next gives the next event of the account's own version, as a CLI does that was
// not started for the latest; it acknowledges the others.
func (p *player) next() wireEvent {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	for {
		_, raw, err := p.conn.Read(ctx)
		ok(p.t, err)
		var event wireEvent
		ok(p.t, json.Unmarshal(raw, &event))
		equal(p.t, "type", event.Type, "webhook_event")
		if event.Endpoint.APIVersion == nil {
			return event
		}
		if !strings.Contains(event.Payload, `"api_version": "`+*event.Endpoint.APIVersion+`"`) {
			p.t.Errorf("not of %s: %s", *event.Endpoint.APIVersion, event.Payload)
		}
		p.acknowledge(event)
	}
}

func (p *player) acknowledge(event wireEvent) {
	p.t.Helper()
	p.send(map[string]any{"type": "event_ack", "event_id": event.id(p.t), "webhook_conversation_id": event.Conversation, "webhook_id": event.WebhookID})
}

func (p *player) send(message any) {
	p.t.Helper()
	raw, err := json.Marshal(message)
	ok(p.t, err)
	ok(p.t, p.conn.Write(p.t.Context(), websocket.MessageText, raw))
}

func (p *player) forward(event wireEvent) int {
	p.t.Helper()
	req, err := http.NewRequest(http.MethodPost, p.b.hook.url, strings.NewReader(event.Payload))
	ok(p.t, err)
	for name, value := range event.Headers {
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(req)
	ok(p.t, err)
	ok(p.t, resp.Body.Close())
	return resp.StatusCode
}

// eventually waits for what another process or connection does.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick, limit := time.NewTicker(5*time.Millisecond), time.After(patience)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("never: %s", what)
		}
	}
}

func count(ids []string, id string) (n int) {
	for _, each := range ids {
		if each == id {
			n++
		}
	}
	return n
}
