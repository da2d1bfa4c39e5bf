package coldstart

// Life is how an instance's end becomes known to those who use it.
type Life struct {
	ended     chan struct{}
	crashed   bool
	unreached bool
}

// NewLife is the life of an instance that has just been started.
func NewLife() *Life { return &Life{ended: make(chan struct{})} }

// End is called once, by the platform: crashed where the instance ended by
// itself and not because someone ended it.
func (l *Life) End(crashed bool) {
	l.crashed = crashed
	close(l.ended)
}

// Ended is closed when the instance is no more.
func (l *Life) Ended() <-chan struct{} { return l.ended }

// Crashed says how it ended; only after Ended is closed.
func (l *Life) Crashed() bool { return l.crashed }
