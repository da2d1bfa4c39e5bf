package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/functions/catalog"
	"github.com/seed45885407/saccade/functions/problem"
)

// permanentExit is the runtime's exit status for a model or configuration that
// will not load the next time either.
const permanentExit = 3

// processes launches saccade-runtime. Sockets and function files live in a folder
// that only this user may enter.
type processes struct {
	opts  Options
	dir   *workDir
	spawn *spawner

	launched atomic.Int64
}

func newProcesses(opts Options) (*processes, error) {
	dir, err := newWorkDir()
	if err != nil {
		return nil, fmt.Errorf("making a folder for sockets: %w", err)
	}
	return &processes{opts: opts, dir: dir, spawn: newSpawner()}, nil
}

func (ps *processes) close() error {
	ps.spawn.close()
	return ps.dir.remove()
}

// launch starts one runtime with its listening socket already open: requests may
// be sent before the program has reached its main.
func (ps *processes) launch(name string, rev functions.Revision, model Model) (_ process, err error) {
	// A number, not the name: the path of a socket is short on every system.
	socket := filepath.Join(ps.dir.path, fmt.Sprintf("%d.sock", ps.launched.Add(1)))
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("listening for %s: %w", name, err)
	}
	// The child owns the socket from here on: once it is gone, connections must be
	// refused, so the parent keeps no copy.
	listener.SetUnlinkOnClose(false)
	defer listener.Close()
	defer func() {
		if err != nil {
			os.Remove(socket)
			os.Remove(filepath.Join(ps.dir.path, name+".json"))
		}
	}()
	inherited, err := listener.File()
	if err != nil {
		return nil, err
	}
	defer inherited.Close()
	theirEnd, ourEnd, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer theirEnd.Close()
	defer func() {
		if err != nil {
			ourEnd.Close()
		}
	}()

	// A file of its own for each instance: another one may be reading its.
	function := filepath.Join(ps.dir.path, name+".json")
	if err := writeFunction(function, rev.Function); err != nil {
		return nil, err
	}
	p := &runtimeProcess{socket: socket, function: function, lifeline: ourEnd}
	p.cmd = exec.Command(ps.opts.Runtime,
		"--function", function,
		"--model", model.Path, "--model-sum", model.Sum,
		"--cache", ps.opts.Cache,
		"--listen", "fd:3", "--lifeline", "4",
		"--requested-at", strconv.FormatInt(time.Now().UnixNano(), 10))
	p.cmd.ExtraFiles = []*os.File{inherited, theirEnd}
	p.cmd.Env = environment(rev.Function)
	p.cmd.Dir = ps.dir.path
	p.cmd.Stdout, p.cmd.Stderr = &p.tail, &p.tail
	// A group of its own: an interrupt typed at the terminal is for the gateway,
	// which drains its instances in order.
	p.cmd.SysProcAttr = childAttributes()
	if err := ps.spawn.start(p.cmd); err != nil {
		return nil, err
	}
	p.client = &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", socket)
		},
	}}
	return p, nil
}

func writeFunction(path string, f functions.Function) error {
	text, err := json.Marshal(f)
	if err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o600)
}

// passed are the variables an instance gets: what it needs to find its library
// and caches, and nothing that could be a secret.
var passed = []string{
	"PATH", "HOME", "TMPDIR", "LANG", "TZ", "XDG_CACHE_HOME",
	"SACCADE_ONNXRUNTIME", "SACCADE_TURBOJPEG", "LD_LIBRARY_PATH", "GOTRACEBACK", "GODEBUG", "GOCOVERDIR",
	// Where spans go. Headers and client keys, which are secrets, and the gateway's
	// service name are not passed: a collector that asks for them wants an agent on
	// this machine.
	"OTEL_SDK_DISABLED", "OTEL_TRACES_EXPORTER", "OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG",
	"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TIMEOUT",
	"OTEL_EXPORTER_OTLP_COMPRESSION", "OTEL_EXPORTER_OTLP_CERTIFICATE",
	"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
	"OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE",
	"OTEL_RESOURCE_ATTRIBUTES", "OTEL_BSP_SCHEDULE_DELAY", "OTEL_BSP_EXPORT_TIMEOUT", "OTEL_BSP_MAX_QUEUE_SIZE",
	"OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
}

func environment(f functions.Function) []string {
	var env []string
	for _, name := range passed {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	if cores, err := catalog.ParseCPU(f.Spec.Resources.CPU); err == nil {
		env = append(env, fmt.Sprintf("GOMAXPROCS=%d", int(math.Ceil(cores))))
	}
	return env
}

// runtimeProcess is one running saccade-runtime.
type runtimeProcess struct {
	cmd      *exec.Cmd
	socket   string
	function string
	lifeline *os.File
	client   *http.Client
	tail     tail
}

func (p *runtimeProcess) address() (string, string) { return "unix", p.socket }

func (p *runtimeProcess) ready(ctx context.Context) (functions.Start, error) {
	var start functions.Start
	defer p.client.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://instance/v1/start", nil)
	if err != nil {
		return start, err
	}
	resp, err := p.client.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return start, fmt.Errorf("waiting for readiness: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return start, problem.Read(resp)
	}
	err = json.NewDecoder(resp.Body).Decode(&start)
	return start, err
}

// terminate asks; who is stopped hears it only when it goes on.
func (p *runtimeProcess) terminate() {
	p.signal(syscall.SIGTERM)
	p.signal(syscall.SIGCONT)
}

func (p *runtimeProcess) kill() { p.signal(syscall.SIGKILL) }

func (p *runtimeProcess) signal(s syscall.Signal) {
	_ = p.cmd.Process.Signal(s) // an error says that it is gone, which is what was wanted
}

func (p *runtimeProcess) wait() ending {
	err := p.cmd.Wait()
	p.lifeline.Close()
	os.Remove(p.socket)
	os.Remove(p.function)
	end := ending{text: "left"}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		status := exit.Sys().(syscall.WaitStatus)
		end.killed = status.Signaled() && (status.Signal() == syscall.SIGKILL || status.Signal() == syscall.SIGTERM)
		end.permanent = status.Exited() && status.ExitStatus() == permanentExit
		end.text = exit.Error()
	} else if err != nil {
		end.text = err.Error()
	}
	if said := strings.TrimSpace(p.tail.String()); said != "" {
		end.text += "; it last said: " + said
	}
	return end
}

// tail keeps the last words written to it.
type tail struct {
	mu   sync.Mutex
	text []byte
}

const tailBytes = 4 << 10

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, b...)
	if over := len(t.text) - tailBytes; over > 0 {
		t.text = append(t.text[:0], t.text[over:]...)
	}
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}
