package gateway

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"
)

// patience bounds how callers are listened to that have been refused, and still send.
type patience struct {
	// bytes is the most that is read of what is left, and thrown away.
	bytes int64
	// time is how long that may take, and silence how long nothing may come.
	time, silence time.Duration
	// callers is how many are listened to at a time. To more of them the server does as
	// it does by itself.
	callers int
}

// patient is for callers with tens of megabytes on a poor link.
var patient = patience{bytes: 64 << 20, time: 10 * time.Second, silence: 2 * time.Second, callers: 64}

// readAnyway is what net/http reads of a body that nobody wants before it answers, so
// that the connection can be kept: maxPostHandlerReadBytes in net/http/server.go.
const readAnyway = 256 << 10

// dismiss lets a caller whose upload is refused hear why. Left to itself the server
// answers, waits half a second, and closes a connection on which bytes of the upload
// still lie unread; the kernel then tells the caller to forget the connection, and what
// it has not read of the answer is lost: "connection reset" or "broken pipe" in place
// of the problem. So the answer is sent first, whole, and the upload is read on within
// bounds until the caller has seen the answer and stops, or is done (RFC 9112, 9.6;
// nginx calls it lingering_close). HTTP/2 ends a single request without all that.
func dismiss(next http.Handler, within patience) http.Handler {
	places := make(chan struct{}, within.callers)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 1 || r.ContentLength == 0 || r.Body == nil || r.Body == http.NoBody {
			next.ServeHTTP(w, r)
			return
		}
		// The server's own request stays as it is: by its body it knows whether the caller
		// waits for word to send it (Expect: 100-continue).
		copied := *r
		body := &watchedBody{ReadCloser: r.Body, left: r.ContentLength}
		copied.Body = body
		answer := &dismissal{ResponseWriter: w, body: body, expects: r.Header.Get("Expect") != "", places: places, within: within}
		next.ServeHTTP(answer, &copied)
		answer.finish()
	})
}

// watchedBody knows how much of a body has not been read.
type watchedBody struct {
	io.ReadCloser
	left int64 // negative: nobody knows
	read bool  // anything at all
	over error // io.EOF, or why nothing more can be read
}

// Read satisfies io.Reader.
func (b *watchedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.read = true
	if b.left >= 0 {
		b.left -= int64(n)
	}
	if err != nil {
		b.over = err
	}
	return n, err
}

// large says that more is left than the server reads by itself before it answers.
// Where nobody knows how much comes, as much is read to find out.
func (b *watchedBody) large() bool {
	switch {
	case b.over != nil:
		return false
	case b.left >= 0:
		return b.left > readAnyway
	}
	n, err := io.CopyN(io.Discard, b, readAnyway+1)
	return err == nil && n > readAnyway
}

// dismissal is an answer that is held back where it refuses a large upload, until it is
// whole.
type dismissal struct {
	http.ResponseWriter
	body    *watchedBody
	expects bool
	places  chan struct{}
	within  patience

	begun, refuses bool
	status         int
	text           bytes.Buffer
}

// Unwrap is for http.ResponseController.
func (d *dismissal) Unwrap() http.ResponseWriter { return d.ResponseWriter }

// WriteHeader satisfies http.ResponseWriter.
func (d *dismissal) WriteHeader(status int) {
	if d.begun {
		return
	}
	d.begun = status >= 200
	// Whoever waits for word to send has sent nothing, and now will not.
	waits := d.expects && !d.body.read
	if status >= 400 && !waits && d.body.large() {
		d.refuses, d.status = true, status
		return
	}
	d.ResponseWriter.WriteHeader(status)
}

// Write satisfies io.Writer.
func (d *dismissal) Write(p []byte) (int, error) {
	if !d.begun {
		d.WriteHeader(http.StatusOK)
	}
	if d.refuses {
		return d.text.Write(p)
	}
	return d.ResponseWriter.Write(p)
}

// FlushError is for http.ResponseController. A refusal is sent when it is whole.
func (d *dismissal) FlushError() error {
	if d.refuses {
		return nil
	}
	return http.NewResponseController(d.ResponseWriter).Flush()
}

// finish sends a refusal that was held back, and listens on.
func (d *dismissal) finish() {
	if !d.refuses {
		return
	}
	control := http.NewResponseController(d.ResponseWriter)
	select {
	case d.places <- struct{}{}:
		defer func() { <-d.places }()
		// Else the server would read the body first, and not at all after.
		if err := control.EnableFullDuplex(); err != nil {
			d.places = nil
		}
	default:
		d.places = nil
	}
	d.Header().Set("Connection", "close")
	d.Header().Set("Content-Length", strconv.Itoa(d.text.Len())) // it ends here, though we listen on
	d.ResponseWriter.WriteHeader(d.status)
	_, err := d.ResponseWriter.Write(d.text.Bytes())
	if err = errors.Join(err, control.Flush()); err != nil || d.places == nil {
		return
	}
	d.body.discard(control, d.within)
}

// discard reads on until the sender is done, has gone, or a bound is reached.
func (b *watchedBody) discard(control *http.ResponseController, within patience) {
	buffer := make([]byte, 32<<10)
	end := time.Now().Add(within.time)
	for n := int64(0); n < within.bytes && b.over == nil && time.Now().Before(end); {
		pause := time.Now().Add(within.silence)
		if pause.After(end) {
			pause = end
		}
		if err := control.SetReadDeadline(pause); err != nil {
			return
		}
		read, _ := b.Read(buffer) // what it returns is in over
		n += int64(read)
	}
}
