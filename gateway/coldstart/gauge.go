package coldstart

import "time"

// Oldest is how long the request that waits longest for an instance of the
// revision has waited; 0 where none waits.
func (r *Room) Oldest(revision string) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	if q := r.queues[revision]; q != nil && len(q.waiting) > 0 {
		return time.Since(q.waiting[0].since) // they are in the order in which they began to wait
	}
	return 0
}

// Bytes tells how many bytes of pictures are held, and how many may be.
func (r *Room) Bytes() (held, most int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.held, r.opts.MaxBytes
}
