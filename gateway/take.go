package gateway

import (
	"context"
	"time"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/gateway/events"
	"github.com/seed45885407/saccade/gateway/fetch"
)

// Take accepts an event that a source has brought: nil once it is a job that will not
// be lost. It is done as its route says, whatever the route's delivery: who brought it
// does not wait. The same event again is the same job.
func (g *Gateway) Take(ctx context.Context, event events.Event) error {
	if g.Jobs == nil {
		return functions.Errorf(functions.Unavailable, "this gateway keeps no jobs")
	}
	req := request{began: time.Now(), caller: anybody, params: &functions.Parameters{}}
	if err := g.addressEvent(event, &req); err != nil {
		return err
	}
	if err := g.takeBytes(event, &req); err != nil {
		g.eventFailed(req.function, err)
		return err
	}
	route, _ := g.opts.Events.Routes.Find(event)
	_, err := g.accept(ctx, event, req, asyncRequest{owner: sourceOwner}, route.Sink)
	if err != nil {
		g.eventFailed(req.function, err)
	}
	return err
}

// sourceOwner owns the jobs that sources bring, and pays for them.
const sourceOwner = "sources"

// takeBytes takes the picture from an event's data where that is the picture itself,
// as in binary mode; else it is as in an event in JSON.
func (g *Gateway) takeBytes(event events.Event, req *request) error {
	if event.Base64 != "" || !isPicture(events.MediaType(event.DataContentType)) {
		return g.takeData(event, req)
	}
	if err := checkFormat(event.Data); err != nil {
		return err
	}
	req.size = int64(len(event.Data))
	req.picture = func(context.Context, fetch.Held) ([]byte, error) { return event.Data, nil }
	return nil
}
