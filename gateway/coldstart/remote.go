package coldstart

import "github.com/seed45885407/saccade/functions"

// Remote is what is to be known of an instance on another machine: how it is
// addressed, and that nobody sees its end from here but those who use it.
type Remote struct {
	// Host is what requests name as their host; empty: the address.
	Host string
	// Header is set on every request. May be nil.
	Header map[string]string
	// Lost is told when a request lost the instance, so that the platform ends its Life
	// and offers it no more. Nil: the platform sees that itself, and whatever answers is
	// the instance.
	Lost func(Loss)
	// Ledger is what bringing the instance up was spent on, asked when one has answered
	// that a request waited for. Nil: the instance's own answer says it.
	Ledger func() functions.Start
}

// Loss is how a request lost its instance.
type Loss int

// The ways to lose one.
const (
	// Unreached: the request never came to it, so its end says nothing of the request.
	Unreached Loss = iota
	// Broken: the connection ended under the request.
	Broken
	// Crashed: the program that worked on the request is gone.
	Crashed
)

// Lose is End for an instance that its requests found gone.
func (l *Life) Lose(how Loss) {
	l.unreached = how == Unreached
	l.End(how == Crashed)
}

// Leases is how many requests the named instance has, also where it gets no more.
func (r *Room) Leases(revision, instance string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if q := r.queues[revision]; q != nil {
		for _, s := range q.seats {
			if s.Name == instance {
				return s.leases
			}
		}
	}
	return 0
}

// Account adds to an answer what the instance itself cannot know of its start: that
// the request waited for it, outside of the instance, and what it was spent on.
func (l *Lease) Account(answer *functions.Answer) {
	if l.Ledger == nil {
		answer.Start.Pull = l.Pull
		return
	}
	if (l.Cold || l.woken) && !answer.Cold {
		answer.Cold, answer.Start = true, l.Ledger()
	}
}
