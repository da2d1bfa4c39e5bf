package store

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// maxRedirects is two more than release hosts use.
const maxRedirects = 5

var errRedirect = errors.New("redirect not followed")

// httpSource has the models of the web.
type httpSource struct{ client *http.Client }

func newHTTPSource(transport http.RoundTripper) *httpSource {
	if transport == nil {
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.DisableKeepAlives = true // a download is rare: no connection outlives it
		transport = t
	}
	return &httpSource{&http.Client{Transport: transport, CheckRedirect: checkRedirect}}
}

func checkRedirect(req *http.Request, via []*http.Request) error {
	switch {
	case len(via) > maxRedirects:
		return fmt.Errorf("%w: more than %d", errRedirect, maxRedirects)
	case via[0].URL.Scheme == "https" && req.URL.Scheme != "https":
		return fmt.Errorf("%w: from https to %s", errRedirect, req.URL.Scheme)
	}
	return nil
}

// Open asks for the range from offset on, on condition that mark, which is a
// strong ETag or a Last-Modified date, still holds (RFC 9110, sections 13.1.5 and
// 14.2). A server that cannot do that sends the whole file.
func (h *httpSource) Open(ctx context.Context, uri string, offset int64, mark string) (*Blob, error) {
	if mark == "" {
		offset = 0
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, uri, nil)
	if err != nil {
		return nil, unavailable(err, "the model's address is not valid")
	}
	req.Header.Set("User-Agent", "saccade")
	// Compressed bytes would have another sum, and no ranges to speak of.
	req.Header.Set("Accept-Encoding", "identity")
	if offset > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", offset))
		req.Header.Set("If-Range", mark)
	}
	resp, err := h.client.Do(req)
	if err != nil {
		return nil, unreached(req.URL.Host, err)
	}
	blob, err := read(resp, offset, mark)
	if blob == nil {
		_ = resp.Body.Close()
	}
	if blob == nil && err == nil { // the range was of no use: once more without
		return h.Open(ctx, uri, 0, "")
	}
	return blob, err
}

// read makes a Blob of a response. Both results are nil where the server's range
// is not what was asked for.
func read(resp *http.Response, offset int64, mark string) (*Blob, error) {
	host := resp.Request.URL.Host
	now := markOf(resp.Header)
	switch code := resp.StatusCode; {
	case code == http.StatusPartialContent && offset > 0:
		start, size, ok := contentRange(resp.Header.Get("Content-Range"))
		// Some servers pass over If-Range: a mark that has changed gives them away.
		if !ok || start != offset || now != "" && now != mark {
			return nil, nil
		}
		return &Blob{Body: resp.Body, Offset: offset, Size: size, Mark: mark}, nil
	case code == http.StatusRequestedRangeNotSatisfiable && offset > 0:
		return nil, nil
	case code == http.StatusRequestTimeout, code == http.StatusTooManyRequests, code >= 500:
		return nil, temporary{answered(resp, host)}
	case code != http.StatusOK:
		return nil, answered(resp, host)
	}
	if kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); kind == "text/html" {
		return nil, unavailable(fmt.Errorf("%s is %s", resp.Request.URL.Redacted(), kind),
			"%s sent a web page where a model belongs", host)
	}
	if coding := resp.Header.Get("Content-Encoding"); coding != "" && coding != "identity" {
		return nil, unavailable(fmt.Errorf("%s has content encoding %q", resp.Request.URL.Redacted(), coding),
			"%s sent the model compressed, though it was asked not to", host)
	}
	return &Blob{Body: resp.Body, Size: resp.ContentLength, Mark: now}, nil
}

// markOf is what If-Range takes: a strong ETag, else a date.
func markOf(h http.Header) string {
	if tag := h.Get("ETag"); strings.HasPrefix(tag, `"`) {
		return tag
	}
	return h.Get("Last-Modified")
}

var rangePattern = regexp.MustCompile(`^bytes (\d{1,18})-\d{1,18}/(\d{1,18}|\*)$`)

// contentRange reads the start of a range and the size of the whole, -1 where
// that is not told.
func contentRange(text string) (start, size int64, ok bool) {
	m := rangePattern.FindStringSubmatch(text)
	if m == nil {
		return 0, 0, false
	}
	start, _ = strconv.ParseInt(m[1], 10, 64) // 18 digits always fit
	if m[2] == "*" {
		return start, -1, true
	}
	size, _ = strconv.ParseInt(m[2], 10, 64)
	return start, size, true
}

func answered(resp *http.Response, host string) error {
	return unavailable(fmt.Errorf("getting %s: status %s", resp.Request.URL.Redacted(), resp.Status),
		"%s answered %d %s when asked for the model", host, resp.StatusCode, http.StatusText(resp.StatusCode))
}

func unreached(host string, err error) error {
	if errors.Is(err, errRedirect) {
		return unavailable(err, "%s sends us on and on, or to an unsafe address, instead of sending the model", host)
	}
	e := unavailable(err, "%s cannot be reached for the model", host)
	if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound {
		return e
	}
	return temporary{e}
}
