package serve

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/functions/problem"
	"github.com/seed45885407/saccade/runtime/vision"
)

// ready is a server that has started.
func ready(t *testing.T, f *fake, o Options, parallel int) *Server {
	t.Helper()
	s := New(o)
	if err := s.Start(t.Context(), loads(0, f, parallel)); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestMoreThanFitsIsBusyAtOnce(t *testing.T) {
	small := picture(t)
	tests := map[string]struct {
		options Options
		fit     int
	}{
		"too many requests": {Options{Requests: 3}, 3},
		"too many bytes":    {Options{Bytes: int64(2*len(small) + 1)}, 2},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := ready(t, &fake{takes: time.Minute}, test.options, 1)
				var inside []<-chan result
				for range test.fit {
					inside = append(inside, asking(t.Context(), s, small))
				}
				synctest.Wait()
				got := ask(t.Context(), s, "", small)
				if got.refuse == nil || got.refuse.Kind != functions.Busy || got.refuse.RetryAfter <= 0 || got.took != 0 {
					t.Errorf("%d %v after %v; want Busy at once, and when to come back", got.status, got.refuse, got.took)
				}
				for _, one := range inside {
					if got := <-one; got.status != http.StatusOK {
						t.Errorf("one that was inside: %d %v", got.status, got.refuse)
					}
				}
				if got := ask(t.Context(), s, "", small); got.status != http.StatusOK {
					t.Errorf("once there is room: %d %v", got.status, got.refuse)
				}
			})
		})
	}
}

func TestACancelledRequestLeavesItsPlaceToTheNext(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := &fake{takes: time.Minute}
		s := ready(t, f, Options{}, 1)
		ctx, cancel := context.WithCancel(t.Context())
		running := asking(ctx, s, picture(t))
		synctest.Wait()
		waiting := asking(ctx, s, picture(t))
		synctest.Wait()
		next := asking(t.Context(), s, picture(t))
		synctest.Wait()
		cancel()
		for _, gone := range []<-chan result{running, waiting} {
			if got := <-gone; got.status == http.StatusOK || got.took != 0 {
				t.Errorf("a cancelled request: %d after %v", got.status, got.took)
			}
		}
		if got := <-next; got.status != http.StatusOK || got.took != time.Minute {
			t.Errorf("the next: %d %v after %v; want its run at once", got.status, got.refuse, got.took)
		}
		if f.runs != 3 { // the warm-up, the one that was terminated, and the next
			t.Errorf("%d runs; the one that waited should not have begun", f.runs)
		}
	})
}

func TestRunsAreBoundedAndWaitingIsCounted(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := &fake{takes: time.Second}
		s := ready(t, f, Options{}, 2)
		var all []<-chan result
		for range 6 {
			all = append(all, asking(t.Context(), s, picture(t)))
		}
		waits := map[functions.Millis]int{}
		for _, one := range all {
			waits[(<-one).answer.Timing.Wait]++
		}
		for _, seconds := range []int{0, 1, 2} {
			if wait := functions.Millis(time.Duration(seconds) * time.Second); waits[wait] != 2 {
				t.Errorf("%d pictures waited %d s; want 2 of each", waits[wait], seconds)
			}
		}
		if f.inMost != 2 {
			t.Errorf("%d runs at a time, want 2", f.inMost)
		}
	})
}

