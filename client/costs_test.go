package client

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/functions"
)

func TestCostsAreAskedForAndRead(t *testing.T) {
	var asked string
	c := gateway(t, func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.RequestURI()
		fmt.Fprint(w, `{"currency":"EUR","functions":[{"function":"eye","seconds":{"billed":1.5},"cost":{"billed":0.25}}],"keys":[],"prices":{}}`)
	})
	for _, tt := range []struct {
		query CostQuery
		want  string
	}{
		{CostQuery{}, "/v1/costs"},
		{CostQuery{Since: "90m", Function: "eye", Key: new("")}, "/v1/costs?function=eye&key=&since=90m"},
		{CostQuery{Key: new("a&b")}, "/v1/costs?key=a%26b"},
	} {
		got, err := c.Costs(t.Context(), tt.query)
		if err != nil || asked != tt.want {
			t.Errorf("asked for %s, want %s; %v", asked, tt.want, err)
		}
		want := functions.CostReport{Currency: "EUR", Keys: []functions.KeyCost{}, Functions: []functions.FunctionCost{{
			Function: "eye", Seconds: functions.SecondsCost{Billed: 1_500_000_000}, Cost: functions.MoneyCost{Billed: 0.25},
		}}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
}
