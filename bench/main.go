// Command bench measures what the house costs over the floor: the same work done
// by the least program that can do it (bench/floor). It receives nothing but
// flags, runs both on this machine in turns, and prints one table of ratios. It
// refuses to judge: a noisy machine is told by its own spread.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"image/jpeg"
	"image/png"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/seed45885407/saccade/samples"
)

func main() {
	var o options
	flag.StringVar(&o.function, "function", "centernet", "the `function` to measure: centernet, or one whose model is in the mirror")
	flag.StringVar(&o.picture, "picture", "", "the `picture` to send (default: a shipped photograph, as the JPEG a camera sends)")
	flag.IntVar(&o.warm, "warm", 200, "warm requests")
	flag.IntVar(&o.cold, "cold", 15, "cold starts")
	flag.StringVar(&o.bin, "bin", "bin", "`folder` with saccade and saccade-runtime")
	flag.BoolVar(&o.doors, "doors", false, "measure the doors alone: the gateway against a bare reverse proxy")
	flag.BoolVar(&o.starts, "starts", false, "measure cold starts alone, of every shipped model that is here")
	flag.BoolVar(&o.rooms, "rooms", false, "measure the rooms of a picture's walk alone: preprocess, postprocess, saturation")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

type options struct {
	function, picture, bin string
	warm, cold             int
	doors, starts, rooms   bool
}

// row is one line of the table: durations of the floor and of the house, taken in
// turns.
type row struct {
	what        string
	floor, ours float64
	unit        string
	// goal is the ratio that is wanted: at most, or at least where more is better.
	goal       float64
	moreBetter bool
	// added: the goal is of the difference, not of the ratio.
	added bool
	// absolute: the goal is of what is ours, whatever the floor.
	absolute bool
}

func run(ctx context.Context, o options) error {
	dir, err := os.MkdirTemp("", "saccade-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if o.picture == "" {
		if o.picture, err = photograph(dir); err != nil {
			return err
		}
	}
	if o.rooms {
		return measureRooms(ctx, o)
	}
	say("building the floor ...")
	if o.starts {
		return measureStarts(ctx, o, dir)
	}
	if !o.doors {
		if err := measureDetector(ctx, o, dir); err != nil {
			return err
		}
	}
	rows, err := measureDoors(ctx, o, dir)
	if err != nil {
		return err
	}
	fmt.Printf("\na function that answers at once, %s, %s\n\n", filepath.Base(o.picture), time.Now().Format(time.DateOnly))
	return printTable(rows)
}

// measureDetector compares a detector behind the gateway with itself in a bare
// process.
func measureDetector(ctx context.Context, o options, dir string) error {
	floorBin := filepath.Join(dir, "floor")
	if err := build(ctx, floorBin, "./bench/floor"); err != nil {
		return err
	}
	g, err := startGateway(ctx, o, dir)
	if err != nil {
		return err
	}
	defer g.stop()
	f := floorArgs{bin: floorBin, model: g.model, sum: g.sum, cache: g.cache, picture: o.picture}

	var rows []row
	for _, measure := range []func(context.Context, options, *gatewayProcess, floorArgs) ([]row, error){
		measureCold, measureWarm, measureThroughput,
	} {
		measured, err := measure(ctx, o, g, f)
		if err != nil {
			return err
		}
		rows = append(rows, measured...)
	}
	fmt.Printf("\n%s, %s, %d warm requests, %d cold starts, %s\n\n", o.function, filepath.Base(o.picture), o.warm, o.cold,
		time.Now().Format(time.DateOnly))
	return printTable(rows)
}

// build makes a program of the bench's own.
func build(ctx context.Context, bin, of string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", bin, of)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("building %s: %w", of, err)
	}
	return nil
}

// photograph writes a shipped picture as a JPEG: what cameras send.
func photograph(dir string) (string, error) {
	in, err := samples.Pictures.Open("astronaut.png")
	if err != nil {
		return "", err
	}
	defer in.Close()
	picture, err := png.Decode(in)
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "astronaut.jpg")
	out, err := os.Create(path)
	if err != nil {
		return "", err
	}
	return path, errors.Join(jpeg.Encode(out, picture, &jpeg.Options{Quality: 90}), out.Close())
}

func say(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

// digits are those behind the point that a figure is worth.
func digits(v float64) int {
	if v < 10 {
		return 2
	}
	return 1
}

func printTable(rows []row) error {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "measured\tfloor\tsaccade\tratio\tgoal\t\t")
	for _, r := range rows {
		ratio, sign, verdict := r.ours/r.floor, "<=", "met"
		if r.moreBetter {
			sign = ">="
		}
		reached, goal := ratio, fmt.Sprintf("%s %.2f", sign, r.goal)
		switch {
		case r.added:
			reached, goal = r.ours-r.floor, fmt.Sprintf("+%.1f %s", r.goal, r.unit)
		case r.absolute:
			reached, goal = r.ours, fmt.Sprintf("%s %.0f %s", sign, r.goal, r.unit)
		}
		if r.goal == 0 { // told, not judged
			goal, verdict = "", ""
		}
		if r.moreBetter && reached < r.goal || !r.moreBetter && reached > r.goal {
			verdict = "MISSED"
		}
		fmt.Fprintf(w, "%s\t%.*f %s\t%.*f %s\t%.3f\t%s\t%s\t\n", r.what, digits(r.floor), r.floor, r.unit, digits(r.ours), r.ours, r.unit, ratio, goal, verdict)
	}
	return w.Flush()
}
