package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/labstack/echo/v4"
	"golang.org/x/sync/errgroup"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/gateway/events"
)

// batch answers a batch of events with one of their outcomes, in order.
func (g *Gateway) batch(c echo.Context, params functions.Parameters, async asyncRequest) error {
	deadline, err := readDeadline(c.Request().Header, time.Now())
	if err != nil {
		return err
	}
	text, err := g.readText(c.Request(), g.opts.Events.BatchBytes)
	if err != nil {
		return err
	}
	all, err := events.Split(text, g.opts.Events.BatchEvents)
	if err != nil {
		return err
	}
	if err := g.spend(c, len(all)); err != nil {
		return err
	}
	if async.asked {
		return g.acceptBatch(c, all, params, async)
	}
	answers := make([]events.Event, len(all))
	failures := make([]error, len(all))
	var group errgroup.Group
	group.SetLimit(g.opts.Events.BatchParallel)
	for i, text := range all {
		group.Go(func() (err error) {
			if event, sink, later := g.isForLater(text, async); later {
				answers[i], failures[i], err = g.acceptOutcome(c, event, text, params, async, sink)
				return err
			}
			answers[i], failures[i], err = g.outcome(c, text, params, deadline)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	body, err := json.Marshal(answers)
	if err != nil {
		return fmt.Errorf("writing the answers: %w", err)
	}
	c.Response().Header().Set("X-Content-Type-Options", "nosniff")
	if err := c.Blob(http.StatusOK, events.ContentTypeBatch, body); err != nil {
		return err
	}
	return batchFailure(failures)
}

// outcome is what became of one event of a batch, as an event: failure is there for
// the log alone. A fault of ours in one event must not take the others with it.
func (g *Gateway) outcome(c echo.Context, text []byte, params functions.Parameters, deadline time.Time,
) (answer events.Event, failure, err error) {
	req := request{began: time.Now(), caller: callerOf(c), payer: callerOf(c).ID(), params: &params, deadline: deadline}
	ctx, event, reply, failure := g.inferEvent(c.Request().Context(), text, &req)
	if failure != nil {
		g.eventFailed(req.function, failure)
		answer, err = events.Failed(event, g.eventSource(req.function), failure)
		return answer, failure, err
	}
	g.metrics.replied(ctx, &reply, time.Since(req.began))
	answer, err = events.Detected(event, g.eventSource(req.function), reply)
	return answer, nil, err
}

// inferEvent also gives the trace that the event was worked on in.
func (g *Gateway) inferEvent(ctx context.Context, text []byte, req *request) (
	within context.Context, event events.Event, reply functions.Reply, err error,
) {
	within = ctx
	var end func(functions.Reply, error)
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
		if end != nil {
			end(reply, err)
		}
	}()
	if event, err = g.parseEvent(text, req); err != nil {
		return within, event, reply, err
	}
	within, event, end = g.tracedEvent(ctx, event)
	reply, err = g.infer(within, *req)
	return within, event, reply, err
}

// batchFailure tells the log of a batch that was answered, and not all of it well:
// one cause stands for all, one of ours before a sender's.
func batchFailure(failures []error) error {
	var failed int
	var worst error
	for _, err := range failures {
		if err == nil {
			continue
		}
		failed++
		if worst == nil || functions.KindOf(worst) != functions.Internal && functions.KindOf(err) == functions.Internal {
			worst = err
		}
	}
	if failed == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d events failed: %w", failed, len(failures), worst)
}
