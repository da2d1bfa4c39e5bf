package oip

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/runtime/oip/inference"
	"github.com/seed45885407/saccade/runtime/serve"
)

func zeros(t *testing.T, n int) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(make([]byte, n)); err != nil {
		t.Fatal(err)
	}
	w.Close()
	return b.String()
}

func TestWhoIsThereOverHTTP(t *testing.T) {
	d := newDoor(t, Options{Version: "v7"})
	starting := New(Options{Own: Model{Name: "pets", Server: serve.New(serve.Options{}), Graph: graphOfHalves}})
	for _, test := range []struct {
		name, method, path string
		door               *Door
		status             int
		body               string
	}{
		{"live", "GET", "/v2/health/live", d, 200, ""},
		{"live while it starts", "GET", "/v2/health/live", starting, 200, ""},
		{"ready", "GET", "/v2/health/ready", d, 200, ""},
		{"not ready while it starts", "GET", "/v2/health/ready", starting, 503, `{"error":"the instance is starting"}`},
		{"the server", "GET", "/v2", d, 200, `{"name":"saccade","version":"v7","extensions":["binary_tensor_data","parameters"]}`},
		{"the server with a slash", "GET", "/v2/", d, 200, `{"name":"saccade","version":"v7","extensions":["binary_tensor_data","parameters"]}`},
		{"a model that is ready", "GET", "/v2/models/pets/ready", d, 200, ""},
		{"a version that is ready", "GET", "/v2/models/pets/versions/1/ready", d, 200, ""},
		{"a network that is ready", "GET", "/v2/models/pets.raw/ready", d, 200, ""},
		{"a model that starts", "GET", "/v2/models/pets/ready", starting, 503, `{"error":"the instance is starting"}`},
		{"a model that is not there", "GET", "/v2/models/dogs/ready", d, 404, `{"error":"there is no model \"dogs\", or it is not loaded"}`},
		{"a version that is not there", "GET", "/v2/models/pets/versions/3", d, 404, `{"error":"model \"pets\" has no version \"3\"; there is 1 alone"}`},
		{"what a model takes and gives", "GET", "/v2/models/pets", d, 200, `{"name":"pets","versions":["1"],"platform":"saccade_detector",` +
			`"inputs":[{"name":"image","datatype":"BYTES","shape":[1]}],"outputs":[{"name":"boxes","datatype":"FP32","shape":[-1,4]},` +
			`{"name":"scores","datatype":"FP32","shape":[-1]},{"name":"class_ids","datatype":"INT64","shape":[-1]},` +
			`{"name":"labels","datatype":"BYTES","shape":[-1]},{"name":"image_size","datatype":"INT64","shape":[2]}]}`},
		{"what a network takes and gives", "GET", "/v2/models/pets.raw/versions/1", d, 200, `{"name":"pets.raw","versions":["1"],"platform":"onnxruntime_onnx",` +
			`"inputs":[{"name":"x","datatype":"FP32","shape":[1,2,2]},{"name":"sizes","datatype":"INT64","shape":[1,2]}],` +
			`"outputs":[{"name":"half","datatype":"FP32","shape":[-1]},{"name":"turned","datatype":"INT64","shape":[1,-1]}]}`},
		{"a network that starts", "GET", "/v2/models/pets.raw", starting, 503, `{"error":"the instance is starting"}`},
		{"no repository", "POST", "/v2/repository/index", d, 400, `{"error":"this server has one model and no repository of them; it was started without --models"}`},
		{"shared memory", "POST", "/v2/systemsharedmemory/region/r/register", d, 404, `{"error":"the shared memory extensions are not served"}`},
		{"another method", "POST", "/v2/health/live", d, 404, `{"error":"there is no POST /v2/health/live"}`},
		{"a page that is not there", "GET", "/v2/models/pets/config", d, 404, `{"error":"there is no GET /v2/models/pets/config"}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := ask(t, test.door, test.method, test.path, "")
			if got := strings.TrimSpace(string(r.body)); r.status != test.status || got != test.body {
				t.Errorf("%d %s; want %d %s", r.status, got, test.status, test.body)
			}
		})
	}
}

func TestWhoIsThereOverGRPC(t *testing.T) {
	_, address := opened(t, newDoor(t, Options{Version: "v7"}))
	c, ctx := client(t, address), t.Context()
	if r, err := c.ServerLive(ctx, &inference.ServerLiveRequest{}); err != nil || !r.GetLive() {
		t.Errorf("live: %v, %v", r, err)
	}
	if r, err := c.ServerReady(ctx, &inference.ServerReadyRequest{}); err != nil || !r.GetReady() {
		t.Errorf("ready: %v, %v", r, err)
	}
	if r, err := c.ServerMetadata(ctx, &inference.ServerMetadataRequest{}); err != nil || r.GetName() != "saccade" || r.GetVersion() != "v7" || len(r.GetExtensions()) != 2 {
		t.Errorf("server: %v, %v", r, err)
	}
	if r, err := c.ModelReady(ctx, &inference.ModelReadyRequest{Name: "pets.raw", Version: "1"}); err != nil || !r.GetReady() {
		t.Errorf("model: %v, %v", r, err)
	}
	if _, err := c.ModelReady(ctx, &inference.ModelReadyRequest{Name: "dogs"}); status.Code(err) != codes.NotFound {
		t.Errorf("a model that is not there: %v", err)
	}
	r, err := c.ModelMetadata(ctx, &inference.ModelMetadataRequest{Name: "pets.raw"})
	if err != nil || r.GetPlatform() != "onnxruntime_onnx" || len(r.GetInputs()) != 2 || r.GetOutputs()[1].GetDatatype() != "INT64" || r.GetOutputs()[1].GetShape()[1] != -1 {
		t.Errorf("metadata: %v, %v", r, err)
	}
	if _, err := c.RepositoryIndex(ctx, &inference.RepositoryIndexRequest{}); status.Code(err) != codes.InvalidArgument {
		t.Errorf("no repository: %v", err)
	}
	services, err := grpc_reflection_v1.NewServerReflectionClient(dial(t, address)).ServerReflectionInfo(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := services.Send(&grpc_reflection_v1.ServerReflectionRequest{
		MessageRequest: &grpc_reflection_v1.ServerReflectionRequest_FileContainingSymbol{FileContainingSymbol: "inference.GRPCInferenceService"},
	}); err != nil {
		t.Fatal(err)
	}
	if shown, err := services.Recv(); err != nil || len(shown.GetFileDescriptorResponse().GetFileDescriptorProto()) != 1 {
		t.Errorf("reflection: %v, %v", shown, err)
	}
}

func TestDrainingFinishesWhatIsInsideAndSaysSo(t *testing.T) {
	f := finder{begun: make(chan struct{}), gate: make(chan struct{})}
	d := newDoor(t, Options{Own: newModel(t, "pets", f, serve.Options{})})
	within, alone := opened(t, d)
	watch, err := grpc_health_v1.NewHealthClient(dial(t, alone)).Watch(t.Context(), &grpc_health_v1.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if now, err := watch.Recv(); err != nil || now.GetStatus() != grpc_health_v1.HealthCheckResponse_SERVING {
		t.Fatalf("health: %v, %v", now, err)
	}
	answers := make(chan error, 2)
	for _, address := range []string{within, alone} {
		c := client(t, address)
		go func() {
			_, err := c.ModelInfer(context.Background(), onePicture(t))
			answers <- err
		}()
		<-f.begun
	}
	drained := make(chan error, 1)
	go func() { drained <- d.Drain(context.Background()) }()
	if now, err := watch.Recv(); err != nil || now.GetStatus() != grpc_health_v1.HealthCheckResponse_NOT_SERVING {
		t.Errorf("health while draining: %v, %v", now, err)
	}
	if _, err := watch.Recv(); status.Code(err) != codes.Unavailable {
		t.Errorf("the watch goes on: %v", err)
	}
	if r := ask(t, d, "GET", "/v2/models/pets/ready", ""); r.status != 503 {
		t.Errorf("ready while draining: %d", r.status)
	}
	close(f.gate)
	for range 2 {
		if err := <-answers; err != nil {
			t.Errorf("a request that was inside: %v", err)
		}
	}
	if err := <-drained; err != nil {
		t.Error(err)
	}
}

func TestDrainingEndsWhatTakesTooLong(t *testing.T) {
	f := finder{begun: make(chan struct{}), gate: make(chan struct{})}
	d := newDoor(t, Options{Own: newModel(t, "pets", f, serve.Options{})})
	within, alone := opened(t, d)
	answers := make(chan error, 2)
	for _, address := range []string{within, alone} {
		c := client(t, address)
		go func() {
			_, err := c.ModelInfer(context.Background(), onePicture(t))
			answers <- err
		}()
		<-f.begun
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // the grace is over at once
	if err := d.Drain(ctx); err != nil {
		t.Error(err)
	}
	for range 2 {
		if err := <-answers; err == nil {
			t.Error("a request outlived the grace")
		}
	}
}

func TestACallThatTakesLongerThanItsTimeoutEnds(t *testing.T) {
	f := finder{begun: make(chan struct{}, 9), gate: make(chan struct{})}
	_, address := opened(t, newDoor(t, Options{Own: newModel(t, "pets", f, serve.Options{})}))
	r := onePicture(t)
	r.Parameters = map[string]*inference.InferParameter{"timeout": {ParameterChoice: &inference.InferParameter_Int64Param{Int64Param: 1}}}
	_, err := client(t, address).ModelInfer(t.Context(), r)
	if status.Code(err) != codes.DeadlineExceeded || !strings.Contains(err.Error(), "timeout of 1 microseconds") {
		t.Errorf("%v", err)
	}
}

func TestCallsThatHaveNotBeenReadAreBounded(t *testing.T) {
	d := newDoor(t, Options{})
	within, alone := opened(t, d)
	var all []func()
	for range mostUnread {
		free, there := d.places.take()
		if !there {
			t.Fatal("a place is missing")
		}
		all = append(all, free)
	}
	for _, address := range []string{within, alone} {
		if _, err := client(t, address).ServerLive(t.Context(), &inference.ServerLiveRequest{}); status.Code(err) != codes.ResourceExhausted {
			t.Errorf("%s: %v", address, err)
		}
	}
	for _, free := range all {
		free()
		free() // gives nothing twice
	}
	for _, address := range []string{within, alone} {
		for range 2 * mostUnread { // each gives its place back
			if _, err := client(t, address).ServerLive(t.Context(), &inference.ServerLiveRequest{}); err != nil {
				t.Fatalf("%s: %v", address, err)
			}
		}
	}
}

func onePicture(t *testing.T) *inference.ModelInferRequest {
	t.Helper()
	return &inference.ModelInferRequest{ModelName: "pets", Inputs: []*inference.ModelInferRequest_InferInputTensor{{
		Name: "image", Datatype: "BYTES", Shape: []int64{1}, Contents: &inference.InferTensorContents{BytesContents: [][]byte{picture(t)}},
	}}}
}

func TestAStartThatFailedIsToldAtThisDoorToo(t *testing.T) {
	s := serve.New(serve.Options{})
	if err := s.Start(t.Context(), func(context.Context) (serve.Function, error) {
		return serve.Function{}, functions.Errorf(functions.Unavailable, "the model is a web page").Because(errors.New("private"))
	}); err == nil {
		t.Fatal("it started")
	}
	d := New(Options{Own: Model{Name: "pets", Server: s, Graph: graphOfHalves}})
	r := ask(t, d, "POST", petsInfer, "{}")
	if got := r.error(t); r.status != 503 || got != "the model is a web page" {
		t.Errorf("%d %q", r.status, got)
	}
}
