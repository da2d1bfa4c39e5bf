package gateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
	"golang.org/x/sync/errgroup"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/gateway/events"
	"github.com/seed45885407/saccade/gateway/jobs"
)

// deliveredLater tells whether an event is accepted and answered later: because its
// sender prefers it, or because its route has it so; and the route's sink.
func (g *Gateway) deliveredLater(event events.Event, async asyncRequest) (sink string, later bool) {
	if g.Jobs == nil {
		return "", false
	}
	route, _ := g.opts.Events.Routes.Find(event)
	return route.Sink, async.asked || route.Delivery == events.DeliveryAsync
}

// acceptEvent answers an event with 202 and no body: a Knative Trigger takes a body
// that is no event for a delivery that has failed.
func (g *Gateway) acceptEvent(c echo.Context, event events.Event, req request, async asyncRequest, sink string) error {
	receipt, err := g.accept(c.Request().Context(), event, req, async, sink)
	if err != nil {
		g.eventFailed(req.function, err)
		return err
	}
	acceptedHeader(c.Response().Header(), receiptOf(receipt), async)
	return c.NoContent(http.StatusAccepted)
}

// isForLater looks whether one event of a batch goes by a route that is answered
// later. What is wrong with it is said where it is read.
func (g *Gateway) isForLater(text []byte, async asyncRequest) (event events.Event, sink string, later bool) {
	if g.Jobs == nil {
		return event, "", false
	}
	event, err := events.Parse(text)
	if err != nil {
		return event, "", false
	}
	sink, later = g.deliveredLater(event, async)
	return event, sink, later
}

// acceptOutcome is the outcome of one event of a batch that is answered later.
func (g *Gateway) acceptOutcome(
	c echo.Context, event events.Event, text []byte, params functions.Parameters, async asyncRequest, sink string,
) (answer events.Event, failure, err error) {
	req := request{began: time.Now(), caller: callerOf(c), payer: callerOf(c).ID(), params: &params}
	_, failure = g.parseEvent(text, &req)
	var receipt jobs.Receipt
	if failure == nil {
		receipt, failure = g.accept(c.Request().Context(), event, req, async, sink)
	}
	if failure != nil {
		g.eventFailed(req.function, failure)
		answer, err = events.Failed(event, g.eventSource(req.function), failure)
		return answer, failure, err
	}
	answer, err = events.Accepted(event, g.eventSource(req.function), receiptOf(receipt))
	return answer, nil, err
}

// acceptBatch takes every event of a batch, or refuses the whole: what is wrong with
// one is said before any is stored. Where the store fails in the middle the batch is
// refused too, and those that were stored are the same jobs when it is sent again.
func (g *Gateway) acceptBatch(c echo.Context, all [][]byte, params functions.Parameters, async asyncRequest) error {
	ctx := c.Request().Context()
	var bytes int64
	for _, text := range all {
		bytes += int64(len(text))
	}
	release, err := g.Jobs.Reserve(max(bytes, 1))
	if err != nil {
		return err
	}
	defer release()
	batch := make([]jobs.Job, len(all))
	for i, text := range all {
		own := params // each event may say otherwise
		req := request{began: time.Now(), caller: callerOf(c), payer: callerOf(c).ID(), params: &own}
		event, err := g.parseEvent(text, &req)
		if err == nil {
			sink, _ := g.deliveredLater(event, async)
			batch[i], err = g.jobOf(ctx, event, req, async, sink)
		}
		if err != nil {
			g.eventFailed(req.function, err)
			return ofEvent(i, err)
		}
	}
	answers := make([]events.Event, len(all))
	var group errgroup.Group
	group.SetLimit(g.opts.Events.BatchParallel)
	for i, job := range batch {
		group.Go(func() error {
			receipt, err := g.Jobs.Accept(ctx, job)
			if err != nil {
				return ofEvent(i, err)
			}
			answers[i], err = events.Accepted(job.Event, g.eventSource(job.Function), receiptOf(receipt))
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
	h := c.Response().Header()
	h.Set("Preference-Applied", "respond-async")
	h.Set("X-Content-Type-Options", "nosniff")
	return c.Blob(http.StatusAccepted, events.ContentTypeBatch, body)
}

// ofEvent says which event of a batch an error is of.
func ofEvent(i int, err error) error {
	e, ok := errors.AsType[*functions.Error](err)
	if !ok {
		return fmt.Errorf("event %d of the batch: %w", i+1, err)
	}
	return &functions.Error{
		Kind: e.Kind, Detail: fmt.Sprintf("event %d of the batch: %s", i+1, e.Detail), RetryAfter: e.RetryAfter, Cause: e.Cause,
	}
}
