package traces

import (
	"io"
	"path"
	"strings"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// AccessLog says which lines of a web server's log are arrivals.
type AccessLog struct {
	// Path is a pattern of path.Match that the request's path must fit, or a path that
	// ends in a slash, below which all fit. Empty: all paths.
	Path string
	// Method is the only one that counts, in upper case. Empty: all.
	Method string
	// Function is whose arrivals they are. Empty: each path is a function of that name.
	Function string
}

// commonTime is the time between the brackets.
const commonTime = "02/Jan/2006:15:04:05 -0700"

// Read reads Common or Combined Log Format, as Apache and nginx write it
// (httpd.apache.org/docs/2.4/logs.html):
//
//	127.0.0.1 - anna [10/Oct/2026:13:55:36 -0700] "GET /a?b HTTP/1.1" 200 2326 "referer" "agent"
//
// The time is when the request came, in Apache's log, or when it was answered, in
// nginx's; it has whole seconds, so the requests of one second are spread over it evenly.
// How long a request took is in neither format. Requests that the server could not read
// have no path, and are passed over.
func (a AccessLog) Read(r io.Reader) (*Recording, error) {
	if _, err := path.Match(a.Path, ""); err != nil {
		return nil, functions.Errorf(functions.Invalid, "%q is no pattern of paths", a.Path)
	}
	all, err := read(r, func(number int, line []byte) (Record, bool, error) {
		at, method, target, err := logLine(string(line))
		if err != nil {
			return Record{}, false, functions.Errorf(functions.Invalid, "line %d is in no Common Log Format: %v", number, err)
		}
		name, _, _ := strings.Cut(target, "?")
		if method == "" || a.Method != "" && a.Method != method || !a.fits(name) {
			return Record{}, false, nil
		}
		if a.Function != "" {
			name = a.Function
		}
		return Record{At: at, Function: name}, true, nil
	})
	if err != nil {
		return nil, err
	}
	all.spread()
	return all, nil
}

func (a AccessLog) fits(name string) bool {
	if a.Path == "" || strings.HasSuffix(a.Path, "/") && strings.HasPrefix(name, a.Path) {
		return true
	}
	fits, err := path.Match(a.Path, name)
	return err == nil && fits
}

// logLine is what counts of a line; method is empty where the request has none.
func logLine(line string) (at time.Time, method, target string, err error) {
	_, rest, opened := strings.Cut(line, "[")
	when, rest, closed := strings.Cut(rest, "] ")
	if !opened || !closed {
		return at, "", "", functions.Errorf(functions.Invalid, "there is no time in brackets")
	}
	if at, err = time.Parse(commonTime, when); err != nil {
		return at, "", "", functions.Errorf(functions.Invalid, "%q is no time", when)
	}
	quoted, found := strings.CutPrefix(rest, `"`)
	end := closing(quoted)
	if !found || end < 0 {
		return at, "", "", functions.Errorf(functions.Invalid, "there is no request in quotes")
	}
	method, rest, _ = strings.Cut(quoted[:end], " ")
	target, _, hasTarget := strings.Cut(rest, " ")
	if !hasTarget || !strings.HasPrefix(target, "/") {
		return at, "", "", nil // "-", or bytes of another protocol
	}
	return at, method, target, nil
}

// closing is where the quoted text ends; a quote in it stands behind a backslash.
func closing(quoted string) int {
	for i := 0; i < len(quoted); i++ {
		switch quoted[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return -1
}

// spread moves the records of each second apart, in their order.
func (r *Recording) spread() {
	for from := 0; from < len(r.records); {
		to := from
		for to < len(r.records) && r.records[to].At.Equal(r.records[from].At) {
			to++
		}
		step := time.Second / time.Duration(to-from)
		for i := from; i < to; i++ {
			r.records[i].At = r.records[i].At.Add(time.Duration(i-from) * step)
		}
		from = to
	}
}
