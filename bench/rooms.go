package main

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/draw"
	"image/jpeg"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/models/inspect"
	"github.com/seed45885407/saccade/runtime/detector"
	"github.com/seed45885407/saccade/runtime/onnx"
	"github.com/seed45885407/saccade/runtime/onnx/library"
	"github.com/seed45885407/saccade/runtime/serve"
	"github.com/seed45885407/saccade/runtime/turbo"
	"github.com/seed45885407/saccade/runtime/vision"
)

// measureRooms compares rooms of a picture's walk with the plainest code that does
// the same, in this process, by turns.
func measureRooms(ctx context.Context, o options) error {
	var rows []row
	for _, measure := range []func(context.Context, options) ([]row, error){preprocessRow, postprocessRow, saturationRow} {
		measured, err := measure(ctx, o)
		if err != nil {
			return err
		}
		rows = append(rows, measured...)
	}
	fmt.Printf("\nthe rooms of a picture's walk, %d cores, %s\n\n", runtime.GOMAXPROCS(0), time.Now().Format(time.DateOnly))
	return printTable(rows)
}

// turns is how often the two sides of a row are measured.
const turns = 60

// preprocessRow letterboxes a picture of 810x1080 into a tensor of 640.
func preprocessRow(context.Context, options) ([]row, error) {
	var encoded bytes.Buffer
	if err := jpeg.Encode(&encoded, noise(810, 1080), nil); err != nil {
		return nil, err
	}
	plainPicture, err := jpeg.Decode(bytes.NewReader(encoded.Bytes()))
	if err != nil {
		return nil, err
	}
	picture, err := vision.Decode(encoded.Bytes(), vision.Limits{JPEG: fastJPEG()})
	if err != nil {
		return nil, err
	}
	input := vision.NewInput(vision.Layout{Size: 640, Place: vision.Centred, Pad: 114, Divisor: 255})
	tensor := make([]float32, input.Len())
	var plain, ours []time.Duration
	for range turns {
		began := time.Now()
		plainLetterbox(tensor, plainPicture, 640)
		plain = append(plain, time.Since(began))
		began = time.Now()
		input.Fill(tensor, picture)
		ours = append(ours, time.Since(began))
	}
	return []row{{what: "preprocess 810x1080 to 640, p50", floor: ms(median(plain)), ours: ms(median(ours)), unit: "ms", goal: 0.54}}, nil
}

// noise is a picture with something in every pixel.
func noise(width, height int) image.Image {
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	random := rand.New(rand.NewPCG(1, 2))
	for i := range img.Pix {
		img.Pix[i] = uint8(i/width) ^ uint8(random.IntN(32))
	}
	return img
}

// plainLetterbox is the letterbox as one writes it down: the picture as RGBA, then
// for each pixel of the square the four around its place, in floating point.
func plainLetterbox(tensor []float32, picture image.Image, size int) {
	b := picture.Bounds()
	rgba := image.NewRGBA(b)
	draw.Draw(rgba, b, picture, b.Min, draw.Src)
	scale := min(float64(size)/float64(b.Dx()), float64(size)/float64(b.Dy()))
	width, height := int(float64(b.Dx())*scale+0.5), int(float64(b.Dy())*scale+0.5)
	left, top := (size-width)/2, (size-height)/2
	for i := range tensor {
		tensor[i] = 114. / 255
	}
	for y := range height {
		sy := max(0, (float64(y)+0.5)/scale-0.5)
		y0 := min(int(sy), b.Dy()-1)
		y1, fy := min(y0+1, b.Dy()-1), float32(sy-float64(y0))
		for x := range width {
			sx := max(0, (float64(x)+0.5)/scale-0.5)
			x0 := min(int(sx), b.Dx()-1)
			x1, fx := min(x0+1, b.Dx()-1), float32(sx-float64(x0))
			for c := range 3 {
				at := func(x, y int) float32 { return float32(rgba.Pix[y*rgba.Stride+4*x+c]) }
				upper := at(x0, y0)*(1-fx) + at(x1, y0)*fx
				lower := at(x0, y1)*(1-fx) + at(x1, y1)*fx
				tensor[c*size*size+(top+y)*size+left+x] = (upper*(1-fy) + lower*fy) / 255
			}
		}
	}
}

// canned is a session whose one output is there already.
type canned struct{ outputs []detector.Tensor }

func (c canned) Run(_ context.Context, _ []detector.Tensor, read func([]detector.Tensor) error) error {
	return read(c.outputs)
}

// postprocessRow reads [1, 84, 8400] with some hundred boxes in it. There is nothing
// to compare it with: its floor is the goal, half a millisecond.
func postprocessRow(ctx context.Context, _ options) ([]row, error) {
	const anchors, classes = 8400, 80
	random := rand.New(rand.NewPCG(3, 4))
	out := detector.Tensor{Name: "output0", Shape: []int64{1, 4 + classes, anchors}, Data: make([]float32, (4+classes)*anchors)}
	for a := range anchors {
		for side := range 4 {
			out.Data[side*anchors+a] = 20 + 500*random.Float32()
		}
		for c := range classes {
			out.Data[(4+c)*anchors+a] = 0.01 * random.Float32()
		}
		if a%70 == 0 {
			out.Data[(4+random.IntN(classes))*anchors+a] = 0.3 + 0.6*random.Float32()
		}
	}
	d, err := detector.New(detector.Options{Family: functions.FamilyYOLOv8, InputSize: 640})
	if err != nil {
		return nil, err
	}
	var encoded bytes.Buffer
	if err := jpeg.Encode(&encoded, image.NewGray(image.Rect(0, 0, 64, 64)), nil); err != nil {
		return nil, err
	}
	picture, err := vision.Decode(encoded.Bytes(), vision.Limits{})
	if err != nil {
		return nil, err
	}
	var ours []time.Duration
	for range turns {
		_, timing, err := d.Detect(ctx, canned{[]detector.Tensor{out}}, picture, functions.Parameters{})
		if err != nil {
			return nil, err
		}
		ours = append(ours, time.Duration(timing.Postprocess))
	}
	return []row{{what: "postprocess [1, 84, 8400], p50, against 0.5 ms", floor: 0.5, ours: ms(median(ours)), unit: "ms", goal: 1}}, nil
}

