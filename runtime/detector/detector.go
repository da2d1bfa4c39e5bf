// Package detector is the walk that finds objects: decode -> letterbox -> infer
// -> decode boxes -> NMS -> back to picture coordinates. It receives a picture
// that package vision decoded and a [Session] that holds a network, and hands on
// detections in pixels of the upright picture.
//
// It refuses outputs that are not of the shape its family reads, and lets no
// number through that is not finite, whatever the network says.
package detector

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/runtime/vision"
)

// Options say what network is read and which boxes are answered.
type Options struct {
	// Family is how the network is fed and read; it must not be auto.
	Family functions.Family
	// InputSize is the side of the network's input in pixels, at least 32; for
	// families that look at grids a multiple of 32.
	InputSize int
	// Feed and Read are the function's own; what is not set is the family's.
	Feed functions.Feed
	Read functions.Read
	// Layout is the order of the input's axes; empty means channels first.
	Layout functions.Layout
	// Beside is what is fed beside the picture, in order. Nil: what the family needs.
	Beside []functions.Beside
	// Labels are the class names in order of class id. An id without one is named
	// class-17.
	Labels []string
	// Thresholds are the function's own; what is not set is the default, for IoU
	// the family's.
	Thresholds functions.Thresholds
}

// Detector detects with the networks of one function. It is safe for use by
// several goroutines.
type Detector struct {
	options  Options
	family   family
	input    *vision.Input
	minScore float64
	iou      float32
	most     int

	feeds   sync.Pool // of *feed
	scratch sync.Pool // of *scratch
}

// New makes a Detector; it fails where the options name no way to read boxes.
func New(o Options) (*Detector, error) {
	f, err := familyOf(o)
	if err != nil {
		return nil, err
	}
	if o.InputSize < 32 || o.InputSize > maxInputSize || f.Grid && o.InputSize%32 != 0 {
		return nil, fmt.Errorf("an input of %d pixels: it is 32 to %d, for family yolov8 and its like a multiple of 32", o.InputSize, maxInputSize)
	}
	d := &Detector{
		options:  o,
		family:   f,
		input:    vision.NewInput(f.layout),
		minScore: functions.DefaultMinScore,
		iou:      float32(f.IoU),
		most:     o.Thresholds.MaxDetections,
	}
	if o.Thresholds.MinScore != nil {
		d.minScore = *o.Thresholds.MinScore
	}
	if o.Thresholds.IoU != nil {
		d.iou = float32(*o.Thresholds.IoU)
	}
	if d.most <= 0 {
		d.most = functions.DefaultMaxDetections
	}
	normalise := newNormaliser(f.Feed)
	d.feeds.New = func() any { return newFeed(f, o.Layout, normalise) }
	d.scratch.New = func() any { return new(scratch) }
	return d, nil
}

// maxInputSize bounds the memory of one input: 200 MB.
const maxInputSize = 4096

// Detect is the walk from a decoded picture on. The detections are sorted, best
// first, and never nil; the timing has Preprocess, Infer and Postprocess.
func (d *Detector) Detect(
	ctx context.Context, session Session, picture *vision.Picture, ask functions.Parameters,
) ([]functions.Detection, functions.Timing, error) {
	var timing functions.Timing
	minScore, err := d.lowest(ask)
	if err != nil {
		return nil, timing, err
	}
	fed := d.feeds.Get().(*feed)
	defer d.feeds.Put(fed)

	start := time.Now()
	letterbox := fed.fill(d.input, picture)
	timing.Preprocess = functions.Since(start)

	var found []functions.Detection
	start = time.Now()
	err = session.Run(ctx, fed.inputs, func(outputs []Tensor) error {
		timing.Infer = functions.Since(start)
		start = time.Now()
		var err error
		found, err = d.read(outputs, minScore, letterbox)
		timing.Postprocess = functions.Since(start)
		return err
	})
	if err != nil {
		return nil, timing, fmt.Errorf("detecting: %w", err)
	}
	return found, timing, nil
}

// Warm runs the network once on an empty picture and reads its outputs, so that
// the first request finds everything allocated, and a network that is not of the
// family fails before there is a request.
func (d *Detector) Warm(ctx context.Context, session Session) error {
	fed := d.feeds.Get().(*feed)
	defer d.feeds.Put(fed)
	fed.empty()
	nowhere := vision.NewLetterbox(functions.Picture{Width: 1, Height: 1}, d.options.InputSize, d.family.layout.Place)
	err := session.Run(ctx, fed.inputs, func(outputs []Tensor) error {
		_, err := d.read(outputs, float32(d.minScore), nowhere)
		return err
	})
	if err != nil {
		return fmt.Errorf("warming up: %w", err)
	}
	return nil
}

// read is the walk from the outputs on: decode boxes -> NMS -> back to picture
// coordinates.
func (d *Detector) read(outputs []Tensor, minScore float32, letterbox vision.Letterbox) ([]functions.Detection, error) {
	s := d.scratch.Get().(*scratch)
	defer d.scratch.Put(s)
	s.boxes = s.boxes[:0]
	if err := d.family.read(s, outputs, d.options.InputSize, minScore); err != nil {
		return nil, err
	}
	s.renumber(d.family.Read)
	sortBest(s.boxes)
	if d.family.NMS {
		s.boxes = suppress(s.boxes, d.iou, d.most)
	}
	return d.answer(s.boxes, letterbox), nil
}

// lowest is the lowest score that this request wants to see.
func (d *Detector) lowest(ask functions.Parameters) (float32, error) {
	lowest := d.minScore
	if ask.MinScore != nil {
		lowest = *ask.MinScore
	}
	if !(lowest >= 0 && lowest <= 1) { // NaN is neither
		return 0, functions.Errorf(functions.Invalid, "the minimum score is between 0 and 1, not %v", lowest)
	}
	if lowest == 0 {
		// A score of 0 says that there is nothing.
		lowest = math.SmallestNonzeroFloat32
	}
	return float32(lowest), nil
}
