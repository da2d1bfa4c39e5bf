package jobs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// lane is the way of one function's jobs, or of one sink's answers: a consumer of
// its own with a bound of its own, so that none waits for another's.
type lane struct {
	stream, key string
	consumer    jetstream.Consumer
	// waiting is how many messages wait, as far as is known here.
	waiting atomic.Int64
	// counting is held by who counts anew, and read-held by who adds.
	counting sync.RWMutex
	serving  bool // by this process; of the goroutine that serves
}

// laneName begins the names of the consumers.
const laneName = "lane-"

// lane is the one with the key, made where it is not there yet: before its first
// message is stored, so that every process finds it.
func (j *Jobs) lane(ctx context.Context, l *link, stream, key string) (*lane, error) {
	name := stream + "/" + key
	j.mu.Lock()
	found := j.lanes[name]
	j.mu.Unlock()
	if found != nil {
		return found, nil
	}
	j.making.Lock() // or everybody makes it, when its first jobs come
	defer j.making.Unlock()
	j.mu.Lock()
	found = j.lanes[name]
	j.mu.Unlock()
	if found != nil {
		return found, nil
	}
	filter := subjects[stream] + key + ".*"
	if stream == deliveries {
		filter += ".*"
	}
	consumer, err := l.streams[stream].CreateOrUpdateConsumer(ctx, jetstream.ConsumerConfig{
		Durable: laneName + key, FilterSubject: filter, AckPolicy: jetstream.AckExplicitPolicy, AckWait: j.opts.Lease,
		MaxDeliver: -1, // how often a job is tried is not the stream's business
		// Those that pause before another try are counted too, and must not hold up others.
		MaxAckPending: 20_000, Replicas: j.opts.Replicas,
	})
	if err != nil {
		return nil, fmt.Errorf("making the lane %s: %w", name, err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if found = j.lanes[name]; found == nil && j.now == l {
		found = &lane{stream: stream, key: key, consumer: consumer}
		j.lanes[name] = found
		select {
		case j.started <- struct{}{}:
		default:
		}
	}
	if found == nil {
		return nil, errors.New("the store was closed meanwhile")
	}
	return found, nil
}

// discover finds lanes that others made.
func (j *Jobs) discover(ctx context.Context, l *link) error {
	for _, stream := range []string{queue, deliveries} {
		names := l.streams[stream].ConsumerNames(ctx)
		for name := range names.Name() {
			if key, ours := strings.CutPrefix(name, laneName); ours {
				if _, err := j.lane(ctx, l, stream, key); err != nil {
					return err
				}
			}
		}
		if err := names.Err(); err != nil {
			return fmt.Errorf("looking for lanes: %w", err)
		}
	}
	return nil
}

// discoverEvery is how often lanes of other processes are looked for.
const discoverEvery = 5 * time.Second

// Run works on jobs and delivers answers until ctx ends, and returns when all that
// was begun has ended, or Options.Drain is over. What did not end is taken up again
// later. One Run at a time.
func (j *Jobs) Run(ctx context.Context, work Work) error {
	for ctx.Err() == nil {
		l, err := j.untilLinked(ctx)
		if err != nil {
			break // ctx has ended, as it may
		}
		j.serve(ctx, l, work)
	}
	return nil
}

// serve works on what comes over one link, until it is gone or ctx ends.
func (j *Jobs) serve(ctx context.Context, l *link, work Work) {
	fetching, stop := context.WithCancel(ctx)
	defer stop()
	// Two phases: nothing more is fetched, then what was begun has its time to end.
	working, abandon := context.WithCancel(context.WithoutCancel(ctx))
	defer abandon()
	var lanes sync.WaitGroup
	ticker := time.NewTicker(discoverEvery)
	defer ticker.Stop()
	for ctx.Err() == nil && !l.isGone() {
		if err := j.discover(ctx, l); err != nil && ctx.Err() == nil && !l.isGone() {
			j.opts.Noticed(err)
		}
		for _, found := range j.unserved() {
			lanes.Go(func() {
				j.drive(fetching, working, found, work)
				j.mu.Lock()
				found.serving = false
				j.mu.Unlock()
			})
		}
		select {
		case <-ctx.Done():
		case <-l.gone:
		case <-j.started:
		case <-ticker.C:
		}
	}
	stop()
	timer := time.AfterFunc(j.opts.Drain, abandon)
	defer timer.Stop()
	lanes.Wait()
}

func (l *link) isGone() bool {
	select {
	case <-l.gone:
		return true
	default:
		return false
	}
}

// unserved are the lanes that nobody drives yet; they count as driven from now on.
func (j *Jobs) unserved() []*lane {
	j.mu.Lock()
	defer j.mu.Unlock()
	var found []*lane
	for _, l := range j.lanes {
		if !l.serving {
			l.serving = true
			found = append(found, l)
		}
	}
	return found
}

// fetchFor is how long the store is asked to wait for a message.
const fetchFor = 10 * time.Second

// drive takes a lane's messages, as many at a time as may be worked on, until
// fetching ends.
func (j *Jobs) drive(fetching, working context.Context, in *lane, work Work) {
	var busy sync.WaitGroup
	defer busy.Wait()
	free := newSlots()
	for fetching.Err() == nil {
		n := free.untilFree(fetching, j.parallel(in))
		if n == 0 {
			continue
		}
		waiting, stop := context.WithTimeout(fetching, fetchFor)
		batch, err := in.consumer.Fetch(n, jetstream.FetchContext(waiting))
		if err == nil {
			for msg := range batch.Messages() {
				if fetching.Err() != nil { // it came while we stopped: for the next process
					_ = msg.Nak()
					continue
				}
				free.take()
				busy.Go(func() {
					defer free.give()
					j.handle(working, in, msg, work)
				})
			}
			err = batch.Error()
		}
		stop()
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			pause(fetching, time.Second) // the link is going, or coming back
		}
	}
}

func (j *Jobs) parallel(in *lane) int {
	if in.stream == deliveries {
		return j.opts.SinkParallel
	}
	return max(1, j.opts.ParallelOf(in.key))
}

// handle keeps the store knowing that a message is being worked on.
func (j *Jobs) handle(ctx context.Context, in *lane, msg jetstream.Msg, work Work) {
	ended := make(chan struct{})
	var beating sync.WaitGroup
	beating.Go(func() {
		ticker := time.NewTicker(j.opts.Lease / 3)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				_ = msg.InProgress() // if it is not heard, another takes the job
			case <-ended:
				return
			}
		}
	})
	var err error
	if in.stream == deliveries {
		err = j.send(ctx, msg)
	} else {
		err = j.attempt(ctx, msg, work)
	}
	close(ended)
	beating.Wait()
	if err != nil {
		// The store has the message, and gives it out again.
		j.opts.Noticed(err)
		_ = msg.NakWithDelay(j.opts.Backoff)
	}
}

// pause waits, or returns early where ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// slots count what is worked on. One goroutine takes, many give.
type slots struct {
	taken atomic.Int64
	given chan struct{} // buffered, one
}

func newSlots() *slots { return &slots{given: make(chan struct{}, 1)} }

func (s *slots) take() { s.taken.Add(1) }

func (s *slots) give() {
	s.taken.Add(-1)
	select {
	case s.given <- struct{}{}:
	default:
	}
}

// untilFree is how many of most are free, waiting for one; 0 where ctx ends.
func (s *slots) untilFree(ctx context.Context, most int) int {
	for {
		if n := most - int(s.taken.Load()); n > 0 {
			return n
		}
		select {
		case <-s.given:
		case <-ctx.Done():
			return 0
		}
	}
}
