// Package gateway is the door: HTTP requests with a picture in, detections out.
//
// It receives requests in any of the API's forms and hands them through the walk
// (infer.go): route, fetch, wait, invoke, reply. It refuses malformed requests
// before they cost anything, and answers every error as the problem it is. It
// knows no platform and no model: those come as routes and instances.
package gateway

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"go.opentelemetry.io/otel/trace"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/functions/problem"
	"github.com/seed45885407/saccade/gateway/access"
	"github.com/seed45885407/saccade/gateway/coldstart"
	"github.com/seed45885407/saccade/gateway/costs"
	"github.com/seed45885407/saccade/gateway/drift"
	"github.com/seed45885407/saccade/gateway/fetch"
	"github.com/seed45885407/saccade/gateway/invoke"
	"github.com/seed45885407/saccade/gateway/jobs"
	"github.com/seed45885407/saccade/gateway/limits"
	"github.com/seed45885407/saccade/gateway/mirror"
	"github.com/seed45885407/saccade/gateway/recall"
	"github.com/seed45885407/saccade/gateway/routing"
)

// Inventory tells the state of every function.
type Inventory interface {
	Functions() []functions.FunctionStatus
}

// Rooms are what the walk goes through, in its order.
type Rooms struct {
	Routes  *routing.Table
	Fetch   *fetch.Fetcher
	Recall  *recall.Room
	Waiting *coldstart.Room
	Invoke  *invoke.Invoker
	// Drift counts what functions see and say. Nil: nobody does.
	Drift *drift.Room
	// Mirror asks other revisions a second time. Nil: none is asked.
	Mirror *mirror.Room
	// Jobs keep work that is done later. Nil: all is done while the caller waits, and
	// Prefer: respond-async is not heeded.
	Jobs *jobs.Jobs
}

// Options are the gateway's own; zero means the default.
type Options struct {
	// Log gets one line a request. Default: none.
	Log *slog.Logger
	// Ready says whether requests are welcome; /readyz answers with it. Default:
	// always.
	Ready func() bool
	// MaxBytes is the most bytes of one picture. Default 20 MB.
	MaxBytes int64
	// Events are the options of the door for CloudEvents.
	Events EventOptions
	// Tracer makes the spans of requests. Default (nil): there are none, and the
	// trace a request came in is handed on as it is.
	Tracer trace.Tracer
	// Access says who may come in. Default (nil): everybody, for everything.
	Access *access.Access
	// Costs keeps what requests cost. Default (nil): nobody counts.
	Costs *costs.Ledger
	// Arrived is told of each request that was routed to a function, when it is over: when
	// it began, and how long it was worked on, waiting not counted; 0 where it never came
	// so far. It is called from many goroutines. May be nil.
	Arrived func(began time.Time, function string, took time.Duration)
	// Version is the program's, for the metrics. Default: unknown.
	Version string
	// Metrics are shown at /metrics beside the gateway's own.
	Metrics []prometheus.Collector
}

// DefaultMaxBytes is the default of [Options.MaxBytes].
const DefaultMaxBytes = 20_000_000

// Gateway answers requests.
type Gateway struct {
	Rooms
	inventory Inventory
	opts      Options
	limits    *limits.Room
	pictures  *fetch.Buffers
	metrics   *metrics
	registry  *prometheus.Registry
}

