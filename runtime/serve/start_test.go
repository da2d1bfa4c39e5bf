package serve

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/functions"
)

func TestAColdPictureIsDecodedWhileTheFunctionLoadsAndIsTheWarmUp(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := New(Options{Asked: 7 * time.Millisecond})
		f := &fake{takes: 40 * time.Millisecond}
		started := starting(t, s, loads(3*time.Second, f, 1))
		got := ask(t.Context(), s, "", picture(t))
		if err := <-started; err != nil {
			t.Fatal(err)
		}
		want := functions.Answer{
			Picture:    functions.Picture{Width: 40, Height: 30, Format: "png"},
			Detections: []functions.Detection{{Class: "cat", Score: 0.5}},
			ModelSum:   "abc",
			Light:      &functions.Light{}, // it is black
			Timing:     functions.Timing{Wait: functions.Millis(3 * time.Second), Infer: functions.Millis(40 * time.Millisecond)},
			Cold:       true,
			Start:      functions.Start{Start: functions.Millis(7 * time.Millisecond), Load: functions.Millis(3 * time.Second)},
		}
		if diff := cmp.Diff(want, got.answer); diff != "" {
			t.Errorf("%d: %s", got.status, diff)
		}
		if f.warmUps != 0 || f.runs != 1 {
			t.Errorf("%d runs, %d of them on nothing; the picture's should be the only one", f.runs, f.warmUps)
		}
		if got := ask(t.Context(), s, "", picture(t)).answer; got.Cold || got.Start != (functions.Start{}) {
			t.Errorf("the next picture is told of a cold start: %+v", got)
		}
	})
}

func TestWhatIsNoPictureIsRefusedWithoutWaitingForTheFunction(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := New(Options{})
		started := starting(t, s, loads(time.Hour, &fake{}, 1))
		got := ask(t.Context(), s, "", picture(t)[:50])
		if got.refuse == nil || got.refuse.Kind != functions.Unreadable || got.took != 0 {
			t.Errorf("%d %v after %v; want Unreadable at once", got.status, got.refuse, got.took)
		}
		if err := <-started; err != nil {
			t.Fatal(err)
		}
	})
}

func TestReadinessComesAfterTheFirstRun(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := New(Options{})
		f := &fake{takes: time.Second}
		started := starting(t, s, loads(2*time.Second, f, 1))
		told := make(chan *httptest.ResponseRecorder, 1)
		go func() { told <- get(s, "/v1/start") }()

		for _, step := range []struct {
			after time.Duration
			phase string
			want  int
		}{
			{0, "loading", http.StatusServiceUnavailable},
			{2500 * time.Millisecond, "warming up", http.StatusServiceUnavailable},
			{time.Second, "ready", http.StatusOK},
		} {
			time.Sleep(step.after)
			synctest.Wait()
			if got := get(s, "/readyz").Code; got != step.want {
				t.Errorf("readyz while %s: %d, want %d", step.phase, got, step.want)
			}
			if got := get(s, "/healthz").Code; got != http.StatusOK {
				t.Errorf("healthz while %s: %d", step.phase, got)
			}
		}
		if err := <-started; err != nil {
			t.Fatal(err)
		}
		var ledger functions.Start
		w := <-told
		if err := json.Unmarshal(w.Body.Bytes(), &ledger); err != nil || w.Code != http.StatusOK {
			t.Fatalf("start: %d, %v", w.Code, err)
		}
		want := functions.Start{Load: functions.Millis(2 * time.Second), Warmup: functions.Millis(time.Second)}
		if ledger != want || s.Ledger() != want {
			t.Errorf("start %+v, ledger %+v; want %+v", ledger, s.Ledger(), want)
		}
	})
}

func TestAPictureWhoseCallerGoesDoesNotKeepTheFunctionFromGettingReady(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := New(Options{})
		f := &fake{takes: 10 * time.Second}
		started := starting(t, s, loads(time.Second, f, 1))
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second) // in the middle of its run
		defer cancel()
		if got := ask(ctx, s, "", picture(t)); got.took != 5*time.Second {
			t.Errorf("the caller went after 5 s, and the request after %v", got.took)
		}
		if err := <-started; err != nil {
			t.Fatal(err)
		}
		if f.warmUps != 1 {
			t.Errorf("%d runs on nothing; want 1, once the picture had gone", f.warmUps)
		}
	})
}

