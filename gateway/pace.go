package gateway

import (
	"errors"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/seed45885407/saccade/functions"
)

// Bounds of a request's body in time. Whoever sends slower than this keeps a
// connection, and with a picture half sent an instance, from those who do not.
const (
	// uploadTime is how long a body may take in all.
	uploadTime = 5 * time.Minute
	// uploadGrace is what a body may take beside what its bytes may take.
	uploadGrace = 10 * time.Second
	// uploadRate is the fewest bytes a second, behind the grace: a poor mobile
	// link has ten times that.
	uploadRate = 2 << 10
)

// pace surrounds every request with a body that has to keep arriving.
func pace(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		if r.Body != nil && r.Body != http.NoBody {
			body := &pacedBody{body: r.Body, control: http.NewResponseController(c.Response()), began: time.Now()}
			// Of a body that nobody reads the server reads the rest, before it answers.
			_ = body.control.SetReadDeadline(body.began.Add(uploadGrace))
			r.Body = body
			c.Set(bodyKey, body)
		}
		return next(c)
	}
}

// pacedBody moves the connection's read deadline on with the bytes that arrive.
type pacedBody struct {
	body    io.ReadCloser
	control *http.ResponseController
	began   time.Time
	read    int64
}

// Read fails with UploadTimeout where the sender is too slow.
func (p *pacedBody) Read(b []byte) (int, error) {
	allowed := min(uploadTime, uploadGrace+time.Duration(p.read)*time.Second/uploadRate)
	_ = p.control.SetReadDeadline(p.began.Add(allowed))
	n, err := p.body.Read(b)
	p.read += int64(n)
	switch {
	case errors.Is(err, io.EOF):
		// The server goes on reading, to notice a caller that leaves: for that the
		// request has all the time its function lets it take.
		_ = p.control.SetReadDeadline(time.Time{})
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = functions.Errorf(functions.UploadTimeout, "the body came too slowly: %d bytes in %.0f s",
			p.read, time.Since(p.began).Seconds()).Because(err)
	}
	return n, err
}

// Close satisfies io.Closer.
func (p *pacedBody) Close() error { return p.body.Close() }
