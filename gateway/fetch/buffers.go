package fetch

import "sync"

// Pictures come by the hundred kilobytes a request. Memory of that size is cleared
// before it is handed out and collected by the cycle: under load both take as much
// time as all else that happens to a request. So it is used again.
const (
	bufferStep = 32 << 10 // sizes of buffers are multiples of it
	bufferMost = 1 << 20  // the largest that is kept
)

// Buffers are memory for pictures that is used again. The zero Buffers is empty and
// ready, from any goroutine; nil keeps nothing. What is kept goes with the garbage
// collector's cycles, as in a [sync.Pool].
type Buffers struct {
	bySteps [bufferMost / bufferStep]sync.Pool // of *[]byte; the first have one step
}

// take is an empty slice that has room for at least n bytes.
func (b *Buffers) take(n int64) []byte {
	steps := (n + bufferStep - 1) / bufferStep
	if b == nil || steps == 0 || steps > int64(len(b.bySteps)) {
		return make([]byte, 0, n)
	}
	if kept, ok := b.bySteps[steps-1].Get().(*[]byte); ok {
		return (*kept)[:0]
	}
	return make([]byte, 0, steps*bufferStep)
}

// Give takes back what [Buffers.ReadAll] returned. Nobody may look at it any more, nor
// write to it.
func (b *Buffers) Give(picture []byte) {
	steps := cap(picture) / bufferStep
	if b == nil || steps == 0 || steps > len(b.bySteps) || cap(picture)%bufferStep != 0 {
		return
	}
	b.bySteps[steps-1].Put(&picture)
}
