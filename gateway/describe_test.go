package gateway

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/functions/problem"
	"github.com/seed45885407/saccade/gateway/description"
	"github.com/seed45885407/saccade/gateway/jobs"
)

// document is as much of the description as the tests here look at.
type document struct {
	Paths      map[string]map[string]json.RawMessage `json:"paths"`
	Components struct {
		Schemas   map[string]schema      `json:"schemas"`
		Responses map[string]describedAs `json:"responses"`
	} `json:"components"`
}

type describedAs struct {
	Ref         string `json:"$ref"`
	Description string `json:"description"`
}

func readDescription(t *testing.T) document {
	t.Helper()
	text, err := description.JSON()
	var d document
	if err == nil {
		err = json.Unmarshal(text, &d)
	}
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// responses are an operation's, by status, with what the description says of each.
func (d document) responses(t *testing.T, path, method string) map[string]string {
	t.Helper()
	var operation struct {
		Responses map[string]describedAs `json:"responses"`
	}
	if err := json.Unmarshal(d.Paths[path][method], &operation); err != nil {
		t.Fatal(err)
	}
	said := map[string]string{}
	for status, r := range operation.Responses {
		if name, isRef := strings.CutPrefix(r.Ref, "#/components/responses/"); isRef {
			r = d.Components.Responses[name]
		}
		said[status] = r.Description
	}
	return said
}

func TestEveryRouteIsDescribedAndNothingElse(t *testing.T) {
	d := readDescription(t)
	var described []string
	for path, item := range d.Paths {
		for method := range item {
			if method != "parameters" {
				described = append(described, strings.ToUpper(method)+" "+path)
			}
		}
	}
	var served []string
	for _, route := range newAsyncWorld(t, jobs.Options{}).gateway.doors().Routes() {
		steps := strings.Split(route.Path, "/")
		for i, step := range steps {
			if name, ok := strings.CutPrefix(step, ":"); ok {
				steps[i] = "{" + name + "}"
			}
		}
		if route.Method != echo.RouteNotFound {
			served = append(served, route.Method+" "+strings.Join(steps, "/"))
		}
	}
	slices.Sort(described)
	slices.Sort(served)
	if !slices.Equal(described, served) {
		t.Errorf("described:\n%s\nserved:\n%s", strings.Join(described, "\n"), strings.Join(served, "\n"))
	}
}

// Every kind of problem is described where it is answered, with the status it has
// there, and no other.
func TestEveryProblemIsDescribedUnderItsStatus(t *testing.T) {
	d := readDescription(t)
	types := d.Components.Schemas["Problem"].Properties["type"].Examples
	if len(types) != len(functions.Kinds) {
		t.Errorf("%d types are listed, and there are %d", len(types), len(functions.Kinds))
	}
	described := map[functions.Kind]bool{}
	for path, item := range d.Paths {
		for method := range item {
			if method == "parameters" {
				continue
			}
			isEvent := path == "/" || path == "/v1/events"
			responses := d.responses(t, path, method)
			for _, kind := range functions.Kinds {
				p := problem.New(kind, "")
				if isEvent {
					p, _ = problem.ForEvents(functions.Errorf(kind, ""))
				}
				if !slices.Contains(types, any(p.Type)) {
					t.Errorf("%s is not listed among the types", p.Type)
				}
				for status, text := range responses {
					told := strings.Contains(text, "[`"+string(kind)+"`]("+p.Type+")")
					if mentioned := strings.Contains(text, string(kind)+")"); mentioned != told {
						t.Errorf("%s %s: under %s %s does not lead to %s", method, path, status, kind, p.Type)
					}
					if told && status != statusText(p.Status) {
						t.Errorf("%s %s: %s is described under %s; it is answered with %d", method, path, kind, status, p.Status)
					}
					described[kind] = described[kind] || told
				}
				if text := responses[statusText(p.Status)]; isEvent && kind != functions.JobNotFound && !strings.Contains(text, p.Type) {
					t.Errorf("%s %s: %s is not described under %d", method, path, kind, p.Status)
				}
			}
		}
	}
	for _, kind := range functions.Kinds {
		if !described[kind] {
			t.Errorf("no answer is described to be %s", kind)
		}
	}
}

func statusText(status int) string {
	text, _ := json.Marshal(status)
	return string(text)
}

func TestTheDescriptionIsServedToEverybody(t *testing.T) {
	w := newAsyncWorld(t, jobs.Options{})
	for path, contentType := range map[string]string{"/openapi.json": "application/json", "/openapi.yaml": "application/yaml"} {
		get := func(etag string) (*http.Response, []byte) {
			t.Helper()
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.server.URL+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("If-None-Match", etag)
			resp, err := w.server.Client().Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			return resp, body
		}
		resp, body := get("")
		if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != contentType || len(body) < 10_000 {
			t.Errorf("%s: %s %s, %d bytes", path, resp.Status, resp.Header.Get("Content-Type"), len(body))
		}
		if again, body := get(resp.Header.Get("ETag")); again.StatusCode != http.StatusNotModified || len(body) != 0 {
			t.Errorf("%s: asked again with its tag: %s, %d bytes", path, again.Status, len(body))
		}
	}
}

// What nothing refers to would be forgotten.
func TestEveryComponentIsUsed(t *testing.T) {
	text, err := description.JSON()
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		Components map[string]map[string]json.RawMessage `json:"components"`
	}
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	for group, members := range d.Components {
		for _, name := range slices.Sorted(maps.Keys(members)) {
			if group != "securitySchemes" && !strings.Contains(string(text), `"#/components/`+group+"/"+name+`"`) {
				t.Errorf("%s/%s is referred to by nothing", group, name)
			}
		}
	}
}
