package fetch

import (
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/seed45885407/saccade/functions"
)

// trustedBytes is how large a declared length may be for its memory to be taken
// before the bytes have come. Above it memory grows as they come, so that a lie
// costs the liar as many bytes as it costs us.
const trustedBytes = 512 << 10

// Held is a reader through which a picture's bytes come, so that room for them can be
// reserved meanwhile, and refused. Nil reserves nothing.
type Held func(io.Reader) io.Reader

// Reader is from, read through h.
func (h Held) Reader(from io.Reader) io.Reader {
	if h == nil {
		return from
	}
	return h(from)
}

// ReadAll reads a picture of at most limit bytes from r. declared is the length
// the sender claims, negative where it claims none; it is checked before the
// first byte is read, and never trusted with more than 512 KiB of memory.
//
// Errors are functions.Errors: TooLarge; Unreadable for a picture without bytes;
// Invalid, with the reader's error as its cause, where the bytes end before
// their time.
func ReadAll(r io.Reader, declared, limit int64) ([]byte, error) {
	return (*Buffers)(nil).ReadAll(r, declared, limit)
}

// ReadAll is as the function is, with a slice that may be given back.
func (b *Buffers) ReadAll(r io.Reader, declared, limit int64) (_ []byte, err error) {
	if declared > limit {
		return nil, tooLarge(limit)
	}
	buf := b.take(firstCap(declared, limit))
	defer func() {
		if err != nil {
			b.Give(buf)
		}
	}()
	for {
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		switch {
		case int64(len(buf)) > limit:
			return nil, tooLarge(limit)
		case errors.Is(err, io.EOF) && int64(len(buf)) < declared:
			return nil, endedEarly(io.ErrUnexpectedEOF)
		case errors.Is(err, io.EOF) && len(buf) == 0:
			return nil, functions.Errorf(functions.Unreadable, "the picture is empty: it has no bytes")
		case errors.Is(err, io.EOF):
			return buf, nil
		case err != nil:
			return nil, readFailed(err)
		}
		if len(buf) == cap(buf) {
			smaller := buf
			buf = append(b.take(nextCap(cap(buf), declared, limit)), buf...)
			b.Give(smaller)
		}
	}
}

// Room for one byte more than is expected, so that the end is seen without
// growing again.
func firstCap(declared, limit int64) int64 {
	if declared >= 0 && declared <= trustedBytes {
		return min(declared, limit) + 1
	}
	return min(32<<10, limit) + 1
}

// nextCap doubles, and stops on the way at what was declared and at the limit.
func nextCap(have int, declared, limit int64) int64 {
	next := 2 * int64(have)
	if int64(have) <= declared {
		next = min(next, declared+1)
	}
	return min(next, limit+1)
}

// readFailed passes on what already says whose fault it is: bounds laid around
// the reader, by us or by net/http.
func readFailed(err error) error {
	if over, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return tooLarge(over.Limit)
	}
	if e, ok := errors.AsType[*functions.Error](err); ok {
		return e
	}
	return endedEarly(err)
}

func tooLarge(limit int64) error {
	size := strconv.FormatInt(limit, 10) + " bytes"
	if limit >= 1e6 && limit%1e6 == 0 {
		size = strconv.FormatInt(limit/1e6, 10) + " MB"
	}
	return functions.Errorf(functions.TooLarge, "the picture has more than %s", size)
}

func endedEarly(cause error) error {
	return functions.Errorf(functions.Invalid, "the picture's bytes end early").Because(cause)
}

// declared is the length of what inflated will yield, -1 where that is unknown.
func declared(resp *http.Response) int64 {
	if encoding(resp) != "" {
		return -1
	}
	return resp.ContentLength
}

// inflated is the body of resp with its transfer compression undone. Identity
// was asked for; servers that hold only a gzipped copy send that all the same,
// and it is the one coding that is read. The compressed bytes are bounded by
// limit as the inflated ones are, so that endless empty gzip members end too.
func inflated(resp *http.Response, limit int64) (io.Reader, error) {
	switch encoding(resp) {
	case "":
		return resp.Body, nil
	case "gzip", "x-gzip":
		if resp.ContentLength > limit {
			return nil, tooLarge(limit)
		}
		z, err := gzip.NewReader(&capped{resp.Body, limit, limit})
		if err != nil {
			return nil, cutOff{err}
		}
		return z, nil
	}
	return nil, functions.Errorf(functions.SourceFailed, "the picture's address answered with a content encoding that was not asked for")
}

// encoding is the content encoding of resp in lower case, "" for identity.
func encoding(resp *http.Response) string {
	coding := strings.ToLower(strings.TrimSpace(strings.Join(resp.Header.Values("Content-Encoding"), ",")))
	if coding == "identity" {
		return ""
	}
	return coding
}

// capped ends with TooLarge where more than limit bytes come. io.LimitReader
// would end with EOF, which reads as a picture cut short.
type capped struct {
	r           io.Reader
	left, limit int64
}

func (c *capped) Read(p []byte) (int, error) {
	if int64(len(p)) > c.left+1 {
		p = p[:c.left+1]
	}
	n, err := c.r.Read(p)
	if c.left -= int64(n); c.left < 0 {
		return 0, tooLarge(c.limit)
	}
	return n, err
}
