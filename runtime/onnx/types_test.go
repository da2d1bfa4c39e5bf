package onnx

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/runtime/detector"
)

// Whatever a network's outputs are of, they come as float32 or int64, from memory
// that is kept and from memory that is not, and again in the next run.
func TestOutputsOfEveryType(t *testing.T) {
	e := open(t)
	values := []float32{0, 1, 2, 100}
	for kind, fraction := range map[string]bool{
		"float32": true, "float16": true, "float64": true, "bfloat16": true,
		"int8": false, "uint8": false, "int16": false, "uint16": false, "int32": false, "uint32": false, "int64": false,
	} {
		for _, shape := range [][]int64{{1, 4}, {1, -1}, nil} {
			b := &builder{}
			b.input("x", "float32", 1, 4)
			b.cast("x", "y", kind)
			b.output("y", kind, 1, 4)
			path := filepath.Join(t.TempDir(), "m.onnx")
			write(t, path, b.file())
			cache := t.TempDir()
			o := Options{
				Inputs:  []Port{{Name: "x", Type: "float32", Shape: []int64{1, 4}}},
				Outputs: []Port{{Name: "y", Type: kind, Shape: shape}},
			}
			want := detector.Tensor{Name: "y", Shape: []int64{1, 4}, Data: values}
			if !fraction {
				want.Data, want.Ints = nil, []int64{0, 1, 2, 100}
			}
			for start := range 2 { // the second from the kept graph
				m, err := Prepare(Source{Path: path, Cache: cache})
				if err != nil {
					t.Fatal(err)
				}
				s := session(t, e, m, o)
				if s.Optimised() != (start == 1) {
					t.Errorf("%s %v: start %d from a kept graph: %v", kind, shape, start, s.Optimised())
				}
				for range 2 {
					err := s.Run(t.Context(), []detector.Tensor{{Data: values}}, func(got []detector.Tensor) error {
						if diff := cmp.Diff([]detector.Tensor{want}, got); diff != "" {
							t.Errorf("%s, shape %v: %s", kind, shape, diff)
						}
						return nil
					})
					if err != nil {
						t.Errorf("%s, shape %v: %v", kind, shape, err)
					}
				}
				if err := e.Keep(m, o); err != nil {
					t.Error(err)
				}
				if err := m.Close(); err != nil {
					t.Error(err)
				}
			}
		}
	}
}

// What inspection cannot know, ONNX Runtime refuses, and nothing breaks.
func TestGraphsThatONNXRuntimeRefuses(t *testing.T) {
	e := open(t)
	for name, build := range map[string]func(b *builder){
		"shapes that do not fit": func(b *builder) {
			b.node("MatMul", "y", []string{"x", b.floats(make([]float32, 15), 5, 3)})
		},
		"a circle":                   func(b *builder) { b.node("Add", "y", []string{"x", "z"}); b.node("Relu", "z", []string{"y"}) },
		"an operator that is none":   func(b *builder) { b.node("Frobnicate", "y", []string{"x"}) },
		"an input that nobody makes": func(b *builder) { b.node("Relu", "y", []string{"nobody"}) },
		"a declared size without end": func(b *builder) {
			b.node("Add", "y", []string{"x", b.weight("float32", make([]byte, 16), 1<<40, 1<<20)})
		},
		"a tensor without its values": func(b *builder) { b.node("Add", "y", []string{"x", b.weight("float32", nil, 1, 4)}) },
		"a tensor of a type unknown":  func(b *builder) { b.node("Relu", "y", []string{b.cast("x", "", "none such")}) },
	} {
		t.Run(name, func(t *testing.T) {
			b := &builder{}
			b.input("x", "float32", 1, 4)
			build(b)
			b.output("y", "float32", 1, 4)
			path := filepath.Join(t.TempDir(), "m.onnx")
			write(t, path, b.file())
			m, err := Prepare(Source{Path: path})
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			s, err := e.NewSession(m, Options{
				Inputs: []Port{{Name: "x", Shape: []int64{1, 4}}}, Outputs: []Port{{Name: "y", Shape: []int64{1, 4}}},
			})
			if err == nil {
				s.Close()
			}
			if functions.KindOf(err) != functions.Unavailable {
				t.Errorf("NewSession: %v; want an Unavailable error", err)
			}
		})
	}
}
