package recall

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed45885407/saccade/functions"
)

// seat is a place in a waiting room that counts what becomes of it.
type seat struct{ aside, left atomic.Int32 }

func (s *seat) Aside() { s.aside.Add(1) }
func (s *seat) Leave() { s.left.Add(1) }

var picture = []byte("a picture")

// instance answers after a time, and counts.
type instance struct {
	takes time.Duration
	runs  atomic.Int32
	ended atomic.Int32 // runs whose context ended first
	err   error
}

func (i *instance) run(ctx context.Context) (functions.Answer, error) {
	n := i.runs.Add(1)
	select {
	case <-time.After(i.takes):
	case <-ctx.Done():
		i.ended.Add(1)
		return functions.Answer{}, context.Cause(ctx)
	}
	if i.err != nil {
		return functions.Answer{}, i.err
	}
	return functions.Answer{
		ModelSum: string(rune('0' + n)), Detections: []functions.Detection{{Class: "cat"}},
		Timing: functions.Timing{Infer: functions.Millis(i.takes)},
	}, nil
}

func (i *instance) ask(place Place, picture []byte) Ask {
	return Ask{Revision: "eye-00001", Picture: picture, Place: place, Run: i.run}
}

func TestTheSamePictureInFlightIsLookedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		room, eye := New(Options{}), &instance{takes: time.Second}
		var group sync.WaitGroup
		seats := make([]seat, 10)
		for n := range seats {
			group.Go(func() {
				time.Sleep(time.Duration(n) * 50 * time.Millisecond)
				began := time.Now()
				answer, how, err := room.Do(t.Context(), eye.ask(&seats[n], bytes.Clone(picture)))
				if err != nil || answer.ModelSum != "1" {
					t.Errorf("%d: %+v, %v", n, answer, err)
				}
				if (how == Ran) != (n == 0) {
					t.Errorf("%d: %v", n, how)
				}
				want := functions.Timing{Infer: functions.Millis(time.Second)}
				if n > 0 { // all it did was wait
					want = functions.Timing{Wait: functions.Since(began)}
				}
				if diff := cmp.Diff(want, answer.Timing); diff != "" {
					t.Errorf("%d: timing (-want +got):\n%s", n, diff)
				}
			})
		}
		group.Wait()
		if n := eye.runs.Load(); n != 1 {
			t.Errorf("%d runs", n)
		}
		for n := range seats {
			if a, l := seats[n].aside.Load(), seats[n].left.Load(); l != 1 || (a == 1) != (n > 0) {
				t.Errorf("%d: %d times aside, %d times left", n, a, l)
			}
		}
		if _, how, _ := room.Do(t.Context(), eye.ask(&seat{}, picture)); how != Ran {
			t.Error("an answer was remembered although there is no cache")
		}
	})
}

func TestWhatDiffersIsLookedAtItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		room, eye := New(Options{}), &instance{takes: time.Second}
		asks := map[string]Ask{
			"the picture":      eye.ask(&seat{}, picture),
			"another":          eye.ask(&seat{}, []byte("a picturf")),
			"a longer one":     eye.ask(&seat{}, append(bytes.Clone(picture), 0)),
			"another revision": {Revision: "eye-00002", Picture: picture, Place: &seat{}, Run: eye.run},
			"another lowest score": {
				Revision: "eye-00001", Picture: picture, Place: &seat{}, Run: eye.run,
				Params: functions.Parameters{MinScore: new(0.5)},
			},
			"drawn": {
				Revision: "eye-00001", Picture: picture, Place: &seat{}, Run: eye.run,
				Params: functions.Parameters{Draw: "png"},
			},
		}
		var group sync.WaitGroup
		for name, ask := range asks {
			group.Go(func() {
				if _, how, err := room.Do(t.Context(), ask); how != Ran || err != nil {
					t.Errorf("%s: %v, %v", name, how, err)
				}
			})
		}
		group.Wait()
	})
}

func TestARunGoesOnAsLongAsSomebodyWaits(t *testing.T) {
	t.Run("the first caller goes, the second is answered", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			room, eye := New(Options{}), &instance{takes: time.Second}
			var first, second seat
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			var group sync.WaitGroup
			group.Go(func() {
				began := time.Now()
				_, _, err := room.Do(ctx, eye.ask(&first, picture))
				if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 300*time.Millisecond {
					t.Errorf("the first was told %v after %v", err, time.Since(began))
				}
				if first.left.Load() != 0 {
					t.Error("its place was left while its run goes on")
				}
			})
			group.Go(func() {
				time.Sleep(100 * time.Millisecond)
				answer, how, err := room.Do(t.Context(), eye.ask(&second, picture))
				if err != nil || how != Shared || answer.ModelSum != "1" {
					t.Errorf("the second: %+v, %v, %v", answer, how, err)
				}
			})
			group.Wait()
			if first.left.Load() != 1 || second.left.Load() != 1 || eye.runs.Load() != 1 {
				t.Errorf("left %d and %d times, %d runs", first.left.Load(), second.left.Load(), eye.runs.Load())
			}
		})
	})
	t.Run("all go: the run ends, and each deadline was kept", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			room, eye := New(Options{}), &instance{takes: time.Hour}
			var group sync.WaitGroup
			for n := range 5 {
				group.Go(func() {
					within := time.Duration(5-n) * time.Second
					ctx, cancel := context.WithTimeout(t.Context(), within)
					defer cancel()
					began := time.Now()
					_, _, err := room.Do(ctx, eye.ask(&seat{}, picture))
					if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != within {
						t.Errorf("%v after %v, want the deadline of %v", err, time.Since(began), within)
					}
				})
			}
			group.Wait()
			if eye.ended.Load() != 1 || len(room.flights) != 0 {
				t.Errorf("%d runs were ended, %d flights are left", eye.ended.Load(), len(room.flights))
			}
		})
	})
}

