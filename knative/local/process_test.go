package local

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/functions/problem"
	"github.com/seed45885407/saccade/gateway/coldstart"
	"github.com/seed45885407/saccade/gateway/routing"
)

// The test's own program plays two parts beside the tests: the function server,
// when it is started with its flags, and a gateway that is killed.
const gatewayPart = "SACCADE_TEST_GATEWAY"

// playRuntime is a function server without a model. The function's licence tells
// it how to behave.
func playRuntime() int {
	set := flag.NewFlagSet("runtime", flag.ContinueOnError)
	function := set.String("function", "", "")
	lifeline := set.Uint("lifeline", 0, "")
	for _, name := range []string{"model", "model-sum", "cache", "listen", "requested-at"} {
		set.String(name, "", "")
	}
	if err := set.Parse(os.Args[1:]); err != nil {
		return 2
	}
	text, _ := os.ReadFile(*function)
	var f functions.Function
	if err := json.Unmarshal(text, &f); err != nil {
		return 2
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.NewFile(uintptr(*lifeline), "lifeline"))
		os.Exit(0)
	}()
	listener, err := net.FileListener(os.NewFile(3, "listener"))
	if err != nil {
		return 2
	}
	behaviour := f.Spec.Model.Licence
	switch behaviour {
	case "leaves": // in order, when it is asked to
		asked := make(chan os.Signal, 1)
		signal.Notify(asked, syscall.SIGTERM)
		go func() { <-asked; os.Exit(0) }()
	case "toils": // without end
		go func() {
			for sum := 0; ; sum++ {
			}
		}()
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/v1/start", func(w http.ResponseWriter, r *http.Request) {
		switch behaviour {
		case "refuses":
			problem.Write(w, functions.Errorf(functions.Unavailable, "the model has no output"))
			return
		case "crashes":
			fmt.Fprintln(os.Stderr, "last words")
			os.Exit(7)
		case "hangs":
			<-r.Context().Done()
		}
		_ = json.NewEncoder(w).Encode(functions.Start{Load: functions.Millis(time.Millisecond)})
	})
	mux.HandleFunc("/environment", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, strings.Join(os.Environ(), "\n"))
	})
	_ = http.Serve(listener, mux)
	return 0
}

// playGateway starts two instances and freezes one, prints their process ids and waits for death.
func playGateway() int {
	ps, err := newProcesses(Options{Runtime: os.Args[0]})
	if err != nil {
		return 2
	}
	for n := range 2 {
		p, err := ps.launch(fmt.Sprint("eye-00001-", n), functions.Revision{Name: "eye-00001"}, Model{})
		if err != nil {
			return 2
		}
		if _, err := p.ready(context.Background()); err != nil {
			return 2
		}
		fmt.Println(p.(*runtimeProcess).cmd.Process.Pid)
		if n == 1 {
			p.freeze()
		}
	}
	fmt.Println(ps.dir.path)
	select {}
}

func TestNoInstanceOutlivesAGatewayThatIsKilled(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), gatewayPart+"=1", "XDG_RUNTIME_DIR="+t.TempDir())
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	var pids []int
	for range 2 {
		lines.Scan()
		pid, err := strconv.Atoi(lines.Text())
		if err != nil {
			t.Fatalf("the gateway said %q", lines.Text())
		}
		if syscall.Kill(pid, 0) != nil {
			t.Fatalf("instance %d does not run", pid)
		}
		pids = append(pids, pid)
	}
	lines.Scan()
	dir := lines.Text()
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	for _, pid := range pids {
		for alive(pid) { // the test's own deadline ends it
			time.Sleep(time.Millisecond)
		}
	}
	// What it left behind is swept by a later platform, once it is old enough to
	// be no platform that is just starting.
	long := time.Now().Add(-time.Hour)
	if err := os.Chtimes(dir, long, long); err != nil {
		t.Fatal(err)
	}
	sweepWorkDirs(filepath.Dir(dir))
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder of the killed gateway is still there: %v", err)
	}
}

// alive says whether a process runs; one that ended and was not waited for does not.
func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, after, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(after, "Z")
}

func TestAWorkDirInUseIsNotSwept(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	d, err := newWorkDir()
	if err != nil {
		t.Fatal(err)
	}
	long := time.Now().Add(-time.Hour)
	if err := os.Chtimes(d.path, long, long); err != nil {
		t.Fatal(err)
	}
	sweepWorkDirs(filepath.Dir(d.path))
	if _, err := os.Stat(d.path); err != nil {
		t.Errorf("the folder of a platform that runs was removed: %v", err)
	}
	if info, err := os.Stat(d.path); err == nil && info.Mode().Perm() != 0o700 {
		t.Errorf("the folder may be entered by others: %v", info.Mode())
	}
	if err := d.remove(); err != nil {
		t.Error(err)
	}
}

// processWorld runs real processes.
func processWorld(t *testing.T, behaviour string) (*Platform, *coldstart.Room, *routing.Table) {
	t.Helper()
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
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("stopping: %v", err)
		}
	})
	f := function(func(s *functions.Scaling) {
		if behaviour == "hangs" { // any other is given the time that a busy machine takes
			s.StartTimeout = functions.Duration(300 * time.Millisecond)
		}
	})
	f.Spec.Model.Licence = behaviour
	if err := p.Deploy(t.Context(), Deployment{Function: f, Pull: pulled}); err != nil {
		t.Fatal(err)
	}
	return p, room, routes
}

func TestAProcessThatDoesNotBecomeReadySaysWhy(t *testing.T) {
	for behaviour, want := range map[string]struct {
		kind   functions.Kind
		public string
		log    string
	}{
		"refuses": {functions.Unavailable, "the model has no output", ""},
		"crashes": {functions.Unavailable, "ended before it was ready", "last words"},
		"hangs":   {functions.ColdStartTimeout, "did not become ready in time", "killed"},
	} {
		t.Run(behaviour, func(t *testing.T) {
			_, room, _ := processWorld(t, behaviour)
			ticket, err := room.Enter("eye-00001")
			if err != nil {
				t.Fatal(err)
			}
			defer ticket.Leave()
			for {
				lease, err := ticket.Wait(t.Context())
				if err == nil { // an instance that starts: wait for what becomes of it
					<-lease.Life.Ended()
					lease.Release()
					continue
				}
				e, ok := errors.AsType[*functions.Error](err)
				if !ok || e.Kind != want.kind || !strings.Contains(e.Detail, want.public) || !strings.Contains(e.Error(), want.log) {
					t.Errorf("the waiter was told %v", err)
				}
				return
			}
		})
	}
}

func TestAnInstanceGetsNoVariableThatCouldBeASecret(t *testing.T) {
	t.Setenv("AWS_SECRET_ACCESS_KEY", "hush")
	_, room, _ := processWorld(t, "")
	ticket, err := room.Enter("eye-00001")
	if err != nil {
		t.Fatal(err)
	}
	defer ticket.Leave()
	lease, err := ticket.Wait(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer lease.Release()
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, lease.Network, lease.Address)
	}}}
	defer client.CloseIdleConnections()
	resp, err := client.Get("http://instance/environment")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	environment, _ := io.ReadAll(resp.Body)
	if strings.Contains(string(environment), "hush") || !strings.Contains(string(environment), "PATH=") {
		t.Errorf("the instance's environment:\n%s", environment)
	}
}
