package folder_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/functions/problem"
	"github.com/seed45885407/saccade/gateway/events"
	"github.com/seed45885407/saccade/sources/folder"
	"github.com/seed45885407/saccade/sources/intake"
	"github.com/seed45885407/saccade/sources/sourcestest"
)

func options(dir string) folder.Options {
	return folder.Options{
		Options: intake.Options{Name: "upload", MaxBytes: 1000, Function: "all", Routes: []intake.Route{{Match: "gate-*", Function: "eye"}}},
		Path:    dir, Settle: functions.Duration(20 * time.Millisecond), Poll: functions.Duration(time.Hour),
	}
}

func run(t *testing.T, o folder.Options, g *sourcestest.Gateway) (stop func()) {
	t.Helper()
	source, err := folder.New(o, g.Hooks())
	if err != nil {
		t.Fatal(err)
	}
	stop = sourcestest.Run(t, source, g)
	g.Until(t, func(seen sourcestest.Seen) bool { return len(seen.Changes) > 0 }) // it watches
	return stop
}

func put(t *testing.T, dir, name string, data []byte) {
	t.Helper()
	full := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(full, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// lists waits until the folder holds these files, in it and below.
func lists(t *testing.T, dir string, want ...string) {
	t.Helper()
	for limit := time.Now().Add(sourcestest.Patience); ; {
		var got []string
		_ = filepath.WalkDir(dir, func(full string, entry os.DirEntry, err error) error {
			if err == nil && !entry.IsDir() {
				name, _ := filepath.Rel(dir, full)
				got = append(got, name)
			}
			return nil
		})
		slices.Sort(got)
		slices.Sort(want)
		if slices.Equal(got, want) {
			return
		}
		if time.Now().After(limit) {
			t.Fatalf("the folder holds %q; want %q", got, want)
		}
	}
}

func TestWhatLayThereAndWhatComesIsTaken(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "early.jpg", sourcestest.JPEG("early"))
	put(t, dir, "gate-7.json", []byte(`{"specversion":"1.0","id":"1","source":"/s","type":"t"}`))
	put(t, dir, "below/other.jpg", sourcestest.JPEG("below"))
	put(t, dir, ".hidden.jpg", sourcestest.JPEG("hidden"))
	g := sourcestest.New()
	run(t, options(dir), g)
	g.Taken(t, 2)
	put(t, dir, "gate-late.jpg", sourcestest.JPEG("late"))
	outside := t.TempDir()
	put(t, outside, "x", sourcestest.JPEG("renamed"))
	if err := os.Rename(filepath.Join(outside, "x"), filepath.Join(dir, "renamed")); err != nil {
		t.Fatal(err)
	}
	got := g.Taken(t, 4)
	slices.SortFunc(got, func(a, b events.Event) int { return strings.Compare(a.Subject, b.Subject) })
	for i := range got {
		if got[i].Type == "dev.saccade.detect.v1" && (got[i].ID == "" || got[i].Time.IsZero()) {
			t.Errorf("an event without an id or a time: %+v", got[i])
		}
		got[i].Time = time.Time{}
		if got[i].Subject != "" {
			got[i].ID = ""
		}
	}
	made := func(name, what, function string) events.Event {
		return events.Event{
			Source: "file://" + dir, Type: "dev.saccade.detect.v1", Subject: name, DataContentType: "image/jpeg",
			Data: sourcestest.JPEG(what), Extensions: map[string]any{"function": function},
		}
	}
	want := []events.Event{
		{ID: "1", Source: "/s", Type: "t", Extensions: map[string]any{"function": "eye"}},
		made("early.jpg", "early", "all"), made("gate-late.jpg", "late", "eye"), made("renamed", "renamed", "all"),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	lists(t, dir, ".hidden.jpg", "below/other.jpg", "done/early.jpg", "done/gate-7.json", "done/gate-late.jpg", "done/renamed")
}

func TestAFileIsPutAwayOnlyOnceItIsTaken(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "one.jpg", sourcestest.JPEG("one"))
	g := sourcestest.New()
	take := make(chan struct{})
	g.Answer = func(context.Context, events.Event, int) error { <-take; return nil }
	o := options(dir)
	o.Done = folder.DoneDelete
	run(t, o, g)
	g.Until(t, func(seen sourcestest.Seen) bool { return len(seen.Offers) == 1 })
	lists(t, dir, "one.jpg")
	close(take)
	lists(t, dir)
}

func TestAFailureThatPassesComesAgainLaterUnderTheSameID(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "one.jpg", sourcestest.JPEG("one"))
	g := sourcestest.New()
	g.Answer = func(_ context.Context, _ events.Event, n int) error {
		if n < 4 {
			return sourcestest.Busy()
		}
		return nil
	}
	run(t, options(dir), g)
	g.Taken(t, 1)
	if seen := g.Until(t, func(sourcestest.Seen) bool { return true }); len(seen.Offers) != 1 || len(seen.Refusals) != 0 {
		t.Errorf("offers %v, refusals %v", seen.Offers, seen.Refusals)
	}
	lists(t, dir, "done/one.jpg")
}

