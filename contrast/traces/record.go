package traces

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// Record is one request that a gateway saw. On a line of its own it is JSON:
//
//	{"at":"2026-03-02T07:59:58.123456789Z","function":"yolo11n","duration_ms":41.7}
//
// Lines need not be in order of time, since a request is written when it is over;
// readers sort them. Files may be joined end to end. Fields that a reader does not know
// are passed over, so later versions may add some.
type Record struct {
	// At is when the request arrived.
	At time.Time `json:"at"`
	// Function is what it asked for, and never its picture or caller.
	Function string `json:"function"`
	// Duration is how long it was in an instance, waiting not counted; 0 where it never
	// came so far, or nobody measured.
	Duration functions.Millis `json:"duration_ms,omitzero"`
}

// Service is Duration.
func (r Record) Service() time.Duration { return time.Duration(r.Duration) }

// Writer writes records, a line each. It may be used by many goroutines at a time.
type Writer struct {
	mu  sync.Mutex
	to  *bufio.Writer
	err error
}

// NewWriter is a Writer to w, through a buffer: what was written is there after Flush.
func NewWriter(w io.Writer) *Writer { return &Writer{to: bufio.NewWriter(w)} }

// Write adds a line. After an error all further ones fail the same way, so that no line
// follows a torn one.
func (w *Writer) Write(r Record) error {
	r.At = r.At.UTC()
	line, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("writing an arrival: %w", err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		_, w.err = w.to.Write(append(line, '\n'))
	}
	return w.err
}

// Flush hands on what is in the buffer.
func (w *Writer) Flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		w.err = w.to.Flush()
	}
	return w.err
}
