package oip

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/runtime/oip/inference"
	"github.com/seed45885407/saccade/runtime/serve"
)

func TestInferencesThatAreRefusedOverHTTP(t *testing.T) {
	d := newDoor(t, Options{MaxBytes: 1 << 20})
	inBase64 := base64.StdEncoding.EncodeToString(picture(t))
	image := `{"name":"image","shape":[1],"datatype":"BYTES","data":["` + inBase64 + `"]}`
	of := func(inputs, more string) string { return `{"inputs":[` + inputs + `]` + more + `}` }
	x := `{"name":"x","shape":[1,2,2],"datatype":"FP32","data":[1,2,3,4]}`
	sizes := `{"name":"sizes","shape":[1,2],"datatype":"INT64","data":[1,2]}`
	const raw = "/v2/models/pets.raw/infer"
	deep := strings.Repeat("[", 9000) + strings.Repeat("]", 9000)
	for _, test := range []struct {
		name, path, body, length string
		status                   int
		says                     string
	}{
		{"a model that is not there", "/v2/models/none/infer", of(image, ""), "", 404, `no model "none"`},
		{"a version that is not there", "/v2/models/pets/versions/2/infer", of(image, ""), "", 404, `no version "2"`},
		{"no JSON", petsInfer, "image", "", 400, "not the JSON"},
		{"JSON of another kind", petsInfer, `[1]`, "", 400, "not the JSON"},
		{"nothing", petsInfer, "", "", 400, "not the JSON"},
		{"no inputs", petsInfer, `{"inputs":[]}`, "", 400, "no inputs"},
		{"inputs that are no list", petsInfer, `{"inputs":{}}`, "", 400, "inputs are not as the protocol"},
		{"an input that is no object", petsInfer, of("7", ""), "", 400, "inputs are not as the protocol"},
		{"inputs past counting", petsInfer, of(strings.Repeat("{},", 999)+"{}", ""), "", 400, "more than 64 inputs"},
		{"outputs past counting", petsInfer, of(image, `,"outputs":[`+strings.Repeat("{},", 999)+"{}]"), "", 400, "more than 64 outputs"},
		{"an input of another name", petsInfer, of(strings.Replace(image, `"image"`, `"x"`, 1), ""), "", 400, "takes one input, image BYTES [1]"},
		{"an input of another type", petsInfer, of(strings.Replace(image, "BYTES", "FP32", 1), ""), "", 400, "image BYTES [1]"},
		{"two pictures", petsInfer, of(strings.Replace(image, "[1]", "[2]", 1), ""), "", 400, "one picture"},
		{"no picture", petsInfer, of(strings.Replace(image, "[1]", "[0]", 1), ""), "", 400, "one picture"},
		{"a shape below nothing", petsInfer, of(strings.Replace(image, "[1]", "[-1]", 1), ""), "", 400, "one picture"},
		{"one input twice", petsInfer, of(image+","+image, ""), "", 400, "comes twice"},
		{"a shape of too many axes", petsInfer, of(strings.Replace(image, "[1]", "["+strings.Repeat("1,", 99)+"1]", 1), ""), "", 400, "more than 16 axes"},
		{"text that is not base64", petsInfer, of(strings.Replace(image, inBase64, "§", 1), ""), "", 400, "not base64"},
		{"a number for a picture", petsInfer, of(strings.Replace(image, `"`+inBase64+`"`, "7", 1), ""), "", 400, "no text"},
		{"what is no picture", petsInfer, of(strings.Replace(image, inBase64, "AAAA", 1), ""), "", 415, "no picture"},
		{"data that is no list", petsInfer, of(strings.Replace(image, `["`+inBase64+`"]`, "7", 1), ""), "", 400, "no list"},
		{"no data", petsInfer, of(`{"name":"image","shape":[1],"datatype":"BYTES"}`, ""), "", 400, "has 0 values"},
		{"an output that is not there", petsInfer, of(image, `,"outputs":[{"name":"masks"}]`), "", 400, "there are boxes, scores"},
		{"one output twice", petsInfer, of(image, `,"outputs":[{"name":"boxes"},{"name":"boxes"}]`), "", 400, "asked for twice"},
		{"classification", petsInfer, of(image, `,"outputs":[{"name":"scores","parameters":{"classification":3}}]`), "", 400, "classification extension is not served"},
		{"shared memory in", petsInfer, of(`{"name":"image","shape":[1],"datatype":"BYTES","parameters":{"shared_memory_region":"r"}}`, ""), "", 400, "shared memory extensions are not served"},
		{"shared memory out", petsInfer, of(image, `,"outputs":[{"name":"boxes","parameters":{"shared_memory_region":"r"}}]`), "", 400, "shared memory extensions are not served"},
		{"a sequence", petsInfer, of(image, `,"parameters":{"sequence_id":7}`), "", 400, "sequence extension is not served"},
		{"no sequence after all", petsInfer, of(image, `,"parameters":{"sequence_id":0,"sequence_start":false,"min_score":2}`), "", 400, "between 0 and 1"},
		{"a misspelt parameter", petsInfer, of(image, `,"parameters":{"minscore":0.5}`), "", 400, `no parameter "minscore"`},
		{"a score that is none", petsInfer, of(image, `,"parameters":{"min_score":"NaN"}`), "", 400, "between 0 and 1"},
		{"a timeout that is none", petsInfer, of(image, `,"parameters":{"timeout":-1}`), "", 400, "microseconds"},
		{"a misspelt parameter of an input", petsInfer, of(strings.Replace(image, `"shape"`, `"parameters":{"bin":1},"shape"`, 1), ""), "", 400, `no parameter "bin"`},
		{"parameters past reading", petsInfer, of(image, `,"parameters":{"x":"`+strings.Repeat("x", mostParameters)+`"}`), "", 400, "parameters of more than"},
		{"a score for a network", raw, of(x+","+sizes, `,"parameters":{"min_score":0.5}`), "", 400, "takes pictures"},

		{"a header longer than the body", petsInfer, "{}", "3", 400, headerLength},
		{"a header of a length below nothing", petsInfer, "{}", "-1", 400, headerLength},
		{"a header that is no number", petsInfer, "{}", "two", 400, headerLength},
		{"bytes that are nobody's", petsInfer, of(image, "") + "xx", fmt.Sprint(len(of(image, ""))), 400, "2 bytes after the request"},
		{"bytes that are not there", petsInfer, of(`{"name":"image","shape":[1],"datatype":"BYTES","parameters":{"binary_data_size":9}}`, ""), "", 400, "0 bytes are left"},
		{"bytes and data", petsInfer, of(strings.Replace(image, `"shape"`, `"parameters":{"binary_data_size":0},"shape"`, 1), ""), "", 400, "both data and"},
		{"a size of bytes that is none", petsInfer, of(`{"name":"image","shape":[1],"datatype":"BYTES","parameters":{"binary_data_size":"4"}}`, ""), "", 400, "number of bytes"},
		{"a size of bytes past all numbers", petsInfer, of(`{"name":"image","shape":[1],"datatype":"BYTES","parameters":{"binary_data_size":1e300}}`, ""), "", 400, "number of bytes"},
		{"values alone for two inputs", raw, "xxxx", "0", 400, "takes 2 inputs"},

		{"a tensor too few", raw, of(x, ""), "", 400, "1 inputs come, and the model takes 2: x, sizes"},
		{"a tensor of another name", raw, of(strings.Replace(x, `"x"`, `"y"`, 1)+","+sizes, ""), "", 400, `input "x" is missing`},
		{"a tensor of another type", raw, of(strings.Replace(x, "FP32", "FP64", 1)+","+sizes, ""), "", 400, `"FP64", and the model takes FP32`},
		{"a tensor of another shape", raw, of(strings.Replace(x, "[1,2,2]", "[2,2]", 1)+","+sizes, ""), "", 400, "[2 2], and the model takes [1 2 2]"},
		{"a shape whose product overflows", raw, of(strings.Replace(x, "[1,2,2]", "[4294967296,4294967296,4]", 1)+","+sizes, ""), "", 400, "and the model takes [1 2 2]"},
		{"a value too few", raw, of(strings.Replace(x, ",4]", "]", 1)+","+sizes, ""), "", 400, "has 3 values, and its shape says 4"},
		{"a value too many", raw, of(strings.Replace(x, ",4]", ",4,5]", 1)+","+sizes, ""), "", 400, "more values than the 4"},
		{"a value that is text", raw, of(strings.Replace(x, ",4]", `,"4"]`, 1)+","+sizes, ""), "", 400, "no number of 32 bits"},
		{"a value past 32 bits", raw, of(strings.Replace(x, ",4]", `,1e39]`, 1)+","+sizes, ""), "", 400, "no number of 32 bits"},
		{"a fraction for a whole number", raw, of(x+","+strings.Replace(sizes, "1,2]}", "1,2.5]}", 1), ""), "", 400, "no whole number"},
		{"a value that is an object", raw, of(strings.Replace(x, ",4]", `,{}]`, 1)+","+sizes, ""), "", 400, "object in its data"},
		{"data deeper than its shape", raw, of(strings.Replace(x, "[1,2,3,4]", `[[[[1,2,3,4]]]]`, 1)+","+sizes, ""), "", 400, "nested deeper"},
		{"data as deep as a well", raw, of(strings.Replace(x, "[1,2,3,4]", deep, 1)+","+sizes, ""), "", 400, "nested deeper"},
		{"JSON deeper than any", raw, strings.Repeat("[", 200_000), "", 400, "not the JSON"},
		{"a request past the limit", petsInfer, strings.Repeat(" ", 1<<20+1), "", 413, "more than 1048576 bytes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var header []string
			if test.length != "" {
				header = []string{headerLength, test.length}
			}
			r := ask(t, d, "POST", test.path, test.body, header...)
			if got := r.error(t); r.status != test.status || !strings.Contains(got, test.says) {
				t.Errorf("%d %q; want %d %q", r.status, got, test.status, test.says)
			}
		})
	}
}

