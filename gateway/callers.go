package gateway

import (
	"github.com/labstack/echo/v4"

	"github.com/seed45885407/saccade/gateway/access"
	"github.com/seed45885407/saccade/gateway/limits"
)

// may lets callers in that have the scope, and leaves who it is for the door.
func (g *Gateway) may(scope access.Scope) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			caller := anybody
			if g.opts.Access != nil {
				var err error
				if caller, err = g.opts.Access.Identify(c.Request()); err != nil {
					return err
				}
			}
			c.Set(callerKey, caller)
			if err := caller.Has(scope); err != nil {
				return err
			}
			return next(c)
		}
	}
}

// anybody is the caller of a gateway that asks nobody.
var anybody = access.Caller{Name: "anyone", Via: access.ViaOpen, Functions: []string{"*"}, Scopes: access.Scopes}

// callerOf is who was let in.
func callerOf(c echo.Context) access.Caller {
	caller, _ := c.Get(callerKey).(access.Caller)
	return caller
}

// isAdmin says whether the caller may see and redrive everybody's jobs.
func isAdmin(caller access.Caller) bool { return caller.Has(access.ScopeAdmin) == nil }

// spend takes n requests of what the caller may send, and tells it what is left.
func (g *Gateway) spend(c echo.Context, n int) error {
	caller := callerOf(c)
	if caller.Limits == (access.Limits{}) {
		return nil
	}
	limit := limits.Limit{PerSecond: caller.Limits.Rate, Burst: caller.Limits.Burst, PerDay: caller.Limits.PerDay}
	state, err := g.limits.Take(caller.ID(), limit, n)
	state.SetHeader(c.Response().Header())
	return err
}
