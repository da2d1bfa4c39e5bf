package mirror

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/gateway/coldstart"
)

// far is an instance of the mirror that answers after a while.
type far struct {
	takes time.Duration
	err   error
	says  []functions.Detection

	mu     sync.Mutex
	asked  int
	drawn  string
	before []bool // whether the real answer was on its way, by request
	run    context.Context
}

func (f *far) Arrived(string)             {}
func (f *far) Left(string, time.Duration) {}

func (f *far) Detect(ctx context.Context, _ coldstart.Instance, _ []byte, params functions.Parameters) (functions.Answer, error) {
	f.mu.Lock()
	f.asked++
	f.drawn += params.Draw
	f.before = append(f.before, f.run != nil && f.run.Err() == nil)
	f.mu.Unlock()
	select {
	case <-time.After(f.takes):
	case <-ctx.Done():
		return functions.Answer{}, ctx.Err()
	}
	return functions.Answer{Detections: f.says}, f.err
}

func revision(name string) functions.Revision {
	return functions.Revision{Name: name, Function: functions.Function{Metadata: functions.Metadata{Name: "eye"}}.WithDefaults()}
}

// mirrored is a room whose mirror gets percent of the requests.
func mirrored(f *far, percent float64, o Options) *Room {
	waiting := coldstart.New(f, coldstart.Options{})
	waiting.Publish("eye-00002", []coldstart.Instance{{Name: "b", Ready: true, Capacity: 100, Life: coldstart.NewLife()}})
	o.Of = func(string) (functions.Revision, float64) { return revision("eye-00002"), percent }
	return New(waiting, f, o)
}

// over is the context of a run that has ended.
func over() context.Context {
	ctx, end := context.WithCancel(context.Background())
	end()
	return ctx
}

func seen(bytes int) Seen {
	return Seen{Function: "eye", Revision: revision("eye-00001"), Picture: make([]byte, bytes), Params: functions.Parameters{Draw: "png"}}
}

// series are the room's counters by outcome, or by who found it.
func series(r *Room) map[string]int {
	registry := prometheus.NewRegistry()
	registry.MustRegister(r)
	families, err := registry.Gather()
	if err != nil {
		panic(err)
	}
	all := map[string]int{}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			name := family.GetName()
			for _, l := range m.GetLabel() {
				if l.GetName() == "outcome" || l.GetName() == "found" {
					name = l.GetValue()
				}
			}
			all[name] = int(m.GetCounter().GetValue())
		}
	}
	return all
}

func counted(r *Room, outcome string) int { return series(r)[outcome] }

func TestAShareOfRequestsIsAskedTwice(t *testing.T) {
	for _, tt := range []struct{ percent, want float64 }{{0, 0}, {1, 10}, {25, 250}, {100, 1000}} {
		synctest.Test(t, func(t *testing.T) {
			f := &far{}
			r := mirrored(f, tt.percent, Options{})
			defer r.Close()
			for range 1000 {
				r.Send(over(), seen(1))
				synctest.Wait()
			}
			if got := float64(f.asked); got < tt.want*0.9 || got > tt.want*1.1 || counted(r, "ok") != f.asked || f.drawn != "" {
				t.Errorf("%v %% of a thousand were %v, %d counted, drawn %q", tt.percent, got, counted(r, "ok"), f.drawn)
			}
		})
	}
}

func TestTheRealAnswerGoesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		run, end := context.WithCancel(t.Context())
		f := &far{run: run}
		r := mirrored(f, 100, Options{})
		defer r.Close()
		if !r.Send(run, seen(1)) {
			t.Fatal("it was not mirrored")
		}
		time.Sleep(time.Minute)
		if f.asked != 0 {
			t.Error("the mirror was asked while the real answer was not there")
		}
		end()
		synctest.Wait()
		if f.asked != 1 || f.before[0] {
			t.Errorf("asked %d times", f.asked)
		}
	})
}

