package coldstart

import (
	"io"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// Reservation is room for bytes that are held in memory for a request.
type Reservation struct {
	room  *Room
	queue *queue // nil before the request has a revision
	bytes int64  // under the room's mu
	over  bool
}

// Reserve takes room for a body that has to be read before its request can be
// routed. It fails with Busy where the room's bytes are all taken. The caller must
// Release.
func (r *Room) Reserve(bytes int64) (*Reservation, error) {
	h := &Reservation{room: r}
	return h, h.Resize(bytes)
}

// Resize changes how much is reserved. Where it fails, with Busy, the reservation
// stays as it was; it does nothing once released.
func (h *Reservation) Resize(bytes int64) error {
	r := h.room
	r.mu.Lock()
	defer r.mu.Unlock()
	if h.over {
		return nil
	}
	more := bytes - h.bytes
	switch {
	case more > 0 && r.held+more > r.opts.MaxBytes:
		return r.full(h.queue)
	case h.queue == nil:
	case more > 0 && h.queue.held > h.bytes && h.queue.held+more > r.opts.MaxBytesOf: // what is alone may be larger
		return r.full(h.queue)
	default:
		h.queue.held += more
	}
	r.held += more
	h.bytes = bytes
	return nil
}

// full is the refusal of bytes: to come back when the next request that holds some
// will have been answered. Call with mu held.
func (r *Room) full(q *queue) error {
	err := functions.Errorf(functions.Busy, "too many pictures are being held already")
	now := time.Now()
	if q != nil {
		err.RetryAfter = q.backlog(now)
		return err
	}
	err.RetryAfter = longestRetry
	for _, q := range r.queues {
		if q.held > 0 {
			err.RetryAfter = min(err.RetryAfter, q.backlog(now))
		}
	}
	if err.RetryAfter == longestRetry { // bodies alone, and those come and go
		err.RetryAfter = time.Second
	}
	return err
}

// Release gives the bytes back. Calling it again does nothing.
func (h *Reservation) Release() {
	h.room.mu.Lock()
	defer h.room.mu.Unlock()
	h.release()
}

// release is Release with mu held.
func (h *Reservation) release() {
	if h.over {
		return
	}
	h.over = true
	h.room.held -= h.bytes
	if h.queue != nil {
		h.queue.held -= h.bytes
	}
}

// leastStep is the first step in which a reader's reservation grows.
const leastStep = 64 << 10

// Reader is from with the reservation growing as bytes come, at most twofold ahead
// of them: what a sender merely announces takes no one's room. Reading fails with
// Busy where there is no more.
func (h *Reservation) Reader(from io.Reader) io.Reader { return &reserving{from: from, hold: h} }

type reserving struct {
	from           io.Reader
	hold           *Reservation
	read, reserved int64
}

func (r *reserving) Read(p []byte) (int, error) {
	n, err := r.from.Read(p)
	r.read += int64(n)
	if r.read > r.reserved {
		next := max(leastStep, 2*r.reserved, r.read)
		if full := r.hold.Resize(next); full != nil {
			return 0, full
		}
		r.reserved = next
	}
	return n, err
}
