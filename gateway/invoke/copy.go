package invoke

import (
	"io"
	"net"
	"sync"
)

// copyingConn takes a request's body through a buffer that was used before: a
// connection's own ReadFrom makes one for each, and pictures are all that goes out.
type copyingConn struct {
	net.Conn
	buffers *sync.Pool
}

// copyBytes is the size of such a buffer.
const copyBytes = 64 << 10

// ReadFrom satisfies io.ReaderFrom.
func (c copyingConn) ReadFrom(r io.Reader) (int64, error) {
	buffer := c.buffers.Get().(*[copyBytes]byte)
	defer c.buffers.Put(buffer)
	return io.CopyBuffer(writeOnly{c.Conn}, r, buffer[:])
}

// writeOnly hides the connection's own ReadFrom.
type writeOnly struct{ io.Writer }
