package gateway

import (
	"bytes"
	"encoding/json"
	"image"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/functions/problem"
	"github.com/seed45885407/saccade/gateway/coldstart"
	"github.com/seed45885407/saccade/gateway/fetch"
	"github.com/seed45885407/saccade/gateway/invoke"
	"github.com/seed45885407/saccade/gateway/recall"
	"github.com/seed45885407/saccade/gateway/routing"
)

// world is a gateway in front of one function whose instance is a small HTTP
// server that says what it was asked.
type world struct {
	*testing.T
	gateway  *Gateway
	server   *httptest.Server
	room     *coldstart.Room
	function *httptest.Server

	mu      sync.Mutex
	asked   [][]byte      // pictures that reached the function
	queries []string      // and their parameters
	headers []http.Header // and the header fields beside them
	woken   int           // requests the platform was told of
	refuse  error         // what the function answers instead
	abort   int           // that many requests die with their instance
	loads   time.Duration // the instance is not ready, and takes so long
	gate    chan struct{} // requests wait here, where it is not nil
}

func (w *world) Arrived(string)             { w.mu.Lock(); w.woken++; w.mu.Unlock() }
func (w *world) Left(string, time.Duration) {}

// Functions satisfies Inventory.
func (w *world) Functions() []functions.FunctionStatus {
	return []functions.FunctionStatus{{Name: "eye", Revision: "eye-00001", State: "ready", Ready: 1}}
}

func newWorld(t *testing.T) *world { return newWorldOf(t, coldstart.Options{}) }

// newWorldOf is a world with a waiting room of its own kind.
func newWorldOf(t *testing.T, room coldstart.Options) *world {
	w := &world{T: t}
	w.function = httptest.NewServer(http.HandlerFunc(w.answer))
	t.Cleanup(w.function.Close)

	routes := &routing.Table{}
	f := functions.Function{Metadata: functions.Metadata{Name: "eye"}}.WithDefaults()
	f.Spec.Scaling.Timeout = functions.Duration(time.Minute)
	routes.Set(functions.Revision{Name: "eye-00001", Function: f})
	w.room = coldstart.New(w, room)
	w.publish("a")
	fetcher, err := fetch.New(fetch.Options{Allow: []string{"127.0.0.1"}})
	if err != nil {
		t.Fatal(err)
	}
	w.gateway = New(Rooms{Routes: routes, Fetch: fetcher, Waiting: w.room, Recall: recall.New(recall.Options{}), Invoke: invoke.New()}, w, Options{})
	w.server = httptest.NewServer(w.gateway.Handler())
	t.Cleanup(w.server.Close)
	return w
}

func (w *world) publish(names ...string) {
	var instances []coldstart.Instance
	for _, name := range names {
		life := coldstart.NewLife()
		life.End(false) // so that a lost request finds out at once
		instances = append(instances, coldstart.Instance{
			Name: name, Network: "tcp", Address: w.function.Listener.Addr().String(),
			Ready: true, Capacity: 4, Life: life,
		})
	}
	w.room.Publish("eye-00001", instances)
}

// answer is the function: one detection, whatever the picture.
func (w *world) answer(rw http.ResponseWriter, r *http.Request) {
	picture, _ := io.ReadAll(r.Body)
	w.mu.Lock()
	w.asked = append(w.asked, picture)
	w.queries = append(w.queries, r.URL.RawQuery)
	w.headers = append(w.headers, r.Header)
	refuse, abort, gate, loads := w.refuse, w.abort > 0, w.gate, w.loads
	if abort {
		w.abort--
	}
	w.mu.Unlock()
	switch {
	case abort:
		panic(http.ErrAbortHandler)
	case refuse != nil:
		problem.Write(rw, refuse)
		return
	case gate != nil:
		select {
		case <-gate:
		case <-r.Context().Done():
		}
	}
	a := functions.Answer{
		Picture:    functions.Picture{Width: 4, Height: 3, Format: "png"},
		Detections: []functions.Detection{{Class: "cat", ClassID: 15, Score: 0.5, Box: functions.Box{X1: 1, Y1: 1, X2: 3, Y2: 2}}},
		ModelSum:   "5um",
		Timing:     functions.Timing{Decode: functions.Millis(time.Microsecond), Infer: functions.Millis(2 * time.Microsecond)},
	}
	if loads > 0 {
		time.Sleep(loads) // before the instance has a clock of its own
		a.Cold, a.Start.Load = true, functions.Millis(loads)
	}
	if format := r.URL.Query().Get("draw"); format != "" {
		a.Annotated = &functions.Annotated{ContentType: "image/" + format, Data: []byte("drawn")}
	}
	_ = json.NewEncoder(rw).Encode(a)
}

const detectPath = "/v1/functions/eye/detect"

// post sends a body and returns status, header and body of the answer.
func (w *world) post(path, contentType string, body io.Reader, header ...string) (int, http.Header, []byte) {
	w.Helper()
	if contentType != "" {
		header = append([]string{"Content-Type", contentType}, header...)
	}
	return w.send(http.MethodPost, path, body, header...)
}

// send sends a request of any method.
func (w *world) send(method, path string, body io.Reader, header ...string) (int, http.Header, []byte) {
	w.Helper()
	req, err := http.NewRequestWithContext(w.Context(), method, w.server.URL+path, body)
	if err != nil {
		w.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := w.server.Client().Do(req)
	if err != nil {
		w.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		w.Fatal(err)
	}
	return resp.StatusCode, resp.Header, answer
}

// reply decodes a successful answer.
func (w *world) reply(status int, body []byte) functions.Reply {
	w.Helper()
	var reply functions.Reply
	if err := json.Unmarshal(body, &reply); err != nil || status != http.StatusOK {
		w.Fatalf("status %d, body %s, %v", status, body, err)
	}
	return reply
}

// kind is the problem kind of a refused request.
func (w *world) kind(status int, header http.Header, body []byte) functions.Kind {
	w.Helper()
	var p problem.Problem
	if header.Get("Content-Type") != problem.ContentType || json.Unmarshal(body, &p) != nil {
		w.Fatalf("not a problem: %s %s", header.Get("Content-Type"), body)
	}
	if p.Status != status || p.Title == "" {
		w.Errorf("problem %+v with status %d", p, status)
	}
	_, kind, _ := strings.Cut(p.Type, "#")
	return functions.Kind(kind)
}

// aPicture is a small PNG.
func aPicture(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 4, 3))); err != nil {
		t.Fatal(err)
	}
	return slices.Clone(b.Bytes())
}
