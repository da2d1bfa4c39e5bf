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
	shape ort.Shape
	names []string
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
	s := &Session{shape: ort.NewShape(1, 3, int64(m.InputSize), int64(m.InputSize))}
	for _, output := range outputs {
		s.names = append(s.names, output.Name)
	}
	s.onnx, err = ort.NewDynamicAdvancedSession(file, []string{inputs[0].Name}, s.names, nil)
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
func (s *Session) Run(_ context.Context, input []float32, read func([]detector.Tensor) error) error {
	fed, err := ort.NewTensor(s.shape, input)
	if err != nil {
		return err
	}
	defer fed.Destroy()
	values := make([]ort.Value, len(s.names))
	if err := s.onnx.Run([]ort.Value{fed}, values); err != nil {
		return err
	}
	outputs := make([]detector.Tensor, 0, len(values))
	for i, value := range values {
		defer value.Destroy()
		if tensor, is := value.(*ort.Tensor[float32]); is {
			outputs = append(outputs, detector.Tensor{
				Name: s.names[i], Shape: value.GetShape(), Data: tensor.GetData(),
			})
		}
	}
	return read(outputs)
}
