package fetch

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/seed45885407/saccade/functions"
)

func TestReadAll(t *testing.T) {
	gone := errors.New("connection reset")
	unread := readerFunc(func([]byte) (int, error) {
		t.Error("read although the declared length was too large")
		return 0, io.EOF
	})
	many := bytes.Repeat([]byte("0123456789"), 200_000)
	for _, tt := range []struct {
		name            string
		r               io.Reader
		declared, limit int64
		want            []byte
		kind            functions.Kind
		cause           error
	}{
		{"length declared", bytes.NewReader(many), int64(len(many)), 5 << 20, many, "", nil},
		{"length unknown", bytes.NewReader(many), -1, 5 << 20, many, "", nil},
		{"as long as the limit", bytes.NewReader(many), -1, int64(len(many)), many, "", nil},
		{"as long as the limit, declared", bytes.NewReader(many), int64(len(many)), int64(len(many)), many, "", nil},
		{"a byte at a time", iotest.OneByteReader(strings.NewReader("abc")), 3, 3, []byte("abc"), "", nil},
		{"end and data at once", iotest.DataErrReader(strings.NewReader("abc")), 3, 3, []byte("abc"), "", nil},
		{"more than was declared", strings.NewReader("abcdef"), 3, 9, []byte("abcdef"), "", nil},
		{"one byte over the limit", bytes.NewReader(many), -1, int64(len(many)) - 1, nil, functions.TooLarge, nil},
		{"declared over the limit", unread, 101, 100, nil, functions.TooLarge, nil},
		{"empty", strings.NewReader(""), -1, 9, nil, functions.Unreadable, nil},
		{"empty and declared so", strings.NewReader(""), 0, 9, nil, functions.Unreadable, nil},
		{"less than was declared", strings.NewReader("abc"), 4, 9, nil, functions.Invalid, io.ErrUnexpectedEOF},
		{"the client is gone", io.MultiReader(strings.NewReader("abc"), iotest.ErrReader(gone)), 9, 9, nil, functions.Invalid, gone},
		{"a bound of net/http", http.MaxBytesReader(httptest.NewRecorder(), io.NopCloser(bytes.NewReader(many)), 10), -1, 1 << 20, nil, functions.TooLarge, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ReadAll(tt.r, tt.declared, tt.limit)
			if tt.kind != "" {
				wantError(t, err, tt.kind, "")
				if tt.cause != nil && !errors.Is(err, tt.cause) {
					t.Errorf("got %v, want %v in it", err, tt.cause)
				}
				return
			}
			if err != nil || !bytes.Equal(got, tt.want) {
				t.Errorf("got %d bytes, %v; want %d", len(got), err, len(tt.want))
			}
		})
	}
}

func TestALieAboutTheLengthCostsNoMemory(t *testing.T) {
	const limit = DefaultMaxBytes
	spent := allocated(func() {
		_, err := ReadAll(strings.NewReader("tiny"), limit, limit)
		wantError(t, err, functions.Invalid, "")
	})
	if spent > 64<<10 {
		t.Errorf("4 bytes that claimed to be 20 MB took %d bytes of memory", spent)
	}
	// What comes is paid for at most four times over: doubling, and its copies.
	for _, n := range []int{100 << 10, 3 << 20, limit} {
		body := make([]byte, n)
		for _, declared := range []int64{-1, int64(n), limit} {
			spent := allocated(func() { _, _ = ReadAll(bytes.NewReader(body), declared, limit) })
			if spent > uint64(4*n+128<<10) {
				t.Errorf("%d bytes, %d declared, took %d bytes of memory", n, declared, spent)
			}
		}
	}
}

// allocated is how many bytes do takes from the heap.
func allocated(do func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
