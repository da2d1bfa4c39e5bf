package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/seed45885407/saccade/contrast/traces"
)

func TestARecordIsATrace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "arrivals.ndjson")
	began := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	for day := range 2 { // a gateway that comes back adds to what is there
		r, err := openRecord(path, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		r.arrived(began.Add(time.Duration(day)*24*time.Hour), "eye", 40*time.Millisecond)
		r.arrived(began.Add(time.Duration(day)*24*time.Hour+time.Second), "ear", 0)
		if err := r.close(); err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file is %v, %v", info.Mode(), err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	recording, err := traces.ReadRecords(file)
	if err != nil {
		t.Fatal(err)
	}
	if got := recording.Trace("eye").Arrivals(0); len(got) != 2 || got[1] != 24*time.Hour {
		t.Errorf("eye was asked at %v", got)
	}
	if got := recording.Services("eye"); len(got) != 2 || got[0] != 40*time.Millisecond {
		t.Errorf("it took %v", got)
	}
	trace, err := openTrace(path, "ear")
	if err != nil || len(trace.Arrivals(0)) != 2 {
		t.Errorf("%v, %v", trace, err)
	}
}

func TestNoRecordIsKeptWhereNobodyAskedForOne(t *testing.T) {
	r, err := openRecord("", nil)
	if r != nil || err != nil || r.close() != nil {
		t.Errorf("%v, %v", r, err)
	}
}
