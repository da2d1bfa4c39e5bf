package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/functions/catalog"
)

// measureStarts takes cold starts of every shipped model that this machine has, the
// floor's and the function server's in turns, and prints what they were spent on.
func measureStarts(ctx context.Context, o options, dir string) error {
	floorBin := filepath.Join(dir, "floor")
	if err := build(ctx, floorBin, "./bench/floor"); err != nil {
		return err
	}
	picture, err := os.ReadFile(o.picture)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "model\tMB\tstart\tload\tdecode\tfirst run\tother\tdetection\tfloor\tratio\t")
	entries, _ := catalog.New(functions.Shipped).Load()
	for _, entry := range entries {
		name := entry.Function.Metadata.Name
		model, err := modelFile(entry, dir)
		if err != nil {
			say("%s is left out: %v", name, err)
			continue
		}
		info, err := os.Stat(model)
		if err != nil {
			return err
		}
		s := &starts{
			gatewayProcess: &gatewayProcess{picture: picture, cache: filepath.Join(dir, "cache-"+name), model: model},
			floor:          floorArgs{bin: floorBin, model: model, cache: filepath.Join(dir, "cache-"+name), picture: o.picture},
		}
		if s.runtime, err = filepath.Abs(filepath.Join(o.bin, "saccade-runtime")); err != nil {
			return err
		}
		say("%d cold starts of %s in turns ...", o.cold, name)
		if err := s.measure(ctx, o.cold); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		s.print(w, name, info.Size())
	}
	fmt.Printf("\ncold starts from a kept graph, p50 of %d in ms, %s, %s\n\n", o.cold, filepath.Base(o.picture), time.Now().Format(time.DateOnly))
	return w.Flush()
}

// starts are the cold starts of one model.
type starts struct {
	*gatewayProcess
	floor floorArgs

	bare, ours, start, load, decode, first []time.Duration
}

func (s *starts) measure(ctx context.Context, turns int) error {
	// The first one keeps the graph that all others begin from.
	sum, err := s.prime(ctx)
	if err != nil {
		return err
	}
	s.sum, s.floor.sum = sum, sum
	for range turns {
		p, err := s.floor.start(ctx)
		if err != nil {
			return err
		}
		s.bare = append(s.bare, p.first)
		if err := p.stop(); err != nil {
			return err
		}
		took, answer, err := firstAnswer(ctx, s.gatewayProcess, nil)
		if err != nil {
			return err
		}
		s.ours = append(s.ours, took)
		s.start = append(s.start, time.Duration(answer.Start.Start))
		s.load = append(s.load, time.Duration(answer.Start.Load))
		s.decode = append(s.decode, time.Duration(answer.Timing.Decode))
		s.first = append(s.first, time.Duration(answer.Start.Warmup+answer.Timing.Preprocess+answer.Timing.Infer+answer.Timing.Postprocess))
	}
	return nil
}

// prime starts the function server once and lets it live until it has kept the graph.
func (s *starts) prime(ctx context.Context) (sum string, err error) {
	_, answer, err := firstAnswer(ctx, s.gatewayProcess, func() error {
		for range 200 {
			if kept, _ := filepath.Glob(filepath.Join(s.cache, "graphs", "*.graph")); len(kept) > 0 {
				return nil
			}
			time.Sleep(50 * time.Millisecond)
		}
		return errors.New("no graph has been kept")
	})
	return answer.ModelSum, err
}

// print is the model's line. Decoding goes beside the start and the load; the rest,
// other, is what neither of them nor the first run explains: the request's way there
// and back, and the exec.
func (s *starts) print(w *tabwriter.Writer, name string, size int64) {
	start, load, first, ours := median(s.start), median(s.load), median(s.first), median(s.ours)
	fmt.Fprintf(w, "%s\t%.1f\t%.1f\t%.1f\t(%.1f)\t%.1f\t%.1f\t%.1f\t%.1f\t%.3f\t\n", name, float64(size)/1e6,
		ms(start), ms(load), ms(median(s.decode)), ms(first), ms(ours-start-load-first), ms(ours), ms(median(s.bare)),
		float64(ours)/float64(median(s.bare)))
}

// modelFile is where the function's model lies on this machine: in the binary, or in
// the folder that SACCADE_MODEL_MIRROR names.
func modelFile(entry catalog.Entry, dir string) (string, error) {
	uri := entry.Function.Spec.Model.URI
	if text, err := fs.ReadFile(entry.Folder, uri); err == nil {
		into := filepath.Join(dir, path.Base(uri))
		return into, os.WriteFile(into, text, 0o600)
	}
	mirror := os.Getenv("SACCADE_MODEL_MIRROR")
	if mirror == "" {
		return "", errors.New("its model is elsewhere; SACCADE_MODEL_MIRROR names a folder that has it")
	}
	file := filepath.Join(mirror, path.Base(uri))
	_, err := os.Stat(file)
	return file, err
}
