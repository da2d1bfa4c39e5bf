package gateway

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/gateway/coldstart"
	"github.com/seed45885407/saccade/gateway/invoke"
)

// infer is the walk of a request: route, fetch, wait, invoke, reply. The function
// begins to wake when it is routed to, while its picture is still on the way.
func (g *Gateway) infer(ctx context.Context, req request) (functions.Reply, error) {
	// route
	revision, err := room(ctx, g.opts.Tracer, "route", func(context.Context) (functions.Revision, error) {
		return g.Routes.Route(req.function)
	})
	if err != nil {
		return functions.Reply{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(revision.Function.Spec.Scaling.Timeout))
	defer cancel()
	ticket, err := g.Waiting.Enter(revision.Name)
	if err != nil {
		return functions.Reply{}, err
	}
	defer ticket.Leave()
	bill := g.opts.Costs.Open(req.function, req.payer)
	defer bill.Settle()

	// fetch
	picture, err := room(ctx, g.opts.Tracer, "fetch", func(ctx context.Context) ([]byte, error) {
		return g.fetch(ctx, ticket, req, revision.Function.Spec.Scaling.MaxPayload())
	})
	if err != nil {
		return functions.Reply{}, late(err)
	}
	fetched := time.Now()

	// wait and invoke; again on another instance where the first was lost
	var answer functions.Answer
	var instance coldstart.Instance
	var invoked, answered time.Time
	for lost := true; lost; {
		lease, err := room(ctx, g.opts.Tracer, "wait", ticket.Wait)
		if err != nil {
			return functions.Reply{}, late(err)
		}
		invoked = time.Now()
		leave := bill.Enter(lease.Name)
		answer, err = room(ctx, g.opts.Tracer, "invoke", func(ctx context.Context) (functions.Answer, error) {
			return g.Invoke.Detect(ctx, lease.Instance, picture, *req.params)
		}, trace.WithSpanKind(trace.SpanKindClient))
		answered = time.Now()
		leave(err == nil)
		lease.Release()
		lost = errors.Is(err, invoke.ErrLost) && ticket.MayRetry(ctx, lease)
		if err != nil && !lost {
			return functions.Reply{}, late(err)
		}
		instance = lease.Instance
	}

	// reply
	if err := answerFits(answer, revision.Function.Spec.Scaling.MaxPayload()); err != nil {
		return functions.Reply{}, err
	}
	answer.Timing.Wait += functions.Millis(invoked.Sub(fetched))
	if answer.Cold { // the instance's clock began when it could read the request
		answer.Timing.Wait += max(0, functions.Millis(answered.Sub(fetched))-answer.Timing.Sum())
	}
	answer.Timing.Fetch = functions.Millis(fetched.Sub(req.began))
	answer.Start.Pull = instance.Pull
	reply := functions.NewReply(req.function, revision.Name, answer, time.Since(req.began))
	reply.Cost = bill.Settle()
	return reply, nil
}

// fetch gets the picture's bytes, at most as many as the function takes, room for them
// reserved first.
func (g *Gateway) fetch(ctx context.Context, ticket *coldstart.Ticket, req request, most int64) ([]byte, error) {
	if err := ticket.Hold(req.size); err != nil {
		return nil, err
	}
	picture, err := req.picture(ctx)
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
