package watch

import (
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"hourbank/database"
	"hourbank/tests/harness"
)

// traces is an OpenTelemetry collector.
type traces struct {
	*httptest.Server

	mu    sync.Mutex
	raw   strings.Builder // all that was sent
	spans []*otlp.Span
}

func newTraces(t *testing.T) *traces {
	t.Helper()
	c := &traces{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var sent collector.ExportTraceServiceRequest
		if err == nil {
			err = proto.Unmarshal(body, &sent)
		}
		if err != nil || r.URL.Path != "/v1/traces" {
			t.Errorf("not sent as OTLP: %s %v", r.URL.Path, err)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.raw.Write(body)
		for _, resource := range sent.GetResourceSpans() {
			for _, scope := range resource.GetScopeSpans() {
				c.spans = append(c.spans, scope.GetSpans()...)
			}
		}
	}))
	t.Cleanup(c.Close)
	return c
}

// named gives the spans of a name.
func (c *traces) named(name string) (spans []*otlp.Span) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, span := range c.spans {
		if span.GetName() == name {
			spans = append(spans, span)
		}
	}
	return spans
}

func attribute(span *otlp.Span, name string) string {
	for _, a := range span.GetAttributes() {
		if a.GetKey() == name {
			return a.GetValue().GetStringValue()
		}
	}
	return ""
}

const webhookSpan = "POST /api/finances/webhooks/stripe/"

// What was done is sent at the latest when the program ends.
func TestTracesTellWhichRequestsABatchHeldAndNothingOfPeople(t *testing.T) {
	t.Parallel()
	db, c := harness.NewDatabase(t, database.SQLite), newTraces(t)
	stripe, receiver := harness.NewStripe(t), harness.NewReceiver(t, nil)
	app := db.ServeProcess(t, slices.Concat(stripe.Settings(), receiver.Settings(),
		[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + c.URL, "OTEL_BSP_SCHEDULE_DELAY=3600000", "OTEL_SERVICE_NAME=hours-of-the-tests"})...)
	p := app.NewPurchase(t)
	event := p.Succeeded()
	app.MustProcess(t, event)
	app.Get(t, "/api/finances/students/"+p.Student+"/balance/?at=2030-01-01T00:00:00Z")
	app.Request(t, http.MethodGet, "/api/finances/plans/", "", "Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "Tracestate", "caller=of-a-student")
	app.Request(t, http.MethodGet, "/healthz", "")
	app.Post(t, harness.WriteKey, "/api/finances/purchases/", `{"student_id":"student_of_the_traces","hours":"1.00","amount":1000,"currency":"eur"}`).Want(t, http.StatusCreated)
	receiver.WantTold(t, p.Student, "purchase.completed", "hours.credited")
	if code := app.Terminate(); code != 0 {
		t.Errorf("exit code %d", code)
	}

	webhooks := c.named(webhookSpan)
	if len(webhooks) != 1 {
		t.Fatalf("%d spans of the webhook among %v", len(webhooks), c.spans)
	}
	webhook := webhooks[0]
	for name, want := range map[string]string{
		"http.route": "/api/finances/webhooks/stripe/", "http.request.method": "POST",
		"hourbank.event.id": event.ID, "hourbank.event.type": event.Type, "hourbank.event.status": "processed",
	} {
		if got := attribute(webhook, name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	batches := c.named("batch")
	if len(batches) != 1 || len(batches[0].GetLinks()) != 1 || string(batches[0].GetLinks()[0].GetSpanId()) != string(webhook.GetSpanId()) {
		t.Errorf("the batch is not linked to its event's request: %v", batches)
	}
	if len(c.named("delivery")) != 2 || len(c.named("GET /api/finances/students/:student_id/balance/")) != 1 || len(c.named("GET /healthz")) != 0 {
		t.Errorf("not the spans that there should be: %v", c.spans)
	}
	calls, sale := c.named("Stripe POST"), c.named("POST /api/finances/purchases/")
	if len(calls) != 1 || len(sale) != 1 || string(calls[0].GetParentSpanId()) != string(sale[0].GetSpanId()) {
		t.Errorf("the call of Stripe's API is not the sale's: %v %v", calls, sale)
	}
	lines := app.Log.Lines("event_id", event.ID)
	if len(lines) != 1 || lines[0].Get("trace_id").String() != hex.EncodeToString(webhook.GetTraceId()) {
		t.Errorf("the log's trace is not the webhook's: %v", lines)
	}
	sent := c.raw.String()
	if !strings.Contains(sent, "hours-of-the-tests") {
		t.Error("OTEL_SERVICE_NAME is not kept")
	}
	for _, secret := range []string{p.Student, p.PaymentIntent, "student_of_the_traces", "127.0.0.1", "Go-http-client", "2030-01-01", "of-a-student", harness.ReadKey, harness.WriteKey, harness.WebhookSecret} {
		if strings.Contains(sent, secret) {
			t.Errorf("%q was sent", secret)
		}
	}
}

func TestNothingIsTracedUnlessItIsAskedFor(t *testing.T) {
	t.Parallel()
	db, c := harness.NewDatabase(t, database.SQLite), newTraces(t)
	endpoint := "OTEL_EXPORTER_OTLP_ENDPOINT=" + c.URL
	for _, settings := range [][]string{{}, {endpoint, "OTEL_SDK_DISABLED=true"}, {endpoint, "OTEL_TRACES_EXPORTER=none"}} {
		app := db.ServeProcess(t, settings...)
		event := app.NewPurchase(t).Succeeded()
		app.MustProcess(t, event)
		app.Terminate()
		if lines := app.Log.Lines("event_id", event.ID); len(lines) != 1 || lines[0].Get("trace_id").Exists() {
			t.Errorf("%v: the log has %v", settings, lines)
		}
	}
	if len(c.spans) > 0 {
		t.Errorf("sent: %v", c.spans)
	}
}

func TestTracesThatCantBeSentAsAskedStopTheStart(t *testing.T) {
	t.Parallel()
	db := harness.NewDatabase(t, database.SQLite)
	for _, setting := range []string{
		"OTEL_TRACES_EXPORTER=zipkin", "OTEL_EXPORTER_OTLP_ENDPOINT=collector:4317",
		"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=collector:4317", "OTEL_EXPORTER_OTLP_PROTOCOL=grpc", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=http/json",
	} {
		name, _, _ := strings.Cut(setting, "=")
		got := db.RunSet(t, []string{"OTEL_TRACES_EXPORTER=otlp", setting}, "status")
		if got.Code != 2 || !strings.Contains(got.Stderr, name+": must ") {
			t.Errorf("%s: %+v", setting, got)
		}
	}
}
