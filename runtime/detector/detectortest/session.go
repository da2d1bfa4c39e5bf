package detectortest

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"

	ort "github.com/yalue/onnxruntime_go"

	"github.com/seed45885407/saccade/runtime/detector"
)

// library is where the shared library of ONNX Runtime is: SACCADE_ONNXRUNTIME, a
// file or its folder, else the user's cache folder.
func library(t testing.TB) string {
	t.Helper()
	path := os.Getenv("SACCADE_ONNXRUNTIME")
	if path == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			t.Skipf("no ONNX Runtime: %v", err)
		}
		path = filepath.Join(cache, "saccade", "onnxruntime", "1.30.0")
	}
	info, err := os.Stat(path)
	if err == nil && info.IsDir() {
		path = filepath.Join(path, "libonnxruntime.so.1")
		_, err = os.Stat(path)
	}
	if err != nil {
		t.Skipf("no ONNX Runtime: %v", err)
	}
	return path
}

// environment opens ONNX Runtime, once a process, and leaves it open: it belongs
// to every test of the process.
var environment = sync.OnceValue(func() error { return ort.InitializeEnvironment() })

// Session is a network on the CPU, with default settings and no tuning.
type Session struct {
	onnx  *ort.DynamicAdvancedSession
	names []string // of the outputs
}

// Open loads the model; the test closes it.
func Open(t testing.TB, m Model) *Session {
	t.Helper()
	file := Data(t, "models", m.Name+".onnx")
	if !ort.IsInitialized() {
		ort.SetSharedLibraryPath(library(t))
	}
	if err := environment(); err != nil {
		t.Fatalf("opening ONNX Runtime: %v", err)
	}
	inputs, outputs, err := ort.GetInputOutputInfo(file)
	if err != nil {
		t.Fatalf("inspecting %s: %v", m.Name, err)
	}
	s := &Session{}
	fed := make([]string, len(inputs))
	for i, input := range inputs {
		fed[i] = input.Name // of all the models, the picture is the first
	}
	for _, output := range outputs {
		s.names = append(s.names, output.Name)
	}
	s.onnx, err = ort.NewDynamicAdvancedSession(file, fed, s.names, nil)
	if err != nil {
		t.Fatalf("loading %s: %v", m.Name, err)
	}
	t.Cleanup(func() {
		if err := s.onnx.Destroy(); err != nil {
			t.Errorf("closing %s: %v", m.Name, err)
		}
	})
	return s
}

// Run implements [detector.Session]. It does not look at the context.
func (s *Session) Run(_ context.Context, inputs []detector.Tensor, read func([]detector.Tensor) error) error {
	var fed []ort.Value
	for _, input := range inputs {
		value, err := valueOf(input)
		if err != nil {
			return err
		}
		defer value.Destroy()
		fed = append(fed, value)
	}
	values := make([]ort.Value, len(s.names))
	if err := s.onnx.Run(fed, values); err != nil {
		return err
	}
	outputs := make([]detector.Tensor, 0, len(values))
	for i, value := range values {
		defer value.Destroy()
		output := detector.Tensor{Name: s.names[i], Shape: value.GetShape()}
		switch tensor := value.(type) {
		case *ort.Tensor[float32]:
			output.Data = tensor.GetData()
		case *ort.Tensor[int64]:
			output.Ints = tensor.GetData()
		}
		outputs = append(outputs, output)
	}
	return read(outputs)
}

func valueOf(t detector.Tensor) (ort.Value, error) {
	if t.Ints != nil {
		return ort.NewTensor(ort.NewShape(t.Shape...), t.Ints)
	}
	return ort.NewTensor(ort.NewShape(t.Shape...), t.Data)
}
