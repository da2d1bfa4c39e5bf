package onnx

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/runtime/detector"
	"github.com/seed45885407/saccade/runtime/detector/detectortest"
)

// detrOptions are those of the DETR in the reference data, which takes and gives
// whole numbers beside the others.
func detrOptions(labels, boxes, scores []int64) Options {
	return Options{
		Inputs: []Port{
			{Name: "images", Type: "float32", Shape: []int64{1, 3, 320, 320}},
			{Name: "orig_target_sizes", Type: "int64", Shape: []int64{1, 2}},
		},
		Outputs: []Port{
			{Name: "labels", Type: "int64", Shape: labels},
			{Name: "boxes", Type: "float32", Shape: boxes},
			{Name: "scores", Type: "float32", Shape: scores},
		},
	}
}

func detrInputs() []detector.Tensor {
	return []detector.Tensor{{Data: slope()[:3*320*320]}, {Ints: []int64{640, 480}}}
}

func detrAnswer(t *testing.T, s *Session) []detector.Tensor {
	t.Helper()
	var got []detector.Tensor
	err := s.Run(t.Context(), detrInputs(), func(outputs []detector.Tensor) error {
		for _, o := range outputs {
			got = append(got, detector.Tensor{
				Name: o.Name, Shape: slices.Clone(o.Shape), Data: slices.Clone(o.Data), Ints: slices.Clone(o.Ints),
			})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestWholeNumbersGoInAndOut(t *testing.T) {
	path, cache := detectortest.Data(t, "models", "deimv2_hgnetv2_atto_coco.onnx"), t.TempDir()
	e := open(t)
	start := func(o Options) *Session {
		m, err := Prepare(Source{Path: path, Cache: cache})
		if err != nil {
			t.Fatal(err)
		}
		s := session(t, e, m, o)
		if err := errors.Join(e.Keep(m, o), m.Close()); err != nil {
			t.Fatal(err)
		}
		return s
	}
	free := detrOptions([]int64{-1, -1}, []int64{-1, -1, 4}, nil)
	s := start(free)
	want := detrAnswer(t, s)
	n := want[0].Shape[1]
	if n < 1 || len(want[0].Ints) != int(n) || want[0].Data != nil || len(want[1].Data) != int(4*n) || want[1].Ints != nil {
		t.Fatalf("labels %v and boxes %v of shapes %v, %v", want[0].Ints, want[1].Data, want[0].Shape, want[1].Shape)
	}
	for range 2 { // the lane's memory is its own again
		if diff := cmp.Diff(want, detrAnswer(t, s)); diff != "" {
			t.Error(diff)
		}
	}
	s = start(free)
	if !s.Optimised() {
		t.Error("the second start did not use the kept graph")
	}
	if diff := cmp.Diff(want, detrAnswer(t, s)); diff != "" {
		t.Errorf("from the kept graph: %s", diff)
	}
	s = start(detrOptions([]int64{1, n}, []int64{1, n, 4}, []int64{1, n}))
	for range 2 {
		if diff := cmp.Diff(want, detrAnswer(t, s)); diff != "" {
			t.Errorf("with memory that is kept: %s", diff)
		}
	}
}

func TestInputsThatAreNotTheModelsAreRefused(t *testing.T) {
	path := detectortest.Data(t, "models", "deimv2_hgnetv2_atto_coco.onnx")
	e := open(t)
	m, err := Prepare(Source{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	s := session(t, e, m, detrOptions(nil, nil, nil))
	want := detrAnswer(t, s)
	picture, sizes := detrInputs()[0], detrInputs()[1]
	for name, inputs := range map[string][]detector.Tensor{
		"none":            nil,
		"no sizes":        {picture},
		"empty sizes":     {picture, {}},
		"one size":        {picture, {Ints: []int64{640}}},
		"sizes as floats": {picture, {Data: []float32{640, 480}}},
		"swapped":         {sizes, picture},
		"too many":        {picture, sizes, sizes},
	} {
		if err := s.Run(t.Context(), inputs, func([]detector.Tensor) error { return nil }); err == nil {
			t.Errorf("%s: it ran", name)
		}
		if diff := cmp.Diff(want, detrAnswer(t, s)); diff != "" {
			t.Errorf("the run after %s answers otherwise: %s", name, diff)
		}
	}
}

func TestSteadyRunsOfFreeShapesAllocateLittle(t *testing.T) {
	path := detectortest.Data(t, "models", "deimv2_hgnetv2_atto_coco.onnx")
	e := open(t)
	m, err := Prepare(Source{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	s := session(t, e, m, detrOptions(nil, nil, nil))
	inputs := detrInputs()
	result := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := s.Run(b.Context(), inputs, func([]detector.Tensor) error { return nil }); err != nil {
				b.Fatal(err)
			}
		}
	})
	// The outputs themselves are 8.4 kB: 300 labels of 8 bytes, boxes of 16, scores of 4.
	if got := result.AllocedBytesPerOp(); got > 12<<10 {
		t.Errorf("a run allocates %d bytes in %d pieces", got, result.AllocsPerOp())
	}
}