func fastJPEG() *vision.JPEG {
	library, _, err := turbo.Find(os.Getenv("SACCADE_TURBOJPEG"))
	if err != nil {
		say("JPEGs are decoded in Go: %v", err)
		return nil
	}
	return vision.NewJPEG(library) // it stays open until the process ends
}

// saturationRow compares detections a second of the function server's handler, with
// twice as many requests as cores, with bare runs of the session and all that belongs
// to a detection beside it, as many at a time as there are cores.
func saturationRow(ctx context.Context, o options) ([]row, error) {
	model := os.Getenv("SACCADE_MODEL_MIRROR")
	if model == "" {
		model = "functions/centernet/centernet-mbv3.onnx"
	} else {
		model = filepath.Join(model, "yolo11n.onnx")
	}
	encoded, err := os.ReadFile(o.picture)
	if err != nil {
		return nil, err
	}
	path, err := library.Find(os.Getenv("SACCADE_ONNXRUNTIME"))
	if err != nil {
		return nil, err
	}
	environment, err := onnx.Open(path)
	if err != nil {
		return nil, err
	}
	file, err := inspect.Inspect(model)
	if err != nil {
		return nil, err
	}
	known, err := inspect.Recognise(file, functions.Function{})
	if err != nil {
		return nil, err
	}
	prepared, err := onnx.Prepare(onnx.Source{Path: model})
	if err != nil {
		return nil, err
	}
	var in, out []onnx.Port
	for _, p := range known.Inputs {
		in = append(in, onnx.Port(p))
	}
	for _, p := range known.Outputs {
		out = append(out, onnx.Port(p))
	}
	session, err := environment.NewSession(prepared, onnx.Options{Inputs: in, Outputs: out})
	if err != nil {
		return nil, err
	}
	d, err := detector.New(detector.Options{Family: known.Family, InputSize: known.InputSize, Labels: known.Labels})
	if err != nil {
		return nil, err
	}
	cores, limits := runtime.GOMAXPROCS(0), vision.Limits{JPEG: fastJPEG()}
	server := serve.New(serve.Options{Limits: limits})
	err = server.Start(ctx, func(context.Context) (serve.Function, error) {
		return serve.Function{Detector: bound{d, session}, Parallel: cores}, nil
	})
	if err != nil {
		return nil, err
	}
	inputs := []detector.Tensor{{Shape: in[0].Shape, Data: make([]float32, 3*known.InputSize*known.InputSize)}}
	run := func() error {
		own := []detector.Tensor{inputs[0]}
		return session.Run(ctx, own, func([]detector.Tensor) error { return nil })
	}
	bare := func() error {
		p, err := vision.Decode(encoded, limits)
		if err != nil {
			return err
		}
		defer p.Release()
		_, _, err = d.Detect(ctx, session, p, functions.Parameters{})
		return err
	}
	ours := func() error {
		w := httptest.NewRecorder()
		server.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodPost, "/v1/detect", bytes.NewReader(encoded)))
		if w.Code != http.StatusOK {
			return fmt.Errorf("the function server answered %d: %s", w.Code, w.Body)
		}
		return nil
	}
	var runs, bares, servers []time.Duration
	n := max(20, o.warm/4)
	for range 9 {
		for _, side := range []struct {
			do       func() error
			parallel int
			into     *[]time.Duration
		}{{run, cores, &runs}, {bare, cores, &bares}, {ours, 2 * cores, &servers}} {
			took, err := together(n, side.parallel, side.do)
			if err != nil {
				return nil, err
			}
			*side.into = append(*side.into, took)
		}
	}
	rate := func(d []time.Duration) float64 { return float64(n) / median(d).Seconds() }
	name := filepath.Base(model)
	return []row{
		{what: "saturated, " + name + ", server of bare detections", floor: rate(bares), ours: rate(servers), unit: "1/s", goal: 0.97, moreBetter: true},
		{what: "saturated, " + name + ", server of Run alone, which decodes nothing", floor: rate(runs), ours: rate(servers), unit: "1/s", goal: 0.85, moreBetter: true},
	}, nil
}

// bound is a detector with its session.
type bound struct {
	detector *detector.Detector
	session  *onnx.Session
}

func (b bound) Warm(ctx context.Context) error { return b.detector.Warm(ctx, b.session) }

func (b bound) Detect(ctx context.Context, p *vision.Picture, ask functions.Parameters) ([]functions.Detection, functions.Timing, error) {
	return b.detector.Detect(ctx, b.session, p, ask)
}

// together does n things, some at a time, and measures until all are done.
func together(n, parallel int, do func() error) (time.Duration, error) {
	var group sync.WaitGroup
	var left atomic.Int64
	left.Store(int64(n))
	failed := make(chan error, parallel)
	began := time.Now()
	for range parallel {
		group.Go(func() {
			for left.Add(-1) >= 0 {
				if err := do(); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	group.Wait()
	close(failed)
	return time.Since(began), <-failed
}
