package oip

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"image"
	"image/png"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/runtime/detector"
	"github.com/seed45885407/saccade/runtime/oip/inference"
	"github.com/seed45885407/saccade/runtime/serve"
	"github.com/seed45885407/saccade/runtime/vision"
)

// finder is a detector that finds a cat in the left half of every picture and a dog
// in the right, the latter less surely. It waits at its gate, where it has one.
type finder struct {
	begun, gate chan struct{}
}

func (finder) Warm(context.Context) error { return nil }

func (f finder) Detect(ctx context.Context, p *vision.Picture, ask functions.Parameters) ([]functions.Detection, functions.Timing, error) {
	if f.gate != nil {
		f.begun <- struct{}{}
		select {
		case <-f.gate:
		case <-ctx.Done():
			return nil, functions.Timing{}, context.Cause(ctx)
		}
	}
	w, h := float32(p.Width), float32(p.Height)
	var found []functions.Detection
	for _, one := range []functions.Detection{
		{Class: "cat", ClassID: 3, Score: 0.9, Box: functions.Box{X2: w / 3, Y2: h}},
		{Class: "Dackel \"Waldi\" ☃", ClassID: 1 << 20, Score: 0.1 + 0.2, Box: functions.Box{X1: w / 3, X2: w, Y2: h / 7}},
	} {
		if ask.MinScore == nil || float64(one.Score) >= *ask.MinScore {
			found = append(found, one)
		}
	}
	return found, functions.Timing{}, nil
}

// halves is a network of two inputs, x [1 2 2] and sizes [1 2], that gives half of x
// and the sizes the other way round.
type halves struct{}

func (halves) Run(_ context.Context, in []detector.Tensor, read func([]detector.Tensor) error) error {
	half := make([]float32, len(in[0].Data))
	for i, v := range in[0].Data {
		half[i] = v / 2
	}
	turned := []int64{in[1].Ints[1], in[1].Ints[0]}
	err := read([]detector.Tensor{
		{Name: "half", Shape: []int64{1, 2, 2}, Data: half}, {Name: "turned", Shape: []int64{1, 2}, Ints: turned},
	})
	clear(half) // what is read lives within read alone
	clear(turned)
	return err
}

func graphOfHalves() Graph {
	return Graph{
		Session: halves{},
		Inputs:  []Port{{"x", "float16", []int64{1, 2, 2}}, {"sizes", "int64", []int64{1, 2}}},
		Outputs: []Port{{"half", "float32", nil}, {"turned", "int32", []int64{1, -1}}},
	}
}

// newModel is a model that is ready.
func newModel(t testing.TB, name string, d serve.Detector, o serve.Options) Model {
	t.Helper()
	s := serve.New(o)
	if err := s.Start(t.Context(), func(context.Context) (serve.Function, error) {
		return serve.Function{Detector: d, ModelSum: "abc", Parallel: 2}, nil
	}); err != nil {
		t.Fatal(err)
	}
	return Model{Name: name, Server: s, Graph: graphOfHalves}
}

// newDoor is a door to a ready model called pets.
func newDoor(t testing.TB, o Options) *Door {
	t.Helper()
	if o.Own.Server == nil {
		o.Own = newModel(t, "pets", finder{}, serve.Options{})
	}
	d := New(o)
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// opened is a door with REST and gRPC on one address and gRPC on another. It is
// drained with the test.
func opened(t *testing.T, d *Door) (restAddress, grpcAddress string) {
	t.Helper()
	var group sync.WaitGroup
	var listeners []net.Listener
	for range 2 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		listeners = append(listeners, l)
	}
	for i, serve := range []func(net.Listener) error{d.Serve, d.ServeGRPC} {
		group.Go(func() {
			if err := serve(listeners[i]); err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(func() {
		if err := d.Drain(context.Background()); err != nil {
			t.Error(err)
		}
		group.Wait()
	})
	return listeners[0].Addr().String(), listeners[1].Addr().String()
}

func dial(t *testing.T, address string) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func client(t *testing.T, address string) inference.GRPCInferenceServiceClient {
	t.Helper()
	return inference.NewGRPCInferenceServiceClient(dial(t, address))
}

func picture(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 40, 30))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// said is what came back.
type reply struct {
	status int
	header http.Header
	body   []byte
}

func (r reply) error(t *testing.T) string {
	t.Helper()
	var e map[string]string
	if err := json.Unmarshal(r.body, &e); err != nil || len(e) != 1 {
		t.Fatalf("%d %q is no error of the protocol: %v", r.status, r.body, err)
	}
	return e["error"]
}

func ask(t testing.TB, h http.Handler, method, path, body string, header ...string) reply {
	t.Helper()
	r := httptest.NewRequest(method, path, bytes.NewReader([]byte(body)))
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	result := w.Result()
	all, err := io.ReadAll(result.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{result.StatusCode, result.Header, all}
}

// outputs are the tensors of an answer over HTTP, bytes and JSON alike as values of
// JSON.
func (r reply) outputs(t *testing.T) map[string][]any {
	t.Helper()
	text, rest := r.body, []byte(nil)
	if length := r.header.Get(headerLength); length != "" {
		n, err := strconv.Atoi(length)
		if err != nil {
			t.Fatal(err)
		}
		text, rest = r.body[:n], r.body[n:]
	}
	var answer struct {
		Outputs []struct {
			Name, Datatype string
			Shape          []int64
			Parameters     map[string]int
			Data           []any
		}
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		t.Fatalf("%d %s: %v", r.status, text, err)
	}
	all := map[string][]any{}
	for _, out := range answer.Outputs {
		values := out.Data
		if size, is := out.Parameters["binary_data_size"]; is {
			if out.Data != nil || size > len(rest) {
				t.Fatalf("%s has data %v and %d bytes of %d", out.Name, out.Data, size, len(rest))
			}
			values = valuesOf(out.Datatype, rest[:size])
			rest = rest[size:]
		}
		all[out.Name] = append([]any{out.Datatype, out.Shape}, values...)
	}
	if len(rest) > 0 {
		t.Errorf("%d bytes are nobody's", len(rest))
	}
	return all
}

// valuesOf reads bytes as JSON would give their values.
func valuesOf(datatype string, b []byte) (list []any) {
	for len(b) > 0 {
		switch datatype {
		case "FP32":
			shortest := strconv.FormatFloat(float64(math.Float32frombits(binary.LittleEndian.Uint32(b))), 'g', -1, 32)
			v, _ := strconv.ParseFloat(shortest, 64)
			list, b = append(list, v), b[4:]
		case "INT64":
			list, b = append(list, float64(int64(binary.LittleEndian.Uint64(b)))), b[8:]
		default:
			size := 4 + binary.LittleEndian.Uint32(b)
			list, b = append(list, string(b[4:size])), b[size:]
		}
	}
	return list
}
