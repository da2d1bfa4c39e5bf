// Package gateway is the door: HTTP requests with a picture in, detections out.
//
// It receives requests in any of the API's forms and hands them through the walk
// (infer.go): route, fetch, wait, invoke, reply. It refuses malformed requests
// before they cost anything, and answers every error as the problem it is. It
// knows no platform and no model: those come as routes and instances.
package gateway

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/functions/problem"
	"github.com/seed45885407/saccade/gateway/coldstart"
	"github.com/seed45885407/saccade/gateway/fetch"
	"github.com/seed45885407/saccade/gateway/invoke"
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
	Waiting *coldstart.Room
	Invoke  *invoke.Invoker
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
}

// DefaultMaxBytes is the default of [Options.MaxBytes].
const DefaultMaxBytes = 20_000_000

// Gateway answers requests.
type Gateway struct {
	Rooms
	inventory Inventory
	opts      Options
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
	g := &Gateway{Rooms: rooms, inventory: inventory, opts: opts, registry: prometheus.NewRegistry()}
	g.metrics = newMetrics(g.registry, inventory)
	g.registry.MustRegister(collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return g
}

// ColdStarted records what a start of an instance was spent on.
func (g *Gateway) ColdStarted(function string, start functions.Start) {
	g.metrics.started(function, start)
}

// Handler is the API.
func (g *Gateway) Handler() http.Handler {
	e := echo.New()
	e.HTTPErrorHandler = g.fail
	e.Use(middleware.RequestID(), g.observe, pace, middleware.RecoverWithConfig(middleware.RecoverConfig{
		DisablePrintStack: true, DisableErrorHandler: true,
	}))
	e.POST("/v1/functions/:name/detect", g.detect)
	e.POST("/", g.event)
	e.POST("/v1/events", g.event)
	e.GET("/v1/functions", g.list)
	e.GET("/v1/functions/:name", g.show)
	e.GET("/healthz", func(c echo.Context) error { return c.String(http.StatusOK, "ok\n") })
	e.GET("/readyz", g.ready)
	e.GET("/metrics", echo.WrapHandler(promhttp.HandlerFor(g.registry, promhttp.HandlerOpts{})))
	return e
}

// detect is POST /v1/functions/{name}/detect.
func (g *Gateway) detect(c echo.Context) error {
	req, err := g.read(c)
	if err != nil {
		return err
	}
	reply, err := g.infer(c.Request().Context(), req)
	if err != nil {
		return err
	}
	c.Set(replyKey, &reply)
	return answer(c, req, reply)
}

// list is GET /v1/functions.
func (g *Gateway) list(c echo.Context) error {
	return c.JSON(http.StatusOK, functionList{g.inventory.Functions()})
}

type functionList struct {
	Functions []functions.FunctionStatus `json:"functions"`
}

// show is GET /v1/functions/{name}.
func (g *Gateway) show(c echo.Context) error {
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
		return functions.Errorf(functions.Unavailable, "the gateway is draining")
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