func TestWhatIsMoreThanTheRoomTakesIsDropped(t *testing.T) {
	for _, tt := range []struct {
		name  string
		with  Options
		asked int
	}{{"by number", Options{InFlight: 3}, 3}, {"by bytes", Options{MaxBytes: 25}, 2}} {
		synctest.Test(t, func(t *testing.T) {
			f := &far{takes: time.Second}
			r := mirrored(f, 100, tt.with)
			defer r.Close()
			began := time.Now()
			for range 10 {
				r.Send(over(), seen(10))
			}
			if time.Since(began) != 0 {
				t.Error("the real requests waited")
			}
			synctest.Wait()
			if f.asked != tt.asked || counted(r, "dropped") != 10-tt.asked {
				t.Errorf("%s: %d asked, %d dropped", tt.name, f.asked, counted(r, "dropped"))
			}
			time.Sleep(2 * time.Second)
			if !r.Send(over(), seen(10)) {
				t.Errorf("%s: the room stays full", tt.name)
			}
		})
	}
}

func TestAFailureIsCountedAndNoMore(t *testing.T) {
	for outcome, err := range map[string]error{"failed": errors.New("lost"), "busy": functions.Errorf(functions.Busy, "full")} {
		synctest.Test(t, func(t *testing.T) {
			f := &far{err: err}
			r := mirrored(f, 100, Options{})
			defer r.Close()
			r.Send(over(), seen(1))
			synctest.Wait()
			if counted(r, outcome) != 1 || f.asked != 1 {
				t.Errorf("%s: %d counted, %d asked", outcome, counted(r, outcome), f.asked)
			}
		})
	}
}

func TestARevisionIsNotItsOwnMirror(t *testing.T) {
	f := &far{}
	r := mirrored(f, 100, Options{})
	defer r.Close()
	s := seen(1)
	s.Revision = revision("eye-00002")
	if r.Send(over(), s) {
		t.Error("it was mirrored to itself")
	}
	if (*Room)(nil).Send(over(), s) {
		t.Error("nobody mirrored it")
	}
	(*Room)(nil).Close()
}

func TestAClosedRoomIsEmpty(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &far{takes: time.Hour}
		r := mirrored(f, 100, Options{})
		r.Send(over(), seen(1))
		r.Send(t.Context(), seen(1)) // its real answer is not there yet
		synctest.Wait()
		r.Close()
		if r.inFlight != 0 || r.held != 0 || counted(r, "failed") != 0 {
			t.Errorf("%d in flight, %d bytes, %d failed", r.inFlight, r.held, counted(r, "failed"))
		}
		if r.Send(over(), seen(1)) {
			t.Error("a closed room mirrors")
		}
	})
}

func TestAnswersAgreeByClassAndBox(t *testing.T) {
	at := func(class string, x float32) functions.Detection {
		return functions.Detection{Class: class, Box: functions.Box{X1: x, Y1: 0, X2: x + 10, Y2: 10}}
	}
	type list = []functions.Detection
	for _, tt := range []struct {
		name         string
		real, mirror list
		want         agreement
	}{
		{"nothing", nil, nil, agreement{}},
		{"the same", list{at("cat", 0), at("dog", 50)}, list{at("cat", 1), at("dog", 50)}, agreement{both: 2}},
		{"another class", list{at("cat", 0)}, list{at("dog", 0)}, agreement{real: 1, mirror: 1}},
		{"another place", list{at("cat", 0)}, list{at("cat", 6)}, agreement{real: 1, mirror: 1}},
		{"half of it is enough", list{at("cat", 0)}, list{{Class: "cat", Box: functions.Box{X2: 10, Y2: 5}}}, agreement{both: 1}},
		{"one box is one object", list{at("cat", 0), at("cat", 1)}, list{at("cat", 0)}, agreement{both: 1, real: 1}},
		{"the nearest one", list{at("cat", 0), at("cat", 3)}, list{at("cat", 3), at("cat", 0)}, agreement{both: 2}},
	} {
		if got := agree(tt.real, tt.mirror); got != tt.want {
			t.Errorf("%s: %+v; want %+v", tt.name, got, tt.want)
		}
	}
}

func TestTheSeriesOfAMirrorEndAfterIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &far{says: []functions.Detection{{Class: "cat"}}}
		r := mirrored(f, 100, Options{})
		defer r.Close()
		r.Send(over(), seen(1))
		synctest.Wait()
		if all := series(r); all["mirror"] != 1 || all["real"] != 0 || all["both"] != 0 || all["ok"] != 1 {
			t.Errorf("%v", all)
		}
		time.Sleep(2 * keep)
		if all := series(r); len(all) != 0 {
			t.Errorf("series of a mirror that is gone: %v", all)
		}
	})
}
