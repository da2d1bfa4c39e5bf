package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"text/tabwriter"
	"time"
)

// TestTenTimesTheCapacity sends a minute of ten times what the machine can do to a
// gateway of its own process, with real instances, whether answers are waited for or
// not. What is accepted must stay fast, the rest be told so at once, memory stay flat,
// and the function be well again when it is over. It wants the machine to itself, so
// it runs only where SACCADE_OVERLOAD says for how long: 60s, for example.
func TestTenTimesTheCapacity(t *testing.T) {
	text := os.Getenv("SACCADE_OVERLOAD")
	if text == "" {
		t.Skip("a minute of load that wants the machine to itself: set SACCADE_OVERLOAD=60s")
	}
	lasts, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	needRuntime(t)
	g := startGateway(t)
	load := newLoad(t, g.address)

	load.closed(1, 3*time.Second) // wake and warm up
	const concurrency = 2         // of the one instance: its parallel runs
	calm := load.closed(concurrency, 10*time.Second)
	calmP99 := at(calm.accepted, 0.99)
	capacity := float64(len(calm.accepted)) / calm.took.Seconds()
	if len(calm.accepted) < 20 || len(calm.refused)+calm.failed > 0 {
		t.Fatalf("calm: %d accepted, %d refused, %d failed", len(calm.accepted), len(calm.refused), calm.failed)
	}

	before := g.resident()
	stopWatching := g.watch()
	storm := load.open(10*capacity, lasts)
	over := time.Now()
	recovered := load.untilWell(t, 2*calmP99, over)
	after := load.closed(concurrency, 3*time.Second)
	most := stopWatching()

	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) { fmt.Fprintf(w, name+"\t"+format+"\n", args...) }
	row("capacity", "%.1f/s at %d at a time", capacity, concurrency)
	row("offered", "%d in %v, %.0f/s, sent at most %v late (p99 %v)", storm.offered, storm.took.Round(time.Second),
		float64(storm.offered)/storm.took.Seconds(), at(storm.lag, 1), at(storm.lag, .99))
	row("accepted", "%d, %.0f %% of the capacity", len(storm.accepted), 100*float64(len(storm.accepted))/storm.took.Seconds()/capacity)
	row("accepted p50, p95, p99, max", "%v %v %v %v", at(storm.accepted, .5), at(storm.accepted, .95), at(storm.accepted, .99),
		at(storm.accepted, 1))
	row("uncontended p50, p95, p99, max", "%v %v %v %v", at(calm.accepted, .5), at(calm.accepted, .95), calmP99, at(calm.accepted, 1))
	row("ratio of the p99s", "%.2f", float64(at(storm.accepted, .99))/float64(calmP99))
	row("turned away", "%d %v", len(storm.refused), storm.statuses)
	row("turned away p50, p99, max", "%v %v %v", at(storm.refused, .5), at(storm.refused, .99), at(storm.refused, 1))
	row("failed", "%d", storm.failed)
	row("gateway's memory", "%d MiB before, %d at most, %d after", before>>20, most>>20, g.resident()>>20)
	row("well again after", "%v, then p99 %v", recovered.Round(time.Millisecond), at(after.accepted, .99))
	w.Flush()
	t.Logf("\n%s", &table)

	check := func(ok bool, what string) {
		if !ok {
			t.Error(what)
		}
	}
	check(at(storm.accepted, .99) <= 2*calmP99, "accepted requests took more than twice as long as without load (p99)")
	check(at(storm.refused, .99) < 10*time.Millisecond, "turning away took 10 ms or more (p99)")
	check(float64(len(storm.accepted)) >= 0.7*capacity*storm.took.Seconds(), "less than 70 % of the capacity was used")
	check(storm.failed == 0, "requests were neither answered nor turned away")
	check(most-before < 64<<20, "memory grew by 64 MiB or more")
	check(recovered < time.Second, "the function was not well within a second")
	check(len(after.refused) == 0, "requests were turned away when the load was over")
}

// ownGateway is a gateway in a process of its own.
type ownGateway struct {
	address string
	pid     int
}

func startGateway(t *testing.T) *ownGateway {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	cmd := exec.CommandContext(context.Background(), "saccade", "up", "--listen", address)
	cmd.Env = append(os.Environ(), "SACCADE_CACHE="+t.TempDir(), "SACCADE_RUNTIME="+runtimeProgram,
		"SACCADE_MODEL_MIRROR="+sharedModels(), "SACCADE_FUNCTIONS=")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Errorf("stopping the gateway: %v", err)
		}
	})
	for range 200 {
		if resp, err := http.Get("http://" + address + "/readyz"); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return &ownGateway{address: address, pid: cmd.Process.Pid}
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("the gateway does not become ready")
	return nil
}

// resident is the gateway's memory in bytes, its instances' not counted.
func (g *ownGateway) resident() int64 {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", g.pid))
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, _ := strconv.ParseInt(strings.Fields(value)[0], 10, 64)
			return kb << 10
		}
	}
	return 0
}

