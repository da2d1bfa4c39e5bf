package drift

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/functions"
)

func TestStatisticsSurviveTheGateway(t *testing.T) {
	dir := t.TempDir()
	var faults []error
	o := Options{Dir: filepath.Join(dir, "drift"), Report: func(err error) { faults = append(faults, err) }}
	for _, pictures := range []int{3, 500, 713, 1300} {
		r := New(o)
		w := ordinary(5)
		w.found = 20
		shows(r, w, pictures)
		before := r.Report("eye", functions.Drift{})
		if err := r.Save(); err != nil {
			t.Fatal(err)
		}
		again := New(o)
		after := again.Report("eye", functions.Drift{})
		before.Revision = "" // nobody has come yet
		if diff := cmp.Diff(before, after); diff != "" || faults != nil {
			t.Errorf("%d pictures (-before +after): %v\n%s", pictures, faults, diff)
		}
		shows(again, w, 1)
		if got := again.Report("eye", functions.Drift{}); got.Reference+got.Recent < before.Reference+before.Recent-20 {
			t.Errorf("%d pictures: one more made of them %+v", pictures, got)
		}
		if err := os.RemoveAll(o.Dir); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAFileThatCannotBeReadBeginsAnew(t *testing.T) {
	good := func() []byte {
		r := New(Options{})
		shows(r, ordinary(1), 600)
		text, err := r.known("eye").write()
		if err != nil {
			t.Fatal(err)
		}
		return text
	}()
	for name, text := range map[string][]byte{
		"cut": good[:len(good)/2], "empty": nil, "another version": []byte(`{"version":2,"function":"eye"}`),
		"without parts": []byte(`{"version":1,"function":"eye","identity":"x"}`),
		"huge":          make([]byte, maxFile+1),
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "eye.json"), text, 0o644); err != nil {
			t.Fatal(err)
		}
		faults := 0
		r := New(Options{Dir: dir, Report: func(error) { faults++ }})
		if faults != 1 || r.known("eye") != nil {
			t.Errorf("%s: %d faults", name, faults)
		}
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "ear.json"), good, 0o644); err != nil {
		t.Fatal(err)
	}
	if r := New(Options{Dir: dir}); r.known("ear") != nil || r.known("eye") != nil {
		t.Error("a file under another function's name was taken")
	}
}

func FuzzAKeptFile(f *testing.F) {
	r := New(Options{})
	shows(r, ordinary(1), 600)
	text, err := r.known("eye").write()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"version":1,"function":"eye","identity":"x","panes":[{}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		w, err := watchOf(text)
		if err != nil {
			return
		}
		second := New(Options{})
		second.watches["eye"] = w
		shows(second, ordinary(2), 100)
		second.Report("eye", w.settings)
	})
}
