package oip

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"testing"
)

// FuzzInfer sends bodies to both kinds of model. Whatever comes, the answer is an
// answer or an error of the protocol, and never a fault of ours.
func FuzzInfer(f *testing.F) {
	d := newDoor(f, Options{MaxBytes: 1 << 20})
	text := `{"id":"7","parameters":{"binary_data_output":true,"min_score":0.5},"inputs":[{"name":"image","shape":[1],"datatype":"BYTES","parameters":{"binary_data_size":7}}],"outputs":[{"name":"boxes"}]}`
	f.Add(false, strconv.Itoa(len(text)), text+"\x03\x00\x00\x00abc")
	f.Add(false, "0", string(picture(f)))
	f.Add(true, "", `{"inputs":[{"name":"x","shape":[1,2,2],"datatype":"FP32","data":[[[1,2],[3,4]]]},{"name":"sizes","shape":[1,2],"datatype":"INT64","data":[1,2]}]}`)
	text = `{"inputs":[{"name":"x","shape":[1,2,2],"datatype":"FP32","parameters":{"binary_data_size":16}},{"name":"sizes","shape":[1,2],"datatype":"INT64","data":[1,2]}]}`
	f.Add(true, strconv.Itoa(len(text)), text+"\x00\x00\x80\x3f\x00\x00\x80\x3f\x00\x00\x80\x3f\x00\x00\x80\x7f")
	f.Add(true, "-1", `{"inputs":[{"shape":[9223372036854775807,9223372036854775807]}]}`)
	f.Fuzz(func(t *testing.T, network bool, length, body string) {
		path := petsInfer
		if network {
			path = "/v2/models/pets.raw/infer"
		}
		header := []string{"Accept", "*/*"}
		if length != "" && !strings.ContainsFunc(length, func(c rune) bool { return c < ' ' || c > '~' }) {
			header = append(header, headerLength, length)
		}
		r := ask(t, d, "POST", path, body, header...)
		if r.status >= 500 {
			t.Fatalf("%d %s", r.status, r.body)
		}
		if r.status != 200 {
			if r.error(t) == "" {
				t.Fatalf("%d without a reason", r.status)
			}
			return
		}
		r.outputs(t)
	})
}

// FuzzTextual compares the reading of lists of numbers with encoding/json's.
func FuzzTextual(f *testing.F) {
	for _, seed := range []string{"[]", "[1, 2.5,-3e2]", "[[1,2],[3,4]]", `["a\"]",1]`, "[1,[2,[3]]]", "7", "[1e39]", "[true,null]", "[{}]", "[ 1 ,\n2]"} {
		f.Add(seed, 2)
	}
	f.Fuzz(func(t *testing.T, text string, depth int) {
		depth = max(1, min(depth%8, 7))
		var tree any
		if json.Unmarshal([]byte(text), &tree) != nil {
			return // what is not well-formed comes no further
		}
		want, readable := flat(tree, depth, nil)
		if _, isList := tree.([]any); !isList {
			readable = false
		}
		got, err := textual{json.RawMessage(text), depth}.floats(len(want))
		if readable != (err == nil) {
			t.Fatalf("%s to depth %d: %v", text, depth, err)
		}
		for i := range got {
			if got[i] != want[i] {
				t.Fatalf("%s: value %d is %v, want %v", text, i, got[i], want[i])
			}
		}
		if err == nil {
			if _, err := (textual{json.RawMessage(text), depth}).floats(len(want) + 1); err == nil {
				t.Fatal("a value that is missing was found")
			}
		}
	})
}

// flat is the numbers of lists in each other.
func flat(tree any, depth int, into []float32) ([]float32, bool) {
	switch v := tree.(type) {
	case float64:
		if math.IsInf(float64(float32(v)), 0) {
			return append(into, 0), false
		}
		return append(into, float32(v)), true
	case []any:
		all := depth > 0
		for _, one := range v {
			var ok bool
			into, ok = flat(one, depth-1, into)
			all = all && ok
		}
		return into, all
	}
	return append(into, 0), false
}

// FuzzRaw reads any bytes as each type, and writes what was read as the same bytes.
func FuzzRaw(f *testing.F) {
	f.Add([]byte("\x03\x00\x00\x00abc\x00\x00\x00\x00"), 2)
	f.Add([]byte("\xff\xff\xff\xff"), 1)
	f.Add([]byte("12345678"), math.MaxInt)
	f.Fuzz(func(t *testing.T, b []byte, n int) {
		n = max(0, n)
		if list, err := raw(b).floats(n); err == nil && string(tensor{tensorHead: tensorHead{Datatype: fp32}, floats: list}.raw()) != string(b) {
			t.Error("floats are not what came")
		}
		if list, err := raw(b).ints(n); err == nil && string(tensor{tensorHead: tensorHead{Datatype: int64s}, ints: list}.raw()) != string(b) {
			t.Error("ints are not what came")
		}
		if list, err := raw(b).texts(n); err == nil && string(tensor{tensorHead: tensorHead{Datatype: bytess}, texts: list}.raw()) != string(b) {
			t.Error("texts are not what came")
		}
	})
}
