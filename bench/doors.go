package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/functions/catalog"
)

// instantCopy is the function that answers at once, asleepCopy one that never does.
const (
	instantCopy = "bench-instant"
	asleepCopy  = "bench-asleep"
)

// callers is how many callers send at a time where a door is saturated.
const callers = 32

// measureDoors takes requests through the gateway in turns with a bare reverse
// proxy, to a function that answers at once: what is left is the doors.
func measureDoors(ctx context.Context, o options, dir string) ([]row, error) {
	// The load's own collector must not be in the figures.
	defer debug.SetGCPercent(debug.SetGCPercent(1000))
	bare := filepath.Join(dir, "bare")
	if err := build(ctx, bare, "./bench/bare"); err != nil {
		return nil, err
	}
	function, err := startBare(ctx, bare)
	if err != nil {
		return nil, err
	}
	defer function.stop()
	proxy, err := startBare(ctx, bare, "--proxy", "http://"+function.address)
	if err != nil {
		return nil, err
	}
	defer proxy.stop()
	g, err := startInstant(ctx, o, dir, bare)
	if err != nil {
		return nil, err
	}
	defer func() { _ = g.stop() }()

	doors := map[string]*door{
		"proxy":   {url: "http://" + proxy.address + "/v1/detect", picture: g.picture},
		"gateway": {url: g.url + "/v1/functions/" + instantCopy + "/detect", picture: g.picture},
		"event": {url: g.url + "/v1/events", picture: g.picture, header: http.Header{
			"Ce-Specversion": {"1.0"}, "Ce-Source": {"/bench"}, "Ce-Type": {"dev.saccade.detect.v1"}, "Ce-Function": {instantCopy},
		}},
	}
	later := func(function string) *door {
		return &door{
			url: g.url + "/v1/functions/" + function + "/detect", picture: g.picture, want: http.StatusAccepted,
			header: http.Header{"Prefer": {"respond-async"}},
			client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 2 * callers, DisableCompression: true}},
		}
	}
	for _, d := range doors {
		d.client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 2 * callers, DisableCompression: true}}
		if _, err := d.saturate(ctx, 300); err != nil { // fills pools on both sides
			return nil, err
		}
	}
	rows, err := compareDoors(ctx, doors)
	if err != nil {
		return nil, err
	}
	accepts, err := measureAccepts(ctx, dir, later(asleepCopy), later(instantCopy))
	return append(rows, accepts...), err
}

// measureAccepts compares requests that are accepted, and so on disk, with bare writes
// of as many bytes to the same disk, one at a time: of a function that is starting, and
// of one that does them meanwhile.
func measureAccepts(ctx context.Context, dir string, starting, working *door) ([]row, error) {
	const turns, batch = 5, 2000
	say("accepted requests: %d turns of %d of %d callers ...", turns, batch, callers)
	var bare, asleep, awake []time.Duration
	for range turns {
		for _, measure := range []struct {
			into *[]time.Duration
			take func() (time.Duration, error)
		}{
			{&bare, func() (time.Duration, error) { return writes(dir, starting.picture, batch) }},
			{&asleep, func() (time.Duration, error) { return starting.saturate(ctx, batch) }},
			{&awake, func() (time.Duration, error) { return working.saturate(ctx, batch) }},
		} {
			took, err := measure.take()
			if err != nil {
				return nil, err
			}
			*measure.into = append(*measure.into, took)
		}
	}
	rate := func(took []time.Duration) float64 { return batch / median(took).Seconds() }
	size := fmt.Sprintf("%d kB", len(starting.picture)/1000)
	return []row{
		{
			what: "durable accepts of " + size + ", bare fsyncs against gateway", floor: rate(bare), ours: rate(asleep), unit: "1/s",
			goal: 3000, moreBetter: true, absolute: true,
		},
		{what: "the same while they are done", floor: rate(bare), ours: rate(awake), unit: "1/s", moreBetter: true, absolute: true},
	}, nil
}

// writes appends n pictures to a file and has each on disk before the next.
func writes(dir string, picture []byte, n int) (time.Duration, error) {
	file, err := os.CreateTemp(dir, "fsync-")
	if err != nil {
		return 0, err
	}
	defer os.Remove(file.Name())
	defer file.Close()
	began := time.Now()
	for range n {
		if _, err := file.Write(picture); err != nil {
			return 0, err
		}
		if err := file.Sync(); err != nil {
			return 0, err
		}
	}
	return time.Since(began), nil
}

func compareDoors(ctx context.Context, doors map[string]*door) ([]row, error) {
	const turns, batch = 5, 3000
	say("doors: %d turns of %d requests of %d callers, then half that rate ...", turns, batch, callers)
	rates := map[string][]time.Duration{}
	for range turns {
		for _, name := range []string{"proxy", "gateway"} {
			took, err := doors[name].saturate(ctx, batch)
			if err != nil {
				return nil, err
			}
			rates[name] = append(rates[name], took)
		}
	}
	rate := func(name string) float64 { return batch / median(rates[name]).Seconds() }
	half := rate("gateway") / 2
	// Each turn has quantiles of its own, and their medians count: whatever else the
	// machine does comes in bursts, and would be all that a p99 of all turns tells.
	p50, p99 := map[string][]time.Duration{}, map[string][]time.Duration{}
	order := []string{"proxy", "gateway", "event"}
	for range 3 * turns {
		order = append(order[1:], order[0]) // nobody always comes after the same one
		for _, name := range order {
			took, err := doors[name].pace(ctx, half, time.Second)
			if err != nil {
				return nil, err
			}
			p50[name] = append(p50[name], median(took))
			p99[name] = append(p99[name], quantile(took, .99))
		}
	}
	at := fmt.Sprintf("at %.0f/s", half)
	return []row{
		{what: "throughput, bare proxy against gateway", floor: rate("proxy"), ours: rate("gateway"), unit: "1/s", goal: 0.6, moreBetter: true},
		{what: "p50 " + at + ", bare proxy against gateway", floor: ms(median(p50["proxy"])), ours: ms(median(p50["gateway"])), unit: "ms", goal: 0.3, added: true},
		{what: "p99 " + at + ", bare proxy against gateway", floor: ms(median(p99["proxy"])), ours: ms(median(p99["gateway"])), unit: "ms", goal: 1, added: true},
		{what: "p50 " + at + ", plain request against event", floor: ms(median(p50["gateway"])), ours: ms(median(p50["event"])), unit: "ms", goal: 1.3},
	}, nil
}

