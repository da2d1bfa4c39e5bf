package events

import (
	"strings"
	"testing"
)

func TestARouteSaysWhenItsEventsAreAnsweredAndWhere(t *testing.T) {
	routes := Routes{Table: []Route{
		{Source: "/gate/*", Function: "a", Delivery: DeliveryAsync, Sink: "https://sink.example/"},
		{Function: "b"},
	}}
	if err := routes.Check(); err != nil {
		t.Error(err)
	}
	e := Event{ID: "1", Source: "/gate/7", Type: TypeDetect}
	if route, found := routes.Find(e); !found || route.Function != "a" || route.Delivery != DeliveryAsync || route.Sink != "https://sink.example/" {
		t.Errorf("the route is %+v", route)
	}
	e.Source = "/door"
	if route, found := routes.Find(e); !found || route.Function != "b" || route.Delivery != "" {
		t.Errorf("the other route is %+v", route)
	}
	if _, found := (Routes{}).Find(e); found {
		t.Error("there is a route among none")
	}
	for name, tt := range map[string]struct {
		route Route
		fault string
	}{
		"an unknown delivery":          {Route{Function: "a", Delivery: "later"}, "neither sync nor async"},
		"a sink for who waits":         {Route{Function: "a", Sink: "https://s.example/"}, "not async"},
		"a sink for who waits, said":   {Route{Function: "a", Delivery: DeliverySync, Sink: "https://s.example/"}, "not async"},
		"a sink that is no URL":        {Route{Function: "a", Delivery: DeliveryAsync, Sink: "s.example"}, "no URL"},
		"a sink that cannot be parsed": {Route{Function: "a", Delivery: DeliveryAsync, Sink: "%"}, "no URL"},
	} {
		if err := (Routes{Table: []Route{tt.route}}).Check(); err == nil || !strings.Contains(err.Error(), tt.fault) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAReceiptIsAnEventThatAsksForNothing(t *testing.T) {
	request := Event{ID: "7", Source: "/camera", Type: TypeDetect, Subject: "gate 1", Extensions: map[string]any{"traceparent": "00-1-2-01"}}
	e, err := Accepted(request, "/saccade/functions/eye", map[string]string{"id": "eye-1"})
	if err != nil || e.Type != TypeAccepted || string(e.Data) != `{"id":"eye-1"}` || e.Subject != "gate 1" ||
		e.Extensions["causationid"] != "7" || e.Extensions["traceparent"] != "00-1-2-01" || e.ID == "7" {
		t.Errorf("the receipt is %+v, %v", e, err)
	}
	if _, asks := (Routes{Table: []Route{{Type: "*", Function: "eye"}}}).Route(e); asks {
		t.Error("a receipt comes round as a request")
	}
}
