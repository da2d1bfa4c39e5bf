package scaling

import (
	"testing"

	"github.com/seed45885407/saccade/functions"
)

func TestTheNewestDecisionsAreRemembered(t *testing.T) {
	var h History
	if got := h.Decisions(); got == nil || len(got) != 0 {
		t.Errorf("of nothing: %v", got)
	}
	for n := range 3*mostDecisions + 7 {
		h.Add(functions.Decision{To: n})
		got := h.Decisions()
		if want := min(n+1, mostDecisions); len(got) != want || got[len(got)-1].To != n || got[0].To != n+1-want {
			t.Fatalf("after %d: %d, from %d to %d", n+1, len(got), got[0].To, got[len(got)-1].To)
		}
	}
}
