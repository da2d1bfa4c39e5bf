package catalog_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/functions/catalog"
)

// minimal is the least a function.yaml says; a test appends to it from line 7 on,
// or to its spec.model.
const minimal = `apiVersion: saccade.dev/v1alpha1
kind: Function
metadata: {name: x}
spec:
  model:
    uri: m.onnx
`

func folder(files ...string) fstest.MapFS {
	m := fstest.MapFS{}
	for i := 0; i < len(files); i += 2 {
		m[files[i]] = &fstest.MapFile{Data: []byte(files[i+1])}
	}
	return m
}

func TestReadTakesEveryField(t *testing.T) {
	const text = `# a comment
apiVersion: saccade.dev/v1alpha1
kind: Function
metadata:
  name: x
  labels: &labels {team: shelves, tier: "1"}
spec:
  model:
    uri: ./models/m.onnx
    sha256: b5a920bf6a9fff93a8d9f78efcbf09c2fe742cc2714fc63349fa34b4a985b3c4
    family: yolox
    inputSize: 416
    feed: {place: stretched, colours: rgb, divisor: 255, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225]}
    read: {classIds: coco91}
    labels: [person, "no", traffic light]
    licence: Apache-2.0
    source: |
      Ours.
  thresholds: {minScore: 0, iou: 1, maxDetections: 10}
  runtime: {providers: [cuda, cpu], threads: 0x2, parallel: 3, batch: {max: 4, delay: 2ms}}
  scaling:
    minScale: 1
    maxScale: 1
    containerConcurrency: 5
    metric: rps
    target: 12.5
    targetUtilization: 100
    window: 1m30s
    panicWindowPercentage: 20
    panicThresholdPercentage: 110
    scaleDownDelay: 0
    scaleToZeroPodRetention: 1h
    startTimeout: 500ms
    timeout:
  resources: {cpu: 0.5, memory: 1073741824}
`
	_, err := catalog.Read(folder("x/function.yaml", text), "x")
	if err == nil || !strings.Contains(err.Error(), "x/function.yaml:17: spec.model.source") {
		t.Fatalf("a sentence with a line break: got %v", err)
	}
	got, err := catalog.Read(folder("x/function.yaml", strings.Replace(text, "|\n      Ours.", "Ours.", 1)), "x")
	if err != nil {
		t.Fatal(err)
	}
	want := functions.Function{
		APIVersion: functions.APIVersion,
		Kind:       functions.KindFunction,
		Metadata:   functions.Metadata{Name: "x", Labels: map[string]string{"team": "shelves", "tier": "1"}},
		Spec: functions.Spec{
			Model: functions.Model{
				URI: "./models/m.onnx", SHA256: "b5a920bf6a9fff93a8d9f78efcbf09c2fe742cc2714fc63349fa34b4a985b3c4",
				Family: functions.FamilyYOLOX, InputSize: 416,
				Feed: functions.Feed{
					Place: "stretched", Colours: "rgb", Divisor: 255,
					Mean: []float64{0.485, 0.456, 0.406}, Std: []float64{0.229, 0.224, 0.225},
				},
				Read:    functions.Read{ClassIDs: "coco91"},
				Labels:  []string{"person", "no", "traffic light"},
				Licence: "Apache-2.0", Source: "Ours.",
			},
			Thresholds: functions.Thresholds{MinScore: new(0.0), IoU: new(1.0), MaxDetections: 10},
			Runtime:    functions.Runtime{Providers: []string{"cuda", "cpu"}, Threads: 2, Parallel: 3, Batch: functions.Batch{Max: 4, Delay: functions.Duration(2 * time.Millisecond)}},
			Scaling: functions.Scaling{
				MinScale: 1, MaxScale: 1, ContainerConcurrency: 5, Metric: "rps", Target: 12.5, TargetUtilization: 100,
				Window: functions.Duration(90 * time.Second), PanicWindowPercentage: 20, PanicThresholdPercentage: 110,
				ScaleToZeroPodRetention: functions.Duration(time.Hour),
				StartTimeout:            functions.Duration(500 * time.Millisecond),
			},
			Resources: functions.Resources{CPU: "0.5", Memory: "1073741824"},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestReadTakesAliasesWhereTheirValueFits(t *testing.T) {
	f, err := catalog.Read(folder("x/function.yaml", minimal+
		"  thresholds: {minScore: &half 0.5, iou: *half}\n"), "x")
	if err != nil {
		t.Fatal(err)
	}
	if got := *f.Spec.Thresholds.IoU; got != 0.5 {
		t.Errorf("iou is %v", got)
	}
}

func TestReadFillsLabelsFromTheirFile(t *testing.T) {
	for name, c := range map[string]struct {
		labels string
		want   []string
		fault  string
	}{
		"one name a line":                {"cat\ntraffic light\n", []string{"cat", "traffic light"}, ""},
		"lines as Windows ends them":     {"\ufeffcat\r\ndog\r\n\r\n", []string{"cat", "dog"}, ""},
		"an empty file":                  {"\n", nil, "x/sub/l.txt: is empty"},
		"an empty line that shifts ids":  {"cat\n\ndog\n", nil, `x/sub/l.txt:2: "" is no class name`},
		"a line that is too long":        {"cat\n" + strings.Repeat("a", 201), nil, "x/sub/l.txt:2: " + strings.Repeat("a", 60) + "… is longer than 200 characters"},
		"bytes that are no text":         {"cat\n\xff\n", nil, "x/sub/l.txt: is not UTF-8"},
		"a file beyond the largest sets": {strings.Repeat("a\n", 25001), nil, "x/sub/l.txt: has more than 25000 lines"},
		"a file over a megabyte":         {strings.Repeat("a", 1<<20+1), nil, "x/sub/l.txt: is larger than 1048576 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := catalog.Read(folder("x/function.yaml", minimal+"    labelsFile: sub/l.txt\n", "x/sub/l.txt", c.labels), "x")
			if c.fault != "" {
				if want := "x/function.yaml:7: spec.model.labelsFile: " + c.fault; err == nil || err.Error() != want {
					t.Errorf("got %v, want %s", err, want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, f.Spec.Model.Labels); diff != "" {
				t.Error(diff)
			}
		})
	}
	t.Run("labels in the file itself go first", func(t *testing.T) {
		f, err := catalog.Read(folder("x/function.yaml", minimal+"    labelsFile: away.txt\n    labels: [cat]\n"), "x")
		if err != nil || f.Spec.Model.Labels[0] != "cat" {
			t.Errorf("got %v, %v", f.Spec.Model.Labels, err)
		}
	})
}

func TestReadFileTakesAnyFolderName(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "mine.yaml")
	if err := os.WriteFile(file, []byte(minimal), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := catalog.ReadFile(file)
	if err != nil || f.Metadata.Name != "x" {
		t.Errorf("got %q, %v", f.Metadata.Name, err)
	}
	_, err = catalog.ReadFile(filepath.Join(dir, "away.yaml"))
	if err == nil || !strings.Contains(err.Error(), filepath.Join(dir, "away.yaml")) {
		t.Errorf("a missing file: %v does not name it", err)
	}
}

func TestAReferenceIsReadFromTheFileBesideTheFunction(t *testing.T) {
	recorded := functions.DriftReference{Version: functions.DriftVersion, Bins: map[string][]uint32{}, Classes: map[string]uint32{"cat": 3}}
	for signal, bins := range functions.DriftBins {
		recorded.Bins[signal] = make([]uint32, bins)
	}
	text := func(change func(*functions.DriftReference)) string {
		r := recorded
		r.Bins = maps.Clone(recorded.Bins)
		change(&r)
		content, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		return string(content)
	}
	const yaml = minimal + "  drift:\n    referenceFile: r.json\n"
	for name, tt := range map[string]struct{ content, fault string }{
		"what was recorded":   {text(func(*functions.DriftReference) {}), ""},
		"another version":     {text(func(r *functions.DriftReference) { r.Version = 2 }), "version 2 is not read"},
		"a signal is missing": {text(func(r *functions.DriftReference) { delete(r.Bins, "width") }), "width has 0 bins"},
		"one too many":        {text(func(r *functions.DriftReference) { r.Bins["smell"] = []uint32{1} }), "8 signals where 7 belong"},
		"bins are missing":    {text(func(r *functions.DriftReference) { r.Bins["score"] = []uint32{1} }), "score has 1 bins where 64 belong"},
		"a long class":        {text(func(r *functions.DriftReference) { r.Classes = map[string]uint32{strings.Repeat("c", 801): 1} }), "a class has a name of 801 bytes"},
		"no JSON":             {"cat\n", "is not a reference"},
		"a negative count":    {strings.Replace(text(func(*functions.DriftReference) {}), "[0,", "[-1,", 1), "is not a reference"},
	} {
		f, err := catalog.Read(folder("x/function.yaml", yaml, "x/r.json", tt.content), "x")
		if tt.fault == "" {
			if diff := cmp.Diff(&recorded, f.Spec.Drift.Recorded); err != nil || diff != "" {
				t.Errorf("%s: %v\n%s", name, err, diff)
			}
			continue
		}
		if err == nil || !strings.HasPrefix(err.Error(), "x/function.yaml:8: spec.drift.referenceFile: x/r.json: ") || !strings.Contains(err.Error(), tt.fault) {
			t.Errorf("%s: %v, want %q in it", name, err, tt.fault)
		}
	}
	if _, err := catalog.Read(folder("x/function.yaml", yaml), "x"); err == nil {
		t.Error("a reference that is away was taken")
	}
	if _, err := catalog.Read(folder("x/function.yaml", minimal+"  drift:\n    \"-\": {}\n"), "x"); err == nil {
		t.Error("what no file may say was taken")
	}
}
