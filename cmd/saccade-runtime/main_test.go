package main

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// TestMain lets the test's own executable be the program.
func TestMain(m *testing.M) {
	if os.Getenv("SACCADE_RUNTIME_MAIN") != "" {
		main()
	}
	os.Exit(m.Run())
}

const (
	repository = "../.."
	centernet  = repository + "/functions/centernet"
)

func TestARequestThatIsThereBeforeTheProgramIsAnsweredFromCold(t *testing.T) {
	cache := t.TempDir()
	for _, graph := range []string{"kept_graph=false", "kept_graph=true"} {
		t.Run(graph, func(t *testing.T) {
			p := launch(t, "--cache", cache)
			a := p.detect(t, sample(t))
			if len(a.Detections) != 1 || a.Detections[0].Class != "person" {
				t.Errorf("detections %+v; want one person", a.Detections)
			}
			if a.Picture != (functions.Picture{Width: 512, Height: 512, Format: "png"}) || len(a.ModelSum) != 64 {
				t.Errorf("picture %+v, model %q", a.Picture, a.ModelSum)
			}
			if !a.Cold || a.Start.Start <= 0 || a.Start.Load <= 0 || a.Timing.Decode <= 0 || a.Timing.Infer <= 0 {
				t.Errorf("cold %v, start %+v, timing %+v", a.Cold, a.Start, a.Timing)
			}
			var ledger functions.Start
			if err, _ := p.get(t, "/v1/start", &ledger); err != nil || ledger != a.Start {
				t.Errorf("start: %+v, %v; the answer says %+v", ledger, err, a.Start)
			}
			if again := p.detect(t, sample(t)); again.Cold || len(again.Detections) != 1 {
				t.Errorf("again: cold %v, %d detections", again.Cold, len(again.Detections))
			}
			if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			if status := p.ended(t); status != 0 {
				t.Errorf("it ended with %d", status)
			}
			if said := p.log.String(); !strings.Contains(said, graph) || !strings.Contains(said, "msg=stopping") {
				t.Errorf("it said %q; want %s", said, graph)
			}
		})
	}
}

func TestATerminatedProgramFinishesItsRequests(t *testing.T) {
	p := launch(t)
	if err, _ := p.get(t, "/v1/start", nil); err != nil {
		t.Fatal(err)
	}
	// A request is inside once its head has been read: the server then asks for
	// the body.
	conn, err := net.Dial("unix", p.socket)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	picture := sample(t)
	head := "POST /v1/detect HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: " + strconv.Itoa(len(picture)) + "\r\n\r\n"
	if _, err := io.WriteString(conn, head); err != nil {
		t.Fatal(err)
	}
	reader := bufio.NewReader(conn)
	if resp, err := http.ReadResponse(reader, nil); err != nil || resp.StatusCode != http.StatusContinue {
		t.Fatalf("before the body: %v, %v", resp, err)
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for { // until it takes no more connections
		other, err := net.Dial("unix", p.socket)
		if err != nil {
			break
		}
		other.Close()
	}
	if _, err := conn.Write(picture); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(reader, nil)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("the request that was inside: %v, %v", resp, err)
	}
	resp.Body.Close()
	conn.Close()
	if status := p.ended(t); status != 0 {
		t.Errorf("it ended with %d", status)
	}
}

func TestTheProgramEndsWithItsParent(t *testing.T) {
	p := launch(t)
	if err, _ := p.get(t, "/v1/start", nil); err != nil {
		t.Fatal(err)
	}
	p.lifeline.Close()
	if status := p.ended(t); status != statusFailed {
		t.Errorf("it ended with %d, want %d", status, statusFailed)
	}
	if strings.Contains(p.log.String(), "stopping") {
		t.Error("it took its time, with nobody there")
	}
}

