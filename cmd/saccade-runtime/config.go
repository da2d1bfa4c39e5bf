package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/seed45885407/saccade/runtime/oip"
)

// config is all that can be set.
type config struct {
	// function is the path of function.yaml (or the same as JSON). Empty: the one
	// beside the model, and where there is none, all is read off the model; on AWS
	// Lambda it is found in [lambdaConfig].folder.
	function string
	// model is the path of the ONNX file, or of a folder that holds one. Required, but
	// on AWS Lambda, where it is the one that the function names.
	model string
	// name is what the function is called. Empty: as its declaration says, else like
	// the model file.
	name string
	// store says that the model is the one that the declaration names, as it lies in
	// the model store in cache. It is not fetched, but with pull.
	store bool
	// pull says that a model that is not in the store is fetched before it is loaded.
	pull bool
	// mirror is a folder or URL that is looked in before the model's own address.
	mirror string
	// modelSum is its SHA-256 in lower-case hex. Empty: it is not checked.
	modelSum string
	// cache is where optimised graphs are kept, in a folder graphs, and models, in a
	// folder models, see store. Default: the
	// user's cache folder; none where there is no such folder, and on AWS Lambda.
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
	// turbo is libjpeg-turbo's shared library or its folder, or none. Default: where
	// `./task setup` puts it, else the system's.
	turbo string
	// grace is how long requests may take to finish after SIGTERM.
	grace time.Duration
	// format of the log: text or json.
	format string
	// oipHTTP is where the Open Inference Protocol is answered over HTTP, and over
	// gRPC too, as listen is written, or the word listen: at listen's own address.
	// Empty: nowhere.
	oipHTTP string
	// oipGRPC is where it is answered over gRPC alone. Empty: nowhere.
	oipGRPC string
	// models is a folder of models that can be loaded beside the function's own over
	// that protocol: NAME.onnx, or NAME with one in it. Empty: none.
	models string
	// pprof is where Go's profiles are served, as listen is written. Empty: nowhere.
	pprof string
	// lambda is what AWS Lambda says, where it is the one that starts us.
	lambda lambdaConfig
}

var errUsage = errors.New("wrong usage")

func parse(args []string, stderr io.Writer) (config, error) {
	c := config{lambda: lambdaEnvironment()}
	cache, format := defaultCache(), "text"
	if c.lambda.on {
		// What is written there dies with the environment: seldom is there a next start.
		cache = ""
		format = strings.ToLower(cmp.Or(os.Getenv("AWS_LAMBDA_LOG_FORMAT"), format))
	}
	flags := flag.NewFlagSet("saccade-runtime", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&c.function, "function", "", "`path` of function.yaml; empty: the one beside the model, if there is one")
	flags.StringVar(&c.model, "model", "", "`path` of the ONNX file, or of a folder with one (required but on AWS Lambda)")
	flags.BoolVar(&c.store, "store", false, "the model is the one the declaration names, from the model store in --cache; nothing is downloaded")
	flags.BoolVar(&c.pull, "pull", false, "the same, but a model that is not in the store is downloaded first")
	flags.StringVar(&c.mirror, "mirror", os.Getenv(envMirror), "`folder or URL` where --pull looks for model files first ("+envMirror+")")
	flags.StringVar(&c.name, "name", "", "what the function is called; empty: as its declaration says, else like the model file")
	flags.StringVar(&c.modelSum, "model-sum", "", "SHA-256 the model must have, in lower-case `hex`; empty: any")
	flags.StringVar(&c.cache, "cache", cache, "`folder` in which optimised graphs are kept; empty: none")
	flags.StringVar(&c.listen, "listen", "127.0.0.1:8080", "`address`: fd:N (an inherited socket), unix:PATH or HOST:PORT")
	flags.Int64Var(&c.requestedAt, "requested-at", 0, "when this process was asked for, in `nanoseconds` since 1970")
	flags.IntVar(&c.lifeline, "lifeline", -1, "`fd` of a pipe; the process ends with its other end")
	flags.StringVar(&c.library, "onnxruntime", os.Getenv("SACCADE_ONNXRUNTIME"),
		"`path` of ONNX Runtime's shared library or its folder (SACCADE_ONNXRUNTIME); empty: where it is installed by ./task setup")
	flags.StringVar(&c.turbo, "turbojpeg", os.Getenv("SACCADE_TURBOJPEG"),
		"`path` of libjpeg-turbo's shared library (libturbojpeg) or its folder, or none (SACCADE_TURBOJPEG); empty: where it is installed by ./task setup, else the system's")
	flags.DurationVar(&c.grace, "grace", 30*time.Second, "how long requests may take to finish after SIGTERM")
	flags.StringVar(&c.format, "log", format, "`format` of the log: text or json")
	flags.StringVar(&c.oipHTTP, "oip-http", "",
		"`address` on which the Open Inference Protocol is answered over HTTP, and over gRPC too; listen: that of --listen; empty: none")
	flags.StringVar(&c.oipGRPC, "oip-grpc", "", "`address` on which it is answered over gRPC alone; empty: none")
	flags.StringVar(&c.models, "models", "",
		"`folder` of models that can be loaded over that protocol beside the function's own: NAME.onnx, or NAME with one in it; empty: none")
	flags.StringVar(&c.pprof, "pprof", "", "`address` on which /debug/pprof is served, for those who may see everything; empty: none")
	flags.BoolVar(&c.lambda.on, "lambda", c.lambda.on, "speak AWS Lambda's Runtime API; the default is whether AWS_LAMBDA_RUNTIME_API is set")
	if err := flags.Parse(args); err != nil {
		return c, fmt.Errorf("%w: %w", errUsage, err)
	}
	var errs []error
	if flags.NArg() > 0 {
		errs = append(errs, fmt.Errorf("unexpected argument %q", flags.Arg(0)))
	}
	if c.lambda.on && c.lambda.api == "" {
		errs = append(errs, errors.New("--lambda is for where AWS_LAMBDA_RUNTIME_API says whom to ask"))
	}
	c.store = c.store || c.pull
	switch {
	case c.store && (c.function == "" || c.cache == ""):
		errs = append(errs, errors.New("--store and --pull need --function and --cache"))
	case c.store && (c.model != "" || c.lambda.on):
		errs = append(errs, errors.New("--store and --pull say where the model is: they go with neither --model nor --lambda"))
	case c.model == "" && !c.lambda.on && !c.store:
		errs = append(errs, errors.New("--model is missing"))
	}
	if c.name != "" && !oip.ValidName(c.name) {
		errs = append(errs, fmt.Errorf("--name %q is no name of a model", c.name))
	}
	if c.models != "" && !c.speaksOIP() {
		errs = append(errs, errors.New("--models is for the Open Inference Protocol: --oip-http or --oip-grpc says where"))
	}
	if c.format != "text" && c.format != "json" {
		errs = append(errs, fmt.Errorf("--log %q is neither text nor json", c.format))
	}
	if err := errors.Join(errs...); err != nil {
		return c, fmt.Errorf("%w: %w", errUsage, err)
	}
	return c, nil
}

func (c config) speaksOIP() bool { return c.oipHTTP != "" || c.oipGRPC != "" }

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
