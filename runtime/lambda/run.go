package lambda

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/seed45885407/saccade/functions"
)

// reportTime is how long the Runtime API may take to hear of a failed start.
const reportTime = 2 * time.Second

// Run makes the instance ready with start, and answers invocations until ctx ends,
// which is what Lambda's SIGTERM is to do. A start that fails is told to Lambda, and
// is Run's error.
//
// Lambda ends an on-demand initialisation after 10 s and begins it again, from nothing,
// inside the first invocation. A start that takes longer is spared that: short of the
// bound the invocation is asked for all the same, which ends the initialisation, and
// waits for the rest of the start. Should that start then fail, the invocation fails
// with it and aws-lambda-go ends the process, so that the next one gets a new instance.
//
// Run is called once, by main: on the way out it leaves aws-lambda-go's goroutine
// behind, which asks for an invocation that does not come. The process is to end then.
func (r *Runtime) Run(ctx context.Context, start func(context.Context) error) error {
	go r.begin(context.WithoutCancel(ctx), start) // r.started is waited for
	if err := r.initialised(ctx); err != nil {
		r.report(err)
		return err
	}
	defer func() { <-r.started }() // or it would load while main closes
	if ctx.Err() != nil {
		return nil
	}
	r.asking.Store(int64(time.Since(r.options.Asked)))
	work, end := context.WithCancelCause(context.WithoutCancel(ctx))
	defer end(nil)
	go lambda.StartWithOptions(r,
		lambda.WithContext(work),
		// Lambda sends SIGTERM to those alone that have an extension: this registers one.
		lambda.WithEnableSIGTERM())
	<-ctx.Done()

	// Stopping: what is inside may finish, and is cancelled then.
	left := make(chan struct{})
	go func() {
		r.gate.Lock() // for good
		close(left)
	}()
	timer := time.NewTimer(r.options.Grace)
	defer timer.Stop()
	select {
	case <-left:
	case <-timer.C:
		end(functions.Errorf(functions.Unavailable, "the instance stops"))
		<-left // a cancelled run ends after the node of the graph that it is at
	}
	return nil
}

func (r *Runtime) begin(ctx context.Context, start func(context.Context) error) {
	r.failed = start(ctx)
	close(r.started)
}

// initialised returns when invocations may be asked for, or why never.
func (r *Runtime) initialised(ctx context.Context) error {
	var bound <-chan time.Time
	if r.options.Initialization == onDemand {
		timer := time.NewTimer(r.options.InitBound - time.Since(r.options.Asked))
		defer timer.Stop()
		bound = timer.C
	}
	select {
	case <-r.started:
		return r.failed
	case <-bound:
		r.options.Log.Warn("the start takes longer than Lambda's initialisation may; the invocation waits for it")
	case <-ctx.Done():
	}
	return nil
}

// hasFailed says that the start is over and has failed.
func (r *Runtime) hasFailed() bool {
	select {
	case <-r.started:
		return r.failed != nil
	default:
		return false
	}
}

// settle waits until the start is over. An instance says that it has failed a moment
// before whoever started it knows.
func (r *Runtime) settle(ctx context.Context) {
	select {
	case <-r.started:
	case <-ctx.Done():
	}
}

// report tells Lambda why the start has failed. Who invokes is told the same, so it is
// what a caller may read. Lambda sees the process end in any case: what goes wrong
// here is not worth an error of its own.
func (r *Runtime) report(cause error) {
	said := failure(cause, true)
	text, err := json.Marshal(said)
	if err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), reportTime)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost,
		"http://"+r.options.API+"/2018-06-01/runtime/init/error", bytes.NewReader(text))
	if err != nil {
		return
	}
	request.Header.Set("Content-Type", "application/vnd.aws.lambda.error+json")
	request.Header.Set("Lambda-Runtime-Function-Error-Type", said.Type)
	client := &http.Client{Transport: &http.Transport{Proxy: nil, DisableKeepAlives: true}}
	if resp, err := client.Do(request); err == nil {
		resp.Body.Close()
	} else {
		r.options.Log.Warn("the failed start could not be reported", "error", fmt.Errorf("reporting: %w", err))
	}
}
