package fetch

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/functions"
)

func TestAPictureIsFetched(t *testing.T) {
	picture := bytes.Repeat([]byte("saccade"), 300_000) // over trustedBytes
	var got http.Header
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		got = r.Header
		if r.URL.RequestURI() != "/a%2Fb.jpg?x=1&y=%20" {
			t.Errorf("asked for %s", r.URL.RequestURI())
		}
		w.Header().Set("Content-Type", "image/jpeg")
		_, _ = w.Write(picture)
	})
	back, err := newFetcher(t, loopback()).Fetch(t.Context(), s.URL+"/a%2Fb.jpg?x=1&y=%20#part")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(back, picture) {
		t.Errorf("got %d bytes, want the %d sent", len(back), len(picture))
	}
	want := http.Header{"Accept": {"image/*"}, "Accept-Encoding": {"identity"}, "User-Agent": {userAgent}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("request header (-want +got):\n%s", diff)
	}
}

func TestWhatTheFarSideAnswers(t *testing.T) {
	plain := func(status int, header ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			for i := 0; i < len(header); i += 2 {
				w.Header()[header[i]] = []string{header[i+1]}
			}
			w.WriteHeader(status)
			_, _ = io.WriteString(w, "0123456789")
		}
	}
	pressed := gzipped(t, []byte("0123456789"))
	zipped := func(body []byte) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "image/bmp")
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(body)
		}
	}
	const limit = 10_000
	for _, tt := range []struct {
		name    string
		handler http.HandlerFunc
		kind    functions.Kind // empty: the ten digits
		says    string
	}{
		{"an image type", plain(200, "Content-Type", "image/png"), "", ""},
		{"an image type with a parameter in capitals", plain(200, "Content-Type", "IMAGE/JPEG; q=1"), "", ""},
		{"an object store's type", plain(200, "Content-Type", "application/octet-stream"), "", ""},
		{"another object store's type", plain(200, "Content-Type", "binary/octet-stream"), "", ""},
		{"an empty type", plain(200, "Content-Type", ""), "", ""},
		{"the identity encoding by name", plain(200, "Content-Type", "image/png", "Content-Encoding", "Identity"), "", ""},
		{"gzip all the same", zipped(pressed), "", ""},
		{"gzip in two members", zipped(append(gzipped(t, []byte("01234")), gzipped(t, []byte("56789"))...)), "", ""},
		{"404", plain(404, "Content-Type", "image/png"), functions.SourceFailed, "127.0.0.1 answered 404 Not Found"},
		{"410", plain(410), functions.SourceFailed, "answered 410 Gone"},
		{"403", plain(403), functions.SourceFailed, "answered 403 Forbidden"},
		{"500", plain(500), functions.SourceFailed, "answered 500 Internal Server Error"},
		{"a status without a name", plain(599), functions.SourceFailed, "answered 599"},
		{"206, which was not asked for", plain(206, "Content-Type", "image/png"), functions.SourceFailed, "answered 206"},
		{"204", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }, functions.SourceFailed, "answered 204"},
		{"304", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(304) }, functions.SourceFailed, "answered 304"},
		{"a redirect to nowhere", plain(302), functions.SourceFailed, "answered 302 Found"},
		{"HTML", plain(200, "Content-Type", "text/html; charset=utf-8"), functions.SourceFailed, "127.0.0.1 answered text/html, not a picture"},
		{"JSON", plain(200, "Content-Type", "application/json"), functions.SourceFailed, "application/json, not a picture"},
		{"a video", plain(200, "Content-Type", "video/mp4"), functions.SourceFailed, "video/mp4, not a picture"},
		{"a type that is none", plain(200, "Content-Type", "<script>"), functions.SourceFailed, "an unknown content type"},
		{"no bytes", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Type", "image/png") }, functions.SourceFailed, "with no bytes"},
		{"an encoding not asked for", plain(200, "Content-Type", "image/png", "Content-Encoding", "br"), functions.SourceFailed, "content encoding"},
		{"gzip twice", plain(200, "Content-Type", "image/png", "Content-Encoding", "gzip, gzip"), functions.SourceFailed, "content encoding"},
		{"gzip that is none", plain(200, "Content-Type", "image/png", "Content-Encoding", "gzip"), functions.SourceFailed, "to its end"},
		{"gzip cut short", zipped(pressed[:len(pressed)-9]), functions.SourceFailed, "to its end"},
		{"gzip with a wrong checksum", zipped(append(bytes.Clone(pressed[:len(pressed)-8]), 1, 2, 3, 4, 10, 0, 0, 0)), functions.SourceFailed, "to its end"},
		{"a gzip bomb", zipped(gzipped(t, make([]byte, 8<<20))), functions.TooLarge, "more than 10000 bytes"},
		{"gzip that inflates to one byte over the limit", zipped(gzipped(t, make([]byte, limit+1))), functions.TooLarge, ""},
		{"gzip of endless empty members", endless("gzip", gzipped(t, nil)), functions.TooLarge, ""},
		{"an endless body", endless("", make([]byte, 1000)), functions.TooLarge, "more than 10000 bytes"},
		{"a body one byte over the limit, its length unsaid", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(make([]byte, limit))
			_ = http.NewResponseController(w).Flush()
			_, _ = w.Write([]byte{0})
		}, functions.TooLarge, ""},
		{"more than is declared", raw("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789and more"), "", ""},
		{"less than is declared", raw("HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n0123456789"), functions.SourceFailed, "to its end"},
		{"a declared length over the limit and no byte", raw("HTTP/1.1 200 OK\r\nContent-Length: 10001\r\n\r\n"), functions.TooLarge, ""},
		{"a negative length", raw("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"), functions.SourceFailed, "as a web server does"},
		{"two lengths", raw("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n01"), functions.SourceFailed, "as a web server does"},
		{"chunks that break off", raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n"), functions.SourceFailed, "to its end"},
		{"one header that is huge", raw("HTTP/1.1 200 OK\r\nX-A: " + strings.Repeat("a", 2*maxHeaderBytes) + "\r\n\r\n"), functions.SourceFailed, "as a web server does"},
		{"many headers", raw("HTTP/1.1 200 OK\r\n" + strings.Repeat("X-A: a\r\n", maxHeaderBytes) + "\r\n"), functions.SourceFailed, "as a web server does"},
		{"endless interim answers", raw(strings.Repeat("HTTP/1.1 103 Early Hints\r\nX-A: a\r\n\r\n", maxHeaderBytes)), functions.SourceFailed, "as a web server does"},
		{"another protocol", raw("220 mail.example.com ESMTP\r\n"), functions.SourceFailed, "as a web server does"},
		{"nothing at all", raw(""), functions.SourceFailed, "as a web server does"},
		{"a promise of another protocol", raw("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n"), functions.SourceFailed, "answered 101"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newServer(t, tt.handler)
			o := loopback()
			o.MaxBytes = limit
			picture, err := newFetcher(t, o).Fetch(t.Context(), s.URL)
			if tt.kind != "" {
				wantError(t, err, tt.kind, tt.says)
				if detail := err.(*functions.Error).Detail; strings.Contains(detail, "http:") || strings.Contains(detail, "EOF") {
					t.Errorf("detail %q holds internals", detail)
				}
				return
			}
			if err != nil || string(picture) != "0123456789" {
				t.Errorf("got %q, %v", picture, err)
			}
		})
	}
}

