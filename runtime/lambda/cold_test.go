package lambda

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/functions"
)

var ledger = functions.Start{
	Start: functions.Millis(5 * time.Millisecond), Load: functions.Millis(200 * time.Millisecond), Warmup: functions.Millis(40 * time.Millisecond),
}

func TestTheInvocationThatTheProcessWasStartedForTellsTheStart(t *testing.T) {
	const event = `{"image":{"url":"` + page + `"}}`
	for name, test := range map[string]struct {
		how  string
		idle time.Duration
		cold bool
	}{
		"on demand":                        {"on-demand", 2 * time.Millisecond, true},
		"where Lambda does not say":        {"", 2 * time.Millisecond, true},
		"made ahead, for nobody":           {"on-demand", time.Minute, false},
		"provisioned":                      {"provisioned-concurrency", 2 * time.Millisecond, false},
		"restored":                         {"snap-start", 2 * time.Millisecond, false},
		"after a freeze of a night, never": {"provisioned-concurrency", 8 * time.Hour, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const loading = 245 * time.Millisecond
				r := cold(&instance{answer: found}, Options{
					Initialization: test.how, Ledger: func() functions.Start { return ledger }, Asked: time.Now(),
				})
				time.Sleep(loading)
				r.asking.Store(int64(loading))
				time.Sleep(test.idle)
				out, err := r.Invoke(invoked(t), []byte(event))
				if err != nil {
					t.Fatal(err)
				}
				reply := decode[functions.Reply](t, out)
				if reply.ColdStart != test.cold {
					t.Fatalf("cold start %v, want %v", reply.ColdStart, test.cold)
				}
				before := functions.Millis(loading + test.idle)
				if test.cold && (!cmp.Equal(*reply.Timing.Start, ledger) || reply.Timing.Wait != before || reply.Timing.Total != before) {
					t.Errorf("timing %+v, start %+v; want a wait of %v", reply.Timing, reply.Timing.Start, time.Duration(before))
				}
				if !test.cold && reply.Timing.Wait != 0 {
					t.Errorf("it says that it waited %v", time.Duration(reply.Timing.Wait))
				}
				time.Sleep(8 * time.Hour) // frozen for a night
				out, err = r.Invoke(invoked(t), []byte(event))
				if again := decode[functions.Reply](t, out); err != nil || again.ColdStart || again.Timing.Start != nil {
					t.Errorf("the second: %s, %v", out, err)
				}
			})
		})
	}
}

func TestAStartThatIsLongInvokesBeforeLambdaBeginsItAgain(t *testing.T) {
	for name, test := range map[string]struct {
		how  string
		load time.Duration
		fail error
		// after is when invocations are asked for.
		after time.Duration
	}{
		"a start within the bound":                   {"on-demand", 3 * time.Second, nil, 3 * time.Second},
		"a start beyond it goes on":                  {"on-demand", 30 * time.Second, nil, 9 * time.Second},
		"a provisioned start has its time":           {"provisioned-concurrency", 30 * time.Second, nil, 30 * time.Second},
		"a start that fails is known":                {"on-demand", 3 * time.Second, errors.New("no"), 3 * time.Second},
		"a start that fails beyond is told then":     {"on-demand", 30 * time.Second, errors.New("no"), 9 * time.Second},
		"a provisioned start that fails takes its .": {"provisioned-concurrency", 30 * time.Second, errors.New("no"), 30 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				r := New(Options{Initialization: test.how, Asked: began, Instance: &instance{}})
				go r.begin(t.Context(), func(context.Context) error {
					time.Sleep(test.load)
					return test.fail
				})
				err := r.initialised(t.Context())
				if took := time.Since(began); took != test.after {
					t.Errorf("after %v, want %v", took, test.after)
				}
				if early := test.after < test.load; early == errors.Is(err, test.fail) && test.fail != nil {
					t.Errorf("error %v", err)
				}
				<-r.started
				if r.hasFailed() != (test.fail != nil) {
					t.Errorf("failed %v, want %v", r.failed, test.fail)
				}
			})
		})
	}
	t.Run("a process that is told to end does not wait", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			r := New(Options{Instance: &instance{}})
			go r.begin(t.Context(), func(context.Context) error { time.Sleep(time.Minute); return nil })
			began := time.Now()
			if err := r.initialised(ctx); err != nil || time.Since(began) != time.Second {
				t.Errorf("%v after %v", err, time.Since(began))
			}
			<-r.started
		})
	})
}

func TestTheTraceOfLambdaIsTheInstances(t *testing.T) {
	const own = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	const lambdas = "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01"
	for name, test := range map[string]struct {
		header map[string]string
		want   string
	}{
		"the request has none":          {map[string]string{"content-type": "image/png"}, lambdas},
		"the request has its own":       {map[string]string{"content-type": "image/png", "traceparent": own}, own},
		"the request's is no trace":     {map[string]string{"content-type": "image/png", "traceparent": strings.Repeat("x", 9000)}, lambdas},
		"the request is an event's own": {map[string]string{"content-type": "image/png", "ce-specversion": "1.0", "ce-id": "1", "ce-source": "/c", "ce-type": "dev.saccade.detect.v1", "ce-traceparent": own}, own},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			i := &instance{answer: found}
			r := warm(i)
			r.options.Log = slog.New(slog.NewTextHandler(&log, nil))
			if _, err := r.Invoke(invoked(t), text(t, carry["Function URL"]("POST", "/", nil, test.header, png64, true))); err != nil {
				t.Fatal(err)
			}
			if i.traces[0] != test.want {
				t.Errorf("traceparent %q, want %q", i.traces[0], test.want)
			}
			for _, want := range []string{"traceparent=" + test.want, "request=8476a536", "event=http-v2", "revision=7", "cold_start=false", "infer=20", "Root=1-5759e988"} {
				if strings.Count(log.String(), want) != 1 || strings.Count(log.String(), "\n") != 1 {
					t.Errorf("the log says %q; want one line with %q", &log, want)
				}
			}
		})
	}
}

func TestTraceHeadersOfXRay(t *testing.T) {
	const root = "Root=1-5759e988-bd862e3fe1be46a994272793"
	for header, want := range map[string]string{
		root + ";Parent=53995c3f42cd8ad8;Sampled=1":                                          "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01",
		root + ";Parent=53995c3f42cd8ad8;Sampled=0;Lineage=a87bd80c:1|68fd508a:5|c512fbe3:2": "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-00",
		"Sampled=?; Parent=53995C3F42CD8AD8; " + root:                                        "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-00",
		root:                              "",
		"":                                "",
		root + ";Parent=0000000000000000": "",
		root + ";Parent=53995c3f42cd8ad":  "",
		"Root=2-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8": "",
		"Root=1-5759e98-8bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8": "",
		"Root=1-xxxxxxxx-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8": "",
	} {
		if got := traceparent(header); got != want {
			t.Errorf("%q is %q, want %q", header, got, want)
		}
	}
}
