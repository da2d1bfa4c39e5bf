package deploy

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// screen is what is written, safe to look at meanwhile.
type screen struct {
	mu   sync.Mutex
	text strings.Builder
	err  error
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return 0, s.err
	}
	return s.text.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

const podB = "eye-00002-deployment-bcd"

// another is the same pod under the name of podB.
func another(pod string) string {
	return strings.ReplaceAll(pod, "eye-00002-deployment-abc", podB)
}

func withFunction(t *testing.T) *api {
	t.Helper()
	a := newAPI()
	a.put(t, aService("True", "", "", onOld))
	return a
}

func TestLogsAreShownPodByPod(t *testing.T) {
	a := withFunction(t)
	a.put(t, aPod(podReady))
	a.put(t, another(aPod(podReady)))
	a.logs["eye-00002-deployment-abc/runtime"] = "one\ntwo \x1b[31m\n"
	a.logs[podB+"/runtime"] = "three"
	c, _ := a.cluster(t)
	var out screen
	pods, err := c.Logs(t.Context(), "eye", &out, LogOptions{Tail: 10, Since: time.Minute})
	if err != nil || pods != 2 {
		t.Errorf("%d pods, %v", pods, err)
	}
	want := "[eye-00002-deployment-abc] one\n[eye-00002-deployment-abc] two \\x1b[31m\n[eye-00002-deployment-bcd] three\n"
	if d := cmp.Diff(want, out.String()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	asked := a.requests[len(a.requests)-1]
	for _, parameter := range []string{"container=runtime", "tailLines=10", "sinceSeconds=60"} {
		if !strings.Contains(asked, parameter) {
			t.Errorf("asked for %s; want %s", asked, parameter)
		}
	}
}

func TestLogsOfAnotherRevisionAreLeftOut(t *testing.T) {
	a := withFunction(t)
	a.put(t, aPod(podReady))
	a.logs["eye-00002-deployment-abc/runtime"] = "one\n"
	c, _ := a.cluster(t)
	var out screen
	pods, err := c.Logs(t.Context(), "eye", &out, LogOptions{Revision: "eye-00001"})
	if err != nil || pods != 0 || out.String() != "" {
		t.Errorf("%d pods, %v, %q", pods, err, out.String())
	}
}

func TestAPodThatHasNotStartedHasNoLog(t *testing.T) {
	a := withFunction(t)
	a.put(t, aPod(podPullsModel))
	c, _ := a.cluster(t)
	var out screen
	if pods, err := c.Logs(t.Context(), "eye", &out, LogOptions{}); err != nil || pods != 1 || out.String() != "" {
		t.Errorf("%d pods, %v, %q", pods, err, out.String())
	}
}

func TestFollowingGoesOnWithThePodsThatCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := withFunction(t)
		a.put(t, strings.ReplaceAll(aPod(podReady), "state: {running: {startedAt: \"2026-01-31T12:10:06Z\"}}", "state: {terminated: {exitCode: 0}}"))
		a.logs["eye-00002-deployment-abc/runtime"] = "2026-01-31T12:00:01.5Z one\n2026-01-31T12:00:02Z two\n"
		a.logs[podB+"/runtime"] = "2026-01-31T12:00:09Z three\n"
		c, _ := a.cluster(t)
		ctx, cancel := context.WithCancel(t.Context())
		var out screen
		done := make(chan error)
		go func() {
			_, err := c.Logs(ctx, "eye", &out, LogOptions{Follow: true, Tail: 5})
			done <- err
		}()
		time.Sleep(time.Second)
		if want := "[eye-00002-deployment-abc] one\n[eye-00002-deployment-abc] two\n"; out.String() != want {
			t.Errorf("at first: %q", out.String())
		}
		a.put(t, another(strings.ReplaceAll(aPod(podReady), "state: {running: {startedAt: \"2026-01-31T12:10:06Z\"}}", "state: {terminated: {exitCode: 0}}")))
		time.Sleep(time.Second)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if !strings.HasSuffix(out.String(), "["+podB+"] three\n") {
			t.Errorf("then: %q", out.String())
		}
		for _, r := range a.requests {
			if strings.Contains(r, podB+"/log") && strings.Contains(r, "tailLines") {
				t.Errorf("a pod that came was not shown whole: %s", r)
			}
		}
	})
}

func TestFollowingGoesOnAfterTheLastLineWhenTheStreamBreaks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := withFunction(t)
		a.put(t, aPod(podReady)) // it runs, so that the end of its stream is a break
		log := "2026-01-31T12:00:01.5Z one\n2026-01-31T12:00:02.25Z two\n"
		a.logs["eye-00002-deployment-abc/runtime"] = log
		c, _ := a.cluster(t)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var out screen
		time.AfterFunc(10*time.Second, func() { a.away(true) })
		time.AfterFunc(30*time.Second, func() {
			a.mu.Lock()
			a.logs["eye-00002-deployment-abc/runtime"] = log + "2026-01-31T12:00:02.75Z three\n"
			a.mu.Unlock()
			a.away(false)
		})
		if _, err := c.Logs(ctx, "eye", &out, LogOptions{Follow: true, Tail: -1}); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		want := "[eye-00002-deployment-abc] one\n[eye-00002-deployment-abc] two\n[eye-00002-deployment-abc] three\n"
		if d := cmp.Diff(want, out.String()); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
	})
}

func TestFollowingEndsWithItsReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := withFunction(t)
		a.put(t, aPod(podReady))
		a.logs["eye-00002-deployment-abc/runtime"] = "2026-01-31T12:00:01Z one\n"
		c, _ := a.cluster(t)
		closed := errors.New("broken pipe")
		if _, err := c.Logs(t.Context(), "eye", &screen{err: closed}, LogOptions{Follow: true}); !errors.Is(err, closed) {
			t.Errorf("err = %v", err)
		}
	})
}

func TestALineTooLongComesInParts(t *testing.T) {
	var sizes []int
	if err := eachLine(strings.NewReader(strings.Repeat("x", maxLogLine+10)+"\nlast"), func(line string) { sizes = append(sizes, len(line)) }); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]int{maxLogLine, 11, 4}, sizes); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestALogLineIsToldByItsMessage(t *testing.T) {
	tests := []struct{ name, line, want string }{
		{"slog's JSON", `{"time":"2026-01-31T12:00:00Z","level":"INFO","msg":"pulled","bytes":12,"from":"a b"}`, "pulled bytes=12 from=a b"},
		{"plain text", "pulled 12 bytes", "pulled 12 bytes"},
		{"JSON of another sort", `{"bytes": 12}`, `{"bytes": 12}`},
		{"JSON cut short", `{"msg":"pul`, `{"msg":"pul`},
		{"nothing", "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := message(test.line); got != test.want {
				t.Errorf("message = %q; want %q", got, test.want)
			}
		})
	}
}
