package events

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The cases of the CloudEvents conformance suite, by its names for them:
// https://github.com/cloudevents/conformance, features/http-protocol-binding.feature
// and format/json (October 2026).

func TestConformanceOfTheHTTPProtocolBinding(t *testing.T) {
	want := Event{
		ID: "1234-1234-1234", Source: "/mycontext/subcontext", Type: "com.example.someevent",
		Time: time.Date(2018, 4, 5, 3, 56, 24, 0, time.UTC), DataContentType: "application/json",
	}
	const greeting = `{"message": "Hello World!"}`
	inBinary := "POST /someresource HTTP/1.1\r\nHost: example.com\r\nce-specversion: 1.0\r\nce-type: com.example.someevent\r\n" +
		"ce-time: 2018-04-05T03:56:24Z\r\nce-id: 1234-1234-1234\r\nce-source: /mycontext/subcontext\r\n" +
		"Content-Type: %s\r\nContent-Length: %d\r\n\r\n%s"
	structured := `{"specversion":"1.0","type":"com.example.someevent","time":"2018-04-05T03:56:24Z","id":"1234-1234-1234",` +
		`"source":"/mycontext/subcontext","datacontenttype":"application/json","data":` + greeting + `}`
	inStructured := "POST /someresource HTTP/1.1\r\nHost: example.com\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s"

	for _, contentType := range []string{"application/json", "application/json; charset=utf-8"} {
		t.Run("binary content mode, "+contentType, func(t *testing.T) {
			r, body, mode := receive(t, fmt.Sprintf(inBinary, contentType, len(greeting), greeting))
			event, err := FromHeader(r.Header)
			if mode != Binary || err != nil {
				t.Fatal(mode, err)
			}
			want := want
			want.DataContentType = contentType
			if diff := cmp.Diff(want, event); diff != "" {
				t.Error(diff)
			}
			sameJSON(t, body, greeting)
		})
	}
	for _, contentType := range []string{"application/cloudevents+json", "application/cloudevents+json; charset=utf-8"} {
		t.Run("structured content mode, "+contentType, func(t *testing.T) {
			_, body, mode := receive(t, fmt.Sprintf(inStructured, contentType, len(structured), structured))
			event, err := Parse(body)
			if mode != Structured || err != nil {
				t.Fatal(mode, err)
			}
			sameJSON(t, event.Data, greeting)
			event.Data = nil
			if diff := cmp.Diff(want, event); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// receive reads a request as it is on the wire.
func receive(t *testing.T, wire string) (*http.Request, []byte, Mode) {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(wire)))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	mode, err := ModeOf(r.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	return r, body, mode
}

func sameJSON(t *testing.T, got []byte, want string) {
	t.Helper()
	var a, b any
	if err := json.Unmarshal(got, &a); err != nil {
		t.Fatal(err)
	}
	_ = json.Unmarshal([]byte(want), &b)
	if diff := cmp.Diff(b, a); diff != "" {
		t.Error(diff)
	}
}

type attrs = map[string]any

// minimal is the suite's smallest event, with changes: a value sets, gone removes.
func minimal(changes attrs) string {
	event := attrs{"specversion": "1.0", "id": "minimal", "type": "io.cloudevents.test", "source": "https://cloudevents.io"}
	maps.Copy(event, changes)
	maps.DeleteFunc(event, func(_ string, value any) bool { return value == gone{} })
	text, err := json.Marshal(event)
	if err != nil {
		panic(err)
	}
	return string(text)
}

type gone struct{}

func TestConformanceOfValidEventsInJSON(t *testing.T) {
	plain := Event{ID: "minimal", Type: "io.cloudevents.test", Source: "https://cloudevents.io"}
	with := func(change func(*Event)) Event { e := plain; change(&e); return e }
	timed := with(func(e *Event) { e.Time = time.Date(2018, 4, 5, 17, 31, 0, 0, time.UTC) })
	for _, tt := range []struct {
		name    string
		changes attrs
		want    Event
	}{
		{"validMinimal", nil, plain},
		{
			"validMinimalWithNullForOptional",
			attrs{"datacontenttype": nil, "dataschema": nil, "subject": nil, "time": nil},
			plain,
		},
		{
			"validAllCoreAttributes",
			attrs{
				"datacontenttype": "text/plain", "dataschema": "https://cloudevents.io/dataschema",
				"subject": "tests", "time": "2018-04-05T17:31:00Z",
			},
			with(func(e *Event) {
				*e = timed
				e.DataContentType, e.DataSchema, e.Subject = "text/plain", "https://cloudevents.io/dataschema", "tests"
			}),
		},
		{"validMinimalWithTimeUtc", attrs{"time": "2018-04-05T17:31:00Z"}, timed},
		{"validMinimalWithTimeToNanosecondsUtc", attrs{"time": "2018-04-05T17:31:00.000000000Z"}, timed},
		{"validMinimalWithTimeUsingPositiveOffset", attrs{"time": "2018-04-05T18:31:00+01:00"}, timed},
		{"validMinimalWithTimeUsingNegativeOffset", attrs{"time": "2018-04-05T16:31:00-01:00"}, timed},
		{"validRelativeSource", attrs{"source": "#fragment"}, with(func(e *Event) { e.Source = "#fragment" })},
		{
			"validSimpleTextData",
			attrs{"datacontenttype": "text/plain", "data": "Simple text"},
			with(func(e *Event) { e.DataContentType, e.Data = "text/plain", []byte("Simple text") }),
		},
		{
			"validAllExtensionTypes",
			attrs{
				"extinteger": 10, "extboolean": true, "extstring": "text", "exturi": "https://cloudevents.io",
				"exturiref": "//authority/path", "exttimestamp": "2023-03-31T15:12:00Z", "extbinary": "TWE=",
			},
			with(func(e *Event) {
				e.Extensions = attrs{
					"extinteger": int32(10), "extboolean": true, "extstring": "text", "exturi": "https://cloudevents.io",
					"exturiref": "//authority/path", "exttimestamp": "2023-03-31T15:12:00Z", "extbinary": "TWE=",
				}
			}),
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			event, err := Parse([]byte(minimal(tt.changes)))
			if diff := cmp.Diff(tt.want, event); diff != "" || err != nil {
				t.Error(err, diff)
			}
		})
	}
}

func TestConformanceOfInvalidEventsInJSON(t *testing.T) {
	for name, changes := range map[string]attrs{
		"invalidNoSpecVersion":             {"specversion": gone{}},
		"invalidNoId":                      {"id": gone{}},
		"invalidNoType":                    {"type": gone{}},
		"invalidNoSource":                  {"source": gone{}},
		"invalidTimeGarbage":               {"time": "lunchtime"},
		"invalidTimeToMinute":              {"time": "2018-04-05T18:31Z"},
		"invalidTimeOffsetX":               {"time": "2018-04-05T18:31:00X"},
		"invalidTimeOffsetOutOfRange":      {"time": "2018-04-05T18:31:00+25:00"},
		"invalidTimeOffsetNonInteger":      {"time": "2018-04-05T18:31:00+xx:00"},
		"invalidTimeOffsetHourOnly":        {"time": "2018-04-05T18:31:00+05"},
		"invalidEmptyId":                   {"id": ""},
		"invalidEmptyType":                 {"type": ""},
		"invalidEmptySource":               {"source": ""},
		"invalidEmptySpecVersion":          {"specversion": ""},
		"invalidUnknownSpecVersion":        {"specversion": "0.9"},
		"invalidNonRfc2046DataContentType": {"datacontenttype": "xyz"},
		"invalidEmptyDataContentType":      {"datacontenttype": ""},
		"invalidEmptyDataSchema":           {"dataschema": ""},
		"invalidEmptySubject":              {"subject": ""},
		"invalidNumericId":                 {"id": 25},
		"invalidObjectId":                  {"id": attrs{"xyz": "abc"}},
		"invalidCapitalizedExtension":      {"MyExtension": "bad"},
		"invalidPunctuatedExtension":       {"my.extension": "bad"},
		"invalidNonIntegerExtensionValue":  {"myextension": 1.5},
		"invalidBothDataAndDataBase64":     {"data": "text", "data_base64": "eyAieHl6IjogMTIzIH0="},
	} {
		t.Run(name, func(t *testing.T) {
			if event, err := Parse([]byte(minimal(changes))); err == nil {
				t.Errorf("it was read as %+v", event)
			}
		})
	}
}

func TestConformanceOfBatchesInJSON(t *testing.T) {
	valid, noID := minimal(nil), minimal(attrs{"id": gone{}})
	for _, tt := range []struct {
		name   string
		events []string
		faults int
	}{
		{"validBatchEmpty", nil, 0},
		{"validBatchMinimal", []string{valid}, 0},
		{"validBatchMinimal2", []string{valid, valid}, 0},
		{"validBatchMinimalAndAllCore", []string{valid, minimal(attrs{"datacontenttype": "text/plain", "subject": "tests"})}, 0},
		{"validBatchMinimalAndAllExtensionTypes", []string{valid, minimal(attrs{"extinteger": 10, "extboolean": true})}, 0},
		// One bad event of a batch fails alone: its sender learns which.
		{"invalidBatchMixedSpecVersions", []string{valid, minimal(attrs{"specversion": "0.9"})}, 1},
		{"invalidBatchContainingInvalidCloudEvent", []string{noID}, 1},
		{"invalidBatchContainingNonObject", []string{`"not an object"`, valid}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			all, err := Split([]byte("["+strings.Join(tt.events, ",")+"]"), 100)
			if err != nil || len(all) != len(tt.events) {
				t.Fatal(len(all), err)
			}
			faults := 0
			for _, text := range all {
				if _, err := Parse(text); err != nil {
					faults++
				}
			}
			if faults != tt.faults {
				t.Errorf("%d of its events are refused, want %d", faults, tt.faults)
			}
		})
	}
}
