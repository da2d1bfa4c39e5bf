package access

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What pages of listed sites may send and see. Fields of events (ce-) may be sent
// besides.
const (
	corsMethods = "GET, HEAD, POST, PUT, PATCH, DELETE"
	corsExposed = "Server-Timing, Retry-After, Location, ETag, X-Request-Id, WWW-Authenticate, Preference-Applied, Traceresponse, " +
		"RateLimit, RateLimit-Policy, Cache-Status"
	// maxCORSFields bounds what a preflight may ask for.
	maxCORSFields, maxCORSBytes = 64, 4 << 10
)

var corsFields = []string{
	"accept", "authorization", "cache-control", "content-type", "idempotency-key", "if-none-match", "last-event-id", "prefer",
	"request-timeout", "traceparent", "tracestate", "x-api-key", "x-request-deadline", "x-request-id",
}

// cors is which sites' pages browsers may let use the gateway.
type cors struct {
	all         bool
	patterns    []originPattern
	credentials bool
	maxAge      string
}

// originPattern is an origin, or all hosts below one.
type originPattern struct{ scheme, host string }

func newCORS(o CORSOptions) cors {
	c := cors{credentials: o.Credentials}
	for _, text := range o.Origins {
		if text == "*" {
			c.all = true
		} else if p, ok := parseOriginPattern(text); ok {
			c.patterns = append(c.patterns, p)
		}
	}
	if o.MaxAge == 0 {
		o.MaxAge = 10 * time.Minute
	}
	c.maxAge = strconv.Itoa(int(o.MaxAge.Seconds()))
	return c
}

// parseOriginPattern reads scheme://host[:port], where host may be *.name, or *.
func parseOriginPattern(text string) (originPattern, bool) {
	if text == "*" {
		return originPattern{}, true
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || text != u.Scheme+"://"+u.Host {
		return originPattern{}, false
	}
	name := u.Hostname()
	if !strings.Contains(u.Host, "[") && !isHostPattern(name) || name == "" {
		return originPattern{}, false
	}
	return originPattern{u.Scheme, strings.ToLower(u.Host)}, true
}

// allows says whether pages of that origin are listed. An origin that is "null"
// is any sandboxed page's, and listed by * alone.
func (c cors) allows(origin string) bool {
	if c.all {
		return true
	}
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" || origin != u.Scheme+"://"+u.Host {
		return false
	}
	return slices.ContainsFunc(c.patterns, func(p originPattern) bool {
		return p.scheme == u.Scheme && matchesHost(p.host, u.Host)
	})
}

// trustsWithCertificate says whether pages of that origin may use the user's client
// certificate, which a browser adds to some requests without asking anybody.
func (c cors) trustsWithCertificate(origin string) bool {
	return c.credentials && !c.all && c.allows(origin)
}

// CORS is middleware that tells browsers what pages of other sites may do, and
// answers their preflights, which carry no credential. It stands before
// [Access.Identify]. Where no origin is listed it does nothing.
func (a *Access) CORS(next http.Handler) http.Handler {
	c := a.cors
	if !c.all && len(c.patterns) == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		origin := r.Header.Get("Origin")
		header := w.Header()
		if !c.all { // caches must not give one site's answer to another
			header.Add("Vary", "Origin")
		}
		preflight := r.Method == http.MethodOptions && origin != "" && r.Header.Get("Access-Control-Request-Method") != ""
		if origin != "" && c.allows(origin) {
			c.allow(header, origin)
			if preflight {
				c.answer(header, r.Header)
			}
		}
		if preflight { // without the fields above it means no
			header.Add("Vary", "Access-Control-Request-Method, Access-Control-Request-Headers")
			w.WriteHeader(http.StatusNoContent)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (c cors) allow(header http.Header, origin string) {
	if c.all {
		header.Set("Access-Control-Allow-Origin", "*")
	} else {
		header.Set("Access-Control-Allow-Origin", origin)
		if c.credentials {
			header.Set("Access-Control-Allow-Credentials", "true")
		}
	}
	header.Set("Access-Control-Expose-Headers", corsExposed)
}

// answer says what the request after a preflight may be.
func (c cors) answer(header, asked http.Header) {
	header.Set("Access-Control-Allow-Methods", corsMethods)
	header.Set("Access-Control-Max-Age", c.maxAge)
	var fields []string
	wanted := asked.Get("Access-Control-Request-Headers")
	if len(wanted) > maxCORSBytes {
		return
	}
	for field := range strings.SplitSeq(wanted, ",") {
		field = strings.ToLower(strings.TrimSpace(field))
		event, isEvent := strings.CutPrefix(field, "ce-")
		if len(fields) < maxCORSFields && (slices.Contains(corsFields, field) ||
			isEvent && of(event, maxNameBytes, "abcdefghijklmnopqrstuvwxyz0123456789")) {
			fields = append(fields, field)
		}
	}
	if len(fields) > 0 {
		header.Set("Access-Control-Allow-Headers", strings.Join(fields, ", "))
	}
}
