package lambda

import (
	"context"
	"log/slog"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// onDemand is the way in which an environment is initialised for an invocation that
// waits (AWS_LAMBDA_INITIALIZATION_TYPE).
const onDemand = "on-demand"

// expected is how soon the invocation comes that an on-demand environment was made
// for. One that comes later found it there: Lambda makes environments ahead too.
const expected = 10 * time.Second

// call is what is known of an invocation beside its event.
type call struct {
	at   time.Time
	kind string
	id   string
	// xray is Lambda's trace header, trace the W3C traceparent of the request or made
	// of xray; "" where there is none.
	xray, trace string
	// cold says that the invocation is the one that the process was started for; before
	// is then how long ago that was.
	cold   bool
	before time.Duration
}

// arrived begins an invocation.
func (r *Runtime) arrived() *call {
	c := &call{at: time.Now()}
	if r.invoked.Swap(true) {
		return c
	}
	c.before = max(0, c.at.Sub(r.options.Asked))
	idle := c.before - time.Duration(r.asking.Load())
	c.cold = r.options.Initialization == onDemand && idle < expected
	return c
}

// log says what came of an invocation, in one line.
func (r *Runtime) log(c *call, reply functions.Reply, err error) {
	attributes := []slog.Attr{
		slog.String("request", c.id), slog.String("event", c.kind), slog.String("function", r.options.Function),
		slog.String("revision", r.options.Revision),
	}
	if c.xray != "" {
		attributes = append(attributes, slog.String("xray", c.xray))
	}
	if c.trace != "" {
		attributes = append(attributes, slog.String("traceparent", c.trace))
	}
	if err != nil {
		attributes = append(attributes, slog.String("kind", string(functions.KindOf(err))), slog.String("error", err.Error()))
		level := slog.LevelWarn
		if functions.KindOf(err) == functions.Internal {
			level = slog.LevelError
		}
		r.options.Log.LogAttrs(context.Background(), level, "invocation failed", attributes...)
		return
	}
	attributes = append(attributes, slog.Int("detections", len(reply.Detections)), slog.Bool("cold_start", reply.ColdStart))
	for name, took := range reply.Timing.Phases() {
		attributes = append(attributes, slog.Float64(name, took.Milliseconds()))
	}
	r.options.Log.LogAttrs(context.Background(), slog.LevelInfo, "invocation", attributes...)
}
