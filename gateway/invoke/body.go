package invoke

import (
	"bytes"
	"io"
	"net/http"
	"sync"
)

// show makes picture the body of req. What is returned waits until nobody reads the
// picture any more, which may be later than the answer: an instance that refuses need
// not have read all of it, and a connection that is given up is written to for a while.
func show(picture []byte, req *http.Request) *sync.WaitGroup {
	if len(picture) == 0 {
		return new(sync.WaitGroup)
	}
	readers := new(sync.WaitGroup)
	open := func() (io.ReadCloser, error) {
		readers.Add(1)
		b := &body{close: sync.OnceFunc(readers.Done)}
		b.Reset(picture)
		return b, nil
	}
	req.ContentLength = int64(len(picture))
	req.Body, _ = open()
	req.GetBody = open // where a connection that was kept turns out to be closed
	return readers
}

// body is a picture that is read by a transport, which closes every body that it gets,
// whatever became of it.
type body struct {
	bytes.Reader
	close func()
}

// Close satisfies io.Closer.
func (b *body) Close() error {
	b.close()
	return nil
}
