// Command floor is the least program that finds objects: no server, no platform,
// one straight line from a file to boxes. The bench measures what the house costs
// over it. It receives a model and a picture; on standard input it takes commands
// (one, many N P, memory) and answers each with a line.
package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/models/inspect"
	"github.com/seed45885407/saccade/runtime/detector"
	"github.com/seed45885407/saccade/runtime/onnx"
	"github.com/seed45885407/saccade/runtime/onnx/library"
	"github.com/seed45885407/saccade/runtime/vision"
)

func main() {
	model := flag.String("model", "", "ONNX `file`")
	sum := flag.String("sum", "", "its SHA-256")
	cache := flag.String("cache", "", "`folder` of optimised graphs")
	picture := flag.String("picture", "", "picture `file`")
	flag.Parse()
	if err := run(*model, *sum, *cache, *picture); err != nil {
		fmt.Fprintln(os.Stderr, "floor:", err)
		os.Exit(1)
	}
}

// floor is a loaded network and a picture's bytes.
type floor struct {
	session  *onnx.Session
	detector *detector.Detector
	picture  []byte
}

func run(path, sum, cache, pictureFile string) error {
	f := &floor{}
	var environment *onnx.Environment
	var decoded *vision.Picture
	var model *onnx.Model
	var recognised inspect.Recognised
	// Side by side, as the function server does: library, picture, weights, graph.
	var group errgroup.Group
	group.Go(func() error {
		lib, err := library.Find(os.Getenv("SACCADE_ONNXRUNTIME"))
		if err != nil {
			return err
		}
		environment, err = onnx.Open(lib)
		return err
	})
	group.Go(func() (err error) {
		if f.picture, err = os.ReadFile(pictureFile); err != nil {
			return err
		}
		decoded, err = vision.Decode(f.picture, vision.Limits{})
		return err
	})
	group.Go(func() (err error) {
		model, err = onnx.Prepare(onnx.Source{Path: path, Sum: sum, Cache: cache})
		return err
	})
	group.Go(func() error {
		file, err := inspect.Inspect(path)
		if err != nil {
			return err
		}
		if recognised, err = inspect.Recognise(file, functions.Function{}); err != nil {
			return err
		}
		f.detector, err = detector.New(detector.Options{
			Family: recognised.Family, InputSize: recognised.InputSize, Feed: recognised.Feed, Read: recognised.Read,
			Layout: recognised.Layout, Beside: recognised.Beside, Labels: recognised.Labels,
		})
		return err
	})
	if err := group.Wait(); err != nil {
		return err
	}
	var err error
	if f.session, err = environment.NewSession(model, sessionOptions(recognised)); err != nil {
		return err
	}
	found, _, err := f.detector.Detect(context.Background(), f.session, decoded, functions.Parameters{})
	if err != nil {
		return err
	}
	fmt.Println("detected", len(found))
	return f.obey()
}

// obey answers commands until standard input ends.
func (f *floor) obey() error {
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		var n, parallel int
		began := time.Now()
		switch command, rest, _ := strings.Cut(in.Text(), " "); command {
		case "one":
			if err := f.detect(); err != nil {
				return err
			}
			fmt.Println(time.Since(began).Nanoseconds())
		case "many":
			if _, err := fmt.Sscan(rest, &n, &parallel); err != nil {
				return err
			}
			if err := f.many(n, parallel); err != nil {
				return err
			}
			fmt.Println(time.Since(began).Nanoseconds())
		default:
			return fmt.Errorf("no command %q", command)
		}
	}
	return in.Err()
}

// detect is decode + letterbox + Run + NMS.
func (f *floor) detect() error {
	picture, err := vision.Decode(f.picture, vision.Limits{})
	if err != nil {
		return err
	}
	_, _, err = f.detector.Detect(context.Background(), f.session, picture, functions.Parameters{})
	return err
}

func (f *floor) many(n, parallel int) error {
	var group sync.WaitGroup
	var left atomic.Int64
	left.Store(int64(n))
	failed := make(chan error, parallel)
	for range parallel {
		group.Go(func() {
			for left.Add(-1) >= 0 {
				if err := f.detect(); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	group.Wait()
	close(failed)
	return <-failed
}

// sessionOptions are the function server's own defaults.
func sessionOptions(r inspect.Recognised) onnx.Options {
	return onnx.Options{Threads: 1, Inputs: ports(r.Inputs), Outputs: ports(r.Outputs)}
}

func ports(of []inspect.Port) []onnx.Port {
	list := make([]onnx.Port, len(of))
	for i, p := range of {
		list[i] = onnx.Port(p)
	}
	return list
}
