package main

import (
	"bytes"
	"encoding/json"
	"image/jpeg"
	"image/png"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/runtime/lambda/lambdatest"
)

// smaller is the sample as a JPEG: a load balancer carries a megabyte.
func smaller(t *testing.T) []byte {
	t.Helper()
	picture, err := png.Decode(bytes.NewReader(sample(t)))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, picture, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func payload(t *testing.T, event any) []byte {
	t.Helper()
	text, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// On Lambda the same binary finds the same things, whatever brings the picture; and its
// start is told by the first answer.
func TestOnLambdaTheSameIsFoundAsByTheInstance(t *testing.T) {
	picture := smaller(t)
	ordinary := launch(t).detect(t, picture)

	e := enter(t)
	for name, test := range asEvent(picture) {
		t.Run(name, func(t *testing.T) {
			outcome := e.api.Invoke(t, lambdatest.Invocation{Payload: payload(t, test.event)})
			text, err := test.reply(outcome.Answer)
			var reply functions.Reply
			if err == nil {
				err = json.Unmarshal(text, &reply)
			}
			if err != nil {
				t.Fatalf("%v: %.300s %+v", err, outcome.Answer, outcome.Err)
			}
			if diff := cmp.Diff(ordinary.Detections, reply.Detections); diff != "" || len(reply.Detections) != 1 {
				t.Error(diff)
			}
			if reply.Function != "centernet" || reply.Revision != "42" || reply.ModelSum != ordinary.ModelSum || reply.Picture != ordinary.Picture {
				t.Errorf("%+v", reply)
			}
			// The first of them, whichever it is, is the one the process was started for.
			if cold := e.answers == 0; reply.ColdStart != cold || cold != (reply.Timing.Start != nil && reply.Timing.Start.Load > 0) {
				t.Errorf("answer %d: cold start %v, %+v", e.answers, reply.ColdStart, reply.Timing.Start)
			}
			e.answers++
		})
	}
	for _, want := range []string{"initialization=on-demand", "msg=ready", "version=42", "cold_start=true", "revision=42"} {
		if !strings.Contains(e.log.String(), want) {
			t.Errorf("it does not say %s", want)
		}
	}
	e.shutDown(t)
}

// The cold start is from asking for a process to its first answer, on Lambda's side of
// the API and on an ordinary instance's socket.
func TestTheColdStartOnLambdaBesideTheOrdinaryOne(t *testing.T) {
	picture := smaller(t)
	event := payload(t, asEvent(picture)["Function URL"].event)
	var lambda, ordinary []time.Duration
	for range 7 {
		began := time.Now()
		p := launch(t)
		p.detect(t, picture)
		ordinary = append(ordinary, time.Since(began))
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()

		e := prepare(t)
		outcome := e.api.Begin(&lambdatest.Invocation{Payload: event})
		began = time.Now()
		e.start(t)
		if said := <-outcome; len(said.Answer) == 0 {
			t.Fatalf("%+v", said.Err)
		}
		lambda = append(lambda, time.Since(began))
		e.kill()
	}
	l, o := median(lambda), median(ordinary)
	t.Logf("cold start, median of 7, without a kept graph: on Lambda's API %v, ordinary %v, ratio %.2f", l, o, l.Seconds()/o.Seconds())
}

func TestOnLambdaAPictureIsFetchedUnderTheGuard(t *testing.T) {
	picture := sample(t)
	closed := make(chan struct{}, 8)
	pictures := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(picture) }))
	pictures.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateClosed {
			closed <- struct{}{}
		}
	}
	pictures.Start()
	defer pictures.Close()
	address := strings.TrimPrefix(pictures.URL, "http://")
	e := enter(t, "SACCADE_FETCH_ALLOW="+address)

	fetch := func(url string) lambdatest.Outcome {
		return e.api.Invoke(t, lambdatest.Invocation{Payload: payload(t, map[string]any{"image": map[string]any{"url": url}})})
	}
	if said := fetch(pictures.URL + "/a.png"); !bytes.Contains(said.Answer, []byte(`"person"`)) {
		t.Errorf("%s %+v", said.Answer, said.Err)
	}
	<-closed // no connection is left for a freeze to break
	if said := fetch("http://" + e.api.Address() + "/2018-06-01/runtime/invocation/next"); said.Err.Type != "saccade.address-not-allowed" {
		t.Errorf("the Runtime API itself: %s %+v", said.Answer, said.Err)
	}
	if said := fetch("http://169.254.169.254/latest/meta-data/"); said.Err.Type != "saccade.address-not-allowed" {
		t.Errorf("the metadata service: %s %+v", said.Answer, said.Err)
	}
	e.shutDown(t)
}

