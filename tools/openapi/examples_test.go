package openapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// rawSamples is where the description finds the pictures that ship.
const rawSamples = "https://raw.githubusercontent.com/seed45885407/saccade/main/samples/"

// testExamples sends every example of every operation, and every parameter's example
// once. Those of jobs need a job, see jobs_test.go.
func (j *judge) testExamples(t *testing.T) {
	for _, o := range j.operations {
		if strings.Contains(o.path, "{id}") || o.ID == "showDriftReference" { // those take more than one request
			continue
		}
		for _, mediaType := range append(slices.Sorted(maps.Keys(o.Body.Content)), "") {
			if (mediaType == "") != (len(o.Body.Content) == 0) {
				continue
			}
			names := slices.Sorted(maps.Keys(o.Body.Content[mediaType].Examples))
			if mediaType != "" && len(names) == 0 {
				t.Errorf("%s has no example of %s", o.ID, mediaType)
			}
			for _, name := range append(names, "") {
				if (name == "") != (mediaType == "") {
					continue
				}
				x := j.example(t, o, mediaType, name)
				t.Run(strings.Join([]string{o.ID, mediaType, name}, " "), func(t *testing.T) { j.works(t, x) })
			}
		}
		j.testParameters(t, o)
	}
}

// testParameters sends an operation's parameters one by one, with its first example.
func (j *judge) testParameters(t *testing.T, o operation) {
	mediaTypes := slices.Sorted(maps.Keys(o.Body.Content))
	for _, p := range o.Parameters {
		if p.Required || strings.HasPrefix(p.Name, "ce-") {
			continue
		}
		if p.Example == nil {
			if p.Name != "cursor" { // there is none that is always right
				t.Errorf("%s: the parameter %s has no example", o.ID, p.Name)
			}
			continue
		}
		var x exchange
		if len(mediaTypes) > 0 {
			name := slices.Min(slices.Collect(maps.Keys(o.Body.Content[mediaTypes[0]].Examples)))
			x = j.example(t, o, mediaTypes[0], name)
		} else {
			x = exchange{operation: o.ID, header: http.Header{}}
		}
		value := fmt.Sprint(p.Example)
		// An event that is sent for later again, and otherwise, would be refused.
		x.body = bytes.Replace(x.body, []byte(`"id":"`), fmt.Appendf(nil, `"id":"%s-%s-`, o.ID, p.Name), 1)
		switch {
		case p.Name == "callback":
			x.query = "callback=" + url.QueryEscape(j.hosts.URL+"/answers/7")
			x.header.Set("Prefer", "respond-async")
		case p.In == "query":
			x.query = url.Values{p.Name: {value}}.Encode()
		case p.In == "header":
			x.header.Set(p.Name, value)
		}
		t.Run(o.ID+" with "+p.Name, func(t *testing.T) { j.works(t, x) })
	}
}

// works sends what must not be refused.
func (j *judge) works(t *testing.T, x exchange) {
	t.Helper()
	if a := j.send(t, x); a.status >= http.StatusBadRequest {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// example is the request that an example of a body means.
func (j *judge) example(t *testing.T, o operation, mediaType, name string) exchange {
	t.Helper()
	x := exchange{operation: o.ID, mediaType: mediaType, header: http.Header{}}
	if mediaType == "" {
		return x
	}
	shown := o.Body.Content[mediaType].Examples[name]
	switch {
	case shown.ExternalValue != "":
		file, ours := strings.CutPrefix(shown.ExternalValue, rawSamples)
		if !ours {
			t.Fatalf("%s is no sample", shown.ExternalValue)
		}
		x.body = sample(t, file)
		x.mediaType = strings.Replace(mediaType, "*", "png", 1)
	case mediaType == "multipart/form-data":
		x.body, x.mediaType = form(t, shown.Value.(map[string]any))
	default:
		text, err := json.Marshal(shown.Value)
		if err != nil {
			t.Fatal(err)
		}
		x.body = bytes.ReplaceAll(text, []byte(rawSamples), []byte(j.hosts.URL+"/samples/"))
	}
	if !strings.HasPrefix(mediaType, "application/cloudevents") {
		for _, p := range o.Parameters { // binary mode, where it is an event
			if strings.HasPrefix(p.Name, "ce-") {
				x.header.Set(p.Name, p.Example.(string))
			}
		}
	}
	return x
}

// form is a form whose field image is the file of that name.
func form(t *testing.T, fields map[string]any) (body []byte, mediaType string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for name, value := range fields {
		text := []byte(fmt.Sprint(value))
		var err error
		if name == "image" {
			if text, err = os.ReadFile(filepath.Join(root, string(text))); err != nil {
				t.Fatal(err)
			}
		}
		part, err := w.CreateFormField(name)
		if err == nil {
			_, err = part.Write(text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), w.FormDataContentType()
}

// testShownAnswers holds the answers that the description shows against it.
func (j *judge) testShownAnswers(t *testing.T) {
	shown := 0
	for _, o := range j.operations {
		for status, response := range o.Responses {
			for mediaType, m := range response.Content {
				for name, example := range m.Examples {
					shown++
					text, err := json.Marshal(example.Value)
					if err != nil || !strings.Contains(mediaType, "json") {
						continue
					}
					var code int
					fmt.Sscan(status, &code)
					r := j.request(t, exchange{operation: o.ID})
					ok, faults := j.validator.ValidateHttpResponse(r, recorded(code, mediaType, text))
					if !ok {
						t.Errorf("%s, %s %s %s: %s", o.ID, status, mediaType, name, told(faults))
					}
				}
			}
		}
	}
	if shown < 5 {
		t.Errorf("found %d examples: the search is at fault", shown)
	}
}
