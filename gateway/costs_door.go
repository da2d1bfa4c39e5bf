package gateway

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/gateway/costs"
)

// costReport is the answer of GET /v1/costs: the report and what it was reckoned with.
type costReport struct {
	functions.CostReport
	Prices costs.Prices `json:"prices"`
}

// costsDoor is GET /v1/costs?since=&function=&key=. since is a time (RFC 3339) or
// how long ago (90m); an empty key asks for the callers that have no name.
func costsDoor(ledger *costs.Ledger) echo.HandlerFunc {
	return func(c echo.Context) error {
		if ledger == nil {
			return functions.Errorf(functions.Unavailable, "this gateway does not reckon costs")
		}
		values := c.QueryParams()
		query := costs.Query{Function: values.Get("function")}
		if values.Has("key") {
			query.Key = new(values.Get("key"))
		}
		var err error
		if query.Since, err = readSince(values.Get("since"), time.Now()); err != nil {
			return err
		}
		c.Response().Header().Set("Cache-Control", "no-store")
		return c.JSON(http.StatusOK, costReport{ledger.Report(query), ledger.Prices()})
	}
}

// readSince is the time that text tells; the zero time for none.
func readSince(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	since, err := time.Parse(time.RFC3339, text)
	if ago, notAgo := time.ParseDuration(text); notAgo == nil {
		since, err = now.Add(-ago), nil
	}
	switch {
	case err != nil:
		return time.Time{}, functions.Errorf(functions.Invalid,
			"since is neither a time such as 2026-01-31T12:00:00Z nor how long ago, such as 90m")
	case since.After(now):
		return time.Time{}, functions.Errorf(functions.Invalid, "since lies in the future")
	}
	return since, nil
}
