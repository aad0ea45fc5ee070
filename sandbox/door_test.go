package sandbox_test

import (
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"testing"

	"hourbank/sandbox"
)

// ask makes a call as given, and gives the status.
func (b *bench) ask(method, path, body string, change func(*http.Request)) int {
	b.t.Helper()
	req, err := http.NewRequest(method, b.url+path, strings.NewReader(body))
	ok(b.t, err)
	change(req)
	resp, err := http.DefaultClient.Do(req)
	ok(b.t, err)
	ok(b.t, resp.Body.Close())
	return resp.StatusCode
}

// TestNoWebPageAsksTheSandbox tries what a page can make its reader's browser
// send: plain requests, forms with a key in their address, and requests to a
// name of its own that points here.
func TestNoWebPageAsksTheSandbox(t *testing.T) {
	b := start(t, func(cfg *sandbox.Config) { cfg.Host = "stripe.internal" })
	form := func(r *http.Request) {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.SetBasicAuth(testKey, "")
	}
	from := func(header, value string) func(*http.Request) {
		return func(r *http.Request) {
			form(r)
			r.Header.Set(sandbox.ControlHeader, "1")
			r.Header.Set(header, value)
		}
	}
	to := func(host string) func(*http.Request) {
		return func(r *http.Request) {
			from("Accept", "*/*")(r)
			r.Host = host
		}
	}
	for name, row := range map[string]struct {
		path   string
		change func(*http.Request)
		want   int
	}{
		"a control call without its header":         {"/sandbox/chaos", form, 403},
		"flush without its header":                  {"/sandbox/flush", form, 403},
		"a call without a key":                      {"/v1/customers", func(*http.Request) {}, 401},
		"a form of another site":                    {"/v1/customers", from("Origin", "https://evil.example"), 403},
		"a form of another site, of a new browser":  {"/v1/customers", from("Sec-Fetch-Site", "cross-site"), 403},
		"a control call of another site":            {"/sandbox/chaos", from("Sec-Fetch-Site", "cross-site"), 403},
		"a name that points here":                   {"/v1/customers", to("evil.example:12111"), 421},
		"a control call by a name that points here": {"/sandbox/chaos", to("evil.example"), 421},
		"localhost":            {"/v1/customers", to("localhost:12111"), 200},
		"an IPv6 address":      {"/v1/customers", to("[::1]:12111"), 200},
		"the name it was told": {"/v1/customers", to("Stripe.internal:12111"), 200},
	} {
		if got := b.ask(http.MethodPost, row.path, "", row.change); got != row.want {
			t.Errorf("%s: got %d, want %d", name, got, row.want)
		}
	}
	equal(t, "a control call in full", b.ask(http.MethodPost, "/sandbox/chaos", "{}", from("Accept", "*/*")), 200)
	preflight := func(r *http.Request) {
		r.Header.Set("Origin", "https://evil.example")
		r.Header.Set("Access-Control-Request-Headers", sandbox.ControlHeader)
	}
	if got := b.ask(http.MethodOptions, "/sandbox/chaos", "", preflight); got < 400 {
		t.Errorf("a preflight was answered %d", got)
	}
}

// TestFormsTakeLittleMemory sends what nests deep and what is wide.
func TestFormsTakeLittleMemory(t *testing.T) {
	b := start(t)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	p := &player{t: t, b: b}
	for name, body := range map[string]url.Values{
		"60 kB of brackets": {"a" + strings.Repeat("[a]", 20_000): {"1"}},
		"open brackets":     {"a" + strings.Repeat("[", 60_000): {"1"}},
		"a long list":       {"a[]": strings.Split(strings.Repeat("1,", 9_000), ",")},
	} {
		status, answer := p.post("/v1/customers", body)
		if message, _ := at(answer, []string{"error", "message"}).(string); status != 400 || !strings.HasPrefix(message, "Invalid request: ") {
			t.Errorf("%s: %d %v", name, status, message)
		}
	}
	runtime.ReadMemStats(&after)
	if taken := after.TotalAlloc - before.TotalAlloc; taken > 64<<20 {
		t.Errorf("it took %d MiB", taken>>20)
	}
}
