package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/models/inspect"
	"github.com/seed45885407/saccade/runtime/detector"
	"github.com/seed45885407/saccade/runtime/detector/detectortest"
	"github.com/seed45885407/saccade/runtime/oip/inference"
	"github.com/seed45885407/saccade/runtime/vision"
)

// standardModels are the shipped model, and those of the reference data.
func standardModels(t *testing.T) map[string]string {
	t.Helper()
	models := map[string]string{"centernet": centernet + "/centernet-mbv3.onnx"}
	t.Run("with the reference data's models", func(t *testing.T) {
		for _, m := range append(detectortest.Models(), detectortest.RawDETR()) {
			models[m.Name] = detectortest.Data(t, "models", m.Name+".onnx")
		}
	})
	return models
}

// One picture has one answer, whichever door it comes in by.
func TestEveryDoorGivesTheSameDetections(t *testing.T) {
	data := sample(t)
	for name, model := range standardModels(t) {
		t.Run(name, func(t *testing.T) {
			grpcSocket := filepath.Join(t.TempDir(), "g")
			p := launch(t, "--function", "", "--model", model, "--name", "m", "--oip-http", "listen", "--oip-grpc", "unix:"+grpcSocket)
			if err, _ := p.get(t, "/v1/start", nil); err != nil {
				t.Fatal(err)
			}
			want := p.detect(t, data).Detections
			if len(want) == 0 {
				t.Fatal("nothing is found in the sample")
			}
			inBase64 := base64.StdEncoding.EncodeToString(data)
			head := fmt.Sprintf(`{"parameters":{"min_score":0.4,"binary_data_output":true},"inputs":[{"name":"image","datatype":"BYTES","shape":[1],"parameters":{"binary_data_size":%d}}]}`, 4+len(data))
			size := []byte{byte(len(data)), byte(len(data) >> 8), byte(len(data) >> 16), byte(len(data) >> 24)}
			doors := map[string][]functions.Detection{
				"OIP, JSON":  p.infer(t, `{"parameters":{"min_score":0.4},"inputs":[{"name":"image","datatype":"BYTES","shape":[1],"data":["`+inBase64+`"]}]}`, 0),
				"OIP, bytes": p.infer(t, head+string(size)+string(data), len(head)),
			}
			for address, name := range map[string]string{"unix:" + grpcSocket: "gRPC", "unix:" + p.socket: "gRPC on the port of HTTP"} {
				doors[name] = callGRPC(t, address, data)
			}
			for door, got := range doors {
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s: -/v1/detect +%s\n%s", door, door, diff)
				}
			}
			if diff := cmp.Diff(want, byTensors(t, "unix:"+grpcSocket, model, data)); diff != "" {
				t.Errorf("by tensors: -/v1/detect +m.raw\n%s", diff)
			}
		})
	}
}

// infer asks over HTTP. The JSON of the answer has all values, or those that come
// after it: boxes, scores, class ids, labels.
func (p *process) infer(t *testing.T, body string, headerLength int) []functions.Detection {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://instance/v2/models/m/infer", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if headerLength > 0 {
		r.Header.Set("Inference-Header-Content-Length", strconv.Itoa(headerLength))
	}
	resp, err := p.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s %s %v", resp.Status, text, err)
	}
	var rest []byte
	if n, err := strconv.Atoi(resp.Header.Get("Inference-Header-Content-Length")); err == nil {
		text, rest = text[:n], text[n:]
	}
	var answer struct {
		Outputs []struct {
			Shape      []int
			Parameters struct {
				Size int `json:"binary_data_size"`
			}
			Data json.RawMessage
		}
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		t.Fatal(err)
	}
	var boxes, scores []float32
	var classes []int64
	var labels []string
	if (len(rest) > 0) != (headerLength > 0) {
		t.Fatalf("%d bytes follow the JSON", len(rest))
	}
	for i, into := range []any{&boxes, &scores, &classes, &labels} {
		out := answer.Outputs[i]
		if rest == nil {
			if err := json.Unmarshal(out.Data, into); err != nil {
				t.Fatal(err)
			}
			continue
		}
		decode(t, rest[:out.Parameters.Size], into)
		rest = rest[out.Parameters.Size:]
	}
	return detections(boxes, scores, classes, labels)
}

