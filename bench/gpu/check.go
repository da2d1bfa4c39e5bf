package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/models/inspect"
	"github.com/seed45885407/saccade/runtime/detector"
	"github.com/seed45885407/saccade/runtime/onnx"
	"github.com/seed45885407/saccade/runtime/schedule"
	"github.com/seed45885407/saccade/runtime/vision"
)

// mostPictures is the largest batch that is measured.
const mostPictures = 8

// candidate is what is compared with the CPU.
type candidate struct {
	provider  string
	half      bool
	tolerance float64 // of a score
}

func (c candidate) String() string {
	if c.half {
		return c.provider + " fp16"
	}
	return c.provider
}

// check goes through the models.
type check struct {
	environment *onnx.Environment
	pictures    []*vision.Picture
	candidates  []candidate
	lasting     time.Duration
	out         io.Writer
	given       int // providers that could be had
}

// subject is one model.
type subject struct {
	file     string
	known    inspect.Recognised
	detector *detector.Detector
	free     bool // its first axis: pictures may run together
}

func (c *check) model(ctx context.Context, file string) error {
	s := subject{file: file}
	m, err := inspect.Inspect(file)
	if err != nil {
		return err
	}
	if s.known, err = inspect.Recognise(m, functions.Function{}); err != nil {
		return err
	}
	k := s.known
	s.free = !slices.ContainsFunc(m.Inputs, func(t inspect.Tensor) bool { return len(t.Shape) == 0 || t.Shape[0].Size >= 0 })
	s.detector, err = detector.New(detector.Options{
		Family: k.Family, InputSize: k.InputSize, Feed: k.Feed, Read: k.Read, Layout: k.Layout, Beside: k.Beside, Labels: k.Labels,
		Thresholds: functions.Thresholds{MinScore: new(0.2)},
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(c.out, "\n%s, family %s, %d pixels\n", filepath.Base(file), k.Family, k.InputSize)
	want, _, err := c.detections(ctx, s, candidate{provider: onnx.CPU})
	if err != nil {
		return fmt.Errorf("on the CPU: %w", err)
	}
	var errs []error
	for _, on := range c.candidates {
		if err := c.compare(ctx, s, on, want); err != nil {
			errs = append(errs, fmt.Errorf("on %s: %w", on, err))
		}
	}
	return errors.Join(errs...)
}

// compare is one line of figures, where the detections agree.
func (c *check) compare(ctx context.Context, s subject, on candidate, want [][]functions.Detection) error {
	got, cold, err := c.detections(ctx, s, on)
	if err != nil {
		fmt.Fprintf(c.out, "  %-14s %v\n", on, err)
		return nil // it cannot be had here: said, and no fault of the GPU's
	}
	c.given++
	worst, err := agree(want, got, on.tolerance)
	fmt.Fprintf(c.out, "  %-14s worst score %.4f off, cold start %.0f ms", on, worst, milliseconds(cold))
	if err != nil {
		fmt.Fprintln(c.out)
		return err
	}
	err = c.measure(ctx, s, on)
	fmt.Fprintln(c.out)
	return err
}

// detections is what is found in each picture, and how long the session and its first
// run took.
func (c *check) detections(ctx context.Context, s subject, on candidate) (found [][]functions.Detection, cold time.Duration, err error) {
	began := time.Now()
	session, done, err := c.open(s, on, nil)
	if err != nil {
		return nil, 0, err
	}
	defer done()
	for i, p := range c.pictures {
		detections, _, err := s.detector.Detect(ctx, session, p, functions.Parameters{})
		if err != nil {
			return nil, 0, err
		}
		if i == 0 {
			cold = time.Since(began)
		}
		found = append(found, detections)
	}
	return found, cold, nil
}

func (c *check) open(s subject, on candidate, batches []int) (_ *onnx.Session, done func(), err error) {
	model, err := onnx.Prepare(onnx.Source{Path: s.file, Providers: []string{on.provider}})
	if err != nil {
		return nil, nil, err
	}
	session, err := c.environment.NewSession(model, onnx.Options{
		Providers: []string{on.provider}, GPU: onnx.GPU{Half: on.half},
		Inputs: ports(s.known.Inputs), Outputs: ports(s.known.Outputs), Batches: batches,
	})
	if err != nil {
		return nil, nil, errors.Join(err, model.Close())
	}
	return session, func() { _, _ = session.Close(), model.Close() }, nil
}

func ports(of []inspect.Port) []onnx.Port {
	list := make([]onnx.Port, len(of))
	for i, p := range of {
		list[i] = onnx.Port(p)
	}
	return list
}

// measure prints the latency of a run by its number of pictures, pictures a second
// through the batcher, and what share that is of bare runs of the largest batch.
func (c *check) measure(ctx context.Context, s subject, on candidate) error {
	most := 1
	if s.free {
		most = mostPictures
	}
	session, done, err := c.open(s, on, schedule.Sizes(most))
	if err != nil {
		return err
	}
	defer done()
	fmt.Fprint(c.out, ", latency by batch")
	var bare float64
	for _, size := range append([]int{1}, schedule.Sizes(most)...) {
		took, err := latency(ctx, session, s.blanks(size))
		if err != nil {
			return err
		}
		fmt.Fprintf(c.out, " %d: %.2f ms", size, milliseconds(took))
		bare = float64(size) / took.Seconds()
	}
	batcher, err := schedule.New(session, schedule.Options{Most: most, Parallel: 2, Like: s.blanks(1)})
	if err != nil {
		return err
	}
	defer batcher.Close()
	if err := batcher.Warm(ctx); err != nil {
		return err
	}
	rate, err := c.saturate(ctx, s, batcher, 4*most)
	fmt.Fprintf(c.out, ", %.1f pictures/s, %.2f of bare runs", rate, rate/bare)
	return err
}

// blanks are the inputs of so many pictures of nothing.
func (s subject) blanks(n int) []detector.Tensor {
	var inputs []detector.Tensor
	for _, p := range s.known.Inputs {
		shape := slices.Clone(p.Shape)
		shape[0] *= int64(n)
		values := int64(1)
		for _, size := range shape {
			values *= size
		}
		in := detector.Tensor{Name: p.Name, Shape: shape}
		if p.Type == "int64" {
			in.Ints = make([]int64, values)
		} else {
			in.Data = make([]float32, values)
		}
		inputs = append(inputs, in)
	}
	return inputs
}

// latency is the median run of some, after the first.
func latency(ctx context.Context, session *onnx.Session, inputs []detector.Tensor) (time.Duration, error) {
	const runs = 30
	var took []time.Duration
	for range runs {
		began := time.Now()
		if err := session.Run(ctx, inputs, func([]detector.Tensor) error { return nil }); err != nil {
			return 0, err
		}
		took = append(took, time.Since(began))
	}
	took = took[1:]
	slices.Sort(took)
	return took[len(took)/2], nil
}

// saturate is pictures a second, letterboxed, run and read, so many at a time.
func (c *check) saturate(ctx context.Context, s subject, session detector.Session, parallel int) (float64, error) {
	var group sync.WaitGroup
	var n atomic.Int64
	failed := make(chan error, parallel)
	began := time.Now()
	for i := range parallel {
		group.Go(func() {
			for time.Since(began) < c.lasting {
				if _, _, err := s.detector.Detect(ctx, session, c.pictures[i%len(c.pictures)], functions.Parameters{}); err != nil {
					failed <- err
					return
				}
				n.Add(1)
			}
		})
	}
	group.Wait()
	close(failed)
	return float64(n.Load()) / time.Since(began).Seconds(), <-failed
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