// New is a gateway over its rooms.
func New(rooms Rooms, inventory Inventory, opts Options) *Gateway {
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if opts.Ready == nil {
		opts.Ready = func() bool { return true }
	}
	if opts.MaxBytes == 0 {
		opts.MaxBytes = DefaultMaxBytes
	}
	opts.Events = opts.Events.withDefaults()
	g := &Gateway{Rooms: rooms, inventory: inventory, opts: opts, limits: limits.New(limits.Options{}), pictures: &fetch.Buffers{}, registry: prometheus.NewRegistry()}
	g.metrics = newMetrics(g.registry, cmp.Or(opts.Version, "unknown"))
	g.registry.MustRegister(newGauges(inventory, rooms.Waiting), collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	g.registry.MustRegister(rooms.Recall)
	g.registry.MustRegister(opts.Metrics...)
	if rooms.Drift != nil {
		g.registry.MustRegister(rooms.Drift)
	}
	if rooms.Mirror != nil {
		g.registry.MustRegister(rooms.Mirror)
	}
	if rooms.Jobs != nil {
		g.registry.MustRegister(rooms.Jobs)
	}
	return g
}

// ColdStarted records what a start of an instance was spent on.
func (g *Gateway) ColdStarted(function string, start functions.Start) {
	g.metrics.started(function, start)
}

// StartFailed records an instance that did not become ready.
func (g *Gateway) StartFailed(function string) {
	g.metrics.startFailures.WithLabelValues(function).Inc()
}

// Handler is the API.
func (g *Gateway) Handler() http.Handler { return dismiss(g.doors(), patient) }

// doors are the API's paths and what surrounds them.
func (g *Gateway) doors() *echo.Echo {
	e := echo.New()
	e.HTTPErrorHandler = g.fail
	e.Use(middleware.RequestID(), g.observe, pace, g.held, middleware.RecoverWithConfig(middleware.RecoverConfig{
		DisablePrintStack: true, DisableErrorHandler: true,
	}))
	if g.opts.Access != nil {
		e.Use(echo.WrapMiddleware(g.opts.Access.CORS))
	}
	detect, read := g.may(access.ScopeDetect), g.may(access.ScopeRead)
	e.POST("/v1/functions/:name/detect", g.detect, detect, g.traced)
	e.POST("/", g.event, eventProblems, detect)
	e.POST("/v1/events", g.event, eventProblems, detect)
	g.jobDoors(e, detect)
	e.GET("/v1/functions", g.list, read)
	e.GET("/v1/functions/:name", g.show, read)
	e.GET("/v1/functions/:name/decisions", g.decisions, read)
	g.driftDoors(e, read)
	e.GET("/v1/costs", costsDoor(g.opts.Costs), read)
	e.GET("/healthz", func(c echo.Context) error { return c.String(http.StatusOK, "ok\n") })
	e.GET("/readyz", g.ready)
	descriptionDoors(e)
	e.GET("/metrics", echo.WrapHandler(g.showMetrics()), read)
	return e
}

// detect is POST /v1/functions/{name}/detect.
func (g *Gateway) detect(c echo.Context) error {
	if err := g.spend(c, 1); err != nil {
		return err
	}
	async, err := g.readAsync(c)
	if err != nil {
		return err
	}
	req, err := g.read(c)
	if err != nil {
		return err
	}
	if async.asked {
		return g.acceptRequest(c, req, async)
	}
	reply, err := g.infer(c.Request().Context(), req)
	if errors.Is(err, errNotModified) {
		setValidators(c.Response().Header(), req.conditions.etag, g.Recall.Age())
		return c.NoContent(http.StatusNotModified)
	}
	if err != nil {
		return err
	}
	setValidators(c.Response().Header(), req.conditions.etag, g.Recall.Age())
	c.Set(replyKey, &reply)
	return answer(c, req, reply)
}

// list is GET /v1/functions.
func (g *Gateway) list(c echo.Context) error {
	caller := callerOf(c)
	mine := slices.DeleteFunc(g.inventory.Functions(), func(f functions.FunctionStatus) bool {
		return caller.MayUse(f.Name) != nil
	})
	return c.JSON(http.StatusOK, functionList{mine})
}

type functionList struct {
	Functions []functions.FunctionStatus `json:"functions"`
}

// show is GET /v1/functions/{name}.
func (g *Gateway) show(c echo.Context) error {
	if err := callerOf(c).MayUse(c.Param("name")); err != nil {
		return err
	}
	for _, f := range g.inventory.Functions() {
		if f.Name == c.Param("name") {
			return c.JSON(http.StatusOK, f)
		}
	}
	_, err := g.Routes.Route(c.Param("name"))
	return err
}

func (g *Gateway) ready(c echo.Context) error {
	if !g.opts.Ready() {
		return functions.Errorf(functions.Unavailable, "the gateway is starting or stopping")
	}
	return c.String(http.StatusOK, "ready\n")
}

// fail answers with the problem that err is.
func (g *Gateway) fail(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	if e, ok := errors.AsType[*echo.HTTPError](err); ok { // no such path, no such method
		problem.WriteProblem(c.Response(), problem.Problem{
			Type: "about:blank", Title: http.StatusText(e.Code), Status: e.Code,
		})
		return
	}
	if errors.Is(err, context.Canceled) {
		err = functions.Errorf(functions.Invalid, "the caller went away").Because(err)
	}
	problem.Write(c.Response(), err)
}