func TestWhatIsRefused(t *testing.T) {
	s := ready(t, &fake{}, Options{Limits: vision.Limits{MaxBytes: 1000}}, 1)
	small := string(picture(t))
	chunked := func(r *http.Request) { r.ContentLength = -1 }
	tests := map[string]struct {
		body   string
		query  string
		change func(r *http.Request)
		want   functions.Kind
	}{
		"no picture":                             {"", "", nil, functions.Unreadable},
		"what is no picture":                     {"hello there, this is text", "", nil, functions.Unsupported},
		"a picture that is cut off":              {small[:len(small)/2], "", nil, functions.Unreadable},
		"more bytes than allowed":                {strings.Repeat("x", 1001), "", nil, functions.TooLarge},
		"more bytes than allowed, unannounced":   {strings.Repeat("x", 1001), "", chunked, functions.TooLarge},
		"fewer bytes than announced":             {small, "", func(r *http.Request) { r.ContentLength = 900 }, functions.Invalid},
		"a form":                                 {small, "", func(r *http.Request) { r.Header.Set("Content-Type", "multipart/form-data; boundary=x") }, functions.Unsupported},
		"JSON":                                   {"{}", "", func(r *http.Request) { r.Header.Set("Content-Type", "application/json") }, functions.Unsupported},
		"a score above 1":                        {small, "?min_score=1.5", nil, functions.Invalid},
		"a score that is not a number":           {small, "?min_score=NaN", nil, functions.Invalid},
		"a score that is text":                   {small, "?min_score=high", nil, functions.Invalid},
		"an unknown parameter":                   {small, "?min_scores=0.5", nil, functions.Invalid},
		"a format that is not drawn":             {small, "?draw=gif", nil, functions.Invalid},
		"a query that is none":                   {small, "?%zz", nil, functions.Invalid},
		"an upload that does not arrive in time": {small, "", func(r *http.Request) { r.Body = slow{} }, functions.SourceTimeout},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPost, "/v1/detect"+test.query, strings.NewReader(test.body))
			if test.change != nil {
				test.change(r)
			}
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			if got := problem.Read(w.Result()); got.Kind != test.want {
				t.Errorf("%d %s %q; want %s", w.Code, got.Kind, got.Detail, test.want)
			}
		})
	}
	if got := ask(t.Context(), s, "", []byte(small)); got.status != http.StatusOK {
		t.Errorf("a good picture after all of them: %d %v", got.status, got.refuse)
	}
	if room := s.room.bytes.Load(); room != 0 || len(s.room.requests) != 0 || len(s.decodes) != 0 {
		t.Errorf("left inside: %d bytes, %d requests, %d decodes", room, len(s.room.requests), len(s.decodes))
	}
}

// slow is a body whose connection has run into its deadline.
type slow struct{ io.Closer }

func (slow) Read([]byte) (int, error) { return 0, timeout{} }
func (slow) Close() error             { return nil }

type timeout struct{}

func (timeout) Error() string { return "i/o timeout" }
func (timeout) Timeout() bool { return true }

func TestABodyWithoutAnnouncedLengthIsRead(t *testing.T) {
	s := ready(t, &fake{}, Options{}, 1)
	r := httptest.NewRequest(http.MethodPost, "/v1/detect", bytes.NewReader(picture(t)))
	r.ContentLength = -1
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestADrawnPictureComesAlong(t *testing.T) {
	s := ready(t, &fake{}, Options{}, 1)
	got := ask(t.Context(), s, "?draw=png&min_score=0.4", picture(t))
	if got.status != http.StatusOK || got.answer.Annotated == nil || got.answer.Annotated.ContentType != "image/png" {
		t.Fatalf("%d %v %+v", got.status, got.refuse, got.answer.Annotated)
	}
	drawn, err := vision.Decode(got.answer.Annotated.Data, vision.Limits{})
	if err != nil || drawn.Width != 40 || drawn.Height != 30 {
		t.Errorf("drawn: %+v, %v", drawn, err)
	}
}

func TestAFaultOfOursSaysNothingAndHarmsNobodyElse(t *testing.T) {
	tests := map[string]func(n int) error{
		"an error": func(n int) error {
			if n == 2 {
				return errors.New("private")
			}
			return nil
		},
		"a panic": func(n int) error {
			if n == 2 {
				panic("private")
			}
			return nil
		},
	}
	for name, fails := range tests {
		t.Run(name, func(t *testing.T) {
			s := ready(t, &fake{fails: fails}, Options{}, 1)
			got := ask(t.Context(), s, "", picture(t))
			if got.refuse == nil || got.refuse.Kind != functions.Internal || strings.Contains(got.refuse.Detail, "private") {
				t.Errorf("%d %v", got.status, got.refuse)
			}
			if got := ask(t.Context(), s, "", picture(t)); got.status != http.StatusOK {
				t.Errorf("the next: %d %v", got.status, got.refuse)
			}
		})
	}
}

func FuzzParameters(f *testing.F) {
	f.Add("min_score=0.4&draw=png")
	f.Add("min_score=1e-400&min_score=.5;draw=jpeg")
	f.Fuzz(func(t *testing.T, query string) {
		ask, err := parameters(query)
		if err != nil {
			if functions.KindOf(err) != functions.Invalid {
				t.Fatalf("an error of another kind: %v", err)
			}
			return
		}
		if ask.MinScore != nil && !(*ask.MinScore >= 0 && *ask.MinScore <= 1) {
			t.Fatalf("a score of %v", *ask.MinScore)
		}
		if ask.Draw != "" && ask.Draw != "png" && ask.Draw != "jpeg" {
			t.Fatalf("draw %q", ask.Draw)
		}
	})
}
