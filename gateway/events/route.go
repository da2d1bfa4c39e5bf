package events

import (
	"errors"
	"fmt"
	"net/url"
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
	Type string `yaml:"type"`
	// Source is a pattern of event sources. Default: any.
	Source string `yaml:"source"`
	// Function is the function's name.
	Function string `yaml:"function"`
	// Delivery is when an event is answered: sync, while its sender waits (default), or
	// async: it is accepted at once, and the answer goes to a sink.
	Delivery string `yaml:"delivery"`
	// Sink is the URL that answers go to where Delivery is async. Default: the
	// gateway's.
	Sink string `yaml:"sink"`
}

// The ways of Route.Delivery.
const (
	DeliverySync  = "sync"
	DeliveryAsync = "async"
)

// Check finds routes that lead nowhere.
func (r Routes) Check() error {
	var faults []error
	for i, route := range r.Table {
		if route.Function == "" {
			faults = append(faults, fmt.Errorf("event route %d names no function", i+1))
		}
		switch {
		case route.Delivery != "" && route.Delivery != DeliverySync && route.Delivery != DeliveryAsync:
			faults = append(faults, fmt.Errorf("event route %d: the delivery %q is neither sync nor async", i+1, route.Delivery))
		case route.Sink != "" && route.Delivery != DeliveryAsync:
			faults = append(faults, fmt.Errorf("event route %d has a sink, and its delivery is not async", i+1))
		}
		if u, err := url.Parse(route.Sink); route.Sink != "" && (err != nil || !u.IsAbs()) {
			faults = append(faults, fmt.Errorf("event route %d: the sink %q is no URL", i+1, route.Sink))
		}
	}
	return errors.Join(faults...)
}

// Route is the function that the routes lead e to, "" for none, and whether e asks
// for work at all: by its type, or because a route says so. Our own answers never
// do, whatever the routes say, so that none comes round again.
func (r Routes) Route(e Event) (function string, asks bool) {
	if e.Type == TypeDetected || e.Type == TypeFailed || e.Type == TypeAccepted {
		return "", false
	}
	if route, found := r.Find(e); found {
		return route.Function, true
	}
	if e.Type == TypeDetect {
		return r.Default, true
	}
	return "", false
}

// Find is the first route that matches e.
func (r Routes) Find(e Event) (Route, bool) {
	for _, route := range r.Table {
		kind := route.Type
		if kind == "" {
			kind = TypeDetect
		}
		if glob(kind, e.Type) && (route.Source == "" || glob(route.Source, e.Source)) {
			return route, true
		}
	}
	return Route{}, false
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
