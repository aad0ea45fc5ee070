// Package tracing sends traces to an OpenTelemetry collector, by OTLP over HTTP, where
// the standard OTEL_… variables say so. The SDK reads these of the process itself. A nil
// *Tracing is off: it costs a comparison.
package tracing

import (
	"context"
	"net/http"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"

	"hourbank/version"
)

// Tracing makes spans. It is safe for concurrent use.
type Tracing struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
	log      *zap.Logger
}

// most links a batch's span has: one for each event.
const mostLinks = 512

// New begins to send, where on says so; else it gives nil. A collector that doesn't
// answer is warned of, and holds nothing up.
func New(on bool, log *zap.Logger) *Tracing {
	if !on {
		return nil
	}
	// The handler is the process's, as what it is told of is.
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Warn("sending traces failed", zap.Error(err)) }))
	ctx := context.Background()
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		log.Error("traces are not sent", zap.Error(err))
		return nil
	}
	limits := sdktrace.NewSpanLimits()
	limits.LinkCountLimit = max(limits.LinkCountLimit, mostLinks)
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(plainExporter{exporter}), sdktrace.WithRawSpanLimits(limits), sdktrace.WithResource(describe(ctx, log)))
	return &Tracing{provider: provider, tracer: provider.Tracer("hourbank"), log: log}
}

// describe is what the spans are of; OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES win.
func describe(ctx context.Context, log *zap.Logger) *resource.Resource {
	known, err := resource.New(ctx, resource.WithTelemetrySDK(),
		resource.WithAttributes(attribute.String("service.name", "hourbank"), attribute.String("service.version", version.Get().Version)), resource.WithFromEnv())
	if err != nil {
		log.Warn("OTEL_RESOURCE_ATTRIBUTES can't be read", zap.Error(err))
	}
	return known
}

// flushPatience is how long an end waits for a collector.
const flushPatience = 2 * time.Second

// Stop sends what is left.
func (t *Tracing) Stop() {
	if t == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), flushPatience)
	defer cancel()
	if err := t.provider.Shutdown(ctx); err != nil {
		t.log.Warn("the last traces were not sent", zap.Error(err))
	}
}

// Handler has a span made of each request but those of probes; what serves it says by Request
// which it was.
func (t *Tracing) Handler(next http.Handler) http.Handler {
	if t == nil {
		return next
	}
	return otelhttp.NewHandler(next, "request", otelhttp.WithTracerProvider(t.provider), otelhttp.WithPropagators(propagation.TraceContext{}),
		otelhttp.WithFilter(func(r *http.Request) bool {
			switch r.URL.Path {
			case "/healthz", "/healthz/", "/readyz", "/readyz/", "/metrics", "/metrics/":
				return false
			}
			return true
		}))
}

// IsRecorded says whether a span is made of a request.
func IsRecorded(ctx context.Context) bool { return trace.SpanFromContext(ctx).IsRecording() }

// Request names the request's span, says more of it, and gives its trace's id.
func Request(ctx context.Context, name, route string, details map[string]string) (traceID string) {
	span := trace.SpanFromContext(ctx)
	span.SetName(name)
	span.SetAttributes(attribute.String("http.route", route))
	for key, value := range details {
		span.SetAttributes(attribute.String(key, value))
	}
	return span.SpanContext().TraceID().String()
}

// Calls has a span made of each call of Stripe's API.
func (t *Tracing) Calls(transport http.RoundTripper) http.RoundTripper {
	if t == nil {
		return transport
	}
	return otelhttp.NewTransport(transport, otelhttp.WithTracerProvider(t.provider), otelhttp.WithPropagators(propagation.NewCompositeTextMapPropagator()),
		otelhttp.WithSpanNameFormatter(func(_ string, r *http.Request) string { return "Stripe " + r.Method }))
}

// Caller is the span that a context is in, for a batch to link.
func (t *Tracing) Caller(ctx context.Context) trace.SpanContext {
	if t == nil {
		return trace.SpanContext{}
	}
	return trace.SpanContextFromContext(ctx)
}

// Batch begins the span of a transaction of events, linked to the requests that
// brought them, and gives what ends it.
func (t *Tracing) Batch(events int, caller func(int) trace.SpanContext) (end func(error)) {
	if t == nil {
		return func(error) {}
	}
	var links []trace.Link
	for i := range events {
		if from := caller(i); from.IsValid() {
			links = append(links, trace.Link{SpanContext: from})
		}
	}
	_, span := t.tracer.Start(context.Background(), "batch", trace.WithLinks(links...), trace.WithAttributes(attribute.Int(batchEvents, events)))
	return ending(span)
}

// Delivery begins the span of an attempt to deliver an event, and gives what ends it.
func (t *Tracing) Delivery(ctx context.Context, id, eventType string, attempts int) (end func(error)) {
	if t == nil {
		return func(error) {}
	}
	_, span := t.tracer.Start(ctx, "delivery", trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(attribute.String(deliveryID, id), attribute.String(deliveryType, eventType), attribute.Int(deliveryAttempts, attempts)))
	return ending(span)
}

// ending ends a span, and says whether it failed, but not why: that may tell of people.
func ending(span trace.Span) func(error) {
	return func(err error) {
		if err != nil {
			span.SetStatus(codes.Error, "")
		}
		span.End()
	}
}
