package gateway

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/seed45885407/saccade/gateway/description"
)

// descriptionDoors are GET /openapi.json and GET /openapi.yaml. They are open to
// everybody: the description is the same everywhere, and says how to show who one is.
func descriptionDoors(e *echo.Echo) {
	e.GET("/openapi.json", described("application/json", sync.OnceValues(description.JSON)))
	e.GET("/openapi.yaml", described("application/yaml", func() ([]byte, error) { return description.YAML(), nil }))
}

// described serves a text that stays as it is for as long as the process lives.
func described(contentType string, text func() ([]byte, error)) echo.HandlerFunc {
	return func(c echo.Context) error {
		body, err := text()
		if err != nil {
			return fmt.Errorf("describing the API: %w", err)
		}
		sum := sha256.Sum256(body)
		h := c.Response().Header()
		h.Set(echo.HeaderContentType, contentType)
		h.Set("ETag", `"`+hex.EncodeToString(sum[:16])+`"`)
		h.Set("Cache-Control", "no-cache") // ask each time, with the tag
		h.Set("X-Content-Type-Options", "nosniff")
		http.ServeContent(c.Response(), c.Request(), "", time.Time{}, bytes.NewReader(body))
		return nil
	}
}
