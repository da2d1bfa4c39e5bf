package detector

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"image/png"
	"math"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/runtime/vision"
)

// echo is a network of the YOLOv10 kind that always finds the same boxes, and
// remembers a value of what it was fed.
type echo struct {
	rows []float32
	fail error

	mu  sync.Mutex
	saw float32
}

func (e *echo) Run(ctx context.Context, inputs []Tensor, read func([]Tensor) error) error {
	if err := errors.Join(ctx.Err(), e.fail); err != nil {
		return err
	}
	e.mu.Lock()
	e.saw = inputs[0].Data[len(inputs[0].Data)/6] // the middle of the first plane
	e.mu.Unlock()
	return read([]Tensor{tensor(e.rows, 1, int64(len(e.rows)/6), 6)})
}

func whitePicture(t testing.TB, width, height int) *vision.Picture {
	t.Helper()
	img := image.NewGray(image.Rect(0, 0, width, height))
	for i := range img.Pix {
		img.SetGray(i%width, i/width, color.Gray{Y: 255})
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	p, err := vision.Decode(b.Bytes(), vision.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func newDetector(t testing.TB, o Options) *Detector {
	t.Helper()
	d, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestTheWalkEndsInPictureCoordinates(t *testing.T) {
	// 128x64 in a square of 64: half the size, 16 pixels of padding above.
	session := &echo{rows: []float32{
		10, 26, 30, 36, 0.5, 1,
		-20, 0, 20, 100, 0.9, 0, // over the edges
		0, 2, 64, 12, 0.8, 0, // in the padding alone
		1, 17, 2, 18, 0.3, 7,
	}}
	d := newDetector(t, Options{Family: functions.FamilyYOLOE2E, InputSize: 64, Labels: []string{"cat", "cup"}})
	got, timing, err := d.Detect(t.Context(), session, whitePicture(t, 128, 64), functions.Parameters{})
	if err != nil {
		t.Fatal(err)
	}
	want := []functions.Detection{
		{Class: "cat", ClassID: 0, Score: 0.9, Box: functions.Box{X1: 0, Y1: 0, X2: 40, Y2: 64}},
		{Class: "cup", ClassID: 1, Score: 0.5, Box: functions.Box{X1: 20, Y1: 20, X2: 60, Y2: 40}},
		{Class: "class-7", ClassID: 7, Score: 0.3, Box: functions.Box{X1: 2, Y1: 2, X2: 4, Y2: 4}},
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateApprox(0, 1e-4)); diff != "" {
		t.Errorf("detections (-want +got)\n%s", diff)
	}
	if session.saw != 1 {
		t.Errorf("the network saw %v in the middle, want a white 1", session.saw)
	}
	if timing.Preprocess <= 0 || timing.Infer <= 0 || timing.Postprocess <= 0 {
		t.Errorf("timing %+v misses a room", timing)
	}
}

// sizing is a DETR that finds all of the picture it is told the size of.
type sizing struct{ inputs []Tensor }

func (s *sizing) Run(_ context.Context, inputs []Tensor, read func([]Tensor) error) error {
	s.inputs = inputs
	w, h := float32(inputs[1].Ints[0]), float32(inputs[1].Ints[1])
	return read([]Tensor{whole([]int64{2, 5}, 1, 2), tensor([]float32{0, 0, w, h, -9, 5, w + 9, h}, 1, 2, 4), tensor([]float32{0.9, 0.8}, 1, 2)})
}

func TestADETRIsToldThePicturesSizeAndAnswersInIt(t *testing.T) {
	session := new(sizing)
	d := newDetector(t, Options{Family: functions.FamilyDETR, InputSize: 64})
	if err := d.Warm(t.Context(), session); err != nil {
		t.Fatal(err)
	}
	got, _, err := d.Detect(t.Context(), session, whitePicture(t, 128, 48), functions.Parameters{})
	if err != nil {
		t.Fatal(err)
	}
	want := []functions.Detection{
		{Class: "class-2", ClassID: 2, Score: 0.9, Box: functions.Box{X2: 128, Y2: 48}},
		{Class: "class-5", ClassID: 5, Score: 0.8, Box: functions.Box{Y1: 5, X2: 128, Y2: 48}}, // over the edges
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("detections (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]int64{1, 3, 64, 64}, session.inputs[0].Shape); diff != "" {
		t.Error(diff)
	}
	// It is stretched: white to the very corners.
	if p := session.inputs[0].Data; p[0] != 1 || p[len(p)-1] != 1 {
		t.Errorf("the corners are %v and %v, want white", p[0], p[len(p)-1])
	}
}

func TestARequestSetsItsOwnLowestScore(t *testing.T) {
	session := &echo{rows: []float32{1, 1, 9, 9, 0.9, 0, 1, 1, 9, 9, 0.4, 0, 1, 1, 9, 9, 0.1, 0, 1, 1, 9, 9, 0, 0}}
	d := newDetector(t, Options{
		Family: functions.FamilyYOLOE2E, InputSize: 32,
		Thresholds: functions.Thresholds{MinScore: new(0.3)},
	})
	picture := whitePicture(t, 32, 32)
	for _, test := range []struct {
		name string
		ask  *float64
		want int
	}{
		{"the function's own", nil, 2},
		{"higher", new(0.5), 1},
		{"lower", new(0.05), 3},
		{"zero leaves out what scores nothing", new(0.0), 3},
		{"one", new(1.0), 0},
	} {
		got, _, err := d.Detect(t.Context(), session, picture, functions.Parameters{MinScore: test.ask})
		if err != nil || len(got) != test.want || got == nil {
			t.Errorf("%s: %d detections (%v), want %d", test.name, len(got), err, test.want)
		}
	}
	for _, bad := range []float64{-0.1, 1.1, math.NaN(), math.Inf(1)} {
		_, _, err := d.Detect(t.Context(), session, picture, functions.Parameters{MinScore: &bad})
		if functions.KindOf(err) != functions.Invalid {
			t.Errorf("a lowest score of %v: %v, want it invalid", bad, err)
		}
	}
}

func TestThresholdsBoundTheAnswer(t *testing.T) {
	twice := []float32{1, 1, 9, 9, 0.9, 0, 1, 1, 9, 8, 0.8, 0, 20, 20, 30, 30, 0.7, 0}
	picture := whitePicture(t, 32, 32)
	for _, test := range []struct {
		name       string
		family     functions.Family
		thresholds functions.Thresholds
		want       int
	}{
		{"the family's NMS joins two boxes on one object", functions.FamilyCenterNet, functions.Thresholds{}, 2},
		{"a function may ask for a laxer one", functions.FamilyCenterNet, functions.Thresholds{IoU: new(0.99)}, 3},
		{"a family without NMS leaves them", functions.FamilyYOLOE2E, functions.Thresholds{}, 3},
		{"no more boxes than are wanted", functions.FamilyYOLOE2E, functions.Thresholds{MaxDetections: 1}, 1},
	} {
		d := newDetector(t, Options{Family: test.family, InputSize: 32, Thresholds: test.thresholds})
		got, _, err := d.Detect(t.Context(), &echo{rows: twice}, picture, functions.Parameters{})
		if err != nil || len(got) != test.want {
			t.Errorf("%s: %v, %v; want %d", test.name, got, err, test.want)
		}
	}
}

func TestEqualScoresKeepTheNetworksOrder(t *testing.T) {
	var rows []float32
	for i := range 50 {
		rows = append(rows, 1, 1, 9, 9, 0.5, float32(i))
	}
	d := newDetector(t, Options{Family: functions.FamilyYOLOE2E, InputSize: 32})
	got, _, err := d.Detect(t.Context(), &echo{rows: rows}, whitePicture(t, 32, 32), functions.Parameters{})
	if err != nil {
		t.Fatal(err)
	}
	for i, g := range got {
		if g.ClassID != i {
			t.Fatalf("place %d has class %d", i, g.ClassID)
		}
	}
}

func TestErrorsOfTheRunComeThrough(t *testing.T) {
	d := newDetector(t, Options{Family: functions.FamilyYOLOv8, InputSize: 32})
	picture := whitePicture(t, 32, 32)
	broken := errors.New("out of memory")
	_, _, err := d.Detect(t.Context(), &echo{fail: broken}, picture, functions.Parameters{})
	if !errors.Is(err, broken) {
		t.Errorf("%v does not come from %v", err, broken)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err = d.Detect(cancelled, &echo{}, picture, functions.Parameters{}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v does not come from the cancellation", err)
	}
	// What is not of the family is told when warming up, before there is a request.
	wrong := &echo{rows: make([]float32, 12)}
	if err := d.Warm(t.Context(), wrong); err == nil {
		d = newDetector(t, Options{Family: functions.FamilyYOLOX, InputSize: 32})
		err = d.Warm(t.Context(), wrong)
		if functions.KindOf(err) != functions.Unavailable {
			t.Errorf("warming up a network of another family: %v, want it unavailable", err)
		}
	}
}

func TestOptionsThatNameNoWayToReadAreRefused(t *testing.T) {
	for _, o := range []Options{
		{InputSize: 640},
		{Family: functions.FamilyAuto, InputSize: 640},
		{Family: functions.FamilyYOLOv8},
		{Family: functions.FamilyYOLOv8, InputSize: 650},
		{Family: functions.FamilyYOLOv8, InputSize: 1 << 20},
	} {
		if _, err := New(o); err == nil {
			t.Errorf("%+v is accepted", o)
		}
	}
	for _, f := range functions.Families {
		newDetector(t, Options{Family: f, InputSize: 640})
	}
}

func TestParallelDetectionsDoNotMix(t *testing.T) {
	d := newDetector(t, Options{Family: functions.FamilyYOLOE2E, InputSize: 64})
	var group sync.WaitGroup
	for worker := range 8 {
		picture := whitePicture(t, 64*(1+worker), 64)
		session := &echo{rows: []float32{0, 0, 64, 64, 0.9, float32(worker)}}
		group.Go(func() {
			for range 50 {
				got, _, err := d.Detect(t.Context(), session, picture, functions.Parameters{})
				if err != nil || len(got) != 1 || got[0].ClassID != worker || got[0].Box.X2 != float32(picture.Width) {
					t.Errorf("worker %d: %v, %v", worker, got, err)
					return
				}
			}
		})
	}
	group.Wait()
}

func BenchmarkRead(b *testing.B) {
	data := make([]float32, 84*8400)
	for i := range 60 { // as many anchors fire as in a street
		data[(4+i%3)*8400+i*131] = 0.5
		data[2*8400+i*131], data[3*8400+i*131] = 50, 50
	}
	out := []Tensor{tensor(data, 1, 84, 8400)}
	d := newDetector(b, Options{Family: functions.FamilyYOLOv8, InputSize: 640})
	letterbox := vision.NewLetterbox(functions.Picture{Width: 810, Height: 1080}, 640, vision.Centred)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.read(out, 0.25, letterbox); err != nil {
			b.Fatal(err)
		}
	}
}
