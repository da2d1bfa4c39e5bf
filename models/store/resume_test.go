package store_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/models/store"
)

func TestADownloadThatIsCutOffGoesOn(t *testing.T) {
	body, other := bytesOf(1, 100_000), bytesOf(2, 100_000)
	const all = ""
	for name, c := range map[string]struct {
		serve func(h *host, n int, w http.ResponseWriter, r *http.Request)
		want  []byte
		sum   bool // the sum is declared
		asked []string
	}{
		"where the server has ranges": {
			func(h *host, n int, w http.ResponseWriter, r *http.Request) {
				if n == 1 {
					h.cutAfter(40_000, w)
				}
				h.content(n, w, r)
			}, body, false, []string{all, "bytes=40000-"},
		},
		"again and again as long as it gains": {
			func(h *host, n int, w http.ResponseWriter, r *http.Request) {
				if n <= 5 {
					w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", (n-1)*10_000, len(h.body)-1, len(h.body)))
					w.Header().Set("ETag", h.etag)
					w.Header().Set("Content-Length", fmt.Sprint(len(h.body)-(n-1)*10_000))
					if n > 1 {
						w.WriteHeader(http.StatusPartialContent)
					}
					_, _ = w.Write(h.body[(n-1)*10_000 : n*10_000])
					_ = http.NewResponseController(w).Flush()
					panic(http.ErrAbortHandler)
				}
				h.content(n, w, r)
			}, body, false, []string{all, "bytes=10000-", "bytes=20000-", "bytes=30000-", "bytes=40000-", "bytes=50000-"},
		},
		"from the start where the server has none": {
			func(h *host, n int, w http.ResponseWriter, r *http.Request) {
				if n == 1 {
					h.cutAfter(40_000, w)
				}
				w.Header().Set("ETag", h.etag)
				_, _ = w.Write(h.body)
			}, body, false, []string{all, "bytes=40000-"},
		},
		"from the start where nothing tells that it is the same file": {
			func(h *host, n int, w http.ResponseWriter, r *http.Request) {
				if n == 1 {
					h.etag = ""
					h.cutAfter(40_000, w)
				}
				h.content(n, w, r)
			}, body, false, []string{all, all},
		},
		"from the start where the file is another by now": {
			func(h *host, n int, w http.ResponseWriter, r *http.Request) {
				if n == 1 {
					defer h.set(other, `"two"`)
					h.cutAfter(40_000, w)
				}
				h.content(n, w, r)
			}, other, false, []string{all, "bytes=40000-"},
		},
		"from the start where the server mixes up two files in the open": {
			func(h *host, n int, w http.ResponseWriter, r *http.Request) {
				if n == 1 {
					defer h.set(other, `"two"`)
					h.cutAfter(40_000, w)
				}
				r.Header.Del("If-Range")
				h.content(n, w, r)
			}, other, false, []string{all, "bytes=40000-", all},
		},
		"from the start where the sum tells that two files were mixed up": {
			func(h *host, n int, w http.ResponseWriter, r *http.Request) {
				if n == 1 {
					defer h.set(other, h.etag)
					h.cutAfter(40_000, w)
				}
				h.content(n, w, r)
			}, other, true, []string{all, "bytes=40000-", all},
		},
		"from the start where the range is another than asked for": {
			func(h *host, n int, w http.ResponseWriter, r *http.Request) {
				if n == 1 {
					h.cutAfter(40_000, w)
				}
				if n == 2 {
					r.Header.Set("Range", "bytes=10-")
				}
				h.content(n, w, r)
			}, body, false, []string{all, "bytes=40000-", all},
		},
		"from the start where the range is refused": {
			func(h *host, n int, w http.ResponseWriter, r *http.Request) {
				if n == 1 {
					h.cutAfter(40_000, w)
				}
				if n == 2 {
					w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
					return
				}
				h.content(n, w, r)
			}, body, false, []string{all, "bytes=40000-", all},
		},
		"after an error that passes": {
			func(h *host, n int, w http.ResponseWriter, r *http.Request) {
				if n <= 2 {
					w.WriteHeader(http.StatusServiceUnavailable)
					return
				}
				h.content(n, w, r)
			}, body, false, []string{all, all, all},
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, body)
			h.answer(func(n int, w http.ResponseWriter, r *http.Request) { c.serve(h, n, w, r) })
			s, _ := open(t, store.Options{})
			req := store.Request{URI: h.uri()}
			if c.sum {
				req.SHA256 = sumOf(c.want)
			}
			m, err := s.Pull(t.Context(), req, nil)
			holds(t, m, err, c.want)
			if diff := cmp.Diff(c.asked, h.requests()); diff != "" {
				t.Errorf("ranges asked for: %s", diff)
			}
		})
	}
}

func TestADownloadGoesOnInTheNextPull(t *testing.T) {
	body := bytesOf(1, 100_000)
	h := newHost(t, body)
	h.answer(func(n int, w http.ResponseWriter, r *http.Request) {
		if n == 1 {
			h.cutAfter(40_000, w)
		}
		if n <= 4 {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		h.content(n, w, r)
	})
	s, root := open(t, store.Options{})
	_, err := s.Pull(t.Context(), store.Request{URI: h.uri()}, nil)
	refused(t, err, root, "answered 502 Bad Gateway")
	m, err := s.Pull(t.Context(), store.Request{URI: h.uri()}, nil)
	holds(t, m, err, body)
	const rest = "bytes=40000-"
	if diff := cmp.Diff([]string{"", rest, rest, rest, rest}, h.requests()); diff != "" {
		t.Error(diff)
	}
}