func TestOnlyTheQuestionsOwnErrorsAreShared(t *testing.T) {
	for _, tt := range []struct {
		name   string
		err    error
		shared bool
	}{
		{"a picture that cannot be read", functions.Errorf(functions.Unreadable, "cut off"), true},
		{"no instance comes", functions.Errorf(functions.Unavailable, "no model"), true},
		{"the first one's deadline was too short", functions.Errorf(functions.TooShort, "too late"), false},
		{"the first one's deadline", context.DeadlineExceeded, false},
		{"the first one hung up", context.Canceled, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				room := New(Options{})
				bad, good := &instance{takes: time.Second, err: tt.err}, &instance{takes: time.Second}
				var group sync.WaitGroup
				group.Go(func() {
					if _, _, err := room.Do(t.Context(), bad.ask(&seat{}, picture)); !errors.Is(err, tt.err) {
						t.Errorf("the first was told %v", err)
					}
				})
				for range 3 {
					group.Go(func() {
						time.Sleep(time.Millisecond)
						var place seat
						_, _, err := room.Do(t.Context(), good.ask(&place, picture))
						if tt.shared != errors.Is(err, tt.err) || (err == nil) == tt.shared {
							t.Errorf("another was told %v", err)
						}
						if place.left.Load() != 1 {
							t.Errorf("it left %d times", place.left.Load())
						}
					})
				}
				group.Wait()
				if n := good.runs.Load(); !tt.shared && n != 1 {
					t.Errorf("the others had %d runs between them, want 1", n)
				}
			})
		})
	}
}

func TestAPanicInARunIsThatRunsError(t *testing.T) {
	room := New(Options{})
	var place seat
	_, _, err := room.Do(t.Context(), Ask{Picture: picture, Place: &place, Run: func(context.Context) (functions.Answer, error) {
		panic("oops")
	}})
	if err == nil || functions.KindOf(err) != functions.Internal || place.left.Load() != 1 || len(room.flights) != 0 {
		t.Errorf("err = %v, left %d times, %d flights", err, place.left.Load(), len(room.flights))
	}
}

func TestMetrics(t *testing.T) {
	room := New(Options{CacheBytes: 10_000})
	tag := room.Tag("eye-00001", functions.Parameters{}, picture)
	room.Find(tag)
	eye := &instance{}
	ask := eye.ask(&seat{}, picture)
	ask.Tag = tag
	if _, _, err := room.Do(t.Context(), ask); err != nil {
		t.Fatal(err)
	}
	room.Find(tag)
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(room)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			name := family.GetName()
			for _, label := range m.GetLabel() {
				name += " " + label.GetValue()
			}
			got[name] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	want := map[string]float64{
		"saccade_recall_lookups_total hit": 1, "saccade_recall_lookups_total miss": 1,
		"saccade_recall_shared_total": 0, "saccade_recall_flights": 0, "saccade_recall_evictions_total": 0,
		"saccade_recall_bytes": float64(room.cache.held),
	}
	if diff := cmp.Diff(want, got); diff != "" || room.cache.held == 0 {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func BenchmarkKeys(b *testing.B) {
	picture := bytes.Repeat([]byte("0123456789abcdef"), 200_000/16)
	b.Run("single flight, 200 kB", func(b *testing.B) {
		room := New(Options{})
		b.SetBytes(int64(len(picture)))
		for b.Loop() {
			if _, err := room.key(Ask{Picture: picture}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("tag, 200 kB", func(b *testing.B) {
		room := New(Options{CacheBytes: 1})
		b.SetBytes(int64(len(picture)))
		for b.Loop() {
			room.Tag("eye-00001", functions.Parameters{}, picture)
		}
	})
	b.Run("a whole flight, 200 kB", func(b *testing.B) {
		room, eye := New(Options{}), func(context.Context) (functions.Answer, error) { return functions.Answer{}, nil }
		for b.Loop() {
			if _, _, err := room.Do(b.Context(), Ask{Picture: picture, Place: &seat{}, Run: eye}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
