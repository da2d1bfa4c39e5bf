package local

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/knative/scaling"
)

// A platform that starts again knows how long a start takes: it orders for a crowd at
// zero at once, where the first one had to measure.
func TestWhatWasMeasuredOutlivesThePlatform(t *testing.T) {
	cache := t.TempDir()
	crowd := func(w *world) (wanted int) {
		w.deploy(function(func(s *functions.Scaling) { s.Autoscaler = functions.AutoscalerStartupAware }))
		for range 200 {
			go func() { _ = w.request(100 * time.Millisecond) }()
		}
		time.Sleep(50 * time.Millisecond)
		decisions, _ := w.platform.Decisions("eye")
		wanted = decisions[len(decisions)-1].To
		time.Sleep(time.Hour)
		return wanted
	}
	for n, want := range []string{"one", "more"} {
		t.Run(fmt.Sprintf("platform %d wants %s", n+1, want), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				wanted := crowd(newWorld(t, &fakes{load: 5 * time.Second}, Options{MaxInstances: 50, Cache: cache}))
				if (wanted > 1) != (want == "more") {
					t.Errorf("%d are wanted for a crowd at zero", wanted)
				}
			})
		})
	}
	files, err := os.ReadDir(filepath.Join(cache, "measured"))
	if err != nil || len(files) != 1 {
		t.Errorf("%d files: %v", len(files), err)
	}
}

func TestMemoriesAreKeptByFunctionAndModel(t *testing.T) {
	m := memories{t.TempDir()}
	measured := scaling.Memory{Load: scaling.Estimate{Seconds: 2, Samples: 3}, Idle: map[int]uint32{30: 4}, Beyond: 1}
	if err := m.save("eye", "5um", measured); err != nil {
		t.Fatal(err)
	}
	got, err := m.load("eye", "5um")
	if diff := cmp.Diff(measured, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	for _, other := range [][2]string{{"eye", "5un"}, {"ear", "5um"}, {"eye5", "um"}} {
		if _, err := m.load(other[0], other[1]); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("of %v: %v", other, err)
		}
	}
	if files, _ := os.ReadDir(m.dir); len(files) != 1 {
		t.Errorf("%d files are left", len(files))
	}
}

func TestADamagedMemoryIsAsGoodAsNone(t *testing.T) {
	for name, text := range map[string]string{
		"empty":               "",
		"cut off":             `{"function":"eye","model_sha256":"5um","measured":{"load":{"sec`,
		"of another":          `{"function":"ear","model_sha256":"5um","measured":{"load":{"seconds":5,"samples":8}}}`,
		"beyond belief":       `{"function":"eye","model_sha256":"5um","measured":{"load":{"seconds":-5,"samples":8}}}`,
		"of too many samples": `{"function":"eye","model_sha256":"5um","measured":{"load":{"seconds":5,"samples":1e9}}}`,
		"without end":         `{"function":"eye","model_sha256":"5um"}` + strings.Repeat(" ", mostMemoryBytes),
	} {
		t.Run(name, func(t *testing.T) {
			cache := t.TempDir()
			m := memories{filepath.Join(cache, "measured")}
			if err := os.MkdirAll(m.dir, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(m.path("eye", "5um"), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, &fakes{load: 2 * time.Second}, Options{Cache: cache})
				w.deploy(function(func(s *functions.Scaling) { s.Autoscaler = functions.AutoscalerStartupAware }))
				w.took(time.Second)
				time.Sleep(2 * rememberEvery)
			})
			// It was measured anew, and that is kept.
			got, err := m.load("eye", "5um")
			if err != nil || got.Load != (scaling.Estimate{Seconds: 2, Samples: 1}) {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
}

func TestMemoriesAreBounded(t *testing.T) {
	m := memories{t.TempDir()}
	long := time.Now().Add(-time.Hour)
	for n := range mostMemories {
		name := filepath.Join(m.dir, fmt.Sprintf("%d.json", n))
		if err := os.WriteFile(name, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(name, long, long.Add(time.Duration(n)*time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.save("eye", "5um", scaling.Memory{}); err != nil {
		t.Fatal(err)
	}
	files, _ := os.ReadDir(m.dir)
	_, oldest := os.Stat(filepath.Join(m.dir, "0.json"))
	_, newest := m.load("eye", "5um")
	if len(files) != mostMemories || !errors.Is(oldest, fs.ErrNotExist) || newest != nil {
		t.Errorf("%d files; the oldest: %v, the newest: %v", len(files), oldest, newest)
	}
}

// The file is in a folder that anyone may have written to.
func FuzzReadMemory(f *testing.F) {
	f.Add([]byte(`{"function":"eye","model_sha256":"5um","measured":{"load":{"seconds":5,"samples":8},"idle_minutes":{"3":4},"idle_beyond":2}}`))
	f.Add([]byte(`{"function":"eye","model_sha256":"5um","measured":{"idle_minutes":{"-3":4294967295}}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		measured, err := readMemory(text, "eye", "5um")
		if err != nil {
			return
		}
		p := scaling.NewStartupAware(function(nil).Spec.Scaling, time.Unix(0, 0))
		if p.Recall(measured) != nil {
			return
		}
		p.Tell(scaling.Event{What: scaling.Arrived, At: time.Unix(1, 0)})
		if d := p.Decide(time.Unix(1, 0)); d.Instances < 1 {
			t.Errorf("a request at zero wants %d instances: %s", d.Instances, d.Reason)
		}
	})
}