func TestAnInvocationOverItsTimeIsToldSoAndTheNextOneIsAnswered(t *testing.T) {
	picture := sample(t)
	hold := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-hold:
		case <-r.Context().Done():
		}
	}))
	defer slow.Close()
	defer close(hold)
	e := enter(t, "SACCADE_FETCH_ALLOW="+strings.TrimPrefix(slow.URL, "http://"))
	<-e.api.Asked // the start is over: none of the second goes into it
	said := e.api.Invoke(t, lambdatest.Invocation{
		Payload:  payload(t, map[string]any{"image": map[string]any{"url": slow.URL}}),
		Deadline: time.Now().Add(time.Second),
	})
	if said.Err.Type != "saccade.function-timeout" {
		t.Errorf("%s %+v", said.Answer, said.Err)
	}
	if said := e.api.Invoke(t, lambdatest.Invocation{Payload: payload(t, asEvent(picture)["the plain body"].event)}); !bytes.Contains(said.Answer, []byte(`"person"`)) {
		t.Errorf("the next: %s %+v", said.Answer, said.Err)
	}
	e.shutDown(t)
}

func TestAFrozenEnvironmentUsesNoCPUAndAnswersWhenThawed(t *testing.T) {
	picture := sample(t)
	e := enter(t)
	<-e.api.Asked // the first
	event := payload(t, asEvent(picture)["the plain body"].event)
	for range 3 {
		if said := e.api.Invoke(t, lambdatest.Invocation{Payload: event}); !bytes.Contains(said.Answer, []byte(`"person"`)) {
			t.Fatalf("%s %+v", said.Answer, said.Err)
		}
		<-e.api.Asked // the next, which ends this one: now Lambda freezes
		e.signal(t, syscall.SIGSTOP)
		e.untilStopped(t)
		before := e.cpu(t)
		outcome := e.api.Begin(&lambdatest.Invocation{Payload: event}) // comes while it is frozen
		if e.cpu(t) != before || len(outcome) != 0 {
			t.Error("it works while it is frozen")
		}
		began := time.Now()
		e.signal(t, syscall.SIGCONT)
		if said := <-outcome; !bytes.Contains(said.Answer, []byte(`"person"`)) {
			t.Fatalf("thawed: %s %+v", said.Answer, said.Err)
		}
		t.Logf("from thaw to answer: %v", time.Since(began))
		<-e.api.Asked
	}
	t.Run("and ends when it is told to while frozen", func(t *testing.T) {
		e.signal(t, syscall.SIGSTOP)
		e.untilStopped(t)
		e.signal(t, syscall.SIGTERM) // Lambda thaws an environment to shut it down
		e.signal(t, syscall.SIGCONT)
		e.ended(t, 0)
	})
}

func TestAFailedInitialisationIsReported(t *testing.T) {
	for name, test := range map[string]struct {
		spoil  func(t *testing.T, e *environment)
		says   string
		status int
	}{
		"a model that is a web page": {func(t *testing.T, e *environment) { e.write(t, "centernet-mbv3.onnx", "<!DOCTYPE html>") }, "the model", statusPermanent},
		"a model that is not there":  {func(t *testing.T, e *environment) { e.remove(t, "centernet-mbv3.onnx") }, "the model file is not there", statusPermanent},
		"another model":              {func(t *testing.T, e *environment) { e.write(t, "centernet-mbv3.onnx", "\x08\x08other") }, "model", statusPermanent},
		"no declaration":             {func(t *testing.T, e *environment) { e.remove(t, "function.yaml") }, "the function's declaration cannot be read", statusPermanent},
		"a list of no hosts":         {func(_ *testing.T, e *environment) { e.variables = append(e.variables, "SACCADE_FETCH_ALLOW=http://x/") }, "SACCADE_FETCH_ALLOW", statusPermanent},
	} {
		t.Run(name, func(t *testing.T) {
			e := prepare(t)
			test.spoil(t, e)
			e.start(t)
			failed := <-e.api.InitFailed
			if failed.Type != "saccade.function-unavailable" || !strings.Contains(failed.Message, test.says) || strings.Contains(failed.Message, e.folder) {
				t.Errorf("%+v; want %q", failed, test.says)
			}
			e.ended(t, test.status)
			if len(e.api.Asked) != 0 {
				t.Error("it asked for an invocation")
			}
		})
	}
}

// Lambda ends an initialisation at 10 s and begins it again inside the invocation.
func TestAnInitialisationThatLambdaEndsIsBegunAgainWithTheInvocation(t *testing.T) {
	e := prepare(t)
	outcome := e.api.Begin(&lambdatest.Invocation{Payload: payload(t, asEvent(sample(t))["Function URL"].event)})
	// A declaration that nobody ever writes is read for ever: as slow as can be.
	declaration := filepath.Join(e.folder, "function.yaml")
	e.remove(t, "function.yaml")
	if err := syscall.Mkfifo(declaration, 0o600); err != nil {
		t.Fatal(err)
	}
	e.start(t)
	writer, err := os.OpenFile(declaration, os.O_WRONLY, 0) // until it reads
	if err != nil {
		t.Fatal(err)
	}
	e.kill() // at the bound
	_ = writer.Close()
	if len(outcome) != 0 || len(e.api.Asked) != 0 {
		t.Fatal("it did not wait for its declaration")
	}
	e.remove(t, "function.yaml")
	from, err := filepath.Abs(centernet + "/function.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(from, declaration); err != nil {
		t.Fatal(err)
	}
	e.start(t)
	if said := <-outcome; !bytes.Contains(said.Answer, []byte(`cold_start\":true`)) {
		t.Errorf("%s %+v", said.Answer, said.Err)
	}
	e.shutDown(t)
}