// distinct is the picture with a number behind its end, which no decoder reads:
// requests for the same bytes at a time would share one run.
func distinct(picture []byte, n int64) []byte {
	return binary.BigEndian.AppendUint64(slices.Clip(picture), uint64(n))
}

// door is one address that takes the picture.
type door struct {
	client  *http.Client
	url     string
	header  http.Header
	picture []byte
	want    int // the status; 0 is 200
	sent    atomic.Int64
}

func (d *door) send(ctx context.Context) error {
	n := d.sent.Add(1)
	// As distinct makes it, but not copied: what is measured are the doors.
	number := binary.BigEndian.AppendUint64(nil, uint64(n))
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.url, io.MultiReader(bytes.NewReader(d.picture), bytes.NewReader(number)))
	if err != nil {
		return err
	}
	req.ContentLength = int64(len(d.picture) + len(number))
	if d.header != nil {
		req.Header = d.header.Clone()
		req.Header.Set("Ce-Id", fmt.Sprint(n))
	}
	req.Header.Set("Content-Type", "image/jpeg")
	resp, err := d.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if text, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != cmp.Or(d.want, http.StatusOK) {
		return fmt.Errorf("%s: %s: %s, %w", d.url, resp.Status, text, err)
	}
	return nil
}

// saturate sends n requests, all callers at once, and tells how long they took.
func (d *door) saturate(ctx context.Context, n int) (time.Duration, error) {
	var left atomic.Int64
	left.Store(int64(n))
	began := time.Now()
	err := all(callers, func(int) error {
		for left.Add(-1) >= 0 {
			if err := d.send(ctx); err != nil {
				return err
			}
		}
		return nil
	})
	return time.Since(began), err
}

// pace sends rate requests a second for a time, evenly, and tells how long each
// took from when it was sent.
func (d *door) pace(ctx context.Context, rate float64, during time.Duration) ([]time.Duration, error) {
	n := int(rate * during.Seconds())
	took := make([]time.Duration, n)
	due := make(chan int, n)
	go func() {
		defer close(due)
		clock(rate, n, func(i int) { due <- i })
	}()
	err := all(callers, func(int) error {
		for i := range due {
			sent := time.Now()
			if err := d.send(ctx); err != nil {
				return err
			}
			took[i] = time.Since(sent)
		}
		return nil
	})
	return took, err
}

// clock ticks n times, rate times a second. It has a thread of its own, which the
// kernel wakes to some 50 microseconds: the runtime's timers are checked by the
// millisecond on a busy machine, and would send in bursts.
func clock(rate float64, n int, tick func(i int)) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	began := time.Now()
	for i := range n {
		due := began.Add(time.Duration(float64(i) / rate * float64(time.Second)))
		if wait := time.Until(due); wait > 0 {
			pause := unix.NsecToTimespec(wait.Nanoseconds())
			_ = unix.Nanosleep(&pause, nil) // cut short, it is a little early
		}
		tick(i)
	}
}

// all runs work in n goroutines and returns their faults.
func all(n int, work func(i int) error) error {
	var group sync.WaitGroup
	errs := make([]error, n)
	for i := range n {
		group.Go(func() { errs[i] = work(i) })
	}
	group.Wait()
	return errors.Join(errs...)
}

// bareProcess is a running bench/bare.
type bareProcess struct {
	cmd     *exec.Cmd
	address string
}

func startBare(ctx context.Context, bin string, args ...string) (*bareProcess, error) {
	p := &bareProcess{cmd: exec.CommandContext(ctx, bin, args...)}
	p.cmd.Stderr = os.Stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	p.address = strings.TrimSpace(line)
	return p, err
}

func (p *bareProcess) stop() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

// startInstant is a gateway whose function server is bench/bare.
func startInstant(ctx context.Context, o options, dir, bare string) (*gatewayProcess, error) {
	folder := filepath.Join(dir, "instant")
	entries, _ := catalog.New(functions.Shipped).Load()
	i := slices.IndexFunc(entries, func(e catalog.Entry) bool { return e.Function.Metadata.Name == "centernet" })
	for _, name := range []string{instantCopy, asleepCopy} {
		f := functions.Function{APIVersion: functions.APIVersion, Kind: functions.KindFunction}
		f.Metadata.Name = name
		f.Spec.Model = entries[i].Function.Spec.Model
		f.Spec.Scaling.ContainerConcurrency = 4 * callers
		if err := os.CopyFS(filepath.Join(folder, name), only{entries[i].Folder, f.Spec.Model.URI}); err != nil {
			return nil, err
		}
		if err := catalog.Write(filepath.Join(folder, name), f); err != nil {
			return nil, err
		}
	}
	g, err := launchGateway(ctx, o, dir, folder, "--runtime", bare, "--jobs-dir", filepath.Join(dir, "jobs"))
	if err != nil {
		return nil, err
	}
	return g, g.untilUp(ctx, instantCopy)
}
