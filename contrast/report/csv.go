package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// csvColumns are those of the CSV, as paths in what a style has in the JSON, with its trace,
// its cost and the currency. The page's script writes the same ones.
func csvColumns() []string {
	return []string{
		"trace", "name", "label", "result.seed", "result.for", "result.requests", "result.cold", "result.refused", "result.starts", "result.peak",
		"result.instances", "result.busy", "result.idle", "result.loading",
		"result.latency.mean", "result.latency.p50", "result.latency.p90", "result.latency.p95", "result.latency.p99", "result.latency.p999", "result.latency.max",
		"result.cold_latency.p50", "result.cold_latency.p99", "result.cold_latency.max",
		"result.wait.p50", "result.wait.p99", "result.wait.max",
		"usage.tariff", "usage.work", "usage.idle", "usage.start",
		"currency", "cost.work", "cost.idle", "cost.start", "cost.requests", "cost.total", "cost.per_million", "cost.wasted",
	}
}

// WriteCSV writes a line for each style on each trace; times are in seconds.
func WriteCSV(w io.Writer, in Input) error {
	doc, err := newDocument(in)
	if err != nil {
		return err
	}
	out := csv.NewWriter(w)
	out.Write(doc.Columns) // its error is kept until Flush
	for t, trace := range doc.Traces {
		for s, style := range trace.Styles {
			row, err := csvRow(struct {
				Style
				Trace    string `json:"trace"`
				Cost     Cost   `json:"cost"`
				Currency string `json:"currency"`
			}{style, trace.Name, doc.Derived.Costs[t][s], doc.Prices.Currency}, doc.Columns)
			if err != nil {
				return err
			}
			out.Write(row)
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("writing the report's CSV: %w", err)
	}
	return nil
}

// csvRow reads paths out of a value's JSON; what is left out there is 0.
func csvRow(value any, paths []string) ([]string, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("writing a line of the CSV: %w", err)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber() // digits as they stand
	var tree any
	if err := decoder.Decode(&tree); err != nil {
		return nil, fmt.Errorf("reading a line of the CSV: %w", err)
	}
	var row []string
	for _, path := range paths {
		at := tree
		for name := range strings.SplitSeq(path, ".") {
			fields, _ := at.(map[string]any)
			at = fields[name]
		}
		cell := "0"
		if at != nil {
			cell = fmt.Sprint(at)
		}
		row = append(row, cell)
	}
	return row, nil
}
