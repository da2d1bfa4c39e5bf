package gateway

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/functions"
)

// explaining is an inventory that knows the reasons.
type explaining struct {
	*world
	all []functions.Decision
}

func (e explaining) Decisions(function string) ([]functions.Decision, bool) {
	return e.all, function == "eye"
}

func TestAFunctionsDecisionsAreTold(t *testing.T) {
	all := []functions.Decision{
		{At: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Revision: "eye-00001", From: 0, To: 1, Reason: "a request arrived at zero"},
		{At: time.Date(2026, 1, 2, 3, 5, 5, 0, time.UTC), Revision: "eye-00001", From: 1, To: 0, Reason: "idle for 60 s"},
	}
	for _, test := range []struct {
		name, function string
		inventory      func(*world) Inventory
		status         int
		want           []functions.Decision
	}{
		{"in their order", "eye", func(w *world) Inventory { return explaining{w, all} }, http.StatusOK, all},
		{"none yet are an empty list", "eye", func(w *world) Inventory { return explaining{w, []functions.Decision{}} }, http.StatusOK, []functions.Decision{}},
		{"not of a function that there is not", "ear", func(w *world) Inventory { return explaining{w, all} }, http.StatusNotFound, nil},
		{"not by a platform that does not know", "eye", func(w *world) Inventory { return w }, http.StatusServiceUnavailable, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			w.gateway.inventory = test.inventory(w)
			resp, err := http.Get(w.server.URL + "/v1/functions/" + test.function + "/decisions")
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			var got decisionList
			if err := json.NewDecoder(resp.Body).Decode(&got); err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != test.status {
				t.Errorf("status %d, want %d", resp.StatusCode, test.status)
			}
			if diff := cmp.Diff(test.want, got.Decisions); diff != "" {
				t.Error(diff)
			}
			if test.status != http.StatusOK && !strings.Contains(resp.Header.Get("Content-Type"), "problem") {
				t.Errorf("the refusal is %s", resp.Header.Get("Content-Type"))
			}
		})
	}
}
