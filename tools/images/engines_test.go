package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The libraries in the image are those that `./task setup` fetches and the runtime
// looks for: their versions, packages and sums are written down here and there.
func TestTheLibrariesAreThoseThatSetupFetches(t *testing.T) {
	onnxruntime, turbojpeg := engines()
	for _, test := range []struct {
		engine engine
		files  []string
	}{
		{onnxruntime, []string{"../onnxruntime/library.go", "../onnxruntime/package.json"}},
		{turbojpeg, []string{"../turbojpeg/library.go"}},
	} {
		var text string
		for _, name := range test.files {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			text += string(data)
		}
		words := []string{`"` + test.engine.version + `"`, `"` + test.engine.file + `"`}
		for _, p := range []platform{amd64, arm64} {
			inside := strings.TrimPrefix(test.engine.inside[p.String()], "package/")
			words = append(words, test.engine.sums[p.String()], strings.TrimSuffix(inside, "/"+test.engine.file))
		}
		for _, word := range words {
			if word == "" || !strings.Contains(text, word) {
				t.Errorf("%s: %q is not in %v", test.engine.name, word, test.files)
			}
		}
		if !strings.HasSuffix(test.engine.cache, "/"+test.engine.version) {
			t.Errorf("%s %s is kept in %s", test.engine.name, test.engine.version, test.engine.cache)
		}
	}
}

func TestALibraryThatIsAnotherIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lib")
	if err := os.WriteFile(path, []byte("another"), 0o600); err != nil {
		t.Fatal(err)
	}
	onnxruntime, _ := engines()
	if err := onnxruntime.check(amd64, path); err == nil || !strings.Contains(err.Error(), "instead of") {
		t.Errorf("check = %v; want it to tell both sums", err)
	}
}
