// Command gpu checks that an NVIDIA GPU gives the detections that the CPU gives, and
// measures what it is worth: ./task gpu:check.
//
// It receives models (centernet, and all of a folder) and the shipped pictures, and
// prints for each model and provider the cold start, the latency by batch, pictures a
// second and how these compare with bare runs. It refuses to say anything of a machine
// without a GPU.
//
// Exit status: 0 where all agree; 1 where one does not, or a provider fails; 4 where
// there is no GPU, or no ONNX Runtime that can use it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/runtime/device"
	"github.com/seed45885407/saccade/runtime/onnx"
	"github.com/seed45885407/saccade/runtime/onnx/library"
	"github.com/seed45885407/saccade/runtime/vision"
	"github.com/seed45885407/saccade/samples"
)

// statusNoGPU tells a machine without a GPU from one whose GPU errs.
const statusNoGPU = 4

var errNoGPU = errors.New("there is nothing to check")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "gpu:check:", err)
	}
	switch {
	case errors.Is(err, errNoGPU):
		os.Exit(statusNoGPU)
	case err != nil:
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("gpu", flag.ContinueOnError)
	models := flags.String("models", os.Getenv("SACCADE_MODEL_MIRROR"), "`folder` with more models to check than the shipped one")
	named := flags.String("onnxruntime", os.Getenv("SACCADE_ONNXRUNTIME"), "`path` of an ONNX Runtime built for CUDA")
	rehearse := flags.Bool("rehearse", false, "go through it all with the CPU in the GPU's place, which proves nothing of a GPU")
	seconds := flags.Float64("seconds", 3, "how long each throughput is measured")
	if err := flags.Parse(args); err != nil {
		return err
	}
	gpus := device.List(os.DirFS("/"))
	if len(gpus) == 0 && !*rehearse {
		return fmt.Errorf("this machine has no NVIDIA GPU that its driver tells of in /proc/driver/nvidia: %w", errNoGPU)
	}
	path, err := library.Find(*named)
	if err != nil {
		return err
	}
	environment, err := onnx.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = environment.Close() }()
	fmt.Fprintf(out, "%s, ONNX Runtime %s, %s\n", time.Now().Format(time.DateOnly), environment.Version(), runtime.Version())
	for _, gpu := range gpus {
		fmt.Fprintf(out, "%s, driver %s, %s\n", gpu.Name, gpu.Driver, gpu.UUID)
	}
	candidates := []candidate{
		{provider: onnx.CUDA, tolerance: 0.01},
		{provider: onnx.TensorRT, tolerance: 0.01},
		{provider: onnx.TensorRT, half: true, tolerance: 0.03},
	}
	if *rehearse {
		candidates = []candidate{{provider: onnx.CPU, tolerance: 0.01}}
		fmt.Fprintln(out, "A rehearsal: the CPU against itself.")
	}
	pictures, err := shipped()
	if err != nil {
		return err
	}
	files := []string{filepath.Join("functions", "centernet", "centernet-mbv3.onnx")}
	if *models != "" {
		more, err := filepath.Glob(filepath.Join(*models, "*.onnx"))
		if err != nil {
			return err
		}
		for _, file := range more {
			if filepath.Base(file) != filepath.Base(files[0]) {
				files = append(files, file)
			}
		}
	}
	check := &check{
		environment: environment, pictures: pictures, candidates: candidates,
		lasting: time.Duration(*seconds * float64(time.Second)), out: out,
	}
	var errs []error
	for _, file := range files {
		if err := check.model(ctx, file); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", filepath.Base(file), err))
		}
	}
	if check.given == 0 {
		return errors.Join(append(errs, fmt.Errorf("ONNX Runtime gives none of the providers of a GPU; --onnxruntime names one that is built for them: %w", errNoGPU))...)
	}
	if len(errs) == 0 {
		fmt.Fprintln(out, "\nAll of them find what the CPU finds.")
	}
	return errors.Join(errs...)
}

// shipped are the sample pictures.
func shipped() ([]*vision.Picture, error) {
	entries, err := samples.Pictures.ReadDir(".")
	if err != nil {
		return nil, err
	}
	var pictures []*vision.Picture
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), ".png") && !strings.HasSuffix(entry.Name(), ".jpg") {
			continue
		}
		data, err := samples.Pictures.ReadFile(entry.Name())
		if err != nil {
			return nil, err
		}
		p, err := vision.Decode(data, vision.Limits{})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", entry.Name(), err)
		}
		pictures = append(pictures, p)
	}
	if len(pictures) == 0 {
		return nil, functions.Errorf(functions.Unavailable, "there are no sample pictures")
	}
	return pictures, nil
}
