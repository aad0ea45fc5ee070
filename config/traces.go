package config

import (
	"slices"
	"strings"
)

// Traces are the variables of OpenTelemetry that decide whether traces are sent. Its
// SDK reads them, and all others, itself.
// https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
type Traces struct {
	Disabled       string `env:"OTEL_SDK_DISABLED"`
	Exporter       string `env:"OTEL_TRACES_EXPORTER"`
	Endpoint       string `env:"OTEL_EXPORTER_OTLP_ENDPOINT"`
	TracesEndpoint string `env:"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"`
	Protocol       string `env:"OTEL_EXPORTER_OTLP_PROTOCOL"`
	TracesProtocol string `env:"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"`
}

// On says whether traces are sent.
func (t Traces) On() bool {
	return !strings.EqualFold(t.Disabled, "true") && t.Exporter != "none" && t.Endpoint+t.TracesEndpoint+t.Exporter != ""
}

func (t Traces) check(expect func(ok bool, format string, args ...any)) {
	if !t.On() {
		return
	}
	expect(slices.Contains([]string{"", "otlp"}, t.Exporter), "OTEL_TRACES_EXPORTER: must be otlp or none")
	for name, protocol := range map[string]string{"OTEL_EXPORTER_OTLP_PROTOCOL": t.Protocol, "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": t.TracesProtocol} {
		expect(slices.Contains([]string{"", "http/protobuf"}, protocol), "%s: must be http/protobuf", name)
	}
	for name, endpoint := range map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": t.Endpoint, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": t.TracesEndpoint} {
		expect(endpoint == "" || hasPrefix(endpoint, "http://", "https://"), "%s: must start with http:// or https://", name)
	}
}
