package gateway

import (
	"io"
	"mime"

	"github.com/labstack/echo/v4"
)

// held reserves room for bodies that have to be read before their request can be
// routed, as their bytes come. A body that is the picture itself, or a form with it,
// is read when the request has a place in the waiting room, which holds its bytes.
func (g *Gateway) held(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		media, _, _ := mime.ParseMediaType(r.Header.Get(echo.HeaderContentType))
		if r.ContentLength == 0 || isPicture(media) || media == echo.MIMEMultipartForm {
			return next(c)
		}
		hold, err := g.Waiting.Reserve(0)
		if err != nil {
			return err
		}
		defer hold.Release()
		r.Body = struct {
			io.Reader
			io.Closer
		}{hold.Reader(r.Body), r.Body}
		return next(c)
	}
}
