package catalog_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/functions/catalog"
)

func declared(name string) functions.Function {
	return functions.Function{
		APIVersion: functions.APIVersion,
		Kind:       functions.KindFunction,
		Metadata:   functions.Metadata{Name: name},
		Spec:       functions.Spec{Model: functions.Model{URI: "shelf.onnx", Family: functions.FamilyYOLOv8}},
	}
}

func TestWriteIsTidy(t *testing.T) {
	f := declared("shelf")
	f.Spec.Model.Labels = []string{"full", "no", "a: b"}
	f.Spec.Thresholds.MinScore = new(0.0)
	f.Spec.Scaling.Window = functions.Duration(60 * time.Second)
	f.Spec.Resources.CPU = "2"
	folder := filepath.Join(t.TempDir(), "team", "shelf")
	if err := catalog.Write(folder, f); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(folder, "function.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	const want = `# yaml-language-server: $schema=https://raw.githubusercontent.com/seed45885407/saccade/main/functions/function.schema.json
apiVersion: saccade.dev/v1alpha1
kind: Function
metadata:
  name: shelf
spec:
  model:
    # No sha256: the file seen first is pinned in the model store's models.lock.json.
    # Give sha256 to fix the file here, for everyone.
    uri: shelf.onnx
    family: yolov8
    labels: [full, "no", 'a: b']
  thresholds:
    minScore: 0
  scaling:
    window: 60s
  resources:
    cpu: "2"
# thresholds, runtime, scaling and resources have defaults that suit a CPU;
# docs/functions.md has them all.
`
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Error(diff)
	}
	again, err := catalog.ReadFile(filepath.Join(folder, "function.yaml"))
	if diff := cmp.Diff(f, again); diff != "" || err != nil {
		t.Errorf("it reads back with %v as %s", err, diff)
	}
	left, err := os.ReadDir(folder)
	if err != nil || len(left) != 1 {
		t.Errorf("the folder holds %v, %v", left, err)
	}
}

func TestWriteRefuses(t *testing.T) {
	dir := t.TempDir()
	if err := catalog.Write(filepath.Join(dir, "shelf"), declared("shelf")); err != nil {
		t.Fatal(err)
	}
	t.Run("to replace a file", func(t *testing.T) {
		other := declared("shelf")
		other.Spec.Model.URI = "other.onnx"
		err := catalog.Write(filepath.Join(dir, "shelf"), other)
		if !errors.Is(err, fs.ErrExist) || !strings.Contains(err.Error(), "is there already") {
			t.Errorf("got %v", err)
		}
		kept, err := catalog.ReadFile(filepath.Join(dir, "shelf", "function.yaml"))
		if err != nil || kept.Spec.Model.URI != "shelf.onnx" {
			t.Errorf("the file now says %q, %v", kept.Spec.Model.URI, err)
		}
		if left, _ := os.ReadDir(filepath.Join(dir, "shelf")); len(left) != 1 {
			t.Errorf("the folder holds %v", left)
		}
	})
	t.Run("a function that is not valid", func(t *testing.T) {
		bad := declared("shelf2")
		bad.Spec.Thresholds.MinScore = new(1.4)
		err := catalog.Write(filepath.Join(dir, "shelf2"), bad)
		if err == nil || err.Error() != "writing function: spec.thresholds.minScore: 1.4 is not between 0 and 1" {
			t.Errorf("got %v", err)
		}
		if _, err := os.Stat(filepath.Join(dir, "shelf2")); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a folder was made: %v", err)
		}
	})
	t.Run("a folder of another name", func(t *testing.T) {
		if err := catalog.Write(filepath.Join(dir, "other"), declared("shelf")); err == nil {
			t.Error("was written")
		}
	})
}
