package events

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/functions"
)

func TestTheModeIsReadFromTheContentType(t *testing.T) {
	for _, tt := range []struct {
		contentType string
		want        Mode
		refused     bool
	}{
		{"application/cloudevents+json", Structured, false},
		{"application/cloudevents+json; charset=utf-8", Structured, false},
		{`Application/CloudEvents+JSON;Charset="UTF-8"`, Structured, false},
		{"APPLICATION/CLOUDEVENTS+JSON ; charset=us-ascii; x=y", Structured, false},
		{"application/cloudevents+json; charset", Structured, false},
		{"application/cloudevents-batch+json", Batched, false},
		{"Application/CloudEvents-Batch+JSON;charset=UTF-8", Batched, false},
		{"application/json", Binary, false},
		{"image/jpeg", Binary, false},
		{"", Binary, false},
		{"application/cloudeventsish+json", Binary, false},
		{"application/cloudevents", Binary, true},
		{"application/cloudevents+xml", Binary, true},
		{"application/cloudevents+avro; charset=utf-8", Binary, true},
		{"application/cloudevents-batch+xml", Binary, true},
	} {
		mode, err := ModeOf(tt.contentType)
		if mode != tt.want || (err != nil) != tt.refused {
			t.Errorf("%q: %v, %v", tt.contentType, mode, err)
		}
		if tt.refused && functions.KindOf(err) != functions.Unsupported {
			t.Errorf("%q: refused as %s", tt.contentType, functions.KindOf(err))
		}
	}
}

