package replay

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"time"
)

// WriteRequests writes a line for each request: times in seconds, phases of the start
// that it waited for in milliseconds.
func (o Outcome) WriteRequests(w io.Writer) error {
	rows := [][]string{{"at", "late", "latency", "cold", "error", "fetch_ms", "wait_ms", "decode_ms", "preprocess_ms", "infer_ms", "postprocess_ms", "pull_ms", "start_ms", "load_ms", "warmup_ms"}}
	for _, q := range o.Requests {
		row := []string{seconds(q.At), seconds(q.Late), seconds(q.Latency), strconv.FormatBool(q.Cold), string(q.Kind)}
		for _, phase := range []string{"fetch", "wait", "decode", "preprocess", "infer", "postprocess", "pull", "start", "load", "warmup"} {
			cell := ""
			for name, took := range q.Timing.Phases() {
				if name == phase && q.Kind == "" {
					cell = millis(time.Duration(took))
				}
			}
			row = append(row, cell)
		}
		rows = append(rows, row)
	}
	return write(w, rows)
}

// WriteSamples writes a line for each look at the platform.
func (o Outcome) WriteSamples(w io.Writer) error {
	rows := [][]string{{"at", "state", "ready", "starting", "in_flight", "waiting", "cores", "memory_bytes"}}
	for _, s := range o.Samples {
		rows = append(rows, []string{
			seconds(s.At), s.State, strconv.Itoa(s.Ready), strconv.Itoa(s.Starting), strconv.Itoa(s.InFlight), strconv.Itoa(s.Waiting),
			known(s.CPU >= 0, strconv.FormatFloat(s.CPU, 'f', 2, 64)), known(s.Memory >= 0, strconv.FormatInt(s.Memory, 10)),
		})
	}
	return write(w, rows)
}

// known is a cell that is empty where nothing was measured.
func known(is bool, text string) string {
	if !is {
		return ""
	}
	return text
}

func write(w io.Writer, rows [][]string) error {
	if err := csv.NewWriter(w).WriteAll(rows); err != nil {
		return fmt.Errorf("writing CSV: %w", err)
	}
	return nil
}

func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', 6, 64) }

func millis(d time.Duration) string {
	return strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', 3, 64)
}
