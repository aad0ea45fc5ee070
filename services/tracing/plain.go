package tracing

import (
	"context"
	"slices"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Attributes of our own.
const (
	EventID          = "hourbank.event.id"
	EventType        = "hourbank.event.type"
	EventStatus      = "hourbank.event.status"
	RequestID        = "hourbank.request.id"
	batchEvents      = "hourbank.batch.events"
	deliveryID       = "hourbank.delivery.id"
	deliveryType     = "hourbank.delivery.type"
	deliveryAttempts = "hourbank.delivery.attempts"
)

// plain are the attributes that leave the process, whatever a library adds: paths hold
// ids of students, and addresses are people's.
var plain = []attribute.Key{
	"http.request.method", "http.response.status_code", "http.route", "error.type",
	EventID, EventType, EventStatus, RequestID, batchEvents, deliveryID, deliveryType, deliveryAttempts,
}

// plainExporter sends spans as plainSpan shows them.
type plainExporter struct{ sdktrace.SpanExporter }

// ExportSpans sends spans.
func (e plainExporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	shown := make([]sdktrace.ReadOnlySpan, len(spans))
	for i, span := range spans {
		shown[i] = plainSpan{span}
	}
	return e.SpanExporter.ExportSpans(ctx, shown)
}

// plainSpan is a span without what may tell of people.
type plainSpan struct{ sdktrace.ReadOnlySpan }

// Attributes are those that are plain.
func (s plainSpan) Attributes() []attribute.KeyValue {
	return slices.DeleteFunc(slices.Clone(s.ReadOnlySpan.Attributes()), func(a attribute.KeyValue) bool { return !slices.Contains(plain, a.Key) })
}

// Events hold messages of errors.
func (plainSpan) Events() []sdktrace.Event { return nil }

// SpanContext is without tracestate, which holds what callers like.
func (s plainSpan) SpanContext() trace.SpanContext { return plainContext(s.ReadOnlySpan.SpanContext()) }

// Parent is, too.
func (s plainSpan) Parent() trace.SpanContext { return plainContext(s.ReadOnlySpan.Parent()) }

// Links are, too.
func (s plainSpan) Links() []sdktrace.Link {
	links := slices.Clone(s.ReadOnlySpan.Links())
	for i := range links {
		links[i].SpanContext = plainContext(links[i].SpanContext)
	}
	return links
}

func plainContext(c trace.SpanContext) trace.SpanContext { return c.WithTraceState(trace.TraceState{}) }

// Status says whether it failed, without why.
func (s plainSpan) Status() sdktrace.Status {
	return sdktrace.Status{Code: s.ReadOnlySpan.Status().Code}
}
