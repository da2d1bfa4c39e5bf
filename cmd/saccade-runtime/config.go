package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"
)

// config is all that can be set.
type config struct {
	// function is the path of function.yaml (or the same as JSON). Required.
	function string
	// model is the path of the ONNX file. Required.
	model string
	// modelSum is its SHA-256 in lower-case hex. Empty: it is not checked.
	modelSum string
	// cache is where optimised graphs are kept, in a folder graphs. Default: the
	// user's cache folder; none where there is no such folder.
	cache string
	// listen is fd:N, an inherited socket that listens; unix:PATH; or HOST:PORT.
	listen string
	// requestedAt is when this process was asked for, in nanoseconds since 1970.
	// 0: the kernel's word for when it started.
	requestedAt int64
	// lifeline is the reading end of an inherited pipe; the process ends when the
	// other end is closed. -1: none.
	lifeline int
	// library is ONNX Runtime's shared library or its folder. Default: where
	// `./task setup` puts it.
	library string
	// grace is how long requests may take to finish after SIGTERM.
	grace time.Duration
	// format of the log: text or json.
	format string
}

var errUsage = errors.New("wrong usage")

func parse(args []string, stderr io.Writer) (config, error) {
	var c config
	flags := flag.NewFlagSet("saccade-runtime", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&c.function, "function", "", "`path` of function.yaml (required)")
	flags.StringVar(&c.model, "model", "", "`path` of the ONNX file (required)")
	flags.StringVar(&c.modelSum, "model-sum", "", "SHA-256 the model must have, in lower-case `hex`; empty: any")
	flags.StringVar(&c.cache, "cache", defaultCache(), "`folder` in which optimised graphs are kept; empty: none")
	flags.StringVar(&c.listen, "listen", "127.0.0.1:8080", "`address`: fd:N (an inherited socket), unix:PATH or HOST:PORT")
	flags.Int64Var(&c.requestedAt, "requested-at", 0, "when this process was asked for, in `nanoseconds` since 1970")
	flags.IntVar(&c.lifeline, "lifeline", -1, "`fd` of a pipe; the process ends with its other end")
	flags.StringVar(&c.library, "onnxruntime", os.Getenv("SACCADE_ONNXRUNTIME"),
		"`path` of ONNX Runtime's shared library or its folder (SACCADE_ONNXRUNTIME); empty: where it is installed by ./task setup")
	flags.DurationVar(&c.grace, "grace", 30*time.Second, "how long requests may take to finish after SIGTERM")
	flags.StringVar(&c.format, "log", "text", "`format` of the log: text or json")
	if err := flags.Parse(args); err != nil {
		return c, fmt.Errorf("%w: %w", errUsage, err)
	}
	var errs []error
	if flags.NArg() > 0 {
		errs = append(errs, fmt.Errorf("unexpected argument %q", flags.Arg(0)))
	}
	if c.function == "" {
		errs = append(errs, errors.New("--function is missing"))
	}
	if c.model == "" {
		errs = append(errs, errors.New("--model is missing"))
	}
	if c.format != "text" && c.format != "json" {
		errs = append(errs, fmt.Errorf("--log %q is neither text nor json", c.format))
	}
	if err := errors.Join(errs...); err != nil {
		return c, fmt.Errorf("%w: %w", errUsage, err)
	}
	return c, nil
}

func defaultCache() string {
	folder, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(folder, "saccade")
}

func (c config) graphs() string {
	if c.cache == "" {
		return ""
	}
	return filepath.Join(c.cache, "graphs")
}

func (c config) log(w io.Writer) *slog.Logger {
	if c.format == "json" {
		return slog.New(slog.NewJSONHandler(w, nil))
	}
	return slog.New(slog.NewTextHandler(w, nil))
}

// asked is the time from when the process was asked for to began.
func (c config) asked(began time.Time) time.Duration {
	since := time.Unix(0, c.requestedAt)
	if c.requestedAt == 0 {
		var known bool
		if since, known = processStart(); !known {
			return 0
		}
	}
	// The wall clock may have been set in between.
	return max(0, began.Round(0).Sub(since))
}
