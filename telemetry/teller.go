package telemetry

import (
	"context"

	sdk "go.opentelemetry.io/otel/sdk/trace"
)

// teller tells when delivery begins to fail and when it works again, once each: a
// collector that is down for a night is two lines of a log. Without it every
// failure would go to the process-wide handler of OpenTelemetry.
//
// The batch processor exports one batch at a time, so nothing here is guarded.
type teller struct {
	sdk.SpanExporter
	tell    func(error)
	failing bool
}

// ExportSpans satisfies sdk.SpanExporter. Spans that cannot be delivered, the
// exporter's own retries included, are dropped.
func (t *teller) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	err := t.SpanExporter.ExportSpans(ctx, spans)
	if failing := err != nil; failing != t.failing && t.tell != nil {
		t.tell(err)
	}
	t.failing = err != nil
	return nil
}
