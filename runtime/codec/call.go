package codec

import (
	"context"
	"fmt"

	"github.com/tetratelabs/wazero/api"

	"github.com/seed45885407/saccade/runtime/vision"
)

// call calls a function that returns an address. Where it traps, runs out of time or is
// not there, that is the error.
func call(ctx context.Context, f api.Function, args ...uint64) (uint32, error) {
	results, err := f.Call(ctx, args...)
	if ctx.Err() != nil {
		return 0, fmt.Errorf("the decoder's time was over: %w", vision.ErrTooMuch)
	}
	if err != nil {
		return 0, fmt.Errorf("running the decoder: %w", err)
	}
	return api.DecodeU32(results[0]), nil
}
