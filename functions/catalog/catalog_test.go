package catalog_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/functions/catalog"
)

// put writes a function.yaml into dir/name; text stands for the whole file where
// it starts with "apiVersion", else for the model's uri.
func put(t *testing.T, dir, name, text string) {
	t.Helper()
	if !strings.HasPrefix(text, "apiVersion") {
		text = strings.NewReplacer("name: x", "name: "+name, "m.onnx", text).Replace(minimal)
	}
	if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name, "function.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestShippedFunctionsLoad(t *testing.T) {
	entries, broken := catalog.New(functions.Shipped).Load()
	if len(broken) > 0 {
		t.Fatal(broken[0])
	}
	var names []string
	for _, e := range entries {
		m := e.Function.Spec.Model
		names = append(names, e.Function.Metadata.Name+" "+string(m.Family)+" "+e.Path)
		if m.Licence == "" || m.Source == "" {
			t.Errorf("%s does not tell whose model it is", e.Path)
		}
		text, err := fs.ReadFile(e.Folder, catalog.FileName)
		if err != nil {
			t.Fatal(err)
		}
		if first, _, _ := strings.Cut(string(text), "\n"); first != "# yaml-language-server: $schema=../function.schema.json" {
			t.Errorf("%s starts with %q", e.Path, first)
		}
	}
	want := []string{
		"centernet centernet shipped:centernet/function.yaml",
		"yolo11n yolov8 shipped:yolo11n/function.yaml",
		"yolo26n yolo-e2e shipped:yolo26n/function.yaml",
		"yolov8n yolov8 shipped:yolov8n/function.yaml",
		"yolox-nano yolox shipped:yolox-nano/function.yaml",
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
}

func TestEntriesAreComplete(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "x", minimal+"    labelsFile: l.txt\n")
	if err := os.WriteFile(filepath.Join(dir, "x", "l.txt"), []byte("cat\ndog\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	entries, broken := catalog.New(nil, dir).Load()
	if len(entries) != 1 || len(broken) != 0 {
		t.Fatalf("got %v, %v", entries, broken)
	}
	e := entries[0]
	if e.Path != filepath.Join(dir, "x", "function.yaml") {
		t.Errorf("path is %s", e.Path)
	}
	if diff := cmp.Diff(e.Function.WithDefaults(), e.Function); diff != "" {
		t.Errorf("defaults are missing: %s", diff)
	}
	if diff := cmp.Diff([]string{"cat", "dog"}, e.Function.Spec.Model.Labels); diff != "" {
		t.Error(diff)
	}
	if _, err := fs.Stat(e.Folder, "l.txt"); err != nil {
		t.Errorf("the folder does not resolve: %v", err)
	}
}

func TestALaterFolderReplacesAFunction(t *testing.T) {
	first, second := t.TempDir(), t.TempDir()
	put(t, first, "x", "first.onnx")
	put(t, first, "y", "first.onnx")
	put(t, second, "x", "second.onnx")
	uri := func(dirs ...string) string {
		entries, broken := catalog.New(functions.Shipped, dirs...).Load()
		if len(entries) != 7 || len(broken) != 0 {
			t.Fatalf("got %d entries and %v", len(entries), broken)
		}
		return entries[1].Function.Spec.Model.URI
	}
	if got := uri(first, second); got != "second.onnx" {
		t.Errorf("x is served from %s", got)
	}
	if got := uri(second, first); got != "first.onnx" {
		t.Errorf("x is served from %s", got)
	}
}

func TestABrokenFolderHidesNoOther(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "x", "m.onnx")
	put(t, dir, "centernet", "../m.onnx")
	put(t, dir, "y", minimal)
	entries, broken := catalog.New(functions.Shipped, dir).Load()
	var names []string
	for _, e := range entries {
		names = append(names, e.Function.Metadata.Name)
	}
	if diff := cmp.Diff([]string{"x", "yolo11n", "yolo26n", "yolov8n", "yolox-nano"}, names); diff != "" {
		t.Errorf("functions (the shipped centernet must not answer for the broken one): %s", diff)
	}
	if len(broken) != 2 || broken[0].Name != "centernet" || broken[1].Name != "y" {
		t.Fatalf("broken: %v", broken)
	}
	if want := filepath.Join(dir, "centernet", "function.yaml") + ":6: spec.model.uri: "; !strings.HasPrefix(broken[0].Error(), want) {
		t.Errorf("%v does not start with %s", broken[0], want)
	}
	if fault, ok := errors.AsType[*catalog.Fault](broken[0]); !ok || fault.Line != 6 {
		t.Errorf("the fault inside is %+v", fault)
	}

	put(t, dir, "centernet", "m.onnx")
	put(t, dir, "y", "m.onnx")
	if entries, broken = catalog.New(functions.Shipped, dir).Load(); len(entries) != 7 || len(broken) != 0 {
		t.Errorf("once mended: %d entries, broken %v", len(entries), broken)
	}
}

func TestAFolderMendedFurtherOnIsNotBroken(t *testing.T) {
	first, second := t.TempDir(), t.TempDir()
	put(t, first, "x", "../m.onnx")
	put(t, second, "x", "m.onnx")
	if entries, broken := catalog.New(nil, first, second).Load(); len(entries) != 1 || len(broken) != 0 {
		t.Errorf("got %v, %v", entries, broken)
	}
}

func TestACatalogFolderHoldsOtherThingsToo(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, ".hidden", "m.onnx")
	put(t, dir, "..data", "m.onnx")
	put(t, filepath.Join(dir, "deeper"), "x", "m.onnx")
	outside := t.TempDir()
	put(t, outside, "linked", "m.onnx")
	if err := os.Symlink(filepath.Join(outside, "linked"), filepath.Join(dir, "linked")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "README.md"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	entries, broken := catalog.New(nil, dir).Load()
	if len(entries) != 1 || entries[0].Function.Metadata.Name != "linked" || len(broken) != 0 {
		t.Errorf("got %v, %v", entries, broken)
	}
}

func TestACatalogFolderThatCannotBeReadIsTold(t *testing.T) {
	good, own := t.TempDir(), t.TempDir()
	put(t, good, "x", "m.onnx")
	put(t, filepath.Dir(own), filepath.Base(own), "m.onnx")
	away := filepath.Join(good, "away")
	entries, broken := catalog.New(nil, away, own, good).Load()
	if len(entries) != 1 || len(broken) != 2 {
		t.Fatalf("got %v, %v", entries, broken)
	}
	for i, want := range []string{
		"reading catalog folder: " + away + ": no such file or directory",
		own + ": is a function's own folder: name the folder above it",
	} {
		if broken[i].Name != "" || broken[i].Error() != want {
			t.Errorf("%q: %v, want %s", broken[i].Name, broken[i], want)
		}
	}
}

func TestDigestTellsWhatChanged(t *testing.T) {
	files := folder("x/function.yaml", minimal+"    labelsFile: l.txt\n", "x/l.txt", "cat\n", "x/m.onnx", "1")
	digest := func() string {
		entries, broken := catalog.New(files).Load()
		if len(entries) != 1 {
			t.Fatal(broken)
		}
		return entries[0].Digest
	}
	seen := map[string]string{digest(): "at first"}
	files["x/other"] = &fstest.MapFile{Data: []byte("1")}
	if seen[digest()] == "" {
		t.Error("a file that is not the function's changed it")
	}
	for _, change := range []struct {
		what string
		make func()
	}{
		{"function.yaml", func() { files["x/function.yaml"].Data = append(files["x/function.yaml"].Data, '#') }},
		{"the labels", func() { files["x/l.txt"].Data = []byte("dog\n") }},
		{"the model's size", func() { files["x/m.onnx"].Data = []byte("22") }},
		{"the model's time", func() { files["x/m.onnx"].ModTime = files["x/m.onnx"].ModTime.Add(1) }},
		{"the model's absence", func() { delete(files, "x/m.onnx") }},
	} {
		change.make()
		got := digest()
		if was := seen[got]; was != "" {
			t.Errorf("%s changed and the digest is as %s", change.what, was)
		}
		seen[got] = "after " + change.what
	}
}

func BenchmarkLoad(b *testing.B) {
	c := catalog.New(functions.Shipped)
	for b.Loop() {
		if _, broken := c.Load(); len(broken) > 0 {
			b.Fatal(broken)
		}
	}
}
