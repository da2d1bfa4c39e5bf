package gateway

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/gateway/invoke"
	"github.com/seed45885407/saccade/gateway/recall"
)

// recall is the answer that is known already, or that somebody else is waiting for, or
// a new one. slept says that the stay has woken nobody so far. The stay ends here.
func (g *Gateway) recall(ctx context.Context, req request, revision functions.Revision, stay *stay, slept bool, picture []byte, fetched time.Time,
) (functions.Answer, recall.How, error) {
	var tag recall.Tag
	if !req.unkept {
		tag = g.Recall.Tag(revision.Name, *req.params, picture)
	}
	if req.has(tag) {
		stay.Leave()
		return functions.Answer{}, 0, errNotModified
	}
	if answer, known := g.Recall.Find(tag); known {
		stay.Leave()
		return answer, recall.Hit, nil
	}
	if slept {
		if err := stay.Admit(ctx); err != nil {
			stay.Leave()
			return functions.Answer{}, 0, err
		}
	}
	return g.Recall.Do(ctx, recall.Ask{
		Revision: revision.Name, Params: *req.params, Picture: picture, Tag: tag, Place: stay,
		Run: func(ctx context.Context) (functions.Answer, error) {
			answer, err := g.ask(ctx, stay, picture, *req.params, fetched)
			if err == nil && !req.unkept {
				// Here, so that a picture counts once for all who asked.
				g.Drift.See(revision, *req.params, answer)
				g.mirror(ctx, stay, req, revision, picture, answer)
			}
			return answer, err
		},
	})
}

// ask waits for an instance and invokes it; another one where the first was lost.
func (g *Gateway) ask(ctx context.Context, stay *stay, picture []byte, params functions.Parameters, fetched time.Time,
) (functions.Answer, error) {
	for {
		lease, err := room(ctx, g.opts.Tracer, "wait", stay.Wait)
		if err != nil {
			return functions.Answer{}, err
		}
		invoked := time.Now()
		leave := stay.bill.Enter(lease.Name)
		answer, err := room(ctx, g.opts.Tracer, "invoke", func(ctx context.Context) (functions.Answer, error) {
			return g.Invoke.Detect(ctx, lease.Instance, picture, params)
		}, trace.WithSpanKind(trace.SpanKindClient))
		answered := time.Now()
		leave(err == nil)
		if err != nil {
			lease.Failed()
		}
		lease.Release()
		switch {
		case errors.Is(err, invoke.ErrLost) && stay.MayRetry(ctx, lease):
			continue
		case err != nil:
			return functions.Answer{}, err
		}
		lease.Account(&answer)
		answer.Timing.Wait += functions.Millis(invoked.Sub(fetched))
		if answer.Cold { // the instance's clock began when it could read the request
			answer.Timing.Wait += max(0, functions.Millis(answered.Sub(fetched))-answer.Timing.Sum())
		}
		return answer, nil
	}
}
