package lambda

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/functions/problem"
)

// png begins like a picture, which is all that is looked at before the instance.
var png = []byte("\x89PNG\r\n\x1a\n and pixels \xff\xfe")

var png64 = base64.StdEncoding.EncodeToString(png)

// found is what the instance finds in everything.
var found = functions.Answer{
	Picture:    functions.Picture{Width: 640, Height: 480, Format: "png"},
	Detections: []functions.Detection{{Class: "cat", ClassID: 15, Score: 0.5, Box: functions.Box{X1: 1, Y1: 2, X2: 3, Y2: 4}}},
	ModelSum:   "ab",
	Timing:     functions.Timing{Decode: functions.Millis(2 * time.Millisecond), Infer: functions.Millis(20 * time.Millisecond)},
}

// instance is one that finds answer, or fails of err.
type instance struct {
	answer functions.Answer
	err    error
	// pictures, queries and traces are what it was asked.
	pictures [][]byte
	queries  []url.Values
	traces   []string
	// wait makes it wait for the caller to give up.
	wait bool
}

func (i *instance) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		if i.err != nil {
			problem.Write(w, i.err)
		}
		return
	}
	picture, _ := io.ReadAll(r.Body)
	i.pictures = append(i.pictures, picture)
	i.queries = append(i.queries, r.URL.Query())
	i.traces = append(i.traces, r.Header.Get("Traceparent"))
	if i.wait {
		<-r.Context().Done()
		problem.Write(w, functions.Errorf(functions.Internal, "").Because(r.Context().Err()))
		return
	}
	if i.err != nil {
		problem.Write(w, i.err)
		return
	}
	answer := i.answer
	if draw := r.URL.Query().Get("draw"); draw != "" && answer.Annotated == nil {
		answer.Annotated = &functions.Annotated{ContentType: "image/" + draw, Data: []byte("\xff\xd8\xff drawn")}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer)
}

// page is a URL that fetch knows.
const page = "https://pictures.example/cat.png"

func fetchPage(ctx context.Context, url string) ([]byte, error) {
	switch url {
	case page:
		return png, nil
	case page + ".html":
		return []byte("<!DOCTYPE html>"), nil
	case page + "?slow":
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return nil, functions.Errorf(functions.Forbidden, "pictures are not fetched from %s", url)
}

// warm is a Runtime whose first invocation is over.
func warm(i *instance) *Runtime {
	r := cold(i, Options{})
	r.invoked.Store(true)
	return r
}

func cold(i *instance, o Options) *Runtime {
	o.Function, o.Revision, o.Instance, o.Fetch = "eye", "7", i, fetchPage
	r := New(o)
	close(r.started)
	return r
}

// invoked is the context of an invocation as aws-lambda-go makes it.
func invoked(t *testing.T) context.Context {
	ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: "8476a536"})
	//lint:ignore SA1029 it is aws-lambda-go's key
	return context.WithValue(ctx, "x-amzn-trace-id",
		"Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1")
}

func text(t testing.TB, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// decode reads JSON as T.
func decode[T any](t *testing.T, b []byte) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatalf("%.200s: %v", b, err)
	}
	return v
}
