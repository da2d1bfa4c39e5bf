package gateway

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/seed45885407/saccade/functions"
)

// Explainer is an Inventory that knows why a function has as many instances as it
// has.
type Explainer interface {
	// Decisions are the newest changes of how many are wanted, the oldest first, never
	// nil. known is false for a function that there is not.
	Decisions(function string) (_ []functions.Decision, known bool)
}

type decisionList struct {
	Function  string               `json:"function"`
	Decisions []functions.Decision `json:"decisions"`
}

// decisions is GET /v1/functions/{name}/decisions.
func (g *Gateway) decisions(c echo.Context) error {
	name := c.Param("name")
	if explainer, ok := g.inventory.(Explainer); ok {
		if all, known := explainer.Decisions(name); known {
			c.Response().Header().Set("Cache-Control", "no-store")
			return c.JSON(http.StatusOK, decisionList{name, all})
		}
	}
	if _, err := g.Routes.Route(name); err != nil {
		return err
	}
	return functions.Errorf(functions.Unavailable, "this platform does not tell the reasons of its decisions")
}
