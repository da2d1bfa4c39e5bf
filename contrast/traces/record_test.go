package traces_test

import (
	"bytes"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/contrast/traces"
	"github.com/seed45885407/saccade/functions"
)

var start = time.Date(2026, 3, 2, 7, 59, 58, 123456789, time.UTC)

func TestWhatIsWrittenIsReadInOrder(t *testing.T) {
	var file bytes.Buffer
	w := traces.NewWriter(&file)
	late := traces.Record{At: start.Add(time.Minute), Function: "yolo11n", Duration: functions.Millis(41700 * time.Microsecond)}
	early := traces.Record{At: start.In(time.FixedZone("", 3600)), Function: "rtdetr"}
	for _, r := range []traces.Record{late, early} {
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	const want = `{"at":"2026-03-02T08:00:58.123456789Z","function":"yolo11n","duration_ms":41.7}
{"at":"2026-03-02T07:59:58.123456789Z","function":"rtdetr"}
`
	if diff := cmp.Diff(want, file.String()); diff != "" {
		t.Error(diff)
	}
	got, err := traces.ReadRecords(&file)
	if err != nil {
		t.Fatal(err)
	}
	early.At = start
	if diff := cmp.Diff([]traces.Record{early, late}, got.Records()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"rtdetr", "yolo11n"}, got.Functions()); diff != "" {
		t.Error(diff)
	}
	trace := got.Trace("yolo11n")
	if diff := cmp.Diff([]time.Duration{time.Minute}, trace.Arrivals(5)); diff != "" || trace.For != 61*time.Second {
		t.Errorf("%v long: %s", trace.For, diff)
	}
	if diff := cmp.Diff([]time.Duration{late.Service()}, got.Services("yolo11n")); diff != "" || got.Services("rtdetr") != nil {
		t.Error(diff)
	}
}

func TestWritersDoNotTearEachOthersLines(t *testing.T) {
	var file bytes.Buffer
	w := traces.NewWriter(&file)
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			for m := range 200 {
				if err := w.Write(traces.Record{At: start.Add(time.Duration(n*200 + m)), Function: "f"}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	got, err := traces.ReadRecords(&file)
	if err != nil || len(got.Records()) != 1600 {
		t.Errorf("%v, %v", got, err)
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestAWriterThatFailedStaysSo(t *testing.T) {
	w := traces.NewWriter(full{})
	err := w.Write(traces.Record{At: start})
	if err == nil {
		err = w.Flush()
	}
	if again := w.Write(traces.Record{At: start}); err == nil || !errors.Is(again, err) {
		t.Errorf("%v, then %v", err, again)
	}
}

func TestReadRecords(t *testing.T) {
	const line = `{"at":"2026-03-02T07:59:58Z","function":"a"}`
	for _, test := range []struct {
		name, file string
		want       int // records; 0: refused
	}{
		{"lines of a later version", `{"at":"2026-03-02T07:59:58Z","function":"a","region":"x"}` + "\n", 1},
		{"files joined, with empty lines and carriage returns", line + "\r\n\n" + line + "\n", 2},
		{"a last line without its end", line + "\n" + line, 2},
		{"a last line of a writer that was killed", line + "\n" + line[:20], 1},
		{"a torn line in the middle", line[:20] + "\n" + line + "\n", 0},
		{"nothing", "", 0},
		{"a line without a time", `{"function":"a"}` + "\n", 0},
		{"a duration below nothing", `{"at":"2026-03-02T07:59:58Z","duration_ms":-1}` + "\n" + line + "\n", 0},
		{"a clock that was wrong for years", line + "\n" + `{"at":"1970-01-01T00:00:00Z","function":"a"}` + "\n", 0},
		{"a line without an end to it", strings.Repeat("x", 1<<20), 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := traces.ReadRecords(strings.NewReader(test.file))
			if test.want == 0 {
				if functions.KindOf(err) != functions.Invalid {
					t.Errorf("%v, error %v", got, err)
				}
			} else if err != nil || len(got.Records()) != test.want {
				t.Errorf("%v, %v", got, err)
			}
		})
	}
}

func FuzzReadRecords(f *testing.F) {
	f.Add(`{"at":"2026-03-02T07:59:58Z","function":"a","duration_ms":1.5}` + "\n")
	f.Fuzz(func(t *testing.T, file string) {
		got, err := traces.ReadRecords(strings.NewReader(file))
		checkRecording(t, got, err)
	})
}

// checkRecording asks of any reading what all must hold.
func checkRecording(t *testing.T, got *traces.Recording, err error) {
	t.Helper()
	if err != nil {
		if functions.KindOf(err) != functions.Invalid {
			t.Errorf("an error of ours: %v", err)
		}
		return
	}
	seen := 0
	for _, name := range got.Functions() {
		trace := got.Trace(name)
		arrivals := trace.Arrivals(0)
		seen += len(arrivals)
		for n, at := range arrivals {
			if at < 0 || at > trace.For || n > 0 && at < arrivals[n-1] {
				t.Errorf("%s: arrival %d at %v of %v", name, n, at, trace.For)
			}
		}
	}
	if seen != len(got.Records()) || seen == 0 {
		t.Errorf("%d arrivals of %d records", seen, len(got.Records()))
	}
}
