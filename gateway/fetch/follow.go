package fetch

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"

	"github.com/seed45885407/saccade/functions"
)

// userAgent tells the far side who asks; nothing else of the request goes there.
const userAgent = "saccade (picture fetch)"

// follow asks at for the picture and follows its redirects, each checked as the
// first address was; last is where it ended. Every request is made afresh: no
// cookies, no credentials, no Referer travel from hop to hop.
func (f *Fetcher) follow(ctx context.Context, at target, held Held) (picture []byte, last target, err error) {
	for range maxRedirects + 1 {
		resp, err := f.ask(ctx, at)
		if err != nil {
			return nil, at, err
		}
		if !redirects(resp) {
			picture, err := f.picture(at, resp, held)
			_ = resp.Body.Close() // read or given up: nothing to lose
			return picture, at, err
		}
		_ = resp.Body.Close()
		next, err := f.guard.redirect(at, resp.Header.Get("Location"))
		if err != nil {
			return nil, at, err
		}
		at = next
	}
	return nil, at, functions.Errorf(functions.SourceFailed, "%s redirected more than %d times", at.asked, maxRedirects)
}

func (f *Fetcher) ask(ctx context.Context, at target) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.url, nil)
	if err != nil {
		return nil, fmt.Errorf("making the request: %w", err)
	}
	req.Header = http.Header{
		"Accept":          {"image/*"},
		"Accept-Encoding": {"identity"},
		"User-Agent":      {userAgent},
	}
	// The bare transport: http.Client would add the redirects, cookies and Referer
	// that are not wanted here.
	resp, err := f.transport.RoundTrip(req)
	if e, ok := errors.AsType[*functions.Error](err); ok {
		// The guard refused at dial, where the caller's spelling is not known.
		return nil, at.refused(e)
	}
	return resp, err
}

// redirects tells whether resp sends us elsewhere. 300 and 304 do not: the one
// offers a choice, the other answers a condition that was not set.
func redirects(resp *http.Response) bool {
	switch resp.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return resp.Header.Get("Location") != ""
	}
	return false
}

// picture checks that resp, the answer of at, is one with a picture in it, and
// reads that.
func (f *Fetcher) picture(at target, resp *http.Response, held Held) ([]byte, error) {
	if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusNonAuthoritativeInfo {
		// The far side's own words for the status stay out: it may write anything.
		status := strings.TrimSpace(fmt.Sprintf("%d %s", resp.StatusCode, http.StatusText(resp.StatusCode)))
		return nil, functions.Errorf(functions.SourceFailed, "%s answered %s", at.who(), status)
	}
	if given := resp.Header.Get("Content-Type"); !mayBePicture(given) {
		return nil, functions.Errorf(functions.SourceFailed, "%s answered %s, not a picture", at.who(), mediaName(given))
	}
	body, err := inflated(resp, f.maxBytes)
	if err != nil {
		return nil, err
	}
	picture, err := ReadAll(held.Reader(body), declared(resp), f.maxBytes)
	switch {
	case err == nil || functions.KindOf(err) == functions.TooLarge || functions.KindOf(err) == functions.Busy:
		return picture, err
	case functions.KindOf(err) == functions.Unreadable:
		return nil, functions.Errorf(functions.SourceFailed, "%s answered with no bytes", at.who())
	}
	return nil, cutOff{err}
}

// mayBePicture is generous: object stores know no better than octet-stream, and
// the decoder sniffs the bytes anyway. What is clearly something else is refused
// here because saying so helps more than "not a picture" does.
func mayBePicture(contentType string) bool {
	if strings.TrimSpace(contentType) == "" {
		return true
	}
	media, _, _ := mime.ParseMediaType(contentType)
	return strings.HasPrefix(media, "image/") || media == "application/octet-stream" || media == "binary/octet-stream"
}

// mediaName is the media type of contentType in a form fit to be shown: the far
// side wrote it.
func mediaName(contentType string) string {
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil || len(media) > 80 {
		return "an unknown content type"
	}
	return media
}
