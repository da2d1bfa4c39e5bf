package traces_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/contrast/traces"
	"github.com/seed45885407/saccade/functions"
)

func TestReadCSV(t *testing.T) {
	at := func(text string) time.Time {
		v, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	ms := func(n float64) functions.Millis { return functions.Millis(n * 1e6) }
	for _, test := range []struct {
		name, file string
		want       []traces.Record
	}{
		{"timestamps alone", "2026-01-02T03:04:05Z\n2026-01-02T03:04:04+01:00\n", []traces.Record{
			{At: at("2026-01-02T02:04:04Z")}, {At: at("2026-01-02T03:04:05Z")},
		}},
		{"a function and a duration", "2026-01-02 03:04:05.5,yolo,12.5\n2026-01-02 03:04:06,yolo,\n", []traces.Record{
			{At: at("2026-01-02T03:04:05.5Z"), Function: "yolo", Duration: ms(12.5)}, {At: at("2026-01-02T03:04:06Z"), Function: "yolo"},
		}},
		{"a second column of numbers is the duration", "1767323045,80\n1767323046,90\n", []traces.Record{
			{At: at("2026-01-02T03:04:05Z"), Duration: ms(80)}, {At: at("2026-01-02T03:04:06Z"), Duration: ms(90)},
		}},
		{"names in the first line, in another order", "\ufeffduration_ms, Function, user, Timestamp\n7,\"a, b\",eve,0.25\n", []traces.Record{
			{At: at("1970-01-01T00:00:00.25Z"), Function: "a, b", Duration: ms(7)},
		}},
		{"seconds, milli-, micro- and nanoseconds", "1767323045\n1767323045001\n1767323045002000\n1767323045003000009\n", []traces.Record{
			{At: at("2026-01-02T03:04:05Z")},
			{At: at("2026-01-02T03:04:05.001Z")},
			{At: at("2026-01-02T03:04:05.002Z")},
			{At: at("2026-01-02T03:04:05.003000009Z")},
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := traces.ReadCSV(strings.NewReader(test.file))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got.Records()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestReadCSVRefuses(t *testing.T) {
	for name, file := range map[string]string{
		"a day by its name":       "Tuesday\n",
		"a number of no unit":     "1e30\n",
		"less than nothing":       "-5\n",
		"not a number":            "NaN\n",
		"a duration in words":     "1,f,long\n",
		"a duration without end":  "1,f,1e300\n",
		"quotes that do not end":  "1,\"f\n2,\"g\n",
		"names and nothing else":  "timestamp,function\n",
		"a timestamp in no first": "function,when\nf,1\n",
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := traces.ReadCSV(strings.NewReader(file)); functions.KindOf(err) != functions.Invalid {
				t.Errorf("%v, error %v", got, err)
			}
		})
	}
}

func FuzzReadCSV(f *testing.F) {
	f.Add("timestamp,function,duration_ms\n1,\"a\",2\n")
	f.Add("2026-01-02 03:04:05.5,yolo,12.5\n1767323045003000009\n")
	f.Fuzz(func(t *testing.T, file string) {
		got, err := traces.ReadCSV(strings.NewReader(file))
		checkRecording(t, got, err)
	})
}

const accessLog = `127.0.0.1 - anna [10/Oct/2026:13:55:36 -0700] "POST /functions/yolo?score=0.5 HTTP/1.1" 200 2326 "-" "curl/8 \"x\""
2001:db8::1 - - [10/Oct/2026:13:55:36 -0700] "GET /functions/yolo HTTP/1.0" 200 23
10.0.0.1 - - [10/Oct/2026:13:55:35 -0700] "-" 408 - "-" "-"
10.0.0.1 - - [10/Oct/2026:13:55:35 -0700] "\x16\x03\x01" 400 150 "-" "-"
10.0.0.2 - "b [c" [10/Oct/2026:13:55:37 -0700] "GET /health HTTP/1.1" 200 2
`

func TestAccessLog(t *testing.T) {
	first := time.Date(2026, 10, 10, 20, 55, 36, 0, time.UTC)
	log := strings.ReplaceAll(accessLog, `"b [c" `, "b ")
	for _, test := range []struct {
		name string
		traces.AccessLog
		want []traces.Record
	}{
		{"each path a function, requests of one second apart", traces.AccessLog{}, []traces.Record{
			{At: first, Function: "/functions/yolo"},
			{At: first.Add(time.Second / 2), Function: "/functions/yolo"},
			{At: first.Add(time.Second), Function: "/health"},
		}},
		{"below a path, under a name", traces.AccessLog{Path: "/functions/", Function: "yolo"}, []traces.Record{
			{At: first, Function: "yolo"}, {At: first.Add(time.Second / 2), Function: "yolo"},
		}},
		{"of a pattern and a method", traces.AccessLog{Path: "/functions/*", Method: "POST"}, []traces.Record{
			{At: first, Function: "/functions/yolo"},
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := test.AccessLog.Read(strings.NewReader(log))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got.Records()); diff != "" {
				t.Error(diff)
			}
		})
	}
	for name, file := range map[string]string{
		"a user with a bracket in the name": accessLog,
		"another format":                    "time=1 path=/a\n",
		"a day that is none":                `a - - [32/Oct/2026:13:55:36 -0700] "GET / HTTP/1.1" 200 1` + "\nb\n",
		"no request":                        "a - - [10/Oct/2026:13:55:36 -0700] 200\nb\n",
	} {
		if got, err := (traces.AccessLog{}).Read(strings.NewReader(file)); functions.KindOf(err) != functions.Invalid {
			t.Errorf("%s: %v, error %v", name, got, err)
		}
	}
	if _, err := (traces.AccessLog{Path: "["}).Read(strings.NewReader(log)); functions.KindOf(err) != functions.Invalid {
		t.Errorf("a pattern that is none: %v", err)
	}
	if _, err := (traces.AccessLog{Path: "/nothing"}).Read(strings.NewReader(log)); functions.KindOf(err) != functions.Invalid {
		t.Errorf("a path that nobody asked for: %v", err)
	}
}

func FuzzAccessLog(f *testing.F) {
	f.Add(accessLog, "/functions/*")
	f.Fuzz(func(t *testing.T, file, path string) {
		got, err := traces.AccessLog{Path: path}.Read(strings.NewReader(file))
		checkRecording(t, got, err)
	})
}
