package render

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/functions"
)

func ms(v float64) functions.Millis { return functions.Millis(v * float64(time.Millisecond)) }

func reply(cold bool) *functions.Reply {
	answer := functions.Answer{
		Picture: functions.Picture{Width: 810, Height: 1080, Format: "jpeg"},
		Detections: []functions.Detection{
			{Class: "bus", ClassID: 5, Score: .9399, Box: functions.Box{X1: 22.4, Y1: 231.6, X2: 805, Y2: 756.5}},
			{Class: "person", ClassID: 0, Score: .89, Box: functions.Box{X1: 48, Y1: 399, X2: 245, Y2: 903}},
		},
		ModelSum: "ab", Cold: cold,
		Timing: functions.Timing{Fetch: ms(1), Wait: ms(160), Decode: ms(13), Preprocess: ms(7), Infer: ms(75), Postprocess: ms(1)},
	}
	total := 98500 * time.Microsecond
	if cold {
		answer.Start, total = functions.Start{Start: ms(12), Load: ms(55), Warmup: ms(80)}, 412*time.Millisecond
	}
	r := functions.NewReply("yolo11n", "yolo11n-00001", answer, total)
	return &r
}

func results() []Result {
	unread := functions.Errorf(functions.Unreadable, "the JPEG ends after 3 bytes")
	busy := &functions.Error{Kind: functions.Busy, Detail: "yolo11n has 100 requests waiting", RetryAfter: 3 * time.Second}
	empty := reply(false)
	empty.Detections = []functions.Detection{}
	drawn := reply(true)
	drawn.Annotated = &functions.Annotated{ContentType: "image/png", Data: []byte("\x89PNG")}
	return []Result{
		{Input: "bus.jpg", Reply: reply(true)},
		{Input: "bus.jpg", Reply: reply(false)},
		{Input: "broken.jpg", Err: errors.Join(unread)},
		{Input: "sky.png", Reply: empty},
		{Input: "https://example.com/a.jpg?b=1&c=2", Err: busy},
		{Input: "gone.jpg", Err: os.ErrNotExist},
		{Input: "again.jpg", Reply: drawn, Drawn: "out/again.png"},
	}
}

func TestTable(t *testing.T) {
	const want = `bus.jpg  810x1080 jpeg  yolo11n@00001  cold  412 ms
  bus     0.94  (22, 232) to (805, 756)
  person  0.89  (48, 399) to (245, 903)
  cold start 147 ms  [sslllllllllwwwwwwwwwwwww]  start 12 ms, load 55 ms, warm-up 80 ms
  Of 412 ms, 147 went into waking the function: start 12 (a process), load 55 (ONNX Runtime and the model), warm-up 80 (a first run); the rest into the picture. From here on it is warm.

bus.jpg  810x1080 jpeg  yolo11n@00001  warm  98 ms
  bus     0.94  (22, 232) to (805, 756)
  person  0.89  (48, 399) to (245, 903)

broken.jpg  failed: The picture cannot be read: the JPEG ends after 3 bytes [unreadable-picture]

sky.png  810x1080 jpeg  yolo11n@00001  warm  98 ms
  nothing found

https://example.com/a.jpg?b=1&c=2  failed: The function is busy: yolo11n has 100 requests waiting, try again in 3s [function-busy]

gone.jpg  failed: file does not exist

again.jpg  810x1080 jpeg  yolo11n@00001  cold  412 ms
  bus     0.94  (22, 232) to (805, 756)
  person  0.89  (48, 399) to (245, 903)
  drawn to out/again.png
  cold start 147 ms  [sslllllllllwwwwwwwwwwwww]  start 12 ms, load 55 ms, warm-up 80 ms
`
	if diff := cmp.Diff(want, written(t, Options{}, results()...)); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
}

func TestTableInColourSaysTheSame(t *testing.T) {
	coloured := written(t, Options{Color: true}, results()...)
	for _, part := range []string{"\x1b[1mbus.jpg\x1b[0m", "\x1b[34mcold\x1b[0m", "\x1b[33mss\x1b[0m\x1b[34mlllllllll\x1b[0m", "\x1b[31mfailed: "} {
		if !strings.Contains(coloured, part) {
			t.Errorf("%q is not in\n%s", part, coloured)
		}
	}
	for _, style := range []string{"0", bold, dim, red, green, yellow, blue, purple} {
		coloured = strings.ReplaceAll(coloured, "\x1b["+style+"m", "")
	}
	if diff := cmp.Diff(written(t, Options{}, results()...), coloured); diff != "" {
		t.Errorf("without its colours (-want +got):\n%s", diff)
	}
}

