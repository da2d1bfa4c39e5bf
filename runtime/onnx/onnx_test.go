package onnx

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/runtime/detector"
	"github.com/seed45885407/saccade/runtime/onnx/library"
)

// The centernet model, which is in the repository.
const centernet = "../../functions/centernet/centernet-mbv3.onnx"

var centernetOptions = Options{
	Inputs:  []Port{{Name: "images", Type: "float32", Shape: []int64{1, 3, 512, 512}}},
	Outputs: []Port{{Name: "detections", Type: "float32", Shape: []int64{1, 100, 6}}},
}

func open(t testing.TB) *Environment {
	t.Helper()
	path, err := library.Find(os.Getenv("SACCADE_ONNXRUNTIME"))
	if err != nil {
		t.Skip(err)
	}
	e, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

func prepare(t testing.TB, cache string) *Model {
	t.Helper()
	m, err := Prepare(Source{Path: centernet, Cache: cache})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

func session(t testing.TB, e *Environment, m *Model, o Options) *Session {
	t.Helper()
	s, err := e.NewSession(m, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// ramp is an input with something to see in it.
func ramp() []detector.Tensor { return []detector.Tensor{{Data: slope()}} }

func slope() []float32 {
	input := make([]float32, 3*512*512)
	for i := range input {
		input[i] = float32(i%1021) / 1021
	}
	return input
}

// answer is a run's one output.
func answer(t testing.TB, s *Session) []float32 {
	t.Helper()
	var got []float32
	err := s.Run(t.Context(), ramp(), func(outputs []detector.Tensor) error {
		if len(outputs) != 1 || outputs[0].Name != "detections" || !slices.Equal(outputs[0].Shape, []int64{1, 100, 6}) {
			return fmt.Errorf("outputs %+v", outputs)
		}
		got = slices.Clone(outputs[0].Data)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestBadModelsAreErrors(t *testing.T) {
	whole, err := os.ReadFile(centernet)
	if err != nil {
		t.Fatal(err)
	}
	e := open(t)
	for name, content := range map[string][]byte{
		"cut off":  whole[:len(whole)/3],
		"garbage":  []byte("this is not a network\x00\xff\x07"),
		"no graph": {0x08, 0x08},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "model.onnx")
			write(t, path, content)
			m, err := Prepare(Source{Path: path})
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			_, err = e.NewSession(m, centernetOptions)
			if functions.KindOf(err) != functions.Unavailable {
				t.Errorf("NewSession: %v; want an Unavailable error", err)
			}
		})
	}
	for name, change := range map[string]func(o *Options){
		"another size than the graph's": func(o *Options) { o.Inputs = []Port{{Name: "images", Shape: []int64{1, 3, 256, 256}}} },
		"an input it does not have":     func(o *Options) { o.Inputs = []Port{{Name: "pictures", Shape: []int64{1, 3, 512, 512}}} },
		"an output it does not have":    func(o *Options) { o.Outputs = []Port{{Name: "boxes"}} },
		"an input of another type":      func(o *Options) { o.Inputs = []Port{{Name: "images", Type: "int64", Shape: []int64{1, 3, 512, 512}}} },
		"an input too many":             func(o *Options) { o.Inputs = append(slices.Clone(o.Inputs), o.Inputs[0]) },
		"an output of another type":     func(o *Options) { o.Outputs = []Port{{Name: "detections", Type: "int64", Shape: []int64{1, 100, 6}}} },
		"an output of another shape":    func(o *Options) { o.Outputs = []Port{{Name: "detections", Shape: []int64{1, 7, 6}}} },
	} {
		t.Run(name, func(t *testing.T) {
			o := centernetOptions
			change(&o)
			s, err := e.NewSession(prepare(t, ""), o)
			if err == nil {
				defer s.Close()
				fed := detector.Tensor{Data: make([]float32, 3*o.Inputs[0].Shape[2]*o.Inputs[0].Shape[3])}
				err = s.Run(t.Context(), []detector.Tensor{fed}, func([]detector.Tensor) error { return nil })
			}
			if err == nil {
				t.Error("it ran")
			}
		})
	}
}

func TestAModelThatIsNotTheOneItShouldBeIsRefused(t *testing.T) {
	sum := sha256.Sum256([]byte("another model"))
	_, err := Prepare(Source{Path: centernet, Sum: hex.EncodeToString(sum[:])})
	if functions.KindOf(err) != functions.Unavailable || !strings.Contains(err.Error(), "SHA-256") {
		t.Errorf("Prepare: %v", err)
	}
	for _, sum := range []string{"../../etc/passwd", "abc", strings.Repeat("A", 64)} {
		if _, err := Prepare(Source{Path: centernet, Sum: sum, Cache: t.TempDir()}); err == nil {
			t.Errorf("Prepare took %q for a sum", sum)
		}
	}
}

func TestClosingHasAnOrder(t *testing.T) {
	e := open(t)
	s := session(t, e, prepare(t, ""), centernetOptions)
	if err := e.Close(); err == nil {
		t.Fatal("the environment closed under a session")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Run(t.Context(), ramp(), nil); err == nil {
		t.Error("a closed session ran")
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	if _, err := e.NewSession(prepare(t, ""), centernetOptions); err == nil {
		t.Error("a closed environment made a session")
	}
}

func write(t testing.TB, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}
