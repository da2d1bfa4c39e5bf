// Package lambdatest is AWS Lambda's side of the Runtime API, for tests: a server
// written from the published contract.
//
// It receives what a runtime and its extensions say, hands invocations to whoever asks
// for one, and refuses what Lambda refuses: answers for an invocation that it has not
// handed out, or that are over the payload. Sources, under
// docs.aws.amazon.com/lambda/latest/dg: runtimes-api.html, runtimes-extensions-api.html,
// lambda-runtime-environment.html.
package lambdatest

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda/messages"
)

// MaxPayload is the most bytes of a synchronous answer.
const MaxPayload = 6 << 20

// API is a Runtime API.
type API struct {
	// Asked gets a value whenever the runtime asks for an invocation, which ends the
	// one before.
	Asked chan struct{}
	// InitFailed gets what a runtime reports of its failed initialisation.
	InitFailed chan messages.InvokeResponse_Error
	// Registered gets the names of extensions, Settled a value when an extension asks
	// for its first event.
	Registered chan string
	Settled    chan struct{}

	server *httptest.Server
	queue  chan *Invocation
	done   chan struct{}

	mu      sync.Mutex
	handed  map[string]*Invocation
	count   int
	faults  []string
	waiting int
}

// Invocation is one event on its way.
type Invocation struct {
	// Payload is the event.
	Payload []byte
	// Deadline is when Lambda ends it. Default: in a minute.
	Deadline time.Time
	// Trace is Lambda-Runtime-Trace-Id.
	Trace string

	id   string
	over chan Outcome
}

// Outcome is what a runtime said of an invocation.
type Outcome struct {
	// Answer is the response; nil where the invocation failed, of Err.
	Answer []byte
	Err    messages.InvokeResponse_Error
}

// New starts an API that ends with the test.
func New(t *testing.T) *API {
	a := &API{
		Asked: make(chan struct{}, 64), InitFailed: make(chan messages.InvokeResponse_Error, 1),
		Registered: make(chan string, 4), Settled: make(chan struct{}, 4),
		queue: make(chan *Invocation, 1), done: make(chan struct{}), handed: map[string]*Invocation{},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", a.next)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", a.response)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", a.failed)
	mux.HandleFunc("POST /2018-06-01/runtime/init/error", a.initFailed)
	mux.HandleFunc("POST /2020-01-01/extension/register", a.register)
	mux.HandleFunc("GET /2020-01-01/extension/event/next", a.event)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		a.fault("%s %s is not in the contract", r.Method, r.URL.Path)
		http.NotFound(w, r)
	})
	a.server = httptest.NewServer(mux)
	t.Cleanup(func() {
		close(a.done)
		a.server.CloseClientConnections()
		a.server.Close()
		for _, fault := range a.faults {
			t.Errorf("the Runtime API was misused: %s", fault)
		}
	})
	return a
}

// Address is host:port, as AWS_LAMBDA_RUNTIME_API says it.
func (a *API) Address() string { return strings.TrimPrefix(a.server.URL, "http://") }

// Invoke hands in to the runtime when it asks next, and returns what comes of it.
func (a *API) Invoke(t *testing.T, in Invocation) Outcome {
	t.Helper()
	over := a.Begin(&in)
	select {
	case outcome := <-over:
		return outcome
	case <-time.After(time.Minute):
		t.Fatal("the invocation has no outcome after a minute")
		return Outcome{}
	}
}

// Begin is Invoke without waiting.
func (a *API) Begin(in *Invocation) <-chan Outcome {
	a.mu.Lock()
	a.count++
	in.id = fmt.Sprintf("8476a536-e9f4-11e8-9739-%012d", a.count)
	a.mu.Unlock()
	if in.Deadline.IsZero() {
		in.Deadline = time.Now().Add(time.Minute)
	}
	in.over = make(chan Outcome, 1)
	a.queue <- in
	return in.over
}

// Waiting is how many requests for an invocation are open.
func (a *API) Waiting() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.waiting
}

func (a *API) fault(format string, args ...any) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.faults = append(a.faults, fmt.Sprintf(format, args...))
}

func (a *API) wait(by int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.waiting += by
}

func (a *API) next(w http.ResponseWriter, r *http.Request) {
	if r.UserAgent() == "" {
		a.fault("a runtime that does not say who it is")
	}
	a.wait(1)
	defer a.wait(-1)
	a.Asked <- struct{}{}
	var in *Invocation
	select {
	case in = <-a.queue:
	case <-r.Context().Done(): // the process has ended
		return
	case <-a.done:
		return
	}
	a.mu.Lock()
	a.handed[in.id] = in
	a.mu.Unlock()
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Lambda-Runtime-Aws-Request-Id", in.id)
	h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(in.Deadline.UnixMilli(), 10))
	h.Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-central-1:123456789012:function:eye")
	if in.Trace != "" {
		h.Set("Lambda-Runtime-Trace-Id", in.Trace)
	}
	_, _ = w.Write(in.Payload)
}

// take ends an invocation, nil for one that is not on.
func (a *API) take(r *http.Request) *Invocation {
	a.mu.Lock()
	defer a.mu.Unlock()
	in := a.handed[r.PathValue("id")]
	maps.DeleteFunc(a.handed, func(_ string, other *Invocation) bool { return other == in })
	return in
}

func (a *API) response(w http.ResponseWriter, r *http.Request) {
	in := a.take(r)
	text, err := io.ReadAll(r.Body)
	switch {
	case in == nil:
		a.fault("an answer for an invocation that is not on")
		w.WriteHeader(http.StatusBadRequest)
		return
	case err != nil || len(text) > MaxPayload:
		a.fault("an answer of %d bytes (%v)", len(text), err)
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		return
	}
	w.WriteHeader(http.StatusAccepted)
	in.over <- Outcome{Answer: text}
}

func (a *API) failed(w http.ResponseWriter, r *http.Request) {
	in := a.take(r)
	var e messages.InvokeResponse_Error
	if err := json.NewDecoder(r.Body).Decode(&e); err != nil || in == nil || e.Type == "" {
		a.fault("an error %+v for invocation %v: %v", e, in, err)
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusAccepted)
	in.over <- Outcome{Err: e}
}

func (a *API) initFailed(w http.ResponseWriter, r *http.Request) {
	var e messages.InvokeResponse_Error
	if err := json.NewDecoder(r.Body).Decode(&e); err != nil || r.Header.Get("Lambda-Runtime-Function-Error-Type") != e.Type {
		a.fault("an init error %+v of type %q: %v", e, r.Header.Get("Lambda-Runtime-Function-Error-Type"), err)
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusAccepted)
	a.InitFailed <- e
}

func (a *API) register(w http.ResponseWriter, r *http.Request) {
	name := r.Header.Get("Lambda-Extension-Name")
	if name == "" {
		a.fault("an extension without a name")
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	w.Header().Set("Lambda-Extension-Identifier", "5a3b1c2d-"+name)
	_, _ = io.WriteString(w, `{"functionName":"eye","functionVersion":"$LATEST","handler":"bootstrap"}`)
	a.Registered <- name
}

func (a *API) event(w http.ResponseWriter, r *http.Request) {
	if !strings.HasPrefix(r.Header.Get("Lambda-Extension-Identifier"), "5a3b1c2d-") {
		a.fault("an extension that has not registered asks for events")
		w.WriteHeader(http.StatusForbidden)
		return
	}
	a.Settled <- struct{}{}
	select { // it has asked for no events
	case <-r.Context().Done():
	case <-a.done:
	}
}
