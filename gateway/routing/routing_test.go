package routing

import (
	"strings"
	"testing"

	"github.com/seed45885407/saccade/functions"
)

func revision(function, name string) functions.Revision {
	return functions.Revision{Name: name, Function: functions.Function{Metadata: functions.Metadata{Name: function}}}
}

func TestTheNewestRevisionAnswersForItsFunction(t *testing.T) {
	var table Table
	_, err := table.Route("eye")
	if functions.KindOf(err) != functions.NotFound {
		t.Errorf("an empty table: %v", err)
	}
	table.Set(revision("eye", "eye-00001"))
	table.Set(revision("ear", "ear-00001"))
	table.Set(revision("eye", "eye-00002"))
	if r, err := table.Route("eye"); err != nil || r.Name != "eye-00002" {
		t.Errorf("eye goes to %s, %v", r.Name, err)
	}
	_, err = table.Route("nose")
	if functions.KindOf(err) != functions.NotFound || !strings.Contains(err.Error(), "ear, eye") {
		t.Errorf("an unknown name: %v, want the known ones named", err)
	}
	_, err = table.Route(strings.Repeat("x", 10_000))
	if len(err.Error()) > 500 {
		t.Errorf("a long name is repeated at length: %d bytes", len(err.Error()))
	}
	table.Remove("eye")
	if _, err := table.Route("eye"); err == nil {
		t.Error("a removed function is routed to")
	}
}
