// Package lambda speaks AWS Lambda's Runtime API for one instance: the custom
// runtime of a function that is deployed there with its model.
//
// It receives invocations, each an event in JSON: a request through API Gateway (REST
// and HTTP APIs), a Function URL or an Application Load Balancer, a structured
// CloudEvent, or the plain body of the HTTP API. It hands the picture on to the
// instance by the instance's own HTTP door, in memory, and answers with the reply that
// the gateway would give. It refuses what is over Lambda's payload before Lambda does,
// and cancels what would be answered after Lambda's deadline.
//
// Events that only name an object elsewhere (S3, and queues that wrap such) are refused:
// to fetch it is for whoever may sign for it. A presigned URL does.
package lambda

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/seed45885407/saccade/functions"
)

// Options say whose Runtime it is. Zero fields mean the defaults.
type Options struct {
	// API is host:port of the Runtime API: the variable AWS_LAMBDA_RUNTIME_API, which
	// aws-lambda-go reads itself once the function is initialised.
	API string
	// Initialization is the variable AWS_LAMBDA_INITIALIZATION_TYPE: on-demand (also
	// where it is empty), provisioned-concurrency, snap-start or lambda-managed-instances.
	Initialization string
	// Function is the function's name, Revision its version on Lambda
	// (AWS_LAMBDA_FUNCTION_VERSION). Both are in every reply.
	Function, Revision string
	// Instance answers POST /v1/detect, GET /healthz and GET /readyz as package serve
	// does. Before its function is loaded it keeps requests waiting.
	Instance http.Handler
	// Ledger is what the start was spent on, asked once the start has succeeded.
	Ledger func() functions.Start
	// Asked is when Lambda asked for this process. Default: now.
	Asked time.Time
	// Fetch gets the picture at an http, https or data URL, safely: a stranger chose it.
	Fetch func(ctx context.Context, url string) ([]byte, error)
	// Grace is how long an invocation may take to finish once the process is told to
	// end. Default 300 ms: Lambda kills 500 ms after it.
	Grace time.Duration
	// InitBound is how long an on-demand start may take before invocations are asked
	// for all the same; see [Runtime.Run]. Default 9 s: Lambda ends an
	// initialisation at 10 s.
	InitBound time.Duration
	// Log gets a line for each invocation. Default: none.
	Log *slog.Logger
}

func (o Options) withDefaults() Options {
	if o.Initialization == "" {
		o.Initialization = onDemand
	}
	if o.Asked.IsZero() {
		o.Asked = time.Now()
	}
	if o.Ledger == nil {
		o.Ledger = func() functions.Start { return functions.Start{} }
	}
	if o.Grace <= 0 {
		o.Grace = 300 * time.Millisecond
	}
	if o.InitBound <= 0 {
		o.InitBound = functions.LambdaInitTimeout - time.Second
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// Runtime answers the invocations of one instance.
type Runtime struct {
	options Options
	// gate is held by every invocation, and for good by whoever stops the instance.
	gate sync.RWMutex
	// started is closed when the start is over, failed set before where it failed.
	started chan struct{}
	failed  error
	// asking is when invocations were first asked for, in nanoseconds since Asked; 0
	// before that.
	asking  atomic.Int64
	invoked atomic.Bool
}

// New makes a Runtime; [Runtime.Run] starts it.
func New(o Options) *Runtime {
	return &Runtime{options: o.withDefaults(), started: make(chan struct{})}
}

// Invoke answers one invocation; it is aws-lambda-go's Handler. ctx has Lambda's
// deadline and the invocation's metadata.
//
// A request over HTTP is answered over HTTP whatever comes of it. Every other event
// that fails is a messages.InvokeResponse_Error, whose type is the error's Kind after
// "saccade.".
func (r *Runtime) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	r.gate.RLock()
	defer r.gate.RUnlock()
	call := r.arrived()
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		call.id = lc.AwsRequestID
	}
	call.xray = xray(ctx)
	ctx, cancel := answerable(ctx)
	defer cancel()

	from, err := sortEvent(payload, r.options.Function)
	call.kind = from.kind()
	var answer []byte
	if probe, is := asProbe(from); is && err == nil {
		answer, err = r.probe(ctx, probe)
	} else {
		if err == nil {
			err = fits("the event", len(payload), from.most())
		}
		answer, err = r.detect(ctx, call, from, err)
	}
	if r.hasFailed() {
		return nil, failure(r.failed, true)
	}
	return answer, err
}

// detect is the walk of an invocation: read -> fetch -> infer -> reply. fault is what
// has gone wrong already.
func (r *Runtime) detect(ctx context.Context, call *call, from door, fault error) ([]byte, error) {
	reply, err := functions.Reply{}, fault
	if err == nil {
		reply, err = r.infer(ctx, call, from)
	}
	var answer []byte
	if err == nil {
		answer, err = from.answer(reply)
	}
	if err == nil {
		err = fits("the answer", len(answer), from.most())
	}
	if functions.KindOf(err) == functions.Unavailable {
		r.settle(ctx)
	}
	err = late(ctx, err)
	r.log(call, reply, err)
	if err != nil {
		return from.refuse(err)
	}
	return answer, nil
}

func (r *Runtime) infer(ctx context.Context, call *call, from door) (functions.Reply, error) {
	// read
	ask, err := from.read()
	if err != nil {
		return functions.Reply{}, err
	}
	if call.trace = ask.traceparent; len(call.trace) != traceparentBytes {
		call.trace = traceparent(call.xray)
	}

	// fetch
	picture := ask.picture
	if ask.url != "" {
		if picture, err = r.options.Fetch(ctx, ask.url); err != nil {
			return functions.Reply{}, fmt.Errorf("fetching picture: %w", err)
		}
		if err := checkFormat(picture, false); err != nil {
			return functions.Reply{}, err
		}
	}
	fetched := time.Now()

	// infer
	answer, err := r.look(ctx, picture, ask.params, call.trace)
	if err != nil {
		return functions.Reply{}, err
	}

	// reply
	answer.Timing.Fetch = functions.Millis(fetched.Sub(call.at))
	total := time.Since(call.at)
	if answer.Cold || call.cold {
		if !answer.Cold {
			answer.Cold, answer.Start = true, r.options.Ledger()
		}
		// Whoever asked has waited for the process from before it was there.
		answer.Timing.Wait += functions.Millis(call.before)
		total += call.before
	}
	return functions.NewReply(r.options.Function, r.options.Revision, answer, total), nil
}

// answerMargin is kept of an invocation's time for its answer to get out.
const answerMargin = 100 * time.Millisecond

// answerable ends ctx while there is still time to say so.
func answerable(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, has := ctx.Deadline()
	if !has {
		return context.WithCancel(ctx)
	}
	margin := min(answerMargin, max(0, time.Until(deadline)/10))
	return context.WithDeadline(ctx, deadline.Add(-margin))
}

// late names the invocation's own deadline as what it is.
func late(ctx context.Context, err error) error {
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return functions.Errorf(functions.Timeout, "the function's time on Lambda was over before it had answered").Because(err)
	}
	if err != nil && ctx.Err() != nil {
		return functions.Errorf(functions.Unavailable, "the instance stops").Because(err)
	}
	return err
}
