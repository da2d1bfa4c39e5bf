package jobs

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"strings"

	"github.com/seed45885407/saccade/functions"
)

// callback is a line of the operator's list: where callers may have answers sent.
type callback struct {
	scheme, host, port string
	under              bool // host stands for every name below it
	path               string
}

// maxCallback is the most bytes of a callback's URL.
const maxCallback = 2 << 10

func parseCallbacks(list []string) ([]callback, error) {
	var all []callback
	var faults []error
	for _, text := range list {
		c, err := parseCallback(text)
		if err != nil {
			faults = append(faults, fmt.Errorf("the allowed callback %q: %w", text, err))
			continue
		}
		all = append(all, c)
	}
	return all, errors.Join(faults...)
}

func parseCallback(text string) (callback, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return callback{}, err
	case u.Scheme != "http" && u.Scheme != "https":
		return callback{}, errors.New("it begins with https:// or http://")
	case u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return callback{}, errors.New("it is a scheme, a host and the beginning of a path")
	}
	c := callback{scheme: u.Scheme, host: strings.ToLower(u.Hostname()), port: portOf(u), path: u.Path}
	if suffix, under := strings.CutPrefix(c.host, "*."); under {
		c.host, c.under = suffix, true
	}
	if strings.Contains(c.host, "*") || c.host == "" {
		return callback{}, errors.New("a star stands for what is before a dot alone: *.example.com")
	}
	return c, nil
}

func portOf(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "https":
		return "443"
	}
	return "80"
}

// allowed refuses a callback that no line of the list allows. What its host resolves
// to is looked at by the guard, when it is dialled.
func (s sinks) allowed(raw string) error {
	u, err := url.Parse(raw)
	switch {
	case len(raw) > maxCallback || err != nil || u.Host == "" || u.Opaque != "":
		return functions.Errorf(functions.Invalid, "the callback is no URL")
	case u.User != nil || u.Fragment != "":
		return functions.Errorf(functions.Invalid, "a callback has no user name, password or fragment")
	}
	for _, c := range s.callbacks {
		if s.caller != nil && c.matches(u) {
			return nil
		}
	}
	return functions.Errorf(functions.Forbidden, "answers are not sent to %.100q", u.Hostname())
}

func (c callback) matches(u *url.URL) bool {
	host := strings.ToLower(u.Hostname())
	if c.scheme != u.Scheme || c.port != portOf(u) {
		return false
	}
	if c.under && !strings.HasSuffix(host, "."+c.host) || !c.under && host != c.host {
		return false
	}
	// As it will be understood, not as it is written: no way out by dots.
	given, base := "/"+strings.Trim(u.Path, "/"), "/"+strings.Trim(c.path, "/")
	if path.Clean(given) != given {
		return false
	}
	return base == "/" || given == base || strings.HasPrefix(given, base+"/")
}
