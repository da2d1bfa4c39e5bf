package oip

import (
	"cmp"
	"context"
	"errors"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/functions/problem"
)

// errStops is what the last requests of a process are told.
var errStops error = functions.Errorf(functions.Unavailable, "the instance stops")

// said is what a caller may read of err.
func said(err error) string {
	p := problem.Of(err)
	return cmp.Or(p.Detail, p.Title)
}

// refusal is err as gRPC says it.
func refusal(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	return status.Error(codeOf(ctx, err), said(err))
}

func codeOf(ctx context.Context, err error) codes.Code {
	kind := functions.KindOf(err)
	if kind != functions.Internal {
		return codeOfKind(kind)
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(ctx.Err(), context.DeadlineExceeded):
		return codes.DeadlineExceeded
	case errors.Is(err, context.Canceled), ctx.Err() != nil:
		return codes.Canceled
	}
	return codes.Internal
}

func codeOfKind(kind functions.Kind) codes.Code {
	switch kind {
	case functions.Invalid, functions.Unreadable, functions.TooLarge, functions.Unsupported:
		return codes.InvalidArgument
	case functions.NotFound, functions.JobNotFound:
		return codes.NotFound
	case functions.Conflict:
		return codes.FailedPrecondition
	case functions.Unauthenticated:
		return codes.Unauthenticated
	case functions.NotPermitted, functions.Forbidden:
		return codes.PermissionDenied
	case functions.Busy, functions.OverLimit:
		return codes.ResourceExhausted
	case functions.UploadTimeout, functions.SourceTimeout, functions.ColdStartTimeout, functions.Timeout, functions.TooShort:
		return codes.DeadlineExceeded
	case functions.Unavailable, functions.SourceFailed:
		return codes.Unavailable
	}
	return codes.Internal
}

// retryAfter is when err says that trying again makes sense, 0 for not known.
func retryAfter(err error) time.Duration {
	if e, ok := errors.AsType[*functions.Error](err); ok {
		return e.RetryAfter
	}
	return 0
}

// report logs what is a fault of ours, unless the caller has gone.
func (d *Door) report(ctx context.Context, what string, err error) {
	if functions.KindOf(err) == functions.Internal && ctx.Err() == nil {
		d.options.Log.Error("request failed", "path", what, "error", err)
	}
}