const warmJSON = `{"function":"yolo11n","revision":"yolo11n-00001","model_sha256":"ab","image":{"width":810,"height":1080,"format":"jpeg"},` +
	`"detections":[],"cold_start":false,"timing_ms":{"fetch":1,"wait":160,"decode":13,"preprocess":7,"infer":75,"postprocess":1,"total":98.5}}`

func TestNDJSON(t *testing.T) {
	want := `{"input":"broken.jpg","problem":{"type":"https://github.com/seed45885407/saccade/blob/main/docs/problems.md#unreadable-picture","title":"The picture cannot be read","status":422,"detail":"the JPEG ends after 3 bytes"}}
{"input":"sky.png","reply":` + warmJSON + `}
{"input":"https://example.com/a.jpg?b=1&c=2","problem":{"type":"https://github.com/seed45885407/saccade/blob/main/docs/problems.md#function-busy","title":"The function is busy","status":429,"detail":"yolo11n has 100 requests waiting"}}
{"input":"gone.jpg","problem":{"type":"about:blank","title":"file does not exist"}}
`
	if diff := cmp.Diff(want, written(t, Options{Format: NDJSON}, results()[2:6]...)); diff != "" {
		t.Errorf("ndjson (-want +got):\n%s", diff)
	}
}

func TestJSONIsOneArray(t *testing.T) {
	const short = `[
  {
    "input": "gone.jpg",
    "problem": {
      "type": "about:blank",
      "title": "file does not exist"
    }
  },
  {
    "input": "gone.jpg",
    "problem": {
      "type": "about:blank",
      "title": "file does not exist"
    }
  }
]
`
	gone := results()[5]
	if diff := cmp.Diff(short, written(t, Options{Format: JSON}, gone, gone)); diff != "" {
		t.Errorf("json (-want +got):\n%s", diff)
	}
	if got := written(t, Options{Format: JSON}); got != "[]\n" {
		t.Errorf("no results: got %q, want an empty array", got)
	}
	// Element by element it says what JSON lines say.
	var array []json.RawMessage
	if err := json.Unmarshal([]byte(written(t, Options{Format: JSON}, results()...)), &array); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(written(t, Options{Format: NDJSON}, results()...)), "\n")
	if len(array) != len(lines) {
		t.Fatalf("%d elements and %d lines", len(array), len(lines))
	}
	for i := range lines {
		var fromArray, fromLine any
		if err := errors.Join(json.Unmarshal(array[i], &fromArray), json.Unmarshal([]byte(lines[i]), &fromLine)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(fromLine, fromArray); diff != "" {
			t.Errorf("element %d (-ndjson +json):\n%s", i, diff)
		}
	}
}

func TestAPictureThatWasWrittenToAFileIsNotPrinted(t *testing.T) {
	r := results()[6]
	got := written(t, Options{Format: NDJSON}, r)
	if strings.Contains(got, "annotated") || !strings.Contains(got, `"drawn":"out/again.png"`) {
		t.Errorf("got %s", got)
	}
	if r.Reply.Annotated == nil {
		t.Error("the caller's reply lost its picture")
	}
	r.Drawn = ""
	if got := written(t, Options{Format: NDJSON}, r); !strings.Contains(got, `"annotated":{"content_type":"image/png","data":"iVBORw=="}`) {
		t.Errorf("without a file: got %s", got)
	}
}