// callGRPC asks for the detections of a picture, as bytes.
func callGRPC(t *testing.T, address string, data []byte) []functions.Detection {
	t.Helper()
	r, err := dial(t, address).ModelInfer(t.Context(), &inference.ModelInferRequest{
		ModelName:  "m",
		Parameters: map[string]*inference.InferParameter{"min_score": {ParameterChoice: &inference.InferParameter_DoubleParam{DoubleParam: 0.4}}},
		Inputs: []*inference.ModelInferRequest_InferInputTensor{{
			Name: "image", Datatype: "BYTES", Shape: []int64{1}, Contents: &inference.InferTensorContents{BytesContents: [][]byte{data}},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	out := r.GetOutputs()
	var labels []string
	for _, label := range out[3].GetContents().GetBytesContents() {
		labels = append(labels, string(label))
	}
	return detections(out[0].GetContents().GetFp32Contents(), out[1].GetContents().GetFp32Contents(), out[2].GetContents().GetInt64Contents(), labels)
}

// byTensors finds what is in the picture with a detector of its own, whose network is
// the one behind the door.
func byTensors(t *testing.T, address, model string, data []byte) []functions.Detection {
	t.Helper()
	l := &loading{config: config{model: model}}
	defer l.close()
	d, err := l.declare()
	if err != nil {
		t.Fatal(err)
	}
	picture, err := vision.Decode(data, vision.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	found, _, err := d.Detect(t.Context(), remote{dial(t, address), l.recognised}, picture, functions.Parameters{MinScore: new(0.4)})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// remote is a network behind the door, as a detector's session.
type remote struct {
	client     inference.GRPCInferenceServiceClient
	recognised inspect.Recognised
}

func (r remote) Run(ctx context.Context, inputs []detector.Tensor, read func([]detector.Tensor) error) error {
	ask := &inference.ModelInferRequest{ModelName: "m.raw"}
	for i, in := range inputs {
		made := &inference.ModelInferRequest_InferInputTensor{
			Name: r.recognised.Inputs[i].Name, Datatype: "FP32", Shape: r.recognised.Inputs[i].Shape,
			Contents: &inference.InferTensorContents{Fp32Contents: in.Data, Int64Contents: in.Ints},
		}
		if in.Ints != nil {
			made.Datatype = "INT64"
		}
		ask.Inputs = append(ask.Inputs, made)
	}
	for _, out := range r.recognised.Outputs {
		ask.Outputs = append(ask.Outputs, &inference.ModelInferRequest_InferRequestedOutputTensor{Name: out.Name})
	}
	answer, err := r.client.ModelInfer(ctx, ask, grpc.MaxCallRecvMsgSize(64<<20))
	if err != nil {
		return err
	}
	var outputs []detector.Tensor
	for _, out := range answer.GetOutputs() {
		outputs = append(outputs, detector.Tensor{
			Name: out.GetName(), Shape: out.GetShape(), Data: out.GetContents().GetFp32Contents(), Ints: out.GetContents().GetInt64Contents(),
		})
	}
	return read(outputs)
}

func dial(t *testing.T, address string) inference.GRPCInferenceServiceClient {
	t.Helper()
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return inference.NewGRPCInferenceServiceClient(conn)
}

func detections(boxes, scores []float32, classes []int64, labels []string) []functions.Detection {
	var list []functions.Detection
	for i, score := range scores {
		b := boxes[4*i:]
		list = append(list, functions.Detection{
			Class: labels[i], ClassID: int(classes[i]), Score: score, Box: functions.Box{X1: b[0], Y1: b[1], X2: b[2], Y2: b[3]},
		})
	}
	return list
}

func TestModelsAreLoadedBesideTheFunctionsOwn(t *testing.T) {
	folder := t.TempDir()
	model, err := filepath.Abs(centernet + "/centernet-mbv3.onnx")
	if err != nil {
		t.Fatal(err)
	}
	for link, to := range map[string]string{"second.onnx": model, "third": filepath.Dir(model)} {
		if err := os.Symlink(to, filepath.Join(folder, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(folder, "page.onnx"), []byte("<!DOCTYPE html>"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := launch(t, "--oip-http", "listen", "--models", folder, "--name", "m")
	if err, _ := p.get(t, "/v1/start", nil); err != nil {
		t.Fatal(err)
	}
	post := func(path, body string) (int, string) {
		resp, err := p.client.Post("http://instance/v2/"+path, "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(bytes.TrimSpace(text))
	}
	picture := `{"outputs":[{"name":"labels"}],"inputs":[{"name":"image","datatype":"BYTES","shape":[1],"data":["` + base64.StdEncoding.EncodeToString(sample(t)) + `"]}]}`
	for _, step := range []struct {
		path, body string
		status     int
		says       string
	}{
		{"models/second/infer", picture, 404, "not loaded"},
		{"repository/models/second/load", "", 200, ""},
		{"repository/models/third/load", "", 200, ""},
		{"models/second/infer", picture, 200, "person"},
		{"models/third/infer", picture, 200, "person"},
		{"models/m/infer", picture, 200, "person"},
		{"repository/models/page/load", "", 503, "it is a web page"},
		{"repository/models/second/unload", "", 200, ""},
		{"models/second/infer", picture, 404, "not loaded"},
		{"models/third/infer", picture, 200, "person"},
	} {
		if status, text := post(step.path, step.body); status != step.status || !strings.Contains(text, step.says) {
			t.Errorf("%s: %d %s; want %d %q", step.path, status, text, step.status, step.says)
		}
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if status := p.ended(t); status != 0 {
		t.Errorf("it ended with %d", status)
	}
}
