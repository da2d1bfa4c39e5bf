package events

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// FuzzParse: what is read as an event is written and read as the same, in JSON and
// in a header; and the walk over JSON agrees with encoding/json.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"specversion":"1.0","id":"1","source":"/s","type":"t","data":{"a":[1,"}\\\""]},"x":true,"n":-1}`))
	f.Add([]byte(`{"specversion":"0.3","id":"%41","source":"/s","type":"\"t\"","datacontentencoding":"base64","data":"AA==","schemaurl":"/d"}`))
	f.Add([]byte(` { "specversion" : "1.0" , "id":"\u00fc","source":"/s","type":"t","time":"2024-05-01T10:00:00Z","data_base64":"AAAA" } `))
	f.Add([]byte(`{"specversion":"1.0","id":"1","source":"/s","type":"t","datacontenttype":"text/plain","data":"x","subject":"a b"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if all, err := Split(text, 1000); err == nil {
			var want []json.RawMessage
			if err := json.Unmarshal(text, &want); err != nil || len(want) != len(all) {
				t.Fatalf("%d elements, want %d, %v", len(all), len(want), err)
			}
			for i := range all {
				if string(all[i]) != string(want[i]) {
					t.Errorf("element %d is %s, want %s", i, all[i], want[i])
				}
			}
		}
		e, err := Parse(text)
		if err != nil {
			return
		}
		var want map[string]json.RawMessage
		if err := json.Unmarshal(text, &want); err != nil {
			t.Fatal(err)
		}
		if e.Data != nil && (e.DataContentType == "" || IsJSON(MediaType(e.DataContentType))) && string(e.Data) != string(want["data"]) {
			t.Errorf("data is %s, want %s", e.Data, want["data"])
		}
		again, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		back, err := Parse(again)
		if diff := cmp.Diff(e, back, cmpopts.IgnoreFields(Event{}, "Data", "Base64")); diff != "" || err != nil {
			t.Errorf("in JSON: %v %s", err, diff)
		}
		h := http.Header{}
		e.SetHeader(h)
		back, err = FromHeader(h)
		if diff := cmp.Diff(e, back, cmpopts.IgnoreFields(Event{}, "Data", "Base64", "Extensions")); diff != "" || err != nil {
			t.Errorf("in a header: %v %s", err, diff)
		}
	})
}
