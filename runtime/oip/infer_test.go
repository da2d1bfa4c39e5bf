package oip

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/runtime/oip/inference"
)

const petsInfer = "/v2/models/pets/infer"

// ofPets is what every way of asking gives.
func ofPets() map[string][]any {
	return map[string][]any{
		"boxes":      {"FP32", []int64{2, 4}, 0.0, 0.0, 13.333333, 30.0, 13.333333, 0.0, 40.0, 4.285714},
		"scores":     {"FP32", []int64{2}, 0.9, 0.3},
		"class_ids":  {"INT64", []int64{2}, 3.0, 1048576.0},
		"labels":     {"BYTES", []int64{2}, "cat", "Dackel \"Waldi\" ☃"},
		"image_size": {"INT64", []int64{2}, 40.0, 30.0},
	}
}

func TestAPictureOverHTTP(t *testing.T) {
	d := newDoor(t, Options{})
	data := picture(t)
	inBase64 := base64.StdEncoding.EncodeToString(data)
	asBytes := string(binary.LittleEndian.AppendUint32(nil, uint32(len(data)))) + string(data)
	withBytes := fmt.Sprintf(`{"inputs":[{"name":"image","shape":[1],"datatype":"BYTES","parameters":{"binary_data_size":%d}}],`, len(asBytes))
	packed := func(w io.WriteCloser, b *bytes.Buffer, text string) string {
		_, _ = io.WriteString(w, text)
		w.Close()
		return b.String()
	}
	plain := `{"inputs":[{"name":"image","shape":[1],"datatype":"BYTES","data":["` + inBase64 + `"]}]}`
	var gzipped, deflated bytes.Buffer
	every := withBytes + `"outputs":[{"name":"boxes"},{"name":"scores"},{"name":"class_ids"},{"name":"labels"},{"name":"image_size"}]}`
	mixed := withBytes + `"parameters":{"binary_data_output":true},"outputs":[{"name":"boxes","parameters":{"binary_data":false}},` +
		`{"name":"scores"},{"name":"class_ids"},{"name":"labels","parameters":{"binary_data":true}},{"name":"image_size"}]}`
	for _, test := range []struct {
		name, path, body string
		header           []string
	}{
		{"as base64 in JSON", petsInfer, plain, nil},
		{"of a version", "/v2/models/pets/versions/1/infer", plain, nil},
		{"as a list in a list", petsInfer, `{"inputs":[{"name":"image","shape":[1,1],"datatype":"BYTES","data":[["` + inBase64 + `"]]}]}`, nil},
		{"packed with gzip", petsInfer, packed(gzip.NewWriter(&gzipped), &gzipped, plain), []string{"Content-Encoding", "gzip"}},
		{"packed with deflate", petsInfer, packed(zlib.NewWriter(&deflated), &deflated, plain), []string{"Content-Encoding", "deflate"}},
		{"as bytes, answered in JSON", petsInfer, every + asBytes, []string{headerLength, fmt.Sprint(len(every))}},
		{"as bytes, answered in both", petsInfer, mixed + asBytes, []string{headerLength, fmt.Sprint(len(mixed))}},
		{"as bytes alone", petsInfer, string(data), []string{headerLength, "0"}},
		{"as bytes alone, answered in JSON", petsInfer, string(data), []string{headerLength, "0", "Accept", "application/json"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := ask(t, d, "POST", test.path, test.body, test.header...)
			if r.status != 200 {
				t.Fatalf("%d %s", r.status, r.body)
			}
			if diff := cmp.Diff(ofPets(), r.outputs(t)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			if want := map[bool]string{true: "application/octet-stream", false: "application/json"}[r.header.Get(headerLength) != ""]; r.header.Get("Content-Type") != want {
				t.Errorf("Content-Type %s, want %s", r.header.Get("Content-Type"), want)
			}
		})
	}
}

func TestWhatIsAskedForIsWhatComes(t *testing.T) {
	d := newDoor(t, Options{})
	body := func(more string) string {
		return `{"inputs":[{"name":"image","shape":[1],"datatype":"BYTES","data":["` + base64.StdEncoding.EncodeToString(picture(t)) + `"]}],` + more + `}`
	}
	r := ask(t, d, "POST", petsInfer, body(`"id":"<7>","outputs":[{"name":"labels"},{"name":"scores"}],"parameters":{"min_score":"0.5"}`))
	const want = `{"model_name":"pets","model_version":"1","id":"\u003c7\u003e","outputs":[` +
		`{"name":"labels","datatype":"BYTES","shape":[1],"data":["cat"]},{"name":"scores","datatype":"FP32","shape":[1],"data":[0.9]}]}`
	if string(r.body) != want {
		t.Errorf("got  %s\nwant %s", r.body, want)
	}
	r = ask(t, d, "POST", petsInfer, body(`"outputs":[],"parameters":{"min_score":1}`))
	if got := r.outputs(t)["boxes"]; !cmp.Equal(got, []any{"FP32", []int64{0, 4}}) {
		t.Errorf("no detections: %v", got)
	}
}

func TestThePictureOverGRPC(t *testing.T) {
	d := newDoor(t, Options{})
	within, alone := opened(t, d)
	data := picture(t)
	input := &inference.ModelInferRequest_InferInputTensor{Name: "image", Datatype: "BYTES", Shape: []int64{1}}
	filled := &inference.ModelInferRequest_InferInputTensor{
		Name: "image", Datatype: "BYTES", Shape: []int64{1}, Contents: &inference.InferTensorContents{BytesContents: [][]byte{data}},
	}
	for address, where := range map[string]string{within: "within HTTP's port", alone: "on its own port"} {
		t.Run(where, func(t *testing.T) {
			typed, err := client(t, address).ModelInfer(t.Context(), &inference.ModelInferRequest{
				ModelName: "pets", ModelVersion: "1", Id: "7", Inputs: []*inference.ModelInferRequest_InferInputTensor{filled},
			})
			if err != nil {
				t.Fatal(err)
			}
			got := map[string][]any{}
			for _, out := range typed.GetOutputs() {
				one := tensor{
					tensorHead: tensorHead{Datatype: out.GetDatatype()},
					floats:     out.GetContents().GetFp32Contents(), ints: out.GetContents().GetInt64Contents(), texts: out.GetContents().GetBytesContents(),
				}
				got[out.GetName()] = append([]any{out.GetDatatype(), out.GetShape()}, valuesOf(out.GetDatatype(), one.raw())...)
			}
			if diff := cmp.Diff(ofPets(), got); diff != "" || typed.GetId() != "7" || len(typed.GetRawOutputContents()) > 0 {
				t.Errorf("id %q, -want +got\n%s", typed.GetId(), diff)
			}
			asBytes, err := client(t, address).ModelInfer(t.Context(), &inference.ModelInferRequest{
				ModelName: "pets", Inputs: []*inference.ModelInferRequest_InferInputTensor{input},
				RawInputContents: [][]byte{tensor{tensorHead: input2head(input), texts: [][]byte{data}}.raw()},
			})
			if err != nil {
				t.Fatal(err)
			}
			got = map[string][]any{}
			for i, out := range asBytes.GetOutputs() {
				got[out.GetName()] = append([]any{out.GetDatatype(), out.GetShape()}, valuesOf(out.GetDatatype(), asBytes.GetRawOutputContents()[i])...)
			}
			if diff := cmp.Diff(ofPets(), got); diff != "" {
				t.Errorf("as bytes, -want +got\n%s", diff)
			}
		})
	}
}

func input2head(in *inference.ModelInferRequest_InferInputTensor) tensorHead {
	return tensorHead{in.GetName(), in.GetDatatype(), in.GetShape()}
}

// ofHalves is what the network gives for x = 1, 2, -3, 1e-7 and sizes = 640, 480.
func ofHalves() map[string][]any {
	return map[string][]any{
		"half":   {"FP32", []int64{1, 2, 2}, 0.5, 1.0, -1.5, 5e-08},
		"turned": {"INT64", []int64{1, 2}, 480.0, 640.0},
	}
}

func TestTensorsOverHTTP(t *testing.T) {
	d := newDoor(t, Options{})
	x := tensor{tensorHead: tensorHead{Datatype: fp32}, floats: []float32{1, 2, -3, 1e-7}}.raw()
	sizes := tensor{tensorHead: tensorHead{Datatype: int64s}, ints: []int64{640, 480}}.raw()
	asBytes := `{"parameters":{"binary_data_output":true},"inputs":[` +
		`{"name":"sizes","shape":[1,2],"datatype":"INT64","parameters":{"binary_data_size":16}},` +
		`{"name":"x","shape":[1,2,2],"datatype":"FP32","parameters":{"binary_data_size":16}}]}`
	mixed := `{"inputs":[{"name":"sizes","shape":[1,2],"datatype":"INT64","data":[640,480]},` +
		`{"name":"x","shape":[1,2,2],"datatype":"FP32","parameters":{"binary_data_size":16}}]}`
	for _, test := range []struct{ name, body, length string }{
		{"flat lists", `{"inputs":[{"name":"x","shape":[1,2,2],"datatype":"FP32","data":[1,2,-3,1e-7]},{"name":"sizes","shape":[1,2],"datatype":"INT64","data":[640,480]}]}`, ""},
		{"lists as deep as the shape", `{"inputs":[{"name":"x","shape":[1,2,2],"datatype":"FP32","data":[[[1, 2.0],[-3 ,1E-7]]]},{"name":"sizes","shape":[1,2],"datatype":"INT64","data":[[640,480]]}]}`, ""},
		{"bytes", asBytes + string(sizes) + string(x), fmt.Sprint(len(asBytes))},
		{"one in JSON, one in bytes", mixed + string(x), fmt.Sprint(len(mixed))},
	} {
		t.Run(test.name, func(t *testing.T) {
			var header []string
			if test.length != "" {
				header = []string{headerLength, test.length}
			}
			r := ask(t, d, "POST", "/v2/models/pets.raw/infer", test.body, header...)
			if diff := cmp.Diff(ofHalves(), r.outputs(t)); r.status != 200 || diff != "" {
				t.Errorf("%d, -want +got\n%s", r.status, diff)
			}
		})
	}
}

func TestTensorsOverGRPC(t *testing.T) {
	_, address := opened(t, newDoor(t, Options{}))
	r, err := client(t, address).ModelInfer(t.Context(), &inference.ModelInferRequest{
		ModelName: "pets.raw",
		Inputs: []*inference.ModelInferRequest_InferInputTensor{
			{Name: "x", Datatype: "FP32", Shape: []int64{1, 2, 2}, Contents: &inference.InferTensorContents{Fp32Contents: []float32{1, 2, -3, 1e-7}}},
			{Name: "sizes", Datatype: "INT64", Shape: []int64{1, 2}, Contents: &inference.InferTensorContents{Int64Contents: []int64{640, 480}}},
		},
		Outputs: []*inference.ModelInferRequest_InferRequestedOutputTensor{{Name: "turned"}, {Name: "half"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.GetOutputs()) != 2 || r.GetModelName() != "pets.raw" ||
		!cmp.Equal(r.GetOutputs()[0].GetContents().GetInt64Contents(), []int64{480, 640}) ||
		!cmp.Equal(r.GetOutputs()[1].GetContents().GetFp32Contents(), []float32{0.5, 1, -1.5, 5e-8}) {
		t.Errorf("%v", r)
	}
}

func TestWhatIsNotFiniteNeedsBytes(t *testing.T) {
	d := newDoor(t, Options{})
	x := tensor{tensorHead: tensorHead{Datatype: fp32}, floats: []float32{float32(math.NaN()), 2, float32(math.Inf(1)), 4}}.raw()
	body := func(parameters string) (string, []string) {
		text := `{` + parameters + `"inputs":[{"name":"x","shape":[1,2,2],"datatype":"FP32","parameters":{"binary_data_size":16}},` +
			`{"name":"sizes","shape":[1,2],"datatype":"INT64","data":[1,2]}]}`
		return text + string(x), []string{headerLength, fmt.Sprint(len(text))}
	}
	text, header := body("")
	if r := ask(t, d, "POST", "/v2/models/pets.raw/infer", text, header...); r.status != 400 || !strings.Contains(r.error(t), "binary_data") {
		t.Errorf("JSON: %d %s", r.status, r.body)
	}
	text, header = body(`"parameters":{"binary_data_output":true},`)
	got := ask(t, d, "POST", "/v2/models/pets.raw/infer", text, header...).outputs(t)["half"]
	if v, is := got[2].(float64); !is || !math.IsNaN(v) || got[4] != math.Inf(1) {
		t.Errorf("bytes: %v", got)
	}
}
