package events

import (
	"errors"
	"fmt"
	"strings"
)

// Routes say which function an event is for where it does not say so itself.
type Routes struct {
	// Table is looked through in order; the first that matches counts.
	Table []Route
	// Default is the function of a request that no route matches. Default: none.
	Default string
}

// Route leads events to a function. In a pattern * stands for any characters, or
// none; all else is itself.
type Route struct {
	// Type is a pattern of event types. Default: dev.saccade.detect.v1. A pattern
	// that matches other types makes requests of events of those types.
	Type string
	// Source is a pattern of event sources. Default: any.
	Source string
	// Function is the function's name.
	Function string
}

// Check finds routes that lead nowhere.
func (r Routes) Check() error {
	var faults []error
	for i, route := range r.Table {
		if route.Function == "" {
			faults = append(faults, fmt.Errorf("event route %d names no function", i+1))
		}
	}
	return errors.Join(faults...)
}

// Route is the function that the routes lead e to, "" for none, and whether e asks
// for work at all: by its type, or because a route says so. Our own answers never
// do, whatever the routes say, so that none comes round again.
func (r Routes) Route(e Event) (function string, asks bool) {
	if e.Type == TypeDetected || e.Type == TypeFailed {
		return "", false
	}
	for _, route := range r.Table {
		kind := route.Type
		if kind == "" {
			kind = TypeDetect
		}
		if glob(kind, e.Type) && (route.Source == "" || glob(route.Source, e.Source)) {
			return route.Function, true
		}
	}
	if e.Type == TypeDetect {
		return r.Default, true
	}
	return "", false
}

// glob matches name with a pattern, in time that is linear in name for each star.
func glob(pattern, name string) bool {
	parts := strings.Split(pattern, "*")
	name, ok := strings.CutPrefix(name, parts[0])
	if !ok || len(parts) == 1 {
		return ok && name == ""
	}
	last := len(parts) - 1
	for _, part := range parts[1:last] {
		at := strings.Index(name, part)
		if at < 0 {
			return false
		}
		name = name[at+len(part):]
	}
	return strings.HasSuffix(name, parts[last])
}
