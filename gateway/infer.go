package gateway

import (
	"context"
	"errors"
	"time"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/gateway/coldstart"
	"github.com/seed45885407/saccade/gateway/fetch"
)

// infer is the walk of a request: route, fetch, recall, wait, invoke, reply. The
// function begins to wake when it is routed to, while its picture is still on the way,
// unless its answer may be known already.
func (g *Gateway) infer(ctx context.Context, req request) (_ functions.Reply, err error) {
	// route
	revision, err := g.route(ctx, req.function)
	if err != nil {
		return functions.Reply{}, err
	}
	var worked time.Duration
	defer func() { g.arrived(req, worked); g.metrics.invocations.failed(revision, err) }()
	ctx, cancel := context.WithDeadline(ctx, req.until(revision))
	defer cancel()
	stay := &stay{}
	defer stay.drop()
	stay.begin(g.Waiting.Outside(revision.Name), g.opts.Costs.Open(req.function, req.payer))
	letSleep := g.Recall.Holds(revision.Name) && !g.Waiting.Awake(revision.Name)
	if !letSleep {
		if err := stay.Admit(ctx); err != nil {
			stay.Leave()
			return functions.Reply{}, err
		}
	}

	// fetch
	picture, err := room(ctx, g.opts.Tracer, "fetch", func(ctx context.Context) ([]byte, error) {
		return g.fetch(ctx, stay.Ticket, req, revision.Function.Spec.Scaling.MaxPayload())
	})
	if err != nil {
		stay.Leave()
		return functions.Reply{}, late(err)
	}
	if req.lent {
		stay.giveBack = func() { g.pictures.Give(picture) }
	}
	fetched := time.Now()

	// recall; else wait and invoke, once for all who ask the same at a time
	answer, how, err := g.recall(ctx, req, revision, stay, letSleep, picture, fetched)
	for errors.Is(err, coldstart.ErrMoved) {
		// The function was held while its revisions changed places: who answers for it now?
		if revision, err = g.route(ctx, req.function); err == nil {
			stay.begin(stay.Again(revision.Name), g.opts.Costs.Open(req.function, req.payer))
			answer, how, err = g.recall(ctx, req, revision, stay, false, picture, fetched)
		}
	}
	if err != nil {
		return functions.Reply{}, late(err)
	}

	worked = workedOn(answer, how)
	g.metrics.invocations.answered(revision, how, answer.Cold, time.Since(fetched))

	// reply
	if err := answerFits(answer, revision.Function.Spec.Scaling.MaxPayload()); err != nil {
		return functions.Reply{}, err
	}
	answer.Timing.Fetch = functions.Millis(fetched.Sub(req.began))
	reply := functions.NewReply(req.function, revision.Name, answer, time.Since(req.began))
	reply.Recall = how.Word()
	reply.Cost = stay.bill.Settle()
	return reply, nil
}

// route is the revision that answers for the function at this moment.
func (g *Gateway) route(ctx context.Context, function string) (functions.Revision, error) {
	return room(ctx, g.opts.Tracer, "route", func(context.Context) (functions.Revision, error) {
		return g.Routes.Route(function)
	})
}

// fetch gets the picture's bytes, at most as many as the function takes. Room for them is
// reserved first, or as they come where nobody says how many there are.
func (g *Gateway) fetch(ctx context.Context, ticket *coldstart.Ticket, req request, most int64) ([]byte, error) {
	held := fetch.Held(ticket.Reader)
	if req.size >= 0 {
		if err := ticket.Hold(req.size); err != nil {
			return nil, err
		}
		held = nil
	}
	picture, err := req.picture(ctx, held)
	if err != nil {
		return nil, err
	}
	if err := fits("the picture", len(picture), most); err != nil {
		return nil, err
	}
	if err := checkFormat(picture); err != nil {
		return nil, err
	}
	return picture, ticket.Hold(int64(len(picture)))
}

// late names a request's own deadline as what it is.
func late(err error) error {
	if errors.Is(err, context.DeadlineExceeded) && functions.KindOf(err) == functions.Internal {
		return functions.Errorf(functions.Timeout, "the request's time was over before the function had answered").
			Because(err)
	}
	return err
}