func TestAStartThatFailsIsExplainedBeforeTheProgramEnds(t *testing.T) {
	folder := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	tests := map[string]struct {
		args   []string
		want   string
		status int
	}{
		"a model that is a web page": {
			[]string{"--model", file("page.onnx", "<!DOCTYPE html>")}, "the model is not an ONNX file: it is a web page", statusPermanent,
		},
		"a model of another sum": {
			[]string{"--model-sum", strings.Repeat("ab", 32)}, "the model file is not the one it should be", statusPermanent,
		},
		"a declaration that is none": {
			[]string{"--function", file("f.yaml", "kind: Nothing\n")}, "the function's declaration cannot be read", statusPermanent,
		},
		"a library that is not there": {
			[]string{"--onnxruntime", filepath.Join(folder, "none.so")}, "names a library that is not there", statusPermanent,
		},
		"a library that is none": {
			[]string{"--onnxruntime", file("lib.so", "text")}, "ONNX Runtime cannot be loaded", statusPermanent,
		},
		"a model that is not there": {
			[]string{"--model", filepath.Join(folder, "none.onnx")}, "the model file is not there", statusPermanent,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := launch(t, test.args...)
			said, status := p.get(t, "/v1/start", nil)
			if status != http.StatusServiceUnavailable || said.Kind != functions.Unavailable || !strings.Contains(said.Detail, test.want) {
				t.Errorf("start: %d %v; want %q", status, said, test.want)
			}
			if strings.Contains(said.Detail, folder) {
				t.Errorf("it tells its callers where things are: %s", said.Detail)
			}
			if status := p.ended(t); status != test.status {
				t.Errorf("it ended with %d, want %d", status, test.status)
			}
		})
	}
}

func TestFlags(t *testing.T) {
	good := []string{"--function", "f", "--model", "m"}
	for name, test := range map[string]struct {
		args []string
		want string
	}{
		"nothing":              {nil, "--model is missing"},
		"no model":             {good[:2], "--model is missing"},
		"a name that is none":  {append(good, "--name", "a/b"), "no name of a model"},
		"models for nobody":    {append(good, "--models", "m"), "--oip-http or --oip-grpc"},
		"an unknown flag":      {append(good, "--speed", "9"), "flag provided but not defined"},
		"an argument too many": {append(good, "now"), `unexpected argument "now"`},
		"an unknown log":       {append(good, "--log", "xml"), "neither text nor json"},
	} {
		t.Run(name, func(t *testing.T) {
			err := run(t.Context(), time.Now(), test.args, io.Discard)
			if status(err) != statusUsage || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, status %d; want %q", err, status(err), test.want)
			}
		})
	}
	t.Run("an address that is none", func(t *testing.T) {
		for _, address := range []string{"fd:x", "fd:-1", "fd:999", "nowhere", "unix:/no/such/folder/s"} {
			if err := run(t.Context(), time.Now(), append(good, "--listen", address), io.Discard); status(err) != statusFailed {
				t.Errorf("%s: %v, status %d", address, err, status(err))
			}
		}
	})
}

func TestASocketThatNobodyListensOnIsReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	left, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	if l, err := listen("unix:" + path); err == nil {
		l.Close()
		t.Fatal("it took the place of one that listens")
	}
	left.SetUnlinkOnClose(false) // as a process that is killed
	left.Close()
	l, err := listen("unix:" + path)
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
}

func TestTheTimeBeforeMain(t *testing.T) {
	began := time.Now()
	for name, test := range map[string]struct {
		at       time.Time
		min, max time.Duration
	}{
		"as the parent says":      {began.Add(-time.Second), time.Second, time.Second},
		"never before it was due": {began.Add(time.Hour), 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			got := config{requestedAt: test.at.UnixNano()}.asked(began)
			if got < test.min-time.Microsecond || got > test.max+time.Microsecond {
				t.Errorf("%v; want %v", got, test.min)
			}
		})
	}
	t.Run("as the kernel says", func(t *testing.T) {
		at, known := processStart()
		if !known {
			t.Skip("the kernel does not say")
		}
		if age := time.Since(at); age < 0 || age > time.Hour {
			t.Errorf("this process is %v old", age)
		}
	})
}
