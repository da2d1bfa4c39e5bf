package access

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Two writes within a tick of the file system's clock look alike to stat: a file
// that was young when it was read is read again, one that was not is not.
func TestAFileThatWasYoungWhenReadIsReadAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	for _, tt := range []struct {
		name    string
		age     time.Duration
		changed bool
	}{{"just written", 0, true}, {"an hour old", time.Hour, false}, {"from the future", -time.Hour, true}} {
		t.Run(tt.name, func(t *testing.T) {
			stamp := time.Now().Add(-tt.age)
			write := func(text string) {
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
				if err := os.Chtimes(path, stamp, stamp); err != nil {
					t.Fatal(err)
				}
			}
			write("one")
			f := file{path: path}
			if text, err := f.read(100, time.Now()); err != nil || string(text) != "one" {
				t.Fatalf("%q, %v", text, err)
			}
			write("two") // of the same size and time
			if got := f.changed(time.Now()); got != tt.changed {
				t.Errorf("changed: %v; want %v", got, tt.changed)
			}
			put(t, path, []byte("new"))
			if err := os.Chtimes(path, stamp, stamp); err != nil {
				t.Fatal(err)
			}
			if !f.changed(time.Now()) {
				t.Error("another file in its place was not seen")
			}
		})
	}
}
