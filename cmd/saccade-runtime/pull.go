package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/models/store"
)

// runPull is saccade-runtime pull: it brings a function's model into the store, for
// the server that is started with --store, and ends.
func runPull(ctx context.Context, args []string, stderr io.Writer) error {
	c := config{format: "json"}
	flags := flag.NewFlagSet("saccade-runtime pull", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&c.function, "function", "", "`path` of function.yaml (required)")
	flags.StringVar(&c.cache, "cache", defaultCache(), "`folder` whose folder models is the model store")
	flags.StringVar(&c.mirror, "mirror", os.Getenv(envMirror), "`folder or URL` where model files are looked for first ("+envMirror+")")
	flags.StringVar(&c.format, "log", c.format, "`format` of the log: text or json")
	if err := flags.Parse(args); err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	var errs []error
	if flags.NArg() > 0 {
		errs = append(errs, fmt.Errorf("unexpected argument %q", flags.Arg(0)))
	}
	if c.function == "" {
		errs = append(errs, errors.New("--function is missing"))
	}
	if c.cache == "" {
		errs = append(errs, errors.New("--cache is missing"))
	}
	if c.format != "text" && c.format != "json" {
		errs = append(errs, fmt.Errorf("--log %q is neither text nor json", c.format))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	return c.fetch(ctx, c.log(stderr))
}

// envMirror is the same for the gateway's own pulls.
const envMirror = "SACCADE_MODEL_MIRROR"

// curable marks a failure that the next start may not meet.
func curable(err error) bool {
	return store.Temporary(err) || functions.KindOf(err) != functions.Unavailable
}

// lastWords is where Kubernetes reads why a container ended
// (terminationMessagePath's default). It is there in a pod alone.
const lastWords = "/dev/termination-log"

// maxLastWords is as much of it as the kubelet keeps.
const maxLastWords = 4096

// leaveWord writes why the program ends to the file at path, if there is one.
func leaveWord(path string, err error) {
	file, openErr := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC, 0)
	if openErr != nil {
		return // this is no pod
	}
	text := err.Error()
	_, _ = io.WriteString(file, text[:min(len(text), maxLastWords)])
	_ = file.Close()
}