func TestWhatDoesNotGetBetterLiesAmongTheFailuresWithTheReason(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	put(t, outside, "secret.jpg", sourcestest.JPEG("secret"))
	put(t, dir, "text.txt", []byte("no picture"))
	put(t, dir, "large.jpg", sourcestest.JPEG(strings.Repeat("x", 1000)))
	put(t, dir, "never.jpg", sourcestest.JPEG("never"))
	put(t, dir, "failed/text.txt", []byte("an older one"))
	for link, to := range map[string]string{
		"out.jpg": filepath.Join(outside, "secret.jpg"), "up.jpg": "../" + filepath.Base(outside) + "/secret.jpg",
		"nowhere.jpg": "no-such-file", "round.jpg": "round.jpg", "dir.jpg": ".",
	} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe.jpg"), 0o644); err != nil {
		t.Fatal(err)
	}
	g := sourcestest.New()
	g.Answer = func(_ context.Context, e events.Event, _ int) error {
		return functions.Errorf(functions.NotFound, "there is no function %q", e.Subject)
	}
	run(t, options(dir), g)
	kinds := map[string]functions.Kind{}
	for _, r := range g.Refused(t, 9) {
		kinds[r.From] = functions.KindOf(r.Err)
	}
	want := map[string]functions.Kind{
		"text.txt": functions.Unsupported, "large.jpg": functions.TooLarge, "never.jpg": functions.NotFound,
		"out.jpg": functions.Forbidden, "up.jpg": functions.Forbidden, "nowhere.jpg": functions.Forbidden, "round.jpg": functions.Forbidden,
		"dir.jpg": functions.Invalid, "pipe.jpg": functions.Invalid,
	}
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Error(diff)
	}
	if data, err := os.ReadFile(filepath.Join(dir, "failed/text.txt")); err != nil || string(data) != "an older one" {
		t.Errorf("what lay there was overwritten: %q, %v", data, err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "failed/never.jpg.problem.json"))
	var told problem.Problem
	if err != nil || json.Unmarshal(text, &told) != nil || told.Detail != `there is no function "never.jpg"` || told.Status != 422 {
		t.Errorf("the problem is %s, %v", text, err)
	}
	if _, err := os.Stat(filepath.Join(outside, "secret.jpg")); err != nil {
		t.Errorf("what is outside was touched: %v", err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 || left[0].Name() != "failed" {
		t.Errorf("left are %v, %v", left, err)
	}
}

func TestAFileThatIsStillWrittenIsNotTaken(t *testing.T) {
	dir := t.TempDir()
	g := sourcestest.New()
	o := options(dir)
	o.Settle = functions.Duration(300 * time.Millisecond)
	run(t, o, g)
	for n := 0; ; n++ {
		name := fmt.Sprintf("slow-%d.jpg", n)
		want, steadily := writeSlowly(t, filepath.Join(dir, name), time.Duration(o.Settle))
		got := g.Until(t, func(seen sourcestest.Seen) bool {
			return slices.ContainsFunc(seen.Taken, func(e events.Event) bool { return e.Subject == name })
		}).Taken
		if !steadily {
			continue // it may have looked complete
		}
		if last := got[len(got)-1]; len(got) != n+1 || string(last.Data) != string(want) {
			t.Errorf("taken %d times, the last: %q; want %q", len(got), last.Data, want)
		}
		return
	}
}

// writeSlowly writes a file for three times as long as it takes to be complete, and says
// whether it was written to all the while: a busy machine may have kept the writer.
func writeSlowly(t *testing.T, file string, settle time.Duration) (written []byte, steadily bool) {
	t.Helper()
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	steadily = true
	write := func(text []byte) {
		if _, err := f.Write(text); err != nil {
			t.Fatal(err)
		}
		written = append(written, text...)
	}
	write(sourcestest.JPEG(""))
	last := time.Now()
	for begun := last; time.Since(begun) < 3*settle; {
		<-time.After(20 * time.Millisecond)
		write([]byte("x"))
		if time.Since(last) > settle/2 {
			steadily = false
		}
		last = time.Now()
	}
	return written, steadily
}
