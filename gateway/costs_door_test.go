package gateway

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/labstack/echo/v4"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/functions/problem"
	"github.com/seed45885407/saccade/gateway/costs"
)

// meteredPlatform has one instance that lived ten seconds.
type meteredPlatform struct{}

func (meteredPlatform) Usage() []functions.Usage {
	return []functions.Usage{{
		Function: "eye", Held: functions.Held{CPU: 2}, Starts: 1,
		Busy: 2 * time.Second, Idle: 5 * time.Second, Starting: 3 * time.Second,
	}}
}

func (meteredPlatform) Occupy(string) func(bool) functions.Share {
	return func(bool) functions.Share {
		return functions.Share{Held: functions.Held{CPU: 2}, Busy: 2 * time.Second, Start: 3 * time.Second}
	}
}

func TestTheDoorOfCosts(t *testing.T) {
	ledger := costs.New(costs.Prices{CPUSecond: 1, Request: 0.25, Currency: "EUR"}, meteredPlatform{}, costs.Options{})
	bill := ledger.Open("eye", "ann")
	bill.Enter("eye-00001-1")(true)
	bill.Settle()
	ask := func(ledger *costs.Ledger, query string) *httptest.ResponseRecorder {
		e := echo.New()
		e.HTTPErrorHandler = func(err error, c echo.Context) { problem.Write(c.Response(), err) }
		e.GET("/v1/costs", costsDoor(ledger))
		w := httptest.NewRecorder()
		e.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/costs"+query, nil))
		return w
	}
	whole := []functions.FunctionCost{{
		Function: "eye", Requests: 1, ColdStarts: 1,
		Seconds: functions.SecondsCost{Billed: seconds(2), Idle: seconds(5), Wasted: seconds(3), Total: seconds(10)},
		Cost:    functions.MoneyCost{Billed: 4, Idle: 10, Wasted: 6, Request: 0.25, Total: 20.25},
	}}
	for _, tt := range []struct {
		name, query string
		functions   []functions.FunctionCost
		keys        int
	}{
		{"everything", "", whole, 1},
		{"since before the beginning", "?since=2000-01-01T00:00:00Z", whole, 1},
		{"since an hour", "?since=1h", whole, 1},
		{"a function", "?function=eye", whole, 1},
		{"another function", "?function=ear", nil, 0},
		{"a caller", "?key=ann", nil, 1},
		{"callers without a name", "?key=", nil, 0},
	} {
		w := ask(ledger, tt.query)
		var got costReport
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != http.StatusOK {
			t.Errorf("%s: %d %s", tt.name, w.Code, w.Body)
			continue
		}
		if diff := cmp.Diff(tt.functions, got.Functions); diff != "" || len(got.Keys) != tt.keys {
			t.Errorf("%s: %d keys, functions (-want +got):\n%s", tt.name, len(got.Keys), diff)
		}
		if got.Prices.CPUSecond != 1 || got.Currency != "EUR" || got.Until.IsZero() {
			t.Errorf("%s: %s", tt.name, w.Body)
		}
	}
	for _, tt := range []struct {
		name, query string
		ledger      *costs.Ledger
		kind        functions.Kind
	}{
		{"a time that is none", "?since=yesterday", ledger, functions.Invalid},
		{"the future", "?since=2999-01-01T00:00:00Z", ledger, functions.Invalid},
		{"the future, from now", "?since=-5m", ledger, functions.Invalid},
		{"no ledger", "", nil, functions.Unavailable},
	} {
		w := ask(tt.ledger, tt.query)
		var p problem.Problem
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || p.Type != problem.New(tt.kind, "").Type {
			t.Errorf("%s: %d %s", tt.name, w.Code, w.Body)
		}
	}
}

func seconds(n int) functions.Seconds { return functions.Seconds(time.Duration(n) * time.Second) }