func TestAnEventInJSONIsRead(t *testing.T) {
	plain := Event{ID: "1", Source: "/s", Type: "t"}
	with := func(change func(*Event)) Event { e := plain; change(&e); return e }
	const head = `{"specversion":"1.0","id":"1","source":"/s","type":"t"`
	const old = `{"specversion":"0.3","id":"1","source":"/s","type":"t"`
	for _, tt := range []struct {
		name, text string
		want       Event
	}{
		{"the least", head + `}`, plain},
		{"white space everywhere", " \n{ \"specversion\" :\t\"1.0\" , \"id\":\"1\", \"source\":\"/s\" ,\"type\":\"t\"\r\n} ", plain},
		{
			"all that the specification names", head + `,"subject":"a","time":"2024-05-01T10:00:00.5+02:00","datacontenttype":"text/plain","dataschema":"/d","data":"x\ny"}`,
			with(func(e *Event) {
				e.Subject, e.DataContentType, e.DataSchema, e.Data = "a", "text/plain", "/d", []byte("x\ny")
				e.Time = time.Date(2024, 5, 1, 8, 0, 0, 5e8, time.UTC)
			}),
		},
		{
			"extensions of each type", head + `,"a":"x","b":true,"c":false,"d":-7}`,
			with(func(e *Event) { e.Extensions = map[string]any{"a": "x", "b": true, "c": false, "d": int32(-7)} }),
		},
		{"an attribute that is null", head + `,"subject":null,"time":null,"x":null}`, plain},
		{"escapes in names and values", `{"\u0073pecversion":"1.0","id":"\u0031","source":"\/s","type":"t"}`, plain},
		{"JSON data stays as it is", head + `,"data":{"a": [1, "}\\\"{", {}]}}`, with(func(e *Event) { e.Data = []byte(`{"a": [1, "}\\\"{", {}]}`) })},
		{
			"JSON data of a type that ends in +json", head + `,"datacontenttype":"a/b+json","data":[1]}`,
			with(func(e *Event) { e.DataContentType, e.Data = "a/b+json", []byte("[1]") }),
		},
		{
			"data in base64", head + `,"datacontenttype":"image/png","data_base64":"iVBO"}`,
			with(func(e *Event) { e.DataContentType, e.Base64 = "image/png", "iVBO" }),
		},
		{"data in base64 with its slashes escaped", head + `,"data_base64":"\/\/\/\/"}`, with(func(e *Event) { e.Base64 = "////" })},
		{"base64 that is null beside data", head + `,"data_base64":null,"data":1}`, with(func(e *Event) { e.Data = []byte("1") })},
		{"0.3", old + `,"schemaurl":"/d","data":{}}`, with(func(e *Event) { e.DataSchema, e.Data = "/d", []byte("{}") })},
		{
			"0.3 with base64", old + `,"datacontenttype":"image/png","datacontentencoding":"base64","data":"iVBO"}`,
			with(func(e *Event) { e.DataContentType, e.Base64 = "image/png", "iVBO" }),
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Parse([]byte(tt.text))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWhatIsNoEventIsRefused(t *testing.T) {
	const head = `{"specversion":"1.0","id":"1","source":"/s","type":"t"`
	for _, tt := range []struct{ name, text, says string }{
		{"nothing", ``, "not valid JSON"},
		{"half an event", head, "not valid JSON"},
		{"two events", head + `}{}`, "not valid JSON"},
		{"broken UTF-8", head + ",\"a\":\"\xff\"}", "not valid JSON"},
		{"deep JSON", strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000), "not valid JSON"},
		{"a list", `[]`, "JSON object"},
		{"a word", `null`, "JSON object"},
		{"no specversion", `{"id":"1","source":"/s","type":"t"}`, "specversion"},
		{"another specversion", `{"specversion":"2.0","id":"1","source":"/s","type":"t"}`, "specversion"},
		{"a specversion that is a number", `{"specversion":1,"id":"1","source":"/s","type":"t"}`, "specversion"},
		{"no id", `{"specversion":"1.0","source":"/s","type":"t"}`, "id is missing"},
		{"no source", `{"specversion":"1.0","id":"1","type":"t"}`, "source is missing"},
		{"no type", `{"specversion":"1.0","id":"1","source":"/s"}`, "type is missing"},
		{"an id that is empty", `{"specversion":"1.0","id":"","source":"/s","type":"t"}`, "attribute id"},
		{"an id that is a number", `{"specversion":"1.0","id":1,"source":"/s","type":"t"}`, "attribute id"},
		{"a source that is no reference", `{"specversion":"1.0","id":"1","source":"%zz","type":"t"}`, "URI reference"},
		{"a time that is none", head + `,"time":"yesterday"}`, "timestamp"},
		{"the id twice", head + `,"id":"2"}`, "more than once"},
		{"the id twice, once in disguise", head + `,"\u0069d":"2"}`, "more than once"},
		{"both kinds of data", head + `,"data":1,"data_base64":"AAAA"}`, "either"},
		{"capitals in a name", head + `,"Function":"eye"}`, "lower-case"},
		{"a name that is empty", head + `,"":"eye"}`, "lower-case"},
		{"an extension that is an object", head + `,"x":{}}`, "object or a list"},
		{"an extension that is a fraction", head + `,"x":1.5}`, "32 bits"},
		{"an extension that is too large", head + `,"x":2147483648}`, "32 bits"},
		{"a line break in an attribute", head + `,"x":"a\nb"}`, "not allowed"},
		{"an attribute that is too long", head + `,"x":"` + strings.Repeat("a", MaxAttributeBytes+1) + `"}`, "too long"},
		{"an attribute that is much too long", head + `,"x":"` + strings.Repeat("a", 7*MaxAttributeBytes) + `"}`, "too long"},
		{"too many attributes", head + manyAttributes(MaxAttributes), "more than 100"},
		{"an object as base64", head + `,"data_base64":{}}`, "must be text"},
		{"an object as a picture", head + `,"datacontenttype":"image/png","data":{}}`, "must be text"},
		{"0.3 with another encoding", `{"specversion":"0.3","id":"1","source":"/s","type":"t","datacontentencoding":"hex","data":"00"}`, "base64"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e, err := Parse([]byte(tt.text))
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Fatalf("event %+v, error %v; want one that says %q", e, err, tt.says)
			}
			if kind := functions.KindOf(err); kind != functions.Invalid && kind != functions.Unsupported {
				t.Errorf("refused as %s", kind)
			}
		})
	}
}

func manyAttributes(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(`,"x` + strings.Repeat("x", i) + `":"1"`)
	}
	return b.String() + "}"
}

func TestOfABrokenEventIsKeptWhatNamesIt(t *testing.T) {
	e, err := Parse([]byte(`{"type":{},"id":"7","subject":"a","traceparent":"00-1"}`))
	want := Event{ID: "7", Subject: "a", Extensions: map[string]any{"traceparent": "00-1"}}
	if diff := cmp.Diff(want, e); diff != "" || err == nil {
		t.Errorf("error %v, %s", err, diff)
	}
}

