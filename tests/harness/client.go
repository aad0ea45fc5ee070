package harness

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76/webhook"
	"github.com/tidwall/gjson"

	"hourbank/openapi/openapitest"
)

// WebhookPath and SubscriptionsPath are the two addresses for events.
const (
	WebhookPath       = "/api/finances/webhooks/stripe/"
	SubscriptionsPath = "/api/finances/webhooks/stripe/subscriptions/"
)

// newClient makes a client that shows redirects instead of following them.
func newClient() *http.Client {
	return &http.Client{
		Transport:     &http.Transport{MaxIdleConnsPerHost: 64},
		Timeout:       patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Response is an answer, read to its end.
type Response struct {
	Status int
	Header http.Header
	Body   string

	raw *http.Response
}

// Get gives a field of the JSON body by its path.
func (r Response) Get(path string) gjson.Result { return gjson.Get(r.Body, path) }

// Want fails unless the answer has the status, and gives it back.
func (r Response) Want(tb testing.TB, status int) Response {
	tb.Helper()
	if r.Status != status {
		tb.Fatalf("answered %d, want %d: %s", r.Status, status, r.Body)
	}
	return r
}

// WantProblem fails unless the answer is an error by RFC 9457 with the code.
func (r Response) WantProblem(tb testing.TB, status int, code string) Response {
	tb.Helper()
	r.Want(tb, status)
	if got := r.Header.Get("Content-Type"); !strings.HasPrefix(got, "application/problem+json") {
		tb.Errorf("Content-Type is %q, want application/problem+json", got)
	}
	if got := r.Get("code").String(); got != code {
		tb.Errorf("code is %q, want %q: %s", got, code, r.Body)
	}
	if r.Get("status").Int() != int64(status) || r.Get("title").String() == "" || r.Get("detail").String() == "" {
		tb.Errorf("not a whole problem: %s", r.Body)
	}
	return r
}

// WantFields compares fields of the JSON body, by path, with what they read
// as; null reads as "".
func (r Response) WantFields(tb testing.TB, want map[string]string) Response {
	tb.Helper()
	for path, value := range want {
		if got := r.Get(path).String(); got != value {
			tb.Errorf("%s is %q, want %q in %s", path, got, value, r.Body)
		}
	}
	return r
}

// Request sends any request, and holds the exchange to the OpenAPI document.
// Headers come in pairs of name and value.
func (app *App) Request(tb testing.TB, method, path, body string, headers ...string) Response {
	tb.Helper()
	response, err := app.Try(method, path, body, headers...)
	if err != nil {
		tb.Fatalf("%s %s: %v\n%s", method, path, err, app.Log)
	}
	request := response.raw.Request.Clone(tb.Context())
	openapitest.Check(tb, request, []byte(body), response.raw, []byte(response.Body))
	return response
}

// Elsewhere sends a request to a program that is not Hourbank.
func Elsewhere(tb testing.TB, baseURL, method, path, body string, headers ...string) Response {
	tb.Helper()
	program := &App{BaseURL: baseURL, client: newClient()}
	defer program.client.CloseIdleConnections()
	response, err := program.Try(method, path, body, headers...)
	if err != nil {
		tb.Fatalf("%s %s: %v", method, path, err)
	}
	return response
}

// Try is Request for tests that expect the program to die.
func (app *App) Try(method, path, body string, headers ...string) (Response, error) {
	request, err := http.NewRequest(method, app.BaseURL+path, bytes.NewReader([]byte(body)))
	if err != nil {
		return Response{}, err
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := app.client.Do(request)
	if err != nil {
		return Response{}, err
	}
	defer response.Body.Close() //nolint:errcheck // it is read to its end
	read, err := io.ReadAll(response.Body)
	return Response{Status: response.StatusCode, Header: response.Header, Body: string(read), raw: response}, err
}

// Get asks the API with the read key and wants 200.
func (app *App) Get(tb testing.TB, path string) Response {
	tb.Helper()
	return app.As(tb, ReadKey, http.MethodGet, path).Want(tb, http.StatusOK)
}

// As asks the API with a key.
func (app *App) As(tb testing.TB, key, method, path string) Response {
	tb.Helper()
	return app.Request(tb, method, path, "", "Authorization", "Bearer "+key)
}

// Sign gives the Stripe-Signature header for a body signed now.
func Sign(body, secret string) string { return SignAt(body, secret, time.Now()) }

// SignAt gives the Stripe-Signature header for a body signed at another time.
func SignAt(body, secret string, at time.Time) string {
	return webhook.GenerateTestSignedPayload(&webhook.UnsignedPayload{Payload: []byte(body), Secret: secret, Timestamp: at}).Header
}

// Send posts any body, signed, to the main address.
func (app *App) Send(tb testing.TB, body string) Response {
	tb.Helper()
	return app.Request(tb, http.MethodPost, WebhookPath, body, "Stripe-Signature", Sign(body, WebhookSecret))
}

// Deliver posts an event, signed, to the main address, as Stripe does.
func (app *App) Deliver(tb testing.TB, event *Event) Response {
	tb.Helper()
	return app.Send(tb, event.Body())
}

// TryDeliver is Deliver for programs that may die meanwhile, and for
// goroutines that must not end the test.
func (app *App) TryDeliver(event *Event) (Response, error) {
	body := event.Body()
	return app.Try(http.MethodPost, WebhookPath, body, "Stripe-Signature", Sign(body, WebhookSecret))
}

// Patiently asks again where the answer is 503, at most ten times, as any
// client does of a busy machine.
func Patiently(ask func() (Response, error)) (answer Response, err error) {
	for range 10 {
		if answer, err = ask(); err != nil || answer.Status != http.StatusServiceUnavailable {
			break
		}
	}
	return answer, err
}

// MustProcess delivers events in order, each of which must change something,
// whatever case it opens.
func (app *App) MustProcess(tb testing.TB, events ...*Event) {
	tb.Helper()
	for _, event := range events {
		answer := app.Deliver(tb, event).Want(tb, http.StatusOK).WantFields(tb, map[string]string{
			"event_id": event.ID, "status": "processed", "duplicate": "false",
		})
		if answer.Get("reason").String() == "stale" {
			tb.Errorf("%s %s told nothing new", event.Type, event.ID)
		}
	}
}