// watch follows the memory; the function it returns ends that and says the most.
func (g *ownGateway) watch() (stop func() int64) {
	ended, most := make(chan struct{}), make(chan int64)
	go func() {
		var seen int64
		for {
			seen = max(seen, g.resident())
			select {
			case <-ended:
				most <- seen
				return
			case <-time.After(200 * time.Millisecond):
			}
		}
	}()
	return func() int64 { close(ended); return <-most }
}

// load sends a small picture over kept connections, at so little cost that client,
// gateway and instance can share a machine. Each picture is another one: a comment
// in it counts.
type load struct {
	address string
	head    []byte // of a request, with all of the picture before the number
	tail    []byte // after it
	serial  atomic.Uint64
	idle    chan *conn
}

type conn struct {
	net.Conn
	in  *bufio.Reader
	out []byte
}

func newLoad(t *testing.T, address string) *load {
	t.Helper()
	picture := image.NewRGBA(image.Rect(0, 0, 160, 120))
	for i := range picture.Pix {
		picture.Set(i%160, i/160%120, color.RGBA{uint8(i), uint8(i / 3), uint8(i / 160), 255})
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, picture, &jpeg.Options{Quality: 60}); err != nil {
		t.Fatal(err)
	}
	encoded := b.Bytes()
	start := append(slices.Clone(encoded[:2]), 0xff, 0xfe, 0, 2+8) // SOI, then a comment of 8 bytes
	l := &load{address: address, tail: encoded[2:], idle: make(chan *conn, 4096)}
	l.head = append([]byte("POST /v1/functions/centernet/detect HTTP/1.1\r\nHost: "+address+"\r\nContent-Type: image/jpeg\r\nContent-Length: "+
		strconv.Itoa(len(start)+8+len(l.tail))+"\r\n\r\n"), start...)
	t.Cleanup(func() {
		for len(l.idle) > 0 {
			(<-l.idle).Close()
		}
	})
	return l
}

// send asks once. A kept connection that has been closed meanwhile is replaced.
func (l *load) send() (status int, took time.Duration, err error) {
	var c *conn
	select {
	case c = <-l.idle:
	default:
		raw, err := net.Dial("tcp", l.address)
		if err != nil {
			return 0, 0, err
		}
		c = &conn{Conn: raw, in: bufio.NewReader(raw)}
	}
	c.out = binary.BigEndian.AppendUint64(append(c.out[:0], l.head...), l.serial.Add(1))
	c.out = append(c.out, l.tail...)
	began := time.Now()
	if _, err = c.Write(c.out); err == nil {
		var resp *http.Response
		if resp, err = http.ReadResponse(c.in, nil); err == nil {
			_, err = io.Copy(io.Discard, resp.Body)
			took = time.Since(began)
			if err == nil && !resp.Close {
				l.idle <- c
				return resp.StatusCode, took, nil
			}
			status = resp.StatusCode
		}
	}
	c.Close()
	return status, took, err
}

// outcome is what became of requests.
type outcome struct {
	mu                     sync.Mutex
	offered, failed        int
	accepted, refused, lag []time.Duration
	statuses               map[int]int
	took                   time.Duration
}

func (o *outcome) add(status int, took time.Duration, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case err != nil:
		o.failed++
	case status == http.StatusOK:
		o.accepted = append(o.accepted, took)
	case status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable:
		o.refused = append(o.refused, took)
		if o.statuses == nil {
			o.statuses = map[int]int{}
		}
		o.statuses[status]++
	default:
		o.failed++
	}
}

// closed has so many callers who wait for their answer before they ask again.
func (l *load) closed(callers int, lasts time.Duration) *outcome {
	var o outcome
	began := time.Now()
	var group sync.WaitGroup
	for range callers {
		group.Go(func() {
			for time.Since(began) < lasts {
				o.add(l.send())
			}
		})
	}
	group.Wait()
	o.took = time.Since(began)
	return &o
}

// open sends at a rate, at random times, whatever the answers do.
func (l *load) open(rate float64, lasts time.Duration) *outcome {
	var o outcome
	began := time.Now()
	var group sync.WaitGroup
	dice := rand.New(rand.NewPCG(1, 2))
	for due := time.Duration(0); due < lasts; due += time.Duration(dice.ExpFloat64() / rate * float64(time.Second)) {
		time.Sleep(due - time.Since(began))
		o.lag = append(o.lag, max(0, time.Since(began)-due))
		o.offered++
		group.Go(func() { o.add(l.send()) })
	}
	o.took = time.Since(began)
	group.Wait()
	return &o
}

// untilWell asks until an answer comes as fast as it should, and says how long after
// the load's end that was.
func (l *load) untilWell(t *testing.T, fast time.Duration, over time.Time) time.Duration {
	t.Helper()
	for time.Since(over) < 30*time.Second {
		if status, took, err := l.send(); err == nil && status == http.StatusOK && took <= fast {
			return time.Since(over)
		}
	}
	t.Error("no request was answered well for half a minute after the load")
	return time.Since(over)
}

// at is a quantile; 0 where there is nothing.
func at(all []time.Duration, q float64) time.Duration {
	if len(all) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(all))
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))].Round(10 * time.Microsecond)
}
