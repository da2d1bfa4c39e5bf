//go:build linux

package local

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/gateway/coldstart"
	"github.com/seed45885407/saccade/gateway/routing"
)

// runs is one real process that is ready, with a client of it.
func runs(t *testing.T, behaviour string) (*runtimeProcess, *http.Client) {
	t.Helper()
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	ps, err := newProcesses(Options{Runtime: os.Args[0]})
	if err != nil {
		t.Fatal(err)
	}
	rev := functions.Revision{Name: "eye-00001"}
	rev.Function.Spec.Model.Licence = behaviour
	launched, err := ps.launch("eye-00001-1", rev, Model{})
	if err != nil {
		t.Fatal(err)
	}
	p := launched.(*runtimeProcess)
	t.Cleanup(func() {
		p.kill()
		if p.cmd.ProcessState == nil {
			p.wait()
		}
		if err := ps.close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := p.ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	client := clientOf(p.address())
	t.Cleanup(client.CloseIdleConnections)
	return p, client
}

func clientOf(network, address string) *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, address)
	}}}
}

// ask returns when the whole answer is there.
func ask(t *testing.T, client *http.Client) {
	t.Helper()
	resp, err := client.Get("http://instance/environment")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Fatal(err)
	}
}

// stopped says whether the kernel has stopped the process: every thread, since the
// process is called stopped once its first one is, and the others may go on for a moment.
func stopped(t *testing.T, pid int) bool {
	t.Helper()
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	if err != nil || len(threads) == 0 {
		t.Fatalf("process %d has no threads: %v", pid, err)
	}
	return !slices.ContainsFunc(threads, func(thread string) bool {
		stat, err := os.ReadFile(thread)
		_, after, _ := strings.Cut(string(stat), ") ")
		return err != nil || !strings.HasPrefix(after, "T") // one that is gone may have begun another
	})
}

// until waits for something; the test's own deadline ends it.
func until(what func() bool) {
	for !what() {
		time.Sleep(time.Millisecond)
	}
}

func cpu(t *testing.T, p *runtimeProcess) time.Duration {
	t.Helper()
	used, err := cpuTime(p.cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	return used
}

func TestAFrozenProcessUsesNoCPUAndKeepsItsMemory(t *testing.T) {
	p, client := runs(t, "toils")
	ask(t, client)
	before := cpu(t, p)
	until(func() bool { return cpu(t, p) > before+2*clockTick }) // it toils
	p.freeze()
	until(func() bool { return stopped(t, p.cmd.Process.Pid) })
	frozen := cpu(t, p)
	for range 30 {
		time.Sleep(10 * time.Millisecond)
		if now := cpu(t, p); now != frozen {
			t.Fatalf("its CPU time went from %v to %v while it was frozen", frozen, now)
		}
	}
	p.thaw()
	until(func() bool { return cpu(t, p) > frozen })
	ask(t, client) // over the same connection, by the same process
}

func TestAFrozenProcessCanBeEnded(t *testing.T) {
	for _, test := range []struct {
		name string
		end  func(*runtimeProcess)
		want ending
	}{
		{"asked to", (*runtimeProcess).terminate, ending{text: "left"}},
		{"made to", (*runtimeProcess).kill, ending{killed: true, text: "signal: killed"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, _ := runs(t, "leaves")
			p.freeze()
			until(func() bool { return stopped(t, p.cmd.Process.Pid) })
			test.end(p)
			if got := p.wait(); got != test.want {
				t.Errorf("it ended as %+v, want %+v", got, test.want)
			}
		})
	}
}

// A platform of real processes freezes an instance that has nothing left to do, thaws
// it for a request, and freezes it after that.
func TestThePlatformFreezesItsProcesses(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	routes := &routing.Table{}
	p, err := New(routes, Options{Runtime: os.Args[0], MaxInstances: 1})
	if err != nil {
		t.Fatal(err)
	}
	room := coldstart.New(p, coldstart.Options{})
	ctx, cancel := context.WithCancel(context.Background())
	p.Start(ctx, room)
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx, room) }()
	f := lambda(nil)
	f.Spec.Model.Licence = "leaves"
	if err := p.Deploy(t.Context(), Deployment{Function: f, Pull: pulled}); err != nil {
		t.Fatal(err)
	}
	state := func(want string) func() bool {
		return func() bool { return p.Functions()[0].State == want }
	}
	for range 3 {
		ticket, err := room.Enter("eye-00001")
		if err != nil {
			t.Fatal(err)
		}
		lease, err := ticket.Wait(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		client := clientOf(lease.Network, lease.Address)
		ask(t, client)
		if p.Functions()[0].State == "frozen" {
			t.Error("it is frozen while it has a request")
		}
		lease.Release()
		ticket.Leave()
		client.CloseIdleConnections()
		until(state("frozen"))
		pid := p.launchedPID(t)
		until(func() bool { return stopped(t, pid) })
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("stopping: %v", err)
	}
	if u := p.Usage()[0]; u.Frozen <= 0 || u.Starts != 1 {
		t.Errorf("usage: %+v", u)
	}
}

// launchedPID is the process of the one instance there is.
func (p *Platform) launchedPID(t *testing.T) int {
	t.Helper()
	r := p.revision("eye-00001")
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.instances) != 1 {
		t.Fatalf("%d instances", len(r.instances))
	}
	return r.instances[0].process.(*runtimeProcess).cmd.Process.Pid
}

// What thawing costs a request: the time from the signal to the whole answer, against
// the same process that is never frozen. It is printed, not judged: see
// docs/contrast.md for figures.
func TestThawToAnswer(t *testing.T) {
	p, client := runs(t, "")
	ask(t, client)
	measure := func(freeze bool) time.Duration {
		const asks = 200
		var took []time.Duration
		for range asks {
			if freeze {
				p.freeze()
				until(func() bool { return stopped(t, p.cmd.Process.Pid) })
			}
			began := time.Now()
			if freeze {
				p.thaw()
			}
			ask(t, client)
			took = append(took, time.Since(began))
		}
		slices.Sort(took)
		return took[asks/2]
	}
	warm, thawed := measure(false), measure(true)
	t.Logf("p50 of an answer: %v never frozen, %v thawed for it: %v more", warm, thawed, thawed-warm)
}