func TestWordsOfColdStarts(t *testing.T) {
	for _, tt := range []struct {
		name  string
		start functions.Start
		total functions.Millis
		want  string
	}{
		{
			"a model that was pulled",
			functions.Start{Pull: ms(31_400), Start: ms(12), Load: ms(55), Warmup: ms(80)},
			ms(31_800),
			"  cold start 31.5 s  [pppppppppppppppppppppppp]  pull 31.4 s, start 12 ms, load 55 ms, warm-up 80 ms\n" +
				"  Of 31800 ms, 31547 went into waking the function: pull 31400 (fetching the model), start 12 (a process), load 55 (ONNX Runtime and the model), warm-up 80 (a first run); the rest into the picture. From here on it is warm.\n",
		},
		{
			"a picture whose own run was the warm-up",
			functions.Start{Start: ms(5), Load: ms(15)},
			ms(100),
			"  cold start 20 ms  [ssssssllllllllllllllllll]  start 5.0 ms, load 15 ms\n" +
				"  Of 100 ms, 20 went into waking the function: start 5 (a process), load 15 (ONNX Runtime and the model); the rest into the picture. From here on it is warm.\n",
		},
		{
			"a start that another picture began",
			functions.Start{Start: ms(20), Load: ms(60), Warmup: ms(80)},
			ms(90),
			"  cold start 160 ms  [ssslllllllllwwwwwwwwwwww]  start 20 ms, load 60 ms, warm-up 80 ms\n" +
				"  Waking the function took 160 ms, begun before this picture came: start 20 (a process), load 60 (ONNX Runtime and the model), warm-up 80 (a first run).\n",
		},
		{"a start of which nothing is known", functions.Start{}, ms(90), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := reply(true)
			r.Timing.Start, r.Timing.Total = &tt.start, tt.total
			got := written(t, Options{}, Result{Input: "bus.jpg", Reply: r})
			_, after, _ := strings.Cut(got, "to (245, 903)\n")
			if diff := cmp.Diff(tt.want, after); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestNamesCannotDriveTheTerminal(t *testing.T) {
	r := reply(false)
	r.Detections[0].Class = "b\x1b[2Jus\r\n"
	got := written(t, Options{}, Result{Input: "a\x07.jpg", Reply: r},
		Result{Input: "b.jpg", Err: errors.New("evil\x1b]0;title\x07 \u202egpj")})
	for _, bad := range "\x1b\x07\r\u202e" {
		if strings.ContainsRune(got, bad) {
			t.Errorf("%q is in %q", bad, got)
		}
	}
	for _, kept := range []string{`a\a.jpg`, `b\x1b[2Jus\r\n  0.94`, `person          0.89`} {
		if !strings.Contains(got, kept) {
			t.Errorf("%q is not in\n%s", kept, got)
		}
	}
}

func TestErrorsOfTheWriterAreReturned(t *testing.T) {
	for _, format := range Formats {
		p := New(broken{}, Options{Format: format})
		if err := p.Result(results()[0]); !errors.Is(err, os.ErrClosed) {
			t.Errorf("%s: got %v", format, err)
		}
	}
	if err := New(broken{}, Options{Format: JSON}).Close(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("closing: got %v", err)
	}
}

func TestColor(t *testing.T) {
	file, err := os.Create(t.TempDir() + "/out")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	device, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0) // a character device, as terminals are
	if err != nil {
		t.Fatal(err)
	}
	defer device.Close()
	for _, tt := range []struct {
		name string
		out  *os.File
		env  map[string]string
		want bool
	}{
		{"a terminal", device, map[string]string{"TERM": "xterm"}, true},
		{"a file", file, map[string]string{"TERM": "xterm"}, false},
		{"NO_COLOR", device, map[string]string{"NO_COLOR": "1"}, false},
		{"NO_COLOR that is empty", device, map[string]string{"NO_COLOR": ""}, true},
		{"a dumb terminal", device, map[string]string{"TERM": "dumb"}, false},
	} {
		if got := Color(tt.out, func(name string) string { return tt.env[name] }); got != tt.want {
			t.Errorf("%s: got %t", tt.name, got)
		}
	}
}

func TestParseFormat(t *testing.T) {
	for _, f := range Formats {
		if got, err := ParseFormat(string(f)); got != f || err != nil {
			t.Errorf("%s: got %s, %v", f, got, err)
		}
	}
	if _, err := ParseFormat("yaml"); err == nil {
		t.Error("yaml was taken")
	}
}

func written(t *testing.T, o Options, list ...Result) string {
	t.Helper()
	var b strings.Builder
	p := New(&b, o)
	for _, r := range list {
		if err := p.Result(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, os.ErrClosed }
