package onnx

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	ort "github.com/yalue/onnxruntime_go"

	"github.com/seed45885407/saccade/runtime/detector"
)

func TestParallelRunsDoNotTouchEachOther(t *testing.T) {
	e := open(t)
	s := session(t, e, prepare(t, ""), centernetOptions)
	want := answer(t, s)
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for range 3 {
				if !slices.Equal(answer(t, s), want) {
					t.Error("a parallel run answers otherwise")
				}
			}
		})
	}
	wg.Wait()
}

func TestOutputsOfUnknownShapeAreRead(t *testing.T) {
	e := open(t)
	want := answer(t, session(t, e, prepare(t, ""), centernetOptions))
	o := centernetOptions
	o.Outputs = []Port{{Name: "detections", Shape: []int64{1, -1, 6}}}
	s := session(t, e, prepare(t, ""), o)
	for range 2 {
		if !slices.Equal(answer(t, s), want) {
			t.Error("it answers otherwise")
		}
	}
}

var errGone = errors.New("the caller has gone")

func TestACancelledRunIsTerminatedAndTheNextIsNot(t *testing.T) {
	e := open(t)
	s := session(t, e, prepare(t, ""), centernetOptions)
	want := answer(t, s)
	lane := s.idle[1][0] // the one that every run of this test takes
	in, err := ort.NewTensor(ort.Shape(lane.inputs[0].Shape), slope())
	if err != nil {
		t.Fatal(err)
	}
	defer in.Destroy()

	ctx, cancel := context.WithCancelCause(t.Context())
	err = lane.terminable(ctx, func() error {
		cancel(errGone)
		for { // a run may be over before the cancellation has come through; one of them is not
			if err := s.native.RunWithOptions([]ort.Value{in}, lane.values, lane.options); err != nil {
				return err
			}
		}
	})
	if !errors.Is(err, errGone) {
		t.Errorf("a terminated run: %v; want the cause of the cancellation", err)
	}
	if !slices.Equal(answer(t, s), want) {
		t.Error("the run after a terminated one answers otherwise")
	}
	if err := s.Run(ctx, ramp(), nil); !errors.Is(err, errGone) {
		t.Errorf("Run after the cancellation: %v", err)
	}
}

func TestACancellationThatComesLateHitsNobodyElse(t *testing.T) {
	e := open(t)
	s := session(t, e, prepare(t, ""), centernetOptions)
	want := answer(t, s)
	for range 20 {
		ctx, cancel := context.WithCancelCause(t.Context())
		if err := s.idle[1][0].terminable(ctx, func() error { cancel(errGone); return nil }); err != nil {
			t.Errorf("a run that was done: %v", err)
		}
		if !slices.Equal(answer(t, s), want) {
			t.Error("the next run answers otherwise")
		}
	}
}

func TestTheReadersErrorIsRuns(t *testing.T) {
	e := open(t)
	s := session(t, e, prepare(t, ""), centernetOptions)
	if err := s.Run(t.Context(), ramp(), func([]detector.Tensor) error { return errGone }); !errors.Is(err, errGone) {
		t.Errorf("Run: %v", err)
	}
	if err := s.Run(t.Context(), []detector.Tensor{{Data: slope()[1:]}}, nil); err == nil {
		t.Error("an input that is too short ran")
	}
}

func TestSteadyRunsAllocateLittle(t *testing.T) {
	e := open(t)
	s := session(t, e, prepare(t, ""), centernetOptions)
	input := ramp()
	result := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := s.Run(t.Context(), input, func([]detector.Tensor) error { return nil }); err != nil {
				b.Fatal(err)
			}
		}
	})
	if got := result.AllocedBytesPerOp(); got > 2<<10 {
		t.Errorf("a run allocates %d bytes in %d pieces", got, result.AllocsPerOp())
	}
}

func BenchmarkRun(b *testing.B) {
	e, cache := open(b), b.TempDir()
	if err := e.Keep(prepare(b, cache), centernetOptions); err != nil {
		b.Fatal(err)
	}
	for name, m := range map[string]*Model{"from the model": prepare(b, ""), "from a kept graph": prepare(b, cache)} {
		b.Run(name, func(b *testing.B) {
			s := session(b, e, m, centernetOptions)
			input := ramp()
			b.ReportAllocs()
			for b.Loop() {
				if err := s.Run(b.Context(), input, func([]detector.Tensor) error { return nil }); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkStart(b *testing.B) {
	e, cache := open(b), b.TempDir()
	if err := e.Keep(prepare(b, cache), centernetOptions); err != nil {
		b.Fatal(err)
	}
	sum := prepare(b, "").Sum()
	for name, folder := range map[string]string{"from the model": "", "from a kept graph": cache} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				m, err := Prepare(Source{Path: centernet, Sum: sum, Cache: folder})
				if err != nil {
					b.Fatal(err)
				}
				s, err := e.NewSession(m, centernetOptions)
				if err != nil {
					b.Fatal(err)
				}
				if err := errors.Join(m.Close(), s.Close()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
