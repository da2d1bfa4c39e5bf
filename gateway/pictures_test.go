package gateway

import (
	"bytes"
	"context"
	"encoding/binary"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// numbered is a picture whose every byte behind the head tells its number.
func numbered(head []byte, n uint16, size int) []byte {
	return append(bytes.Clone(head), bytes.Repeat(binary.BigEndian.AppendUint16(nil, n), size/2)...)
}

// Pictures lie in memory that is used again: by callers who hang up, by instances that
// refuse before they have read, by callers who share a run.
func TestAPictureNeverHasBytesOfAnother(t *testing.T) {
	for _, test := range []struct {
		name    string
		picture func(caller, turn int) uint16
		hangUp  bool
		refuse  error
		abort   int
	}{
		{"callers with pictures of their own", func(c, turn int) uint16 { return uint16(c<<8 | turn) }, false, nil, 0},
		{"callers who share their pictures", func(_, turn int) uint16 { return uint16(turn) }, false, nil, 0},
		{"callers who hang up", func(c, turn int) uint16 { return uint16(c<<8 | turn) }, true, nil, 0},
		{"callers who hang up and share", func(c, turn int) uint16 { return uint16(turn) }, true, nil, 0},
		{"an instance that refuses", func(c, turn int) uint16 { return uint16(c<<8 | turn) }, false, functions.Errorf(functions.Busy, "full"), 0},
		{"instances that are lost", func(c, turn int) uint16 { return uint16(c<<8 | turn) }, false, nil, 40},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			w.refuse, w.abort = test.refuse, test.abort
			head := aPicture(t)
			var callers sync.WaitGroup
			for c := range 8 {
				callers.Go(func() {
					for turn := range 12 {
						ctx, cancel := context.WithCancel(t.Context())
						if test.hangUp && turn%3 == c%3 {
							ctx, cancel = context.WithTimeout(t.Context(), time.Duration(turn)*300*time.Microsecond)
						}
						body := bytes.NewReader(numbered(head, test.picture(c, turn), 40_000*(1+turn%4)))
						req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.server.URL+detectPath, body)
						if err != nil {
							t.Error(err)
						}
						req.Header.Set("Content-Type", "image/png")
						if resp, err := w.server.Client().Do(req); err == nil {
							resp.Body.Close()
						} else if ctx.Err() == nil {
							t.Error(err)
						}
						cancel()
					}
				})
			}
			callers.Wait()
			w.server.Close()
			w.mu.Lock()
			defer w.mu.Unlock()
			whole := 0
			for _, got := range w.asked {
				if len(got) <= len(head)+2 {
					continue // given up before its bytes were sent
				}
				n := binary.BigEndian.Uint16(got[len(head):])
				if !bytes.HasPrefix(numbered(head, n, len(got)-len(head)+2), got) {
					t.Fatalf("picture %d has bytes of another", n)
				}
				whole++
			}
			if whole == 0 {
				t.Error("no picture came through")
			}
		})
	}
}
