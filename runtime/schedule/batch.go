package schedule

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/seed45885407/saccade/runtime/detector"
)

// ticket is one picture's place.
//
//	queued -> running -> done
//	   \         \-> left
//	    \-> left
type ticket struct {
	inputs   []detector.Tensor
	since    time.Time
	deadline time.Time // zero: none

	batch   *batch // nil: queued
	left    bool
	outputs []detector.Tensor
	err     error
	done    chan struct{} // closed when outputs or err are set
}

func newTicket(ctx context.Context, inputs []detector.Tensor) *ticket {
	t := &ticket{inputs: inputs, since: time.Now(), done: make(chan struct{})}
	t.deadline, _ = ctx.Deadline()
	return t
}

// batch is the pictures of one run.
type batch struct {
	tickets []*ticket
	live    int             // those that have not left
	ctx     context.Context // ends when all have
	cancel  context.CancelFunc
	fed     chan struct{}  // closed when the pictures' own inputs are not read any more
	reading sync.WaitGroup // those who read outputs
}

func newBatch(tickets []*ticket) *batch {
	made := &batch{tickets: slices.Clone(tickets), live: len(tickets), fed: make(chan struct{})}
	made.ctx, made.cancel = context.WithCancel(context.Background())
	for _, t := range tickets {
		t.batch = made
	}
	return made
}

// leave takes t out of the queue or its run, and is false where it is done already.
// When it returns, its inputs are not read any more.
func (b *Batcher) leave(t *ticket) bool {
	b.mu.Lock()
	select {
	case <-t.done:
		b.mu.Unlock()
		return false
	default:
	}
	t.left = true
	running := t.batch
	if running == nil {
		b.queue = slices.DeleteFunc(b.queue, func(queued *ticket) bool { return queued == t })
	} else if running.live--; running.live == 0 {
		running.cancel()
	}
	b.mu.Unlock()
	if running != nil {
		<-running.fed
	}
	return true
}

// run makes a batch's run and waits until its outputs have been read.
func (b *Batcher) run(due *batch) {
	defer due.cancel()
	size, began := b.size(len(due.tickets)), time.Now()
	read := func(outputs []detector.Tensor) error { return b.deliver(due, outputs, size, began) }
	var err error
	if size == 1 {
		// Its inputs are the run's, so they are read until that ends.
		err = b.session.Run(due.ctx, due.tickets[0].inputs, read)
		close(due.fed)
	} else {
		inputs := b.take(size)
		err = gather(inputs, due.tickets, b.options.Like)
		close(due.fed)
		if err == nil {
			err = b.session.Run(due.ctx, inputs, read)
		}
		b.give(size, inputs)
	}
	if err != nil {
		b.fail(due, err)
	}
}

// deliver hands each ticket its share of the outputs, and waits until all are read.
func (b *Batcher) deliver(running *batch, outputs []detector.Tensor, size int, began time.Time) error {
	if err := divisible(outputs, size); err != nil {
		return err
	}
	b.mu.Lock()
	if took := time.Since(began); b.took[size] == 0 {
		b.took[size] = took
	} else {
		b.took[size] += (took - b.took[size]) / 8
	}
	b.runs[len(running.tickets)]++
	for i, t := range running.tickets {
		if t.left {
			continue
		}
		t.outputs = share(outputs, i, size)
		running.reading.Add(1)
		close(t.done)
	}
	b.mu.Unlock()
	running.reading.Wait()
	return nil
}

// fail tells those who wait that the run has failed.
func (b *Batcher) fail(running *batch, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, t := range running.tickets {
		select {
		case <-t.done: // it has its outputs
		default:
			if !t.left {
				t.err = err
				close(t.done)
			}
		}
	}
}

// take is memory for the inputs of a batch. What it holds beyond the pictures that
// are put into it is those of an earlier one, whose outputs nobody reads.
func (b *Batcher) take(size int) []detector.Tensor {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n := len(b.spare[size]); n > 0 {
		inputs := b.spare[size][n-1]
		b.spare[size] = b.spare[size][:n-1]
		return inputs
	}
	inputs := make([]detector.Tensor, len(b.options.Like))
	for i, like := range b.options.Like {
		shape := slices.Clone(like.Shape)
		shape[0] = int64(size)
		inputs[i] = detector.Tensor{Name: like.Name, Shape: shape}
		if like.Ints != nil {
			inputs[i].Ints = make([]int64, size*len(like.Ints))
		} else {
			inputs[i].Data = make([]float32, size*len(like.Data))
		}
	}
	return inputs
}

func (b *Batcher) give(size int, inputs []detector.Tensor) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.spare[size] = append(b.spare[size], inputs) // as many as there ever were runs at a time
}

var errShape = errors.New("the inputs are not those of one picture")

// gather copies each ticket's inputs to their place.
func gather(into []detector.Tensor, tickets []*ticket, like []detector.Tensor) error {
	for i, t := range tickets {
		if len(t.inputs) != len(like) {
			return errShape
		}
		for k, in := range t.inputs {
			if len(in.Data) != len(like[k].Data) || len(in.Ints) != len(like[k].Ints) {
				return errShape
			}
			copy(into[k].Data[i*len(in.Data):], in.Data)
			copy(into[k].Ints[i*len(in.Ints):], in.Ints)
		}
	}
	return nil
}

// divisible refuses outputs that do not grow with the batch: whose is what?
func divisible(outputs []detector.Tensor, size int) error {
	for _, out := range outputs {
		if len(out.Shape) == 0 || out.Shape[0] != int64(size) || (len(out.Data)+len(out.Ints))%size != 0 {
			return fmt.Errorf("output %s is %v for a batch of %d: the model does not keep its pictures apart", out.Name, out.Shape, size)
		}
	}
	return nil
}

// share is the i-th picture's part of the outputs.
func share(outputs []detector.Tensor, i, size int) []detector.Tensor {
	if size == 1 {
		return outputs
	}
	parts := make([]detector.Tensor, len(outputs))
	for k, out := range outputs {
		shape := slices.Clone(out.Shape)
		shape[0] = 1
		parts[k] = detector.Tensor{Name: out.Name, Shape: shape}
		if n := len(out.Data) / size; n > 0 {
			parts[k].Data = out.Data[i*n : (i+1)*n : (i+1)*n]
		}
		if n := len(out.Ints) / size; n > 0 {
			parts[k].Ints = out.Ints[i*n : (i+1)*n : (i+1)*n]
		}
	}
	return parts
}
