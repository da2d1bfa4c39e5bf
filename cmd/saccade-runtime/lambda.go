package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/functions/catalog"
	"github.com/seed45885407/saccade/gateway/fetch"
	"github.com/seed45885407/saccade/models/store/address"
	"github.com/seed45885407/saccade/runtime/lambda"
	"github.com/seed45885407/saccade/runtime/serve"
)

// lambdaFolder is where a container image for AWS Lambda has its function.
const lambdaFolder = "/opt/saccade"

// lambdaConfig is what AWS Lambda says to those that it starts, and what the operator
// adds, in variables because a function's image has no other way.
type lambdaConfig struct {
	// on: the Runtime API is spoken instead of HTTP. Default: whether there is an api.
	on bool
	// api is AWS_LAMBDA_RUNTIME_API, host:port.
	api string
	// folder has function.yaml and the model (SACCADE_FUNCTION). Default: /opt/saccade.
	folder string
	// allow and deny are hosts, addresses or networks that pictures may be fetched from
	// all the same, or never, separated by commas (SACCADE_FETCH_ALLOW,
	// SACCADE_FETCH_DENY). Default: none.
	allow, deny []string
	// memory is the function's size in MB (AWS_LAMBDA_FUNCTION_MEMORY_SIZE). 0: unknown.
	memory int
	// initialization, version: AWS_LAMBDA_INITIALIZATION_TYPE, AWS_LAMBDA_FUNCTION_VERSION.
	initialization, version string
}

func lambdaEnvironment() lambdaConfig {
	c := lambdaConfig{
		api: os.Getenv("AWS_LAMBDA_RUNTIME_API"), folder: os.Getenv("SACCADE_FUNCTION"),
		allow: list(os.Getenv("SACCADE_FETCH_ALLOW")), deny: list(os.Getenv("SACCADE_FETCH_DENY")),
		initialization: os.Getenv("AWS_LAMBDA_INITIALIZATION_TYPE"), version: os.Getenv("AWS_LAMBDA_FUNCTION_VERSION"),
	}
	if c.folder == "" {
		c.folder = lambdaFolder
	}
	c.memory, _ = strconv.Atoi(os.Getenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")) // 0 where Lambda does not say
	c.on = c.api != ""
	return c
}

func list(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
}

// locate fills in where the function and its model are. Nothing is downloaded on
// Lambda: a model that has an address on the network lies in the folder under the
// last part of that address.
func (c *config) locate() (functions.Function, error) {
	if c.function == "" {
		c.function = filepath.Join(c.lambda.folder, catalog.FileName)
	}
	f, err := catalog.ReadFile(c.function)
	if err != nil {
		return f, functions.Errorf(functions.Unavailable, "the function's declaration cannot be read").Because(err)
	}
	if c.name != "" {
		f.Metadata.Name = c.name
	}
	if c.modelSum == "" {
		c.modelSum = f.Spec.Model.SHA256
	}
	if c.model != "" {
		return f, nil
	}
	at, err := address.Parse(f.Spec.Model.URI)
	if err != nil {
		return f, functions.Errorf(functions.Unavailable, "the function's declaration cannot be read").Because(fmt.Errorf("model URI: %w", err))
	}
	switch at.Scheme {
	case "":
		c.model = filepath.Join(filepath.Dir(c.function), filepath.FromSlash(at.Path))
	case "file":
		c.model = filepath.FromSlash(at.Path)
	default:
		c.model = filepath.Join(filepath.Dir(c.function), path.Base(path.Clean("/"+at.URL.Path)))
	}
	return f, nil
}

// complete gives a function its defaults: on Lambda those of that style, for the
// memory that the function has there, and as many runs at a time as requests come.
func (c config) complete(f functions.Function) functions.Function {
	if !c.lambda.on {
		return f.WithDefaults()
	}
	f.Spec.Scaling.Style = functions.StyleLambda
	f.Spec.Scaling.Lambda.Memory = c.lambda.memory
	f = f.WithDefaults()
	f.Spec.Runtime.Parallel = lambdacontext.MaxConcurrency()
	return f
}

// runLambda serves the invocations of one environment until ctx ends.
func runLambda(ctx context.Context, began time.Time, c config, stderr io.Writer) error {
	log := c.log(stderr)
	slog.SetDefault(log) // aws-lambda-go writes to the standard log
	log.Info("starting", "on", "lambda", "initialization", c.lambda.initialization, "version", c.lambda.version, "memory", c.lambda.memory)
	asked := c.asked(began)
	traces := openTraces(log)
	options := serve.Options{Asked: asked, Began: began, Limits: c.limits(log), Log: log, Version: version}
	if traces.On() {
		options.Tracer = traces.Tracer("github.com/seed45885407/saccade/runtime/serve")
	}
	server := serve.New(options)
	fetcher, err := fetch.New(fetch.Options{Allow: c.lambda.allow, Deny: c.lambda.deny})
	if err != nil {
		err = functions.Errorf(functions.Unavailable, "SACCADE_FETCH_ALLOW or SACCADE_FETCH_DENY is not a list of hosts").Because(err)
	}
	f, declared := c.locate()
	l := &loading{config: c}
	runtime := lambda.New(lambda.Options{
		API: c.lambda.api, Initialization: c.lambda.initialization,
		Function: f.Metadata.Name, Revision: c.lambda.version,
		Instance: server, Ledger: server.Ledger, Asked: began.Add(-asked), Log: log,
		Fetch: func(ctx context.Context, url string) ([]byte, error) {
			// A connection does not outlast a freeze, and nobody tells us when one comes.
			defer fetcher.Close()
			return fetcher.Fetch(ctx, url)
		},
	})
	err = runtime.Run(ctx, func(ctx context.Context) error {
		if err := errors.Join(err, declared); err != nil {
			return err
		}
		if err := server.Start(ctx, c.lambda.unwarmed(l.load)); err != nil {
			return err
		}
		ledger := server.Ledger()
		log.Info("ready", "initialization", c.lambda.initialization, "start", ledger.Start.Milliseconds(),
			"load", ledger.Load.Milliseconds(), "warmup", ledger.Warmup.Milliseconds(), "threads", l.options.Threads,
			"kept_graph", l.optimised)
		if c.cache == "" { // nothing to keep, and memory that is given back is not cheaper
			return nil
		}
		if err := l.settle(); err != nil {
			log.Warn("the next start will be as slow as this one", "error", err)
		}
		return nil
	})
	log.Info("stopping")
	err = errors.Join(err, l.close())
	deliver, cancel := context.WithTimeout(context.WithoutCancel(ctx), lambdaLastSpans)
	defer cancel()
	if err := traces.Shutdown(deliver); err != nil {
		log.Warn("spans are lost", "error", err)
	}
	return err
}

// unwarmed leaves the run on nothing out where an invocation waits for the start: its
// own first run costs less more than that run takes.
func (c lambdaConfig) unwarmed(load func(context.Context) (serve.Function, error)) func(context.Context) (serve.Function, error) {
	if c.initialization != "" && c.initialization != "on-demand" {
		return load
	}
	return func(ctx context.Context) (serve.Function, error) {
		f, err := load(ctx)
		f.Detector = warm{f.Detector}
		return f, err
	}
}

// warm is a detector that is not warmed up.
type warm struct{ serve.Detector }

// Warm does nothing.
func (warm) Warm(context.Context) error { return nil }

// lambdaLastSpans is how long the last spans may take to be delivered: Lambda kills
// half a second after its SIGTERM.
const lambdaLastSpans = 100 * time.Millisecond
