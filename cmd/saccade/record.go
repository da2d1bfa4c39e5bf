package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/seed45885407/saccade/contrast/traces"
	"github.com/seed45885407/saccade/functions"
)

// record is a gateway's record of arrivals, for saccade contrast. A nil record keeps
// nothing.
type record struct {
	file   *os.File
	writer *traces.Writer
	log    *slog.Logger
	failed atomic.Bool
}

// recordEvery is how often the record's lines reach the file: a gateway that is killed
// loses no more.
const recordEvery = 5 * time.Second

// openRecord adds to the file at path, which it makes where it is missing. Nobody else
// may read it: when people ask is nobody else's business.
func openRecord(path string, log *slog.Logger) (*record, error) {
	if path == "" {
		return nil, nil
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the record of arrivals: %w", err)
	}
	return &record{file: file, writer: traces.NewWriter(file), log: log}, nil
}

// arrived satisfies gateway.Options.Arrived.
func (r *record) arrived(began time.Time, function string, took time.Duration) {
	r.heed(r.writer.Write(traces.Record{At: began, Function: function, Duration: functions.Millis(took)}))
}

// heed says once that the record cannot be kept. Requests are answered even so.
func (r *record) heed(err error) {
	if err != nil && !r.failed.Swap(true) {
		r.log.Error("the record of arrivals is kept no longer", "file", r.file.Name(), "error", err)
	}
}

// run has lines reach the file until ctx ends.
func (r *record) run(ctx context.Context) {
	if r == nil {
		return
	}
	ticker := time.NewTicker(recordEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			r.heed(r.writer.Flush())
		}
	}
}

// close is called when nothing arrives any more.
func (r *record) close() error {
	if r == nil {
		return nil
	}
	if err := errors.Join(r.writer.Flush(), r.file.Close()); err != nil && !r.failed.Load() {
		return fmt.Errorf("closing the record of arrivals: %w", err)
	}
	return nil
}
