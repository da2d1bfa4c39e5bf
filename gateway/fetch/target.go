package fetch

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/seed45885407/saccade/functions"
)

// target is an address the guard let through, written anew so that no two
// readers of it can disagree: scheme, host and port in their plain form, path
// and query as given, no userinfo, no fragment.
type target struct {
	url, scheme string
	// asked is the host of the caller's own URL, in the caller's spelling. After a
	// redirect it still is: the caller never wrote the host of that one.
	asked string
	// hop says that a redirect led here.
	hop bool
}

// who names the host of t to the caller.
func (t target) who() string {
	if t.hop {
		return "the host that " + t.asked + " redirects to"
	}
	return t.asked
}

// refused words the guard's refusal of t.
func (t target) refused(cause error) error {
	if t.hop {
		return functions.Errorf(functions.Forbidden, "%s redirects to an address that pictures are not fetched from", t.asked).Because(cause)
	}
	return functions.Errorf(functions.Forbidden, "pictures are not fetched from %s", t.asked).Because(cause)
}

// target reads and judges raw without asking anybody: no lookup, no connection.
func (g guard) target(raw string) (target, error) {
	if len(raw) > maxURLBytes {
		return target{}, tooLong()
	}
	u, err := url.Parse(raw)
	if err != nil {
		return target{}, functions.Errorf(functions.Invalid, "%s is not a URL", shown(raw)).Because(err)
	}
	return g.judge(u)
}

// redirect judges where at's answer sends us.
func (g guard) redirect(at target, location string) (target, error) {
	next, err := g.resolve(at, location)
	next.asked, next.hop = at.asked, true
	switch {
	case functions.KindOf(err) == functions.Forbidden:
		return target{}, next.refused(err)
	case err != nil:
		return target{}, functions.Errorf(functions.SourceFailed, "%s redirects to what is no URL", at.asked).Because(err)
	case at.scheme == "https" && next.scheme == "http":
		return target{}, functions.Errorf(functions.Forbidden, "%s redirects from https to http", at.asked)
	}
	return next, nil
}

func (g guard) resolve(at target, location string) (target, error) {
	if len(location) > maxURLBytes {
		return target{}, errors.New("the Location header is too long")
	}
	base, err := url.Parse(at.url)
	if err != nil {
		return target{}, fmt.Errorf("reading back our own URL: %w", err)
	}
	u, err := base.Parse(location)
	if err != nil {
		return target{}, fmt.Errorf("reading the Location header: %w", err)
	}
	return g.judge(u)
}

func (g guard) judge(u *url.URL) (target, error) {
	scheme := strings.ToLower(u.Scheme)
	switch {
	case scheme == "":
		return target{}, functions.Errorf(functions.Invalid, "the picture's URL needs a scheme: https://host/path")
	case scheme != "http" && scheme != "https":
		return target{}, functions.Errorf(functions.Forbidden, "pictures are fetched from http and https addresses, not from %s", shown(scheme))
	case u.Opaque != "" || u.Hostname() == "":
		return target{}, functions.Errorf(functions.Invalid, "the picture's URL names no host: https://host/path")
	case u.User != nil:
		return target{}, functions.Errorf(functions.Forbidden, "the picture's URL must not carry a user name or password")
	}
	port, err := portOf(scheme, u.Port())
	if err != nil {
		return target{}, err
	}
	h, err := parseHost(u.Host, u.Hostname())
	if err != nil {
		return target{}, err
	}
	if err := g.admit(h, port); err != nil {
		return target{}, err
	}
	clean := url.URL{Scheme: scheme, Host: h.String(), Path: u.Path, RawPath: u.RawPath, RawQuery: u.RawQuery}
	if port != standardPort(scheme) {
		clean.Host += ":" + strconv.Itoa(int(port))
	}
	t := target{url: clean.String(), scheme: scheme, asked: h.given}
	if len(t.url) > maxURLBytes { // again: escaping makes a path up to three times longer
		return target{}, tooLong()
	}
	return t, nil
}

func tooLong() error {
	return functions.Errorf(functions.Invalid, "the picture's URL has more than %d bytes", maxURLBytes)
}

func standardPort(scheme string) uint16 {
	if scheme == "https" {
		return 443
	}
	return 80
}

func portOf(scheme, given string) (uint16, error) {
	if given == "" {
		return standardPort(scheme), nil
	}
	port, err := strconv.ParseUint(given, 10, 16)
	if err != nil || port == 0 {
		return 0, functions.Errorf(functions.Invalid, "the picture's URL has no valid port: 1 to 65535")
	}
	return uint16(port), nil
}

// host is a name or an address in its one plain spelling.
type host struct {
	// name is in lower case; empty where addr is valid.
	name string
	addr netip.Addr
	// given is the spelling of the caller.
	given string
}

// String is the host as it stands in a URL.
func (h host) String() string {
	switch {
	case h.name != "":
		return h.name
	case h.addr.Is6():
		return "[" + h.addr.String() + "]"
	}
	return h.addr.String()
}

// parseHost reads a URL's host. It takes dotted-quad IPv4, bracketed IPv6 without
// a zone, and plain ASCII names; every other spelling that some resolver or
// other takes for an address (2130706433, 0x7f.1, 0177.0.0.1, 127.1, full-width
// digits, a trailing dot) is refused, so that nobody downstream can read it in
// another way.
func parseHost(hostport, hostname string) (host, error) {
	odd := functions.Errorf(functions.Forbidden, "%s is no plain host name or address", shown(hostname))
	if strings.HasPrefix(hostport, "[") {
		addr, err := netip.ParseAddr(hostname)
		if err != nil || !addr.Is6() || addr.Zone() != "" || addr.Is4In6() {
			return host{}, odd
		}
		return host{addr: addr, given: hostname}, nil
	}
	if addr, err := netip.ParseAddr(hostname); err == nil && addr.Is4() {
		return host{addr: addr, given: hostname}, nil
	}
	name := strings.ToLower(hostname)
	if !plainName(name) {
		return host{}, odd
	}
	return host{name: name, given: hostname}, nil
}

// plainName tells whether name, in lower case, has the form of a host name (RFC
// 1123, and the underscore that some have) whose last label no reader takes for
// a number (WHATWG URL, "ends in a number").
func plainName(name string) bool {
	if len(name) > 253 {
		return false
	}
	last := ""
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		if strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return false
		}
		last = label
	}
	return strings.Trim(last, "0123456789") != "" && !strings.HasPrefix(last, "0x")
}

// shown is text of the caller's, quoted and cut so that it can be shown again.
func shown(text string) string {
	const most = 100
	if len(text) > most {
		text = text[:most] + "..."
	}
	return strconv.QuoteToASCII(text)
}