func TestTLSIsVerified(t *testing.T) {
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "image/png")
		_, _ = io.WriteString(w, "\x89PNG")
	})
	s := httptest.NewUnstartedServer(handler)
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // it complains of our refusals
	s.StartTLS()
	t.Cleanup(s.Close)

	_, err := newFetcher(t, loopback()).Fetch(t.Context(), s.URL)
	wantError(t, err, functions.SourceFailed, "127.0.0.1 has no certificate that can be trusted")

	o := loopback()
	o.RootCAs = x509.NewCertPool()
	o.RootCAs.AddCert(s.Certificate())
	if _, err := newFetcher(t, o).Fetch(t.Context(), s.URL); err != nil {
		t.Errorf("with the server's own root: %v", err)
	}

	plain := newServer(t, raw("HTTP/1.1 400 Bad Request\r\n\r\n"))
	_, err = newFetcher(t, o).Fetch(t.Context(), strings.Replace(plain.URL, "http:", "https:", 1))
	wantError(t, err, functions.SourceFailed, "127.0.0.1 did not let a secure connection be made")
}

func TestAHostThatIsNotThere(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	_, err = newFetcher(t, loopback()).Fetch(t.Context(), "http://"+l.Addr().String())
	wantError(t, err, functions.SourceFailed, "127.0.0.1 refused the connection")

	f := newFetcher(t, Options{Resolver: fixed(t, nil).resolver()})
	_, err = f.Fetch(t.Context(), "http://NoSuch.example.com/")
	wantError(t, err, functions.SourceFailed, "NoSuch.example.com is not known")
}

func TestACancelledCallerGetsItsOwnError(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := newServer(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	_, err := newFetcher(t, loopback()).Fetch(ctx, s.URL)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	if _, ok := errors.AsType[*functions.Error](err); ok {
		t.Errorf("got %v, which blames the far side", err)
	}
}

func TestADataURLIsFetchedWithoutAnybody(t *testing.T) {
	f := newFetcher(t, Options{MaxBytes: 4})
	dials := record(f)
	picture, err := f.Fetch(t.Context(), "DATA:image/png;base64,"+base64.StdEncoding.EncodeToString([]byte("\x89PNG")))
	if err != nil || string(picture) != "\x89PNG" {
		t.Errorf("got %q, %v", picture, err)
	}
	_, err = f.Fetch(t.Context(), "data:image/png,12345")
	wantError(t, err, functions.TooLarge, "more than 4 bytes")
	if seen := dials.seen(); seen != nil {
		t.Errorf("dialled %v", seen)
	}
}

func TestTheDefaultLimitIsSaidInMegabytes(t *testing.T) {
	s := newServer(t, raw("HTTP/1.1 200 OK\r\nContent-Length: 20000001\r\n\r\n"))
	_, err := newFetcher(t, loopback()).Fetch(t.Context(), s.URL)
	wantError(t, err, functions.TooLarge, "the picture has more than 20 MB")
}

func gzipped(t testing.TB, plain []byte) []byte {
	t.Helper()
	var pressed bytes.Buffer
	z := gzip.NewWriter(&pressed)
	_, err := z.Write(plain)
	if err := errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	return pressed.Bytes()
}

// endless answers with part again and again until the client is gone.
func endless(encoding string, part []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "image/jpeg")
		if encoding != "" {
			w.Header().Set("Content-Encoding", encoding)
		}
		for {
			if _, err := w.Write(part); err != nil {
				return
			}
		}
	}
}

// raw answers with text as it is and closes.
func raw(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(fmt.Sprintf("taking the connection: %v", err))
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, text) // the client may be gone: that is a case
	}
}
