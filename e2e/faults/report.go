package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// row is what a scenario came to.
type row struct {
	name, what string
	counts     counts
	notes      []string
	took       time.Duration
	skipped    error // why it was not played
	err        error
}

func (r row) short() string {
	if r.skipped != nil {
		return "not played: " + r.skipped.Error()
	}
	c := r.counts
	text := fmt.Sprintf("accepted %d, done %d, failed %d, lost %d, in %s", c.Accepted, c.Done, c.Failed, c.Lost, round(r.took))
	if r.err != nil {
		text += ": " + r.err.Error()
	}
	return text
}

// verdict is an error that says all that may not be.
func verdict(rows []row, atLeast int) error {
	var faults []error
	accepted := 0
	for _, r := range rows {
		c := r.counts
		accepted += c.Accepted
		must := func(ok bool, format string, args ...any) {
			if !ok {
				faults = append(faults, fmt.Errorf(r.name+": "+format, args...))
			}
		}
		must(r.err == nil, "%w", r.err)
		must(c.Lost == 0, "%d accepted events are lost", c.Lost)
		must(c.Other == 0, "%d events have two outcomes or two jobs", c.Other)
		must(c.Bare == 0, "%d refusals do not say when to come back", c.Bare)
		must(c.Accepted == c.Sent, "%d of %d events were not accepted in the end", c.Sent-c.Accepted, c.Sent)
	}
	if accepted < atLeast {
		faults = append(faults, fmt.Errorf("%d events were accepted; want at least %d", accepted, atLeast))
	}
	return errors.Join(faults...)
}

// report writes the table, in Markdown that can be read as it is.
func report(w io.Writer, rows []row, took time.Duration) {
	heads := []string{"scenario", "sent", "accepted", "done", "failed", "lost", "again, same id", "again, other id", "refused", "no answer", "recovery", "slowest", "took"}
	table := [][]string{heads}
	var all counts
	for _, r := range rows {
		if r.skipped != nil {
			continue
		}
		c := r.counts
		table = append(table, cells(r.name, c, r.took))
		all.Sent, all.Accepted, all.Done, all.Failed = all.Sent+c.Sent, all.Accepted+c.Accepted, all.Done+c.Done, all.Failed+c.Failed
		all.Lost, all.Again, all.Other = all.Lost+c.Lost, all.Again+c.Again, all.Other+c.Other
		all.Refused, all.Cut = all.Refused+c.Refused, all.Cut+c.Cut
		all.Recovery, all.Slowest = max(all.Recovery, c.Recovery), max(all.Slowest, c.Slowest)
	}
	write(w, append(table, cells("in all", all, took)))
	fmt.Fprintln(w)
	for _, r := range rows {
		fmt.Fprintf(w, "- %s: %s", r.name, r.what)
		if r.skipped != nil {
			fmt.Fprintf(w, "; not played: %v", r.skipped)
		}
		for _, note := range r.notes {
			fmt.Fprintf(w, "; %s", note)
		}
		fmt.Fprintln(w)
	}
}

func cells(name string, c counts, took time.Duration) []string {
	row := []string{name}
	for _, n := range []int{c.Sent, c.Accepted, c.Done, c.Failed, c.Lost, c.Again, c.Other, c.Refused, c.Cut} {
		row = append(row, fmt.Sprint(n))
	}
	return append(row, round(c.Recovery), round(c.Slowest), round(took))
}

// round is a duration in seconds, to a tenth.
func round(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

// write aligns the cells: names to the left, numbers to the right.
func write(w io.Writer, table [][]string) {
	widths := make([]int, len(table[0]))
	for _, row := range table {
		for i, cell := range row {
			widths[i] = max(widths[i], len(cell))
		}
	}
	for n, row := range table {
		for i, cell := range row {
			if i == 0 {
				fmt.Fprintf(w, "| %-*s ", widths[i], cell)
			} else {
				fmt.Fprintf(w, "| %*s ", widths[i], cell)
			}
		}
		fmt.Fprintln(w, "|")
		if n == 0 {
			for i, width := range widths {
				line := strings.Repeat("-", width)
				if i > 0 {
					line = line[1:] + ":"
				}
				fmt.Fprintf(w, "| %s ", line)
			}
			fmt.Fprintln(w, "|")
		}
	}
}
