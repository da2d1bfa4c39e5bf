package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// fakeNPM leaves an archive that is lying beside it.
const fakeNPM = `#!/bin/sh
[ "$1" = pack ] && [ "$2" = --ignore-scripts ] || { echo "asked for: $*"; exit 2; }
/bin/cp "$FAKE_ARCHIVE" turbo.tgz
`

func archive(t *testing.T, path, content string) string {
	t.Helper()
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	files := tar.NewWriter(zip)
	for name, text := range map[string]string{"package/LICENSE": "free", path: content} {
		if err := files.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(text))}); err != nil {
			t.Fatal(err)
		}
		if _, err := files.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := files.Close(); err != nil {
		t.Fatal(err)
	}
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "turbo.tgz")
	if err := os.WriteFile(file, packed.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// onPath makes PATH a folder of one program.
func onPath(t *testing.T, name, script string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
}

func TestFetch(t *testing.T) {
	const content = "the library"
	sum := sha256.Sum256([]byte(content))
	lib := library{path: "package/here/libturbojpeg.so.0", name: "libturbojpeg.so.0", sha256: hex.EncodeToString(sum[:])}
	for _, test := range []struct {
		name, npm, path, content string
		fault                    string // what the message must say; "" where the library lands
	}{
		{name: "the library lands", npm: fakeNPM, path: lib.path, content: content},
		{name: "a failing npm is quoted", npm: "#!/bin/sh\necho EAI_AGAIN no such host; exit 7\n", fault: "EAI_AGAIN no such host"},
		{name: "another library is refused", npm: fakeNPM, path: lib.path, content: "another", fault: "instead of"},
		{name: "a package without the library is refused", npm: fakeNPM, path: "package/there", fault: "there is no " + lib.path},
		{name: "an npm that leaves nothing is said", npm: "#!/bin/sh\nexit 0\n", fault: "0 archives"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("FAKE_ARCHIVE", archive(t, test.path, test.content))
			onPath(t, "npm", test.npm)
			dir := filepath.Join(t.TempDir(), "turbojpeg", version)
			var said strings.Builder
			err := fetch(t.Context(), &said, lib, dir)
			got, _ := os.ReadFile(filepath.Join(dir, lib.name))
			if test.fault == "" {
				if err != nil || string(got) != content || !strings.Contains(said.String(), dir) {
					t.Errorf("fetch = %v, said %q; the library is %q", err, said.String(), got)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.fault) || len(got) > 0 {
				t.Errorf("fetch = %v, the library is %q; want none, and an error that says %q", err, got, test.fault)
			}
		})
	}
}

func TestRun(t *testing.T) {
	if _, known := libraries[runtime.GOOS+"/"+runtime.GOARCH]; !known {
		t.Skip("no library for this platform")
	}
	for _, test := range []struct {
		name, own string
		fails     bool
		says      string
	}{
		{name: "what cannot be fetched is said, and is no failure", says: "decoded in Go"},
		{name: "a library of one's own makes npm needless", own: "main.go"},
		{name: "a library of one's own that is not there is a failure", own: "no-such-library.so", fails: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			onPath(t, "npm", "#!/bin/sh\nexit 1\n")
			t.Setenv("XDG_CACHE_HOME", t.TempDir())
			t.Setenv("HOME", t.TempDir())
			t.Setenv("SACCADE_TURBOJPEG", test.own)
			var said strings.Builder
			err := run(t.Context(), &said)
			if (err != nil) != test.fails || !strings.Contains(said.String(), test.says) || test.says == "" && said.Len() > 0 {
				t.Errorf("run = %v, and said %q; want %q", err, said.String(), test.says)
			}
		})
	}
}
