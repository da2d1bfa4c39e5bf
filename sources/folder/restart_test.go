package folder_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/gateway/events"
	"github.com/seed45885407/saccade/sources/folder"
	"github.com/seed45885407/saccade/sources/intake"
	"github.com/seed45885407/saccade/sources/sourcestest"
)

func TestKeptFilesAreTakenOnceAlsoOverARestart(t *testing.T) {
	dir := t.TempDir()
	strange := "a b\nc\xff.jpg"
	put(t, dir, strange, sourcestest.JPEG("one"))
	put(t, dir, "two.jpg", sourcestest.JPEG("two"))
	put(t, dir, "text.txt", []byte("text"))
	o := options(dir)
	o.Done = folder.DoneKeep
	first := sourcestest.New()
	stop := run(t, o, first)
	first.Taken(t, 2)
	first.Refused(t, 1)
	stop()
	// A line that was being written when the power went.
	state := filepath.Join(dir, ".saccade-taken")
	f, err := os.OpenFile(state, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`{"name":"tw`); err != nil {
		t.Fatal(err)
	}
	_ = f.Close()

	second := sourcestest.New()
	stop = run(t, o, second)
	put(t, dir, "two.jpg", sourcestest.JPEG("another two"))
	if got := second.Taken(t, 1); len(got) != 1 || string(got[0].Data) != string(sourcestest.JPEG("another two")) {
		t.Errorf("taken: %+v", got)
	}
	stop()
	lists(t, dir, strange, "two.jpg", "text.txt", ".saccade-taken")

	// What has gone is forgotten.
	if err := os.Remove(filepath.Join(dir, strange)); err != nil {
		t.Fatal(err)
	}
	run(t, o, sourcestest.New())()
	text, err := os.ReadFile(state)
	if err != nil || strings.Contains(string(text), "%FF") || strings.Count(string(text), "\n") != 2 {
		t.Errorf("remembered: %s, %v", text, err)
	}
}

func TestAFileOfTheSameNameIsAnotherEvent(t *testing.T) {
	dir := t.TempDir()
	g := sourcestest.New()
	run(t, options(dir), g)
	for i := range 3 {
		put(t, dir, "snapshot.jpg", sourcestest.JPEG(fmt.Sprint(i)))
		g.Taken(t, i+1)
		for { // until it is put away: else it is the same file, written again
			if _, err := os.Lstat(filepath.Join(dir, "snapshot.jpg")); err != nil {
				break
			}
		}
	}
	if seen := g.Until(t, func(sourcestest.Seen) bool { return true }); seen.Distinct() != 3 {
		t.Errorf("%d events", seen.Distinct())
	}
	entries, err := os.ReadDir(filepath.Join(dir, "done"))
	if err != nil || len(entries) != 3 {
		t.Errorf("put away: %v, %v", entries, err)
	}
}

func TestFoldersBelowAreReadWhereThatIsWanted(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "cam/7/early.jpg", sourcestest.JPEG("early"))
	put(t, dir, ".git/no.jpg", sourcestest.JPEG("no"))
	g := sourcestest.New()
	o := options(dir)
	o.Recursive = true
	run(t, o, g)
	g.Taken(t, 1)
	put(t, dir, "cam/8/late.jpg", sourcestest.JPEG("late"))
	g.Taken(t, 2)
	lists(t, dir, ".git/no.jpg", "done/cam/7/early.jpg", "done/cam/8/late.jpg")
}

func TestAFolderThatTellsNothingIsPolled(t *testing.T) {
	dir := t.TempDir()
	g := sourcestest.New()
	o := options(dir)
	o.Poll = functions.Duration(20 * time.Millisecond)
	run(t, o, g)
	// The folder that is watched goes, and another comes in its place, as with a mount.
	if err := os.Rename(dir, dir+"-gone"); err != nil {
		t.Fatal(err)
	}
	put(t, dir, "one.jpg", sourcestest.JPEG("one"))
	g.Taken(t, 1)
	lists(t, dir, "done/one.jpg")
}

func TestWhatWasNotTakenIsThereAfterARestart(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "one.jpg", sourcestest.JPEG("one"))
	first := sourcestest.New()
	first.Answer = func(ctx context.Context, _ events.Event, _ int) error { <-ctx.Done(); return ctx.Err() }
	stop := run(t, options(dir), first)
	offered := first.Until(t, func(seen sourcestest.Seen) bool { return len(seen.Offers) == 1 }).Offers
	stop()
	lists(t, dir, "one.jpg")
	second := sourcestest.New()
	run(t, options(dir), second)
	e := second.Taken(t, 1)[0]
	if offered[e.Source+" "+e.ID] != 1 {
		t.Errorf("%s %s comes again, and was %v", e.Source, e.ID, offered)
	}
}

func TestAFolderThatIsNotThereIsAnError(t *testing.T) {
	source, err := folder.New(options(filepath.Join(t.TempDir(), "none")), intake.Hooks{})
	if err != nil {
		t.Fatal(err)
	}
	if err := source.Run(t.Context(), nil); err == nil {
		t.Error("no error")
	}
}

func TestOptionsThatDoNotFitAreAllNamed(t *testing.T) {
	_, err := folder.New(folder.Options{
		Options: intake.Options{Routes: []intake.Route{{Match: "[", Function: "f"}}},
		Done:    "burn", State: "x", Renamed: true, Settle: -1,
	}, intake.Hooks{})
	for _, want := range []string{"name", "path: required", "syntax error in pattern", "done:", "state:", "renamed", "not negative"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
}
