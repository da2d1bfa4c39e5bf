package catalog

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Fault is one thing that is wrong with a function.yaml.
type Fault struct {
	// File is the file as messages name it, or empty for a function that was not
	// read from one.
	File string
	// Line counts from 1; 0 where the fault is in no line.
	Line int
	// Field is the path of the field, for example spec.thresholds.minScore; empty
	// where the file cannot be read as fields.
	Field string
	// Text says what is wrong.
	Text string
}

// Error is file:line: field: text, as editors and terminals link it.
func (f *Fault) Error() string {
	var parts []string
	switch {
	case f.File != "" && f.Line > 0:
		parts = append(parts, fmt.Sprintf("%s:%d", f.File, f.Line))
	case f.File != "":
		parts = append(parts, f.File)
	}
	if f.Field != "" {
		parts = append(parts, f.Field)
	}
	return strings.Join(append(parts, f.Text), ": ")
}

// faults collects what is wrong with one file.
type faults struct {
	file  string
	lines map[string]int // where each field that is there stands
	list  []*Fault
}

func (found *faults) add(line int, field, format string, args ...any) {
	found.list = append(found.list, &Fault{found.file, line, field, fmt.Sprintf(format, args...)})
}

// at adds a fault in the line of field, or of the nearest field around it.
func (found *faults) at(field, format string, args ...any) {
	place := field
	for found.lines[place] == 0 && place != "" {
		place = parent(place)
	}
	found.add(found.lines[place], field, format, args...)
}

func (found *faults) present(field string) bool { return found.lines[field] > 0 }

// has says whether field, a field in it or a field around it was found wrong
// already, so that nothing is told twice.
func (found *faults) has(field string) bool {
	return slices.ContainsFunc(found.list, func(f *Fault) bool {
		return within(f.Field, field) || within(field, f.Field)
	})
}

// within says whether field is outer or lies in it.
func within(field, outer string) bool {
	rest, ok := strings.CutPrefix(field, outer)
	return ok && (rest == "" || outer == "" || rest[0] == '.' || rest[0] == '[')
}

// err is all faults in the order of their lines, or nil. A file that is wrong
// from end to end says so only so often.
func (found *faults) err() error {
	const most = 20
	slices.SortStableFunc(found.list, func(a, b *Fault) int { return cmp.Compare(a.Line, b.Line) })
	var errs []error
	for i, f := range found.list {
		if i == most {
			errs = append(errs, &Fault{File: found.file, Text: fmt.Sprintf("and %d faults more", len(found.list)-most)})
			break
		}
		errs = append(errs, f)
	}
	return errors.Join(errs...)
}