func TestPackedBodies(t *testing.T) {
	d := newDoor(t, Options{MaxBytes: 1 << 20})
	for _, test := range []struct {
		name, coding, body string
		status             int
		says               string
	}{
		{"a coding that is not read", "br", "x", 415, `"br" is not read`},
		{"no gzip", "gzip", "{}", 400, "not packed as it says"},
		{"no zlib", "deflate", "{}", 400, "not packed as it says"},
		{"a bomb", "gzip", zeros(t, 3<<20), 413, "more than 1048576 bytes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := ask(t, d, "POST", petsInfer, test.body, "Content-Encoding", test.coding)
			if got := r.error(t); r.status != test.status || !strings.Contains(got, test.says) {
				t.Errorf("%d %q; want %d %q", r.status, got, test.status, test.says)
			}
		})
	}
}

func TestInferencesThatAreRefusedOverGRPC(t *testing.T) {
	_, address := opened(t, newDoor(t, Options{MaxBytes: 1 << 20}))
	type tensors = []*inference.ModelInferRequest_InferInputTensor
	image := &inference.ModelInferRequest_InferInputTensor{Name: "image", Datatype: "BYTES", Shape: []int64{1}}
	word := func(s string) *inference.InferParameter {
		return &inference.InferParameter{ParameterChoice: &inference.InferParameter_StringParam{StringParam: s}}
	}
	x := func(contents *inference.InferTensorContents) tensors {
		return tensors{
			{Name: "x", Datatype: "FP32", Shape: []int64{1, 2, 2}, Contents: contents},
			{Name: "sizes", Datatype: "INT64", Shape: []int64{1, 2}, Contents: &inference.InferTensorContents{Int64Contents: []int64{1, 2}}},
		}
	}
	for _, test := range []struct {
		name string
		ask  *inference.ModelInferRequest
		code codes.Code
		says string
	}{
		{"a model that is not there", &inference.ModelInferRequest{ModelName: "none"}, codes.NotFound, `no model "none"`},
		{"a version that is not there", &inference.ModelInferRequest{ModelName: "pets", ModelVersion: "2"}, codes.NotFound, "no version"},
		{"no inputs", &inference.ModelInferRequest{ModelName: "pets"}, codes.InvalidArgument, "no inputs"},
		{"no contents", &inference.ModelInferRequest{ModelName: "pets", Inputs: tensors{image}}, codes.InvalidArgument, "0 values"},
		{"bytes for other inputs", &inference.ModelInferRequest{ModelName: "pets", Inputs: tensors{image}, RawInputContents: [][]byte{{}, {}}}, codes.InvalidArgument, "there are 1 inputs"},
		{"bytes and contents", &inference.ModelInferRequest{ModelName: "pets.raw", Inputs: x(&inference.InferTensorContents{}), RawInputContents: [][]byte{{}, {}}}, codes.InvalidArgument, "beside raw_input_contents"},
		{"bytes without their length", &inference.ModelInferRequest{ModelName: "pets", Inputs: tensors{image}, RawInputContents: [][]byte{picture(t)}}, codes.InvalidArgument, "are announced"},
		{"too many axes", &inference.ModelInferRequest{ModelName: "pets", Inputs: tensors{{Name: "image", Shape: make([]int64, 99)}}}, codes.InvalidArgument, "more than 16 axes"},
		{"too many inputs", &inference.ModelInferRequest{ModelName: "pets", Inputs: make(tensors, 99)}, codes.InvalidArgument, "more than 64"},
		{"values in the field of another type", &inference.ModelInferRequest{ModelName: "pets.raw", Inputs: x(&inference.InferTensorContents{Fp64Contents: []float64{1, 2, 3, 4}})}, codes.InvalidArgument, "0 values in the contents of its type"},
		{"a value too few", &inference.ModelInferRequest{ModelName: "pets.raw", Inputs: x(&inference.InferTensorContents{Fp32Contents: []float32{1, 2, 3}})}, codes.InvalidArgument, "has 3 values"},
		{"a misspelt parameter", &inference.ModelInferRequest{ModelName: "pets", Inputs: tensors{image}, Parameters: map[string]*inference.InferParameter{"minscore": word("0.5")}}, codes.InvalidArgument, "no parameter"},
		{"a parameter without a value", &inference.ModelInferRequest{ModelName: "pets", Inputs: tensors{image}, Parameters: map[string]*inference.InferParameter{"min_score": {}}}, codes.InvalidArgument, "between 0 and 1"},
		{"shared memory", &inference.ModelInferRequest{ModelName: "pets", Inputs: tensors{{Name: "image", Parameters: map[string]*inference.InferParameter{"shared_memory_region": word("r")}}}}, codes.InvalidArgument, "shared memory"},
		{"what is no picture", &inference.ModelInferRequest{ModelName: "pets", Inputs: tensors{{Name: "image", Datatype: "BYTES", Shape: []int64{1}, Contents: &inference.InferTensorContents{BytesContents: [][]byte{{0, 0, 0}}}}}}, codes.InvalidArgument, "no picture"},
		{"a message past the limit", &inference.ModelInferRequest{ModelName: "pets", RawInputContents: [][]byte{make([]byte, 1<<20)}}, codes.ResourceExhausted, "larger than max"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := client(t, address).ModelInfer(t.Context(), test.ask)
			if status.Code(err) != test.code || !strings.Contains(status.Convert(err).Message(), test.says) {
				t.Errorf("%v; want %v %q", err, test.code, test.says)
			}
		})
	}
	t.Run("a method that is not served", func(t *testing.T) {
		const method = "/inference.GRPCInferenceService/SystemSharedMemoryRegister"
		err := dial(t, address).Invoke(t.Context(), method, &inference.ServerLiveRequest{}, &inference.ServerLiveResponse{})
		if status.Code(err) != codes.Unimplemented || !strings.Contains(err.Error(), "SystemSharedMemoryRegister is not served") {
			t.Errorf("%v", err)
		}
	})
}

