package render

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/functions"
)

func statuses() ([]functions.FunctionStatus, func() time.Time) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	last := func(before time.Duration, total float64) *functions.LastColdStart {
		return &functions.LastColdStart{At: now.Add(-before), Total: ms(total)}
	}
	return []functions.FunctionStatus{
		{Name: "centernet", Model: "centernet-mbv3.onnx", Family: "centernet", State: "zero"},
		{
			Name: "yolo11n", Model: "https://example.com/releases/v8.3.0/yolo11n.onnx?a=b/c", Family: "yolov8", State: "ready",
			Ready: 2, Starting: 1, InFlight: 3, Waiting: 4, LastColdStart: last(3*time.Minute, 412),
		},
		{Name: "yolov8n", Model: "models/yolov8n.onnx", Family: "yolov8", State: "draining", Ready: 1, LastColdStart: last(59*time.Second, 31_400)},
		{Name: "yolox-nano", Model: "yolox_nano.onnx", Family: "auto", State: "frozen", LastColdStart: last(30*time.Hour, 9.5)},
		{Name: "mine", Model: "file:///m/", State: "starting", LastColdStart: last(72*time.Hour, 100), Error: "the model's family\nis not known"},
	}, func() time.Time { return now }
}

func TestFunctionsAsATable(t *testing.T) {
	const want = `NAME        MODEL                FAMILY     STATE     INSTANCES        IN FLIGHT       LAST COLD START
centernet   centernet-mbv3.onnx  centernet  zero      0                0               none
yolo11n     yolo11n.onnx         yolov8     ready     2 (+1 starting)  3 (+4 waiting)  412 ms, 3 min ago
yolov8n     yolov8n.onnx         yolov8     draining  1                0               31.4 s, 59 s ago
yolox-nano  yolox_nano.onnx      auto       frozen    0                0               9.5 ms, 30 h ago
mine        m                               starting  0                0               100 ms, 3 days ago
mine: the model's family\nis not known
`
	list, now := statuses()
	var b strings.Builder
	if err := Functions(&b, list, Options{Now: now}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
	var coloured strings.Builder
	if err := Functions(&coloured, list, Options{Now: now, Color: true}); err != nil {
		t.Fatal(err)
	}
	text := coloured.String()
	for _, style := range []string{"0", bold, dim, red, green, yellow, blue} {
		text = strings.ReplaceAll(text, "\x1b["+style+"m", "")
	}
	if diff := cmp.Diff(want, text); diff != "" || text == coloured.String() {
		t.Errorf("in colour, its colours taken off (-want +got):\n%s", diff)
	}
}

func TestFunctionsForPrograms(t *testing.T) {
	list, _ := statuses()
	const one = `{"name":"centernet","revision":"","model":"centernet-mbv3.onnx","family":"centernet","state":"zero","instances_ready":0,"instances_starting":0,"in_flight":0,"waiting":0}`
	for _, tt := range []struct {
		name   string
		format Format
		list   []functions.FunctionStatus
		want   string
	}{
		{"JSON lines", NDJSON, []functions.FunctionStatus{list[0], list[0]}, one + "\n" + one + "\n"},
		{"JSON lines without functions", NDJSON, nil, ""},
		{"JSON without functions", JSON, nil, "[]\n"},
		{"a table without functions", Table, nil, "no functions\n"},
		{"JSON", JSON, list[:1], `[
  {
    "name": "centernet",
    "revision": "",
    "model": "centernet-mbv3.onnx",
    "family": "centernet",
    "state": "zero",
    "instances_ready": 0,
    "instances_starting": 0,
    "in_flight": 0,
    "waiting": 0
  }
]
`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var b strings.Builder
			if err := Functions(&b, tt.list, Options{Format: tt.format}); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, b.String()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