func TestAFailedStartAnswersThoseWhoWaitAndThoseWhoCome(t *testing.T) {
	reason := functions.Errorf(functions.Unavailable, "the model is not an ONNX file").Because(errors.New("private"))
	fails := func(context.Context) (Function, error) {
		time.Sleep(time.Second)
		return Function{}, reason
	}
	broken := &fake{fails: func(int) error { return reason }}
	tests := map[string]struct {
		load func(context.Context) (Function, error)
		want string
	}{
		"the model does not load": {fails, "the model is not an ONNX file"},
		"the first run fails":     {loads(time.Second, broken, 1), "the model is not an ONNX file"},
		"for reasons that are not the caller's": {func(context.Context) (Function, error) {
			return Function{}, errors.New("/private/path: no such file")
		}, "the function could not be started"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := New(Options{})
				waiting := []<-chan result{}
				for range 20 { // more than are decoded at a time
					waiting = append(waiting, asking(t.Context(), s, picture(t)))
				}
				synctest.Wait()
				select {
				case <-s.Told():
					t.Error("nobody has asked yet")
				default:
				}
				err := s.Start(t.Context(), test.load)
				if err == nil {
					t.Fatal("it started")
				}
				check := func(who string, got result) {
					if got.refuse == nil || got.refuse.Kind != functions.Unavailable || got.refuse.Detail != test.want {
						t.Errorf("%s: %d %v; want Unavailable, %q", who, got.status, got.refuse, test.want)
					}
				}
				for _, w := range waiting {
					check("one who waited", <-w)
				}
				check("one who came later", ask(t.Context(), s, "", picture(t)))
				for _, path := range []string{"/v1/start", "/readyz"} {
					if got := get(s, path).Code; got != http.StatusServiceUnavailable {
						t.Errorf("%s: %d", path, got)
					}
				}
				<-s.Told()
			})
		})
	}
}

func TestStartReturnsTheReasonAsItCame(t *testing.T) {
	plain := errors.New("no such file")
	broken := &fake{fails: func(int) error { return plain }}
	for name, load := range map[string]func(context.Context) (Function, error){
		"of loading":       func(context.Context) (Function, error) { return Function{}, plain },
		"of the first run": loads(0, broken, 1),
	} {
		t.Run(name, func(t *testing.T) {
			err := New(Options{}).Start(t.Context(), load)
			if !errors.Is(err, plain) || functions.KindOf(err) != functions.Internal {
				t.Errorf("Start: %v of kind %s", err, functions.KindOf(err))
			}
		})
	}
}

func TestAnAskThatIsOutOfRangeDoesNotFailTheStart(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := New(Options{})
		f := &fake{fails: func(n int) error {
			if n == 1 {
				return functions.Errorf(functions.Invalid, "not so")
			}
			return nil
		}}
		started := starting(t, s, loads(time.Second, f, 1))
		if got := ask(t.Context(), s, "", picture(t)); got.refuse == nil || got.refuse.Kind != functions.Invalid {
			t.Errorf("%d %v", got.status, got.refuse)
		}
		if err := <-started; err != nil {
			t.Error(err)
		}
	})
}

func TestManyColdPicturesAreAllAnswered(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := New(Options{})
		f := &fake{takes: 10 * time.Millisecond}
		started := starting(t, s, loads(time.Second, f, 2))
		var all []<-chan result
		for range 50 {
			all = append(all, asking(t.Context(), s, picture(t)))
		}
		for _, one := range all {
			if got := <-one; got.status != http.StatusOK || !got.answer.Cold {
				t.Errorf("%d %v, cold %v", got.status, got.refuse, got.answer.Cold)
			}
		}
		if err := <-started; err != nil {
			t.Fatal(err)
		}
		if f.inMost != 2 || f.warmUps != 0 {
			t.Errorf("%d runs at a time (want 2), %d on nothing (want 0)", f.inMost, f.warmUps)
		}
	})
}
