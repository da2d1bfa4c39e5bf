package catalog_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/functions/catalog"
)

func FuzzRead(f *testing.F) {
	f.Add([]byte(minimal))
	f.Add([]byte(minimal + "    labels: [a, *b, &b c]\n    sha256: 1e5\n"))
	f.Add([]byte(minimal + "  scaling: {window: 1m, target: .5, minScale: -1}\n  resources: {cpu: 500m, memory: 1Gi}\n"))
	f.Add([]byte("metadata: &m {name: x, labels: *m}\n<<: *m\n? [a]\n: b\n---\n"))
	f.Add([]byte(bomb()))
	shipped, err := fs.Glob(functions.Shipped, "*/function.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range shipped {
		text, err := fs.ReadFile(functions.Shipped, file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := catalog.Read(folder("function.yaml", string(text), "l.txt", "cat\ndog\n"), ".")
		if err != nil {
			if strings.ContainsFunc(err.Error(), func(r rune) bool { return r < ' ' && r != '\n' }) {
				t.Errorf("the error holds control characters: %q", err)
			}
			return
		}
		if err := catalog.Validate(got); err != nil {
			t.Errorf("what was read is not valid: %v", err)
		}
		if err := catalog.Validate(got.WithDefaults()); err != nil {
			t.Errorf("it is not valid with its defaults: %v", err)
		}
		// What can be read can be written, and reads the same again.
		dir := filepath.Join(t.TempDir(), got.Metadata.Name)
		if err := catalog.Write(dir, got); err != nil {
			t.Fatalf("writing: %v", err)
		}
		if file := got.Spec.Model.LabelsFile; file != "" {
			path := filepath.Join(dir, filepath.FromSlash(file))
			if os.MkdirAll(filepath.Dir(path), 0o755) != nil || os.WriteFile(path, []byte("cat\ndog\n"), 0o600) != nil {
				t.Skip("this labels file cannot be made here")
			}
		}
		again, err := catalog.ReadFile(filepath.Join(dir, catalog.FileName))
		if got.Spec.Model.LabelsFile != "" {
			got.Spec.Model.Labels = []string{"cat", "dog"}
		}
		if diff := cmp.Diff(got, again); diff != "" || err != nil {
			t.Errorf("reading what was written: %v\n%s", err, diff)
		}
	})
}
