package main

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/functions"

	"github.com/seed45885407/saccade/models/inspect"
)

// declared writes a declaration of centernet with more of a spec.
func declared(t *testing.T, more string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "function.yaml")
	text := "apiVersion: saccade.dev/v1alpha1\nkind: Function\nmetadata: {name: centernet}\nspec:\n  model: {uri: centernet-mbv3.onnx}\n" + more
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAGPUThatIsNotThereIsPassedOverAloud(t *testing.T) {
	p := launch(t, "--function", declared(t, "  runtime: {providers: [tensorrt, cuda, cpu], device: GPU-5a3ed5f2-0b7e-4c27-9df6-3a1e2d1c0b9a}\n"))
	var started functions.Started
	if err, _ := p.get(t, "/v1/start", &started); err != nil {
		t.Fatal(err)
	}
	if len(started.Passed) != 2 || started.Passed[0].Reason == "" || !cmp.Equal(started.Providers, []string{"cpu"}) {
		t.Errorf("the start's ledger says %+v", started)
	}
	resp, err := p.client.Get("http://instance/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var text bytes.Buffer
	if _, err := text.ReadFrom(resp.Body); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`saccade_runtime_provider_passed{provider="cuda"`, `saccade_runtime_provider_passed{provider="tensorrt"`, `provider="cpu"`} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the metrics do not say %s", want)
		}
	}
	if got := p.detect(t, sample(t)); len(got.Detections) == 0 {
		t.Error("nothing is found")
	}
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if status := p.ended(t); status != 0 {
		t.Errorf("it ended with %d", status)
	}
	if said := p.log.String(); strings.Count(said, "execution provider passed over") != 2 || !strings.Contains(said, "providers=[cpu]") {
		t.Errorf("it said %s", said)
	}
}

func TestAGPUThatIsRequiredAndNotThereEndsTheStartForGood(t *testing.T) {
	p := launch(t, "--function", declared(t, "  runtime: {providers: [cuda, cpu], require: cuda}\n"))
	err, _ := p.get(t, "/v1/start", nil)
	if err == nil || err.Kind != functions.Unavailable || !strings.Contains(err.Detail, "requires execution provider cuda, which") {
		t.Errorf("it explains itself with %v", err)
	}
	if status := p.ended(t); status != statusPermanent {
		t.Errorf("it ended with %d, want %d", status, statusPermanent)
	}
}

func TestPicturesThatComeTogetherRunTogether(t *testing.T) {
	alone := launch(t)
	want := alone.detect(t, sample(t))
	p := launch(t, "--function", declared(t, "  runtime: {parallel: 1, batch: {max: 4, delay: 3s}}\n"))
	if err, _ := p.get(t, "/v1/start", nil); err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	answers := make([]functions.Answer, 4)
	picture := sample(t)
	for i := range answers {
		group.Go(func() { answers[i] = p.detect(t, picture) })
	}
	group.Wait()
	for _, got := range answers {
		if len(got.Detections) != len(want.Detections) || got.Detections[0].ClassID != want.Detections[0].ClassID {
			t.Errorf("together %+v, alone %+v", got.Detections, want.Detections)
		}
	}
	resp, err := p.client.Get("http://instance/metrics")
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var text bytes.Buffer
	if _, err := text.ReadFrom(resp.Body); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(text.String(), `saccade_runtime_runs_total{pictures="4"} 1`) {
		t.Errorf("four pictures were not one run:\n%s", text.String())
	}
}

func TestABatchOfAModelThatTakesOnePictureIsRefused(t *testing.T) {
	model := filepath.Join(repository, "..", "shared", "data", "models", "yolox_nano.onnx")
	if folder := os.Getenv("SACCADE_TESTDATA"); folder != "" {
		model = filepath.Join(folder, "models", "yolox_nano.onnx")
	}
	if _, err := os.Stat(model); err != nil {
		t.Skipf("no reference data: %v", err)
	}
	p := launch(t, "--function", declared(t, "  runtime: {batch: {max: 4}}\n"), "--model", model)
	err, _ := p.get(t, "/v1/start", nil)
	if err == nil || !strings.Contains(err.Detail, "spec.runtime.batch.max is 4, and the model takes one picture a run") {
		t.Errorf("it explains itself with %v", err)
	}
	if status := p.ended(t); status != statusPermanent {
		t.Errorf("it ended with %d, want %d", status, statusPermanent)
	}
}

func TestOnlyWhatCanBeToldApartRunsTogether(t *testing.T) {
	for _, tt := range []struct {
		name   string
		is     inspect.Recognised
		refuse bool
	}{
		{"one list of boxes a picture", inspect.Recognised{Family: functions.FamilyYOLOv8, Layout: functions.LayoutNCHW}, false},
		{"the batch last but three", inspect.Recognised{Family: functions.FamilyTFOD, Layout: functions.LayoutNHWC}, false},
		{"one list of all boxes", inspect.Recognised{Family: functions.FamilyPaddle, Layout: functions.LayoutNCHW}, true},
		{"indices into all boxes", inspect.Recognised{Family: functions.FamilyNMSIndices, Layout: functions.LayoutNCHW}, true},
		{"an input of one picture", inspect.Recognised{Family: functions.FamilyYOLOv8, Layout: functions.LayoutHWC}, true},
	} {
		if err := separable([]int{2, 4}, tt.is); (err != nil) != tt.refuse {
			t.Errorf("%s: %v", tt.name, err)
		}
		if err := separable(nil, tt.is); err != nil {
			t.Errorf("%s, alone: %v", tt.name, err)
		}
	}
}
