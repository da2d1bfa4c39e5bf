package stories

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image/jpeg"
	"image/png"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// GatewaySpace is the gateway's namespace.
const GatewaySpace = "saccade-system"

// Gateway is its address inside the cluster.
const Gateway = "http://saccade-gateway." + GatewaySpace + ".svc.cluster.local"

// install puts the gateway on the cluster with kustomize, and waits until both its
// replicas are ready.
func (w *World) install(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for _, args := range [][]string{
		{"apply", "--server-side", "--force-conflicts", "-k", filepath.Join(w.Root, "e2e", "stories", "gateway")},
		{"-n", GatewaySpace, "rollout", "status", "deployment/saccade-gateway", "--timeout=90s"},
		{"-n", GatewaySpace, "rollout", "status", "daemonset/saccade-node-cache", "--timeout=90s"},
	} {
		if said, err := w.command(ctx, "kubectl", args...).CombinedOutput(); err != nil {
			t.Fatalf("installing the gateway: %v: %s", err, said)
		}
	}
}

// Box is where an object is, in pixels of the picture.
type Box struct {
	X1, Y1, X2, Y2 float64
}

// Detection is one object.
type Detection struct {
	Class string
	Score float64
	Box   Box
}

// Reply is what the gateway answers.
type Reply struct {
	Function, Revision string
	Detections         []Detection
	ColdStart          bool               `json:"cold_start"`
	Timing             map[string]float64 `json:"timing_ms"`
}

// Answer is what came back of one request, or why nothing did.
type Answer struct {
	Reply
	Status int
	Body   string
	Err    error
	Took   time.Duration
	At     time.Time
	// RetryAfter is when whoever was turned away may come again, as it was said.
	RetryAfter string
}

// ok says that the request was answered with detections.
func (a Answer) ok() bool { return a.Err == nil && a.Status == http.StatusOK }

func (a Answer) String() string {
	if a.Err != nil {
		return fmt.Sprintf("no answer after %s: %v", a.Took.Round(time.Millisecond), a.Err)
	}
	return fmt.Sprintf("%d after %s: %.400s", a.Status, a.Took.Round(time.Millisecond), a.Body)
}

// Caller sends pictures to one address.
type Caller struct {
	URL, Host string
	Picture   []byte
	// Asks says that the picture is sent when the gateway wants it (Expect: 100-continue),
	// so that who is turned away can read why.
	Asks   bool
	Client *http.Client
	// Asked counts the requests. No two ask the same, else the gateway would look at one
	// picture for all that are there at once.
	Asked *atomic.Int64
	// Space is the function's namespace, which a revision's name ends with where another
	// namespace has one of the same name; it is left away.
	Space string
}

// caller asks a function of the story through the gateway. Each request has a connection
// of its own, as from many users, and is sent once.
func (s *Story) caller(function string) Caller {
	return Caller{
		URL:     Gateway + "/v1/functions/" + function + "." + s.Space + "/detect",
		Picture: s.picture("astronaut.png"),
		Client: &http.Client{Timeout: 90 * time.Second, Transport: &http.Transport{
			DisableKeepAlives: true, DialContext: (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
			ExpectContinueTimeout: 2 * time.Second,
		}},
		Asks:  true,
		Asked: new(atomic.Int64),
		Space: s.Space,
	}
}

// tagged asks the revision with the tag.
func (s *Story) tagged(function, tag string) Caller {
	c := s.caller(function)
	c.URL = Gateway + "/v1/functions/" + function + "." + s.Space + "@" + tag + "/detect"
	return c
}

// picture is a shipped sample.
func (s *Story) picture(name string) []byte {
	s.Helper()
	content, err := os.ReadFile(filepath.Join(s.Root, "samples", name))
	if err != nil {
		s.Fatal(err)
	}
	return content
}

// photograph is a shipped sample as a camera would send it.
func (s *Story) photograph(name string) []byte {
	s.Helper()
	picture, err := png.Decode(bytes.NewReader(s.picture(name)))
	if err != nil {
		s.Fatal(err)
	}
	var jpg bytes.Buffer
	if err := jpeg.Encode(&jpg, picture, &jpeg.Options{Quality: 90}); err != nil {
		s.Fatal(err)
	}
	return jpg.Bytes()
}

// detect sends the picture once.
func (c Caller) detect(ctx context.Context) (a Answer) {
	a.At = time.Now()
	defer func() { a.Took = time.Since(a.At) }()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL, bytes.NewReader(c.Picture))
	if err != nil {
		a.Err = err
		return a
	}
	req.Host = c.Host
	// A hair above what functions are declared with: it finds the same.
	score := LeastScore + float64(c.Asked.Add(1))*1e-9
	req.URL.RawQuery = "min_score=" + strconv.FormatFloat(score, 'f', -1, 64)
	req.Header.Set("Content-Type", http.DetectContentType(c.Picture))
	if c.Asks {
		req.Header.Set("Expect", "100-continue")
	}
	resp, err := c.Client.Do(req)
	if err != nil {
		a.Err = err
		return a
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 8<<20))
	a.Status, a.Body, a.RetryAfter = resp.StatusCode, string(body), resp.Header.Get("Retry-After")
	if err != nil {
		a.Err = fmt.Errorf("reading the answer: %w", err)
		return a
	}
	if a.Status == http.StatusOK && json.Valid(body) {
		a.Err = json.Unmarshal(body, &a.Reply)
		a.Revision = strings.TrimSuffix(a.Revision, "."+c.Space)
	}
	return a
}

// mustDetect sends the picture; the story ends where there is no answer.
func (s *Story) mustDetect(c Caller) Answer {
	s.Helper()
	a := c.detect(s.Context())
	if !a.ok() {
		s.Fatalf("%s: %s", c.URL, a)
	}
	return a
}

// get reads JSON from an address.
func (s *Story) get(url string) map[string]any {
	s.Helper()
	req, err := http.NewRequestWithContext(s.Context(), http.MethodGet, url, nil)
	if err != nil {
		s.Fatal(err)
	}
	resp, err := (&http.Client{Timeout: 20 * time.Second}).Do(req)
	if err != nil {
		s.Fatal(err)
	}
	defer resp.Body.Close()
	var said map[string]any
	if err := json.NewDecoder(io.LimitReader(resp.Body, 8<<20)).Decode(&said); err != nil {
		s.Fatalf("%s: %s: %v", url, resp.Status, err)
	}
	return said
}