func TestAFullServerIsBusyAtEveryDoor(t *testing.T) {
	d := newDoor(t, Options{Own: newModel(t, "pets", finder{}, serve.Options{Requests: 1})})
	_, address := opened(t, d)
	_, leave, err := d.options.Own.Server.Enter(t.Context(), nil, 1) // a request that came by another door
	if err != nil {
		t.Fatal(err)
	}
	r := ask(t, d, "POST", petsInfer, "{}")
	if r.error(t); r.status != 429 || r.header.Get("Retry-After") != "1" {
		t.Errorf("HTTP: %d, Retry-After %q", r.status, r.header.Get("Retry-After"))
	}
	if _, err := client(t, address).ModelInfer(t.Context(), &inference.ModelInferRequest{ModelName: "pets"}); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("gRPC: %v", err)
	}
	leave()
	if r := ask(t, d, "POST", petsInfer, "{}"); r.status != 400 {
		t.Errorf("with room again: %d", r.status)
	}
}

func TestCallersWhoDoNotWaitAreLetGo(t *testing.T) {
	f := finder{begun: make(chan struct{}, 9), gate: make(chan struct{})}
	d := newDoor(t, Options{Own: newModel(t, "pets", f, serve.Options{})})
	_, address := opened(t, d)
	body := `{"inputs":[{"name":"image","shape":[1],"datatype":"BYTES","data":["` + base64.StdEncoding.EncodeToString(picture(t)) + `"]}]}`
	r := ask(t, d, "POST", petsInfer, body, "Request-Timeout", "500ms")
	if r.error(t); r.status != 504 {
		t.Errorf("HTTP: %d", r.status)
	}
	if r := ask(t, d, "POST", petsInfer, body, "Request-Timeout", "soon"); r.status != 400 {
		t.Errorf("a time that is none: %d", r.status)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	if _, err := client(t, address).ModelInfer(ctx, onePicture(t)); status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("gRPC: %v", err)
	}
}

func TestEveryKindHasACode(t *testing.T) {
	for _, kind := range functions.Kinds {
		if got := codeOfKind(kind); (got == codes.Internal) != (kind == functions.Internal) {
			t.Errorf("%s is %v", kind, got)
		}
	}
}
