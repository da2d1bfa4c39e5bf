// Package telemetry builds the traces of a program from OpenTelemetry's standard
// environment variables.
//
// It receives the program's name and version, and OTEL_* variables; it hands on
// tracers, and delivers their spans over OTLP/HTTP in the background until
// [Traces.Shutdown]. Where no exporter is asked for, there is none, and spans cost
// nothing. It refuses what it cannot do (another exporter or protocol) with an
// error, rather than losing every span in silence.
//
// Nothing in it is global: whoever wants a tracer is given one.
package telemetry

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// Options say whose traces these are.
type Options struct {
	// Service is the service's name where OTEL_SERVICE_NAME and
	// OTEL_RESOURCE_ATTRIBUTES give no other. Required.
	Service string
	// Version is that of the program; empty: unknown.
	Version string
	// Failed is told when spans cannot be delivered, and with nil when they can be
	// again. Default: nobody is.
	Failed func(error)
}

// Traces are the source of a program's spans. The zero value makes none.
type Traces struct {
	provider *sdk.TracerProvider // nil: no exporter was asked for
}

// New reads the environment:
//
//	OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT   one of them turns traces on
//	OTEL_TRACES_EXPORTER                    otlp: on, at localhost:4318; none: off
//	OTEL_SDK_DISABLED                       true: off
//	OTEL_EXPORTER_OTLP_[TRACES_]PROTOCOL    http/protobuf, which is the default
//	OTEL_EXPORTER_OTLP_[TRACES_]HEADERS, _TIMEOUT, _COMPRESSION, _CERTIFICATE, _CLIENT_KEY, _CLIENT_CERTIFICATE
//	OTEL_TRACES_SAMPLER, OTEL_TRACES_SAMPLER_ARG   default parentbased_always_on
//	OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES
//	OTEL_BSP_*                              bounds of what waits for delivery: 2048 spans
//
// They are read as the specification says (configuration/sdk-environment-variables),
// but for the exporter: its default there is otlp, here it is none.
func New(options Options) (*Traces, error) {
	on, err := wanted()
	if err != nil || !on {
		return &Traces{}, err
	}
	ctx := context.Background() // making an exporter dials nobody
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return &Traces{}, fmt.Errorf("making the exporter of traces: %w", err)
	}
	about, err := resource.New(ctx,
		resource.WithTelemetrySDK(),
		resource.WithAttributes(identity(options)...),
		resource.WithFromEnv()) // the last word
	if err != nil {
		return &Traces{}, fmt.Errorf("reading OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	return &Traces{sdk.NewTracerProvider(
		sdk.WithResource(about),
		sdk.WithBatcher(&teller{SpanExporter: exporter, tell: options.Failed}),
	)}, nil
}

func identity(options Options) []attribute.KeyValue {
	list := []attribute.KeyValue{attribute.String("service.name", options.Service)}
	if options.Version != "" {
		list = append(list, attribute.String("service.version", options.Version))
	}
	return list
}

// On says whether spans go anywhere.
func (t *Traces) On() bool { return t.provider != nil }

// Tracer makes the spans of one part of the program, which is named by its import
// path.
func (t *Traces) Tracer(part string) trace.Tracer {
	if t.provider == nil {
		return noop.NewTracerProvider().Tracer(part)
	}
	return t.provider.Tracer(part)
}

// Shutdown delivers the spans that have ended, and makes no more. What is not
// delivered when ctx ends is lost, with ctx's error.
func (t *Traces) Shutdown(ctx context.Context) error {
	if t.provider == nil {
		return nil
	}
	if err := t.provider.Shutdown(ctx); err != nil {
		return fmt.Errorf("delivering the last traces: %w", err)
	}
	return nil
}
