package openapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	_ "image/jpeg"
	_ "image/png"
	"io"
	"mime"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	validator "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi-validator/errors"
)

// judge looks at exchanges with the gateway, and remembers what it has seen.
type judge struct {
	*world
	document   document
	operations []operation
	validator  validator.Validator
	headings   []string // of the page of problems

	mu   sync.Mutex
	seen map[string]bool // by operation ID, status and media type
}

func newJudge(t *testing.T) *judge {
	j := &judge{world: newWorld(t), seen: map[string]bool{}}
	resp, err := http.Get(j.url + "/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatal(resp.Status, err)
	}
	j.document = readDocument(t, text)
	j.operations = j.document.operations(t)
	j.validator = strictValidator(t, j.document)
	page, err := os.ReadFile(filepath.Join(root, "docs", "problems.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, heading := range regexp.MustCompile(`(?m)^## (.+)$`).FindAllStringSubmatch(string(page), -1) {
		j.headings = append(j.headings, heading[1])
	}
	return j
}

// exchange is a request and what is expected of it.
type exchange struct {
	operation string // its ID
	id        string // of a job; otherwise the function's name. Default: centernet
	query     string
	header    http.Header
	mediaType string
	body      []byte
	key       string // the caller's; default: owner, "none" for none
	// wrong says that the request is not as described, so that only the answer is
	// judged.
	wrong bool
	// stalls leaves the body open after its bytes.
	stalls bool
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	media  string
	body   []byte
}

// problem is the kind of the problem that the answer is.
func (a answer) problem() string {
	var p struct{ Type string }
	_ = json.Unmarshal(a.body, &p) // what is none has none
	_, kind, _ := strings.Cut(p.Type, "#")
	return kind
}

func (a answer) decode(t *testing.T, into any) {
	t.Helper()
	if err := json.Unmarshal(a.body, into); err != nil {
		t.Fatalf("%v: %s", err, a.body)
	}
}

func (j *judge) operation(t *testing.T, id string) operation {
	t.Helper()
	at := slices.IndexFunc(j.operations, func(o operation) bool { return o.ID == id })
	if at < 0 {
		t.Fatalf("there is no operation %s", id)
	}
	return j.operations[at]
}

// request makes the request of an exchange.
func (j *judge) request(t *testing.T, x exchange) *http.Request {
	t.Helper()
	o := j.operation(t, x.operation)
	name := x.id
	if name == "" {
		name = "centernet"
	}
	path := strings.NewReplacer("{name}", name, "{id}", name).Replace(o.path)
	if x.query != "" {
		path += "?" + x.query
	}
	var body io.Reader = bytes.NewReader(x.body)
	if x.stalls {
		within, writer := io.Pipe() // nobody writes its end until the test is over
		t.Cleanup(func() { writer.Close() })
		body = io.MultiReader(body, within)
	}
	r, err := http.NewRequestWithContext(t.Context(), o.method, j.url+path, body)
	if err != nil {
		t.Fatal(err)
	}
	for field, values := range x.header {
		r.Header[http.CanonicalHeaderKey(field)] = values
	}
	if x.mediaType != "" {
		r.Header.Set("Content-Type", x.mediaType)
	}
	switch x.key {
	case "none":
	case "":
		r.Header.Set("X-API-Key", j.keys["owner"])
	default:
		key, known := j.keys[x.key]
		if !known {
			key = x.key
		}
		r.Header.Set("Authorization", "Bearer "+key)
	}
	return r
}

// endless is the operation whose stream goes on until its caller leaves: of it the head
// is looked at.
const endless = "followDrift"

// send sends a request, and judges it and its answer.
func (j *judge) send(t *testing.T, x exchange) answer {
	t.Helper()
	if !x.wrong {
		if ok, faults := j.validator.ValidateHttpRequestSync(j.request(t, x)); !ok {
			t.Errorf("the request is not as described: %s", told(faults))
		}
	}
	resp, err := http.DefaultClient.Do(j.request(t, x))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	a := answer{status: resp.StatusCode, header: resp.Header}
	if x.operation != endless || a.status != http.StatusOK {
		if a.body, err = io.ReadAll(resp.Body); err != nil {
			t.Fatal(err)
		}
	}
	a.media, _, _ = mime.ParseMediaType(resp.Header.Get("Content-Type"))
	j.judge(t, j.request(t, x), x.operation, a)
	return a
}

// judge holds an answer against the description.
func (j *judge) judge(t *testing.T, r *http.Request, id string, a answer) {
	t.Helper()
	described, there := j.operation(t, id).Responses[strconv.Itoa(a.status)]
	if !there {
		t.Errorf("%s: the status %d is not described: %s", id, a.status, a.body)
		return
	}
	j.mu.Lock()
	j.seen[strings.TrimSpace(fmt.Sprint(id, " ", a.status, " ", a.media))] = true
	j.mu.Unlock()
	resp := &http.Response{StatusCode: a.status, Header: a.header, Body: io.NopCloser(bytes.NewReader(a.body))}
	ok, faults := j.validator.ValidateHttpResponse(r, resp)
	if len(a.body) == 0 && a.media == "" { // that an answer may have no body cannot be described beside what one has
		faults = slices.DeleteFunc(faults, func(e *errors.ValidationError) bool {
			return len(described.Content) > 0 && a.status == http.StatusAccepted && strings.Contains(e.Message, "content type")
		})
		ok = len(faults) == 0
	}
	if !ok {
		t.Errorf("%s: the answer %d is not as described: %s\n%s", id, a.status, told(faults), a.body[:min(len(a.body), 2000)])
	}
	if a.header.Get("X-Request-Id") == "" {
		t.Errorf("%s: the answer has no X-Request-Id", id)
	}
	switch {
	case strings.HasPrefix(a.media, "image/"):
		if _, format, err := image.DecodeConfig(bytes.NewReader(a.body)); err != nil || "image/"+format != a.media {
			t.Errorf("%s: no picture of the type %s: %s %v", id, a.media, format, err)
		}
	case a.media == "application/problem+json":
		j.judgeProblem(t, a)
	}
}

// judgeProblem follows the problem's type to its heading.
func (j *judge) judgeProblem(t *testing.T, a answer) {
	t.Helper()
	var p struct {
		Type   string
		Status int
	}
	a.decode(t, &p)
	if p.Status != a.status || !slices.Contains(j.headings, a.problem()) {
		t.Errorf("a problem %s of status %d, answered with %d: one of the headings %q was expected", p.Type, p.Status, a.status, j.headings)
	}
}

// told is what a validator found, in lines.
func told(faults []*errors.ValidationError) string {
	var lines []string
	for _, fault := range faults {
		lines = append(lines, fault.Message+": "+fault.Reason)
		for _, more := range fault.SchemaValidationErrors {
			lines = append(lines, "  "+more.FieldPath+" "+more.Reason)
		}
	}
	return strings.Join(lines, "\n")
}
