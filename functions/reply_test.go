package functions

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// ms is v milliseconds.
func ms(v float64) Millis { return Millis(v * float64(time.Millisecond)) }

func TestReplyAsJSON(t *testing.T) {
	answer := Answer{
		Picture:    Picture{Width: 640, Height: 480, Format: "jpeg"},
		Detections: []Detection{{Class: "cat", ClassID: 15, Score: 0.5, Box: Box{1, 2, 3, 4}}},
		ModelSum:   "ab",
		Timing:     Timing{Fetch: ms(1), Wait: ms(160.25), Decode: ms(2), Preprocess: ms(3), Infer: ms(75), Postprocess: ms(.5)},
	}
	cold := answer
	cold.Cold, cold.Start = true, Start{Pull: ms(1500), Start: ms(12), Load: ms(55), Warmup: ms(80)}
	drawn := answer
	drawn.Timing.Draw, drawn.Annotated = ms(9), &Annotated{ContentType: "image/png", Data: []byte("\x89PNG")}

	const head = `{"function":"f","revision":"f-00001","model_sha256":"ab","image":{"width":640,"height":480,"format":"jpeg"},`
	const cat = `"detections":[{"class":"cat","class_id":15,"score":0.5,"box":{"x1":1,"y1":2,"x2":3,"y2":4}}],`
	const rooms = `"fetch":1,"wait":160.25,"decode":2,"preprocess":3,"infer":75,"postprocess":0.5`
	for _, tt := range []struct {
		name   string
		answer Answer
		want   string
	}{
		{
			"a warm reply has the rooms and the total", answer,
			head + cat + `"cold_start":false,"timing_ms":{` + rooms + `,"total":412}}`,
		},
		{
			"a cold reply has the start's phases too", cold,
			head + cat + `"cold_start":true,"timing_ms":{` + rooms + `,"pull":1500,"start":12,"load":55,"warmup":80,"total":412}}`,
		},
		{
			"a drawn reply has the time of drawing and the picture", drawn,
			head + cat + `"cold_start":false,"timing_ms":{` + rooms + `,"draw":9,"total":412},"annotated":{"content_type":"image/png","data":"iVBORw=="}}`,
		},
		{
			"nothing found is an empty list",
			Answer{Picture: answer.Picture, ModelSum: "ab", Timing: answer.Timing},
			head + `"detections":[],"cold_start":false,"timing_ms":{` + rooms + `,"total":412}}`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			reply := NewReply("f", "f-00001", tt.answer, 412*time.Millisecond)
			text, err := json.Marshal(reply)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, string(text)); diff != "" {
				t.Errorf("JSON (-want +got):\n%s", diff)
			}
			var back Reply
			if err := json.Unmarshal(text, &back); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(reply, back); diff != "" {
				t.Errorf("there and back (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPhasesAreInTheWalksOrder(t *testing.T) {
	timing := ReplyTiming{Timing: Timing{Draw: 1}, Start: &Start{}, Total: 2}
	var names []string
	for name := range timing.Phases() {
		names = append(names, name)
	}
	want := []string{"fetch", "wait", "decode", "preprocess", "infer", "postprocess", "draw", "pull", "start", "load", "warmup", "total"}
	if !slices.Equal(names, want) {
		t.Errorf("got %q, want %q", names, want)
	}
	for stop := range want { // leaving early at each phase must end the walk there
		seen := 0
		for range timing.Phases() {
			if seen++; seen > stop {
				break
			}
		}
		if seen != stop+1 {
			t.Errorf("stopped after %d, saw %d", stop+1, seen)
		}
	}
}

func TestFunctionStatusAsJSON(t *testing.T) {
	status := FunctionStatus{
		Name: "centernet", Revision: "centernet-00001", Model: "centernet.onnx", ModelSum: "ab", Family: "centernet",
		Licence: "MIT", State: "ready", Ready: 1, Starting: 2, InFlight: 3, Waiting: 4,
		LastColdStart: &LastColdStart{
			At:    time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
			Start: Start{Start: ms(12), Load: ms(55), Warmup: ms(80)}, Total: ms(147),
		},
		Error: "the newest revision does not start",
	}
	const want = `{"name":"centernet","revision":"centernet-00001","model":"centernet.onnx","model_sha256":"ab","family":"centernet",` +
		`"licence":"MIT","state":"ready","instances_ready":1,"instances_starting":2,"in_flight":3,"waiting":4,` +
		`"last_cold_start":{"at":"2026-01-02T03:04:05Z","phases_ms":{"pull":0,"start":12,"load":55,"warmup":80},"total_ms":147},` +
		`"error":"the newest revision does not start"}`
	text, err := json.Marshal(status)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Errorf("JSON (-want +got):\n%s", diff)
	}
	bare, err := json.Marshal(FunctionStatus{Name: "a", State: "zero"})
	const wantBare = `{"name":"a","revision":"","model":"","family":"","state":"zero","instances_ready":0,"instances_starting":0,"in_flight":0,"waiting":0}`
	if diff := cmp.Diff(wantBare, string(bare)); diff != "" || err != nil {
		t.Errorf("bare JSON (%v, -want +got):\n%s", err, diff)
	}
}