func TestAnEventInAHeaderIsRead(t *testing.T) {
	header := func(pairs ...string) http.Header {
		h := http.Header{"Ce-Specversion": {"1.0"}, "Ce-Id": {"1"}, "Ce-Source": {"/s"}, "Ce-Type": {"t"}}
		for i := 0; i < len(pairs); i += 2 {
			h.Del(pairs[i])
			if pairs[i+1] != "" {
				h.Add(pairs[i], pairs[i+1])
			}
		}
		return h
	}
	for _, tt := range []struct {
		name string
		h    http.Header
		want Event
		says string
	}{
		{"the least", header(), Event{ID: "1", Source: "/s", Type: "t"}, ""},
		{
			"extensions, and what is none", header("Ce-Function", "eye", "Function", "ear", "Ce-Datacontenttype", "a/b", "Content-Type", "image/png"),
			Event{ID: "1", Source: "/s", Type: "t", DataContentType: "image/png", Extensions: map[string]any{"function": "eye"}},
			"",
		},
		{"percent-escapes", header("Ce-Subject", "caf%C3%A9%20%22x%22"), Event{ID: "1", Source: "/s", Type: "t", Subject: `café "x"`}, ""},
		{"quotes", header("Ce-Subject", `"a \"b\" %25"`), Event{ID: "1", Source: "/s", Type: "t", Subject: `a "b" %`}, ""},
		{"a percent sign that is itself", header("Ce-Subject", "50%"), Event{ID: "1", Source: "/s", Type: "t", Subject: "50%"}, ""},
		{"0.3", header("Ce-Specversion", "0.3", "Ce-Schemaurl", "/d"), Event{ID: "1", Source: "/s", Type: "t", DataSchema: "/d"}, ""},
		{"no attribute at all", http.Header{"Content-Type": {"image/png"}}, Event{}, "no CloudEvent"},
		{"no id", header("Ce-Id", ""), Event{}, "id is missing"},
		{"an attribute twice", http.Header{"Ce-Specversion": {"1.0"}, "Ce-Id": {"1", "2"}, "Ce-Source": {"/s"}, "Ce-Type": {"t"}}, Event{}, "id"},
		{"an extension twice", http.Header{"Ce-Specversion": {"1.0"}, "Ce-Id": {"1"}, "Ce-Source": {"/s"}, "Ce-Type": {"t"}, "Ce-X": {"1", "1"}}, Event{}, "more than once"},
		{"a line break in disguise", header("Ce-Subject", "a%0d%0aSet-Cookie:x"), Event{}, "not allowed"},
		{"broken UTF-8 in disguise", header("Ce-Subject", "%ff"), Event{}, "not allowed"},
		{"a dash in a name", header("Ce-My-Name", "x"), Event{}, "lower-case"},
		{"0.3 with an encoding", header("Ce-Specversion", "0.3", "Ce-Datacontentencoding", "base64"), Event{}, "datacontentencoding"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := FromHeader(tt.h)
			if tt.says != "" {
				if err == nil || !strings.Contains(err.Error(), tt.says) {
					t.Errorf("error %v, want one that says %q", err, tt.says)
				}
				return
			}
			if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
				t.Error(err, diff)
			}
		})
	}
}

func TestABatchIsSplit(t *testing.T) {
	for _, tt := range []struct {
		name, text, want, says string
	}{
		{"none", ` [ ] `, ``, ""},
		{"some of each kind", `[ {"a":"]"} , [1,{}],"x\"]" ,1.5e3,null ]`, `{"a":"]"};[1,{}];"x\"]";1.5e3;null`, ""},
		{"as many as are taken", `[1,2,3,4,5]`, `1;2;3;4;5`, ""},
		{"one more", `[1,2,3,4,5,6]`, ``, "more than 5"},
		{"an object", `{}`, ``, "list"},
		{"half a list", `[1,`, ``, "not valid JSON"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			all, err := Split([]byte(tt.text), 5)
			var parts []string
			for _, part := range all {
				parts = append(parts, string(part))
			}
			if got := strings.Join(parts, ";"); got != tt.want || (err != nil) != (tt.says != "") {
				t.Errorf("got %s, %v", got, err)
			}
			if err != nil && !strings.Contains(err.Error(), tt.says) {
				t.Errorf("error %v, want one that says %q", err, tt.says)
			}
		})
	}
}

func TestWhatIsWrittenIsReadAsTheSame(t *testing.T) {
	full := Event{
		ID: "ü 1%", Source: "/s?a=b", Type: "t", Subject: `"q"`, DataSchema: "/d", Time: time.Unix(5, 7).UTC(),
		DataContentType: "image/png", Data: []byte("\x89PNG"),
		Extensions: map[string]any{"a": "x", "b": true, "n": int32(5)},
	}
	text, err := json.Marshal(full)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Parse(text)
	want := full
	want.Data, want.Base64 = nil, "iVBORw=="
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("in JSON: %v %s", err, diff)
	}

	h := http.Header{}
	full.SetHeader(h)
	got, err = FromHeader(h)
	want = full
	want.Data, want.Extensions = nil, map[string]any{"a": "x", "b": "true", "n": "5"} // a header has text alone
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("in a header: %v %s", err, diff)
	}
}
