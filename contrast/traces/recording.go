package traces

import (
	"cmp"
	"encoding/json"
	"io"
	"slices"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// Recording is what really arrived somewhere, sorted by time and, at the same time, by
// function.
type Recording struct {
	records []Record
	names   map[string]string // one string for each function, however many records
}

// maxFunctions is the most functions in one recording: an access log whose every path is
// another function's would be of no use.
const maxFunctions = 100_000

// longestRecording is the most time between first and last record; more is a file with
// a wrong clock in it.
const longestRecording = 366 * 24 * time.Hour

// ReadRecords reads what a [Writer] wrote.
func ReadRecords(r io.Reader) (*Recording, error) {
	return read(r, func(number int, line []byte) (Record, bool, error) {
		var record Record
		switch err := json.Unmarshal(line, &record); {
		case err != nil:
			return record, false, functions.Errorf(functions.Invalid, "line %d is no arrival", number).Because(err)
		case record.At.IsZero():
			return record, false, functions.Errorf(functions.Invalid, "line %d does not say when the request arrived", number)
		}
		return record, true, nil
	})
}

// read takes a record of each line; parse says false for a line to pass over.
func read(r io.Reader, parse func(number int, line []byte) (Record, bool, error)) (*Recording, error) {
	all := &Recording{names: map[string]string{}}
	err := each(r, func(number int, line []byte) error {
		record, use, err := parse(number, line)
		if err != nil || !use {
			return err
		}
		return all.add(number, record)
	})
	if err != nil {
		return nil, err
	}
	if len(all.records) == 0 {
		return nil, functions.Errorf(functions.Invalid, "there is no arrival in it")
	}
	slices.SortStableFunc(all.records, func(a, b Record) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Function, b.Function))
	})
	if length := all.length(); length > longestRecording {
		return nil, functions.Errorf(functions.Invalid, "the arrivals are %v apart, from %v to %v", length, all.records[0].At, all.end())
	}
	return all, nil
}

func (r *Recording) add(number int, record Record) error {
	name, known := r.names[record.Function]
	switch {
	case len(r.records) == maxRecords:
		return functions.Errorf(functions.Invalid, "there are more than %d arrivals in it", maxRecords)
	case !known && len(r.names) == maxFunctions:
		return functions.Errorf(functions.Invalid, "there are more than %d functions in it", maxFunctions)
	case record.Service() < 0 || record.Service() > longestRecording:
		return functions.Errorf(functions.Invalid, "line %d has a request that took %v", number, record.Service())
	case !known:
		name = record.Function
		r.names[name] = name
	}
	record.Function, record.At = name, record.At.UTC()
	r.records = append(r.records, record)
	return nil
}

func (r *Recording) end() time.Time { return r.records[len(r.records)-1].At }

func (r *Recording) length() time.Duration { return r.end().Sub(r.records[0].At) }

// Records are all of them, in order of time. The caller changes none.
func (r *Recording) Records() []Record { return r.records }

// Functions are the names in the recording, sorted.
func (r *Recording) Functions() []string {
	var names []string
	for name := range r.names {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Trace is the arrivals of one function, the same for every seed. It begins with the
// recording's first record, whosever that is, so that the functions' traces stay beside
// one another, and ends a second after the last.
func (r *Recording) Trace(function string) Trace {
	var arrivals []time.Duration
	for _, record := range r.records {
		if record.Function == function {
			arrivals = append(arrivals, record.At.Sub(r.records[0].At))
		}
	}
	return Trace{function, r.length() + time.Second, func(uint64) []time.Duration { return arrivals }}
}

// Services are how long the function's requests took, where that was recorded.
func (r *Recording) Services(function string) []time.Duration {
	var services []time.Duration
	for _, record := range r.records {
		if record.Function == function && record.Duration > 0 {
			services = append(services, record.Service())
		}
	}
	return services
}
