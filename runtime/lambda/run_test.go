package lambda

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/functions/problem"
	"github.com/seed45885407/saccade/runtime/lambda/lambdatest"
)

// TestMain lets the test's own executable be a runtime: aws-lambda-go's loop ends with
// its process alone.
func TestMain(m *testing.M) {
	if api := os.Getenv("AWS_LAMBDA_RUNTIME_API"); api != "" {
		os.Exit(runtimeMain(api, os.Args[1]))
	}
	os.Exit(m.Run())
}

// runtimeMain is a runtime whose start takes until its standard input ends, and fails
// where that says so. With the argument slow the start takes longer than the bound.
func runtimeMain(api, how string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	bound := time.Minute
	if how == "slow" {
		bound = time.Nanosecond
	}
	r := New(Options{
		API: api, Function: "eye", Revision: "7", Instance: &instance{answer: found}, Fetch: fetchPage, InitBound: bound,
		Log: slog.New(slog.NewTextHandler(os.Stderr, nil)), Grace: 50 * time.Millisecond,
		Ledger: func() functions.Start { return ledger },
	})
	if how == "slow" { // the instance waits as package serve's does
		r.options.Instance = &waiting{instance{answer: found}, r}
	}
	err := r.Run(ctx, func(context.Context) error {
		said, err := io.ReadAll(os.Stdin)
		if strings.Contains(string(said), "fail") {
			return functions.Errorf(functions.Unavailable, "the model is not there").Because(errors.New("secret"))
		}
		return err
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 3
	}
	return 0
}

// process is a runtime, and what it reads and says.
type process struct {
	api   *lambdatest.API
	cmd   *exec.Cmd
	stdin io.WriteCloser
	log   bytes.Buffer
}

func launch(t *testing.T, how string) *process {
	t.Helper()
	p := &process{api: lambdatest.New(t), cmd: exec.Command(os.Args[0], how)}
	p.cmd.Env = append(os.Environ(), "AWS_LAMBDA_RUNTIME_API="+p.api.Address())
	p.cmd.Stderr = &p.log
	var err error
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // where the test has not seen it end
		_ = p.cmd.Wait()
		if t.Failed() {
			t.Logf("it said:\n%s", &p.log)
		}
	})
	return p
}

func (p *process) ended(t *testing.T, status int) {
	t.Helper()
	_ = p.cmd.Wait()
	if got := p.cmd.ProcessState.ExitCode(); got != status {
		t.Errorf("it ended with %d, want %d", got, status)
	}
}

const pageEvent = `{"image":{"url":"` + page + `"}}`

func TestInvocationsAreAskedForOnceTheStartIsOver(t *testing.T) {
	p := launch(t, "")
	outcome := p.api.Begin(&lambdatest.Invocation{Payload: []byte(pageEvent)})
	if p.api.Waiting() != 0 {
		t.Error("it asks while it starts")
	}
	p.stdin.Close()
	if name := <-p.api.Registered; name == "" {
		t.Error("no extension, and so no SIGTERM")
	}
	<-p.api.Settled
	<-p.api.Asked
	reply := decode[functions.Reply](t, (<-outcome).Answer)
	if !reply.ColdStart || !cmp.Equal(*reply.Timing.Start, ledger) || reply.Revision != "7" {
		t.Errorf("%+v", reply)
	}
	<-p.api.Asked
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.ended(t, 0)
}

func TestAFailedStartIsReportedAndEndsTheProcess(t *testing.T) {
	p := launch(t, "")
	fmt.Fprint(p.stdin, "fail")
	p.stdin.Close()
	failed := <-p.api.InitFailed
	if failed.Type != "saccade.function-unavailable" || failed.Message != "the model is not there" {
		t.Errorf("%+v", failed)
	}
	p.ended(t, 3)
	if len(p.api.Asked) != 0 {
		t.Error("it asked for an invocation")
	}
	if !strings.Contains(p.log.String(), "secret") {
		t.Error("the cause is nowhere")
	}
}

func TestAnInvocationWaitsForAStartThatIsLong(t *testing.T) {
	p := launch(t, "slow")
	outcome := p.api.Begin(&lambdatest.Invocation{Payload: []byte(pageEvent)})
	<-p.api.Asked // while the start goes on
	p.stdin.Close()
	if reply := decode[functions.Reply](t, (<-outcome).Answer); !reply.ColdStart || len(reply.Detections) != 1 {
		t.Errorf("%+v", reply)
	}
}

func TestAStartThatFailsInsideAnInvocationFailsItAndEndsTheProcess(t *testing.T) {
	for _, event := range []string{pageEvent, string(text(t, carry["Function URL"]("POST", "/", nil, map[string]string{"content-type": "image/png"}, png64, true)))} {
		p := launch(t, "slow")
		outcome := p.api.Begin(&lambdatest.Invocation{Payload: []byte(event)})
		<-p.api.Asked
		fmt.Fprint(p.stdin, "fail")
		p.stdin.Close()
		if said := <-outcome; said.Err.Type != "saccade.function-unavailable" || said.Err.Message != "the model is not there" {
			t.Errorf("%+v", said)
		}
		p.ended(t, 1)
	}
}

func TestAProcessToldToEndCutsShortWhatDoesNotFinish(t *testing.T) {
	p := launch(t, "")
	p.stdin.Close()
	<-p.api.Settled
	<-p.api.Asked
	outcome := p.api.Begin(&lambdatest.Invocation{Payload: []byte(`{"image":{"url":"` + page + `?slow"}}`)})
	for p.api.Waiting() != 0 { // until it is handed out
		time.Sleep(time.Millisecond)
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.ended(t, 0)
	select {
	case said := <-outcome: // where the answer was faster than the end
		if said.Err.Type != "saccade.function-unavailable" {
			t.Errorf("%+v", said)
		}
	default:
	}
}

// waiting is an instance that keeps requests until its start is over.
type waiting struct {
	instance
	runtime *Runtime
}

// ServeHTTP says that the start has failed, or took the request in, once it is over.
func (w *waiting) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	<-w.runtime.started
	if w.runtime.failed != nil {
		problem.Write(rw, w.runtime.failed)
		return
	}
	w.answer.Cold, w.answer.Start = true, ledger
	w.instance.ServeHTTP(rw, r)
}
