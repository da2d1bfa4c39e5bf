package oip

import (
	"context"
	"sync"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/tap"
)

// mostUnread is the most gRPC calls whose message has not been read yet. Their
// lengths are not known before, so their number is what bounds their memory.
const mostUnread = 32

// places are for gRPC calls from their head until their message is read. From then
// on they have a place, and their bytes, in their model's server.
type places chan struct{}

var errCrowded = status.Error(codes.ResourceExhausted, "the server reads as many requests as it can")

// take takes a place if there is one. free gives it back, once.
func (p places) take() (free func(), there bool) {
	select {
	case p <- struct{}{}:
		return sync.OnceFunc(func() { <-p }), true
	default:
		return nil, false
	}
}

// placeKey is where a call's free lies in its context: between its head, which gRPC
// shows to a tap alone, and its handler there is no other way.
type placeKey struct{}

func withPlace(ctx context.Context, free func()) context.Context {
	return context.WithValue(ctx, placeKey{}, free)
}

// tap refuses calls before anything of them is read. A call that ends without
// having been handled gives its place back with its context.
func (p places) tap(ctx context.Context, _ *tap.Info) (context.Context, error) {
	free, there := p.take()
	if !there {
		return nil, errCrowded
	}
	context.AfterFunc(ctx, free)
	return withPlace(ctx, free), nil
}

// arrived gives the place back of a call whose message has been read.
func arrived(ctx context.Context) {
	if free, ok := ctx.Value(placeKey{}).(func()); ok {
		free()
	}
}
