package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// gateway is `saccade up` on an address of its own, started again as often as it is
// killed, with the same configuration and the same store.
type gateway struct {
	program, config, log string
	url                  string
	turned               bool // its clock can be turned

	mu      sync.Mutex
	cmd     *exec.Cmd
	clock   *clock
	gone    chan struct{} // closed when the process has ended
	meant   bool          // the end is ours
	crashes int           // ends that were not
}

// configuration is the gateway's file, in YAML. It has what a scenario is about; the
// rest is as shipped.
type configuration struct {
	runtime string
	jobs    []string // lines of the section
}

func newGateway(o options, dir string, c configuration) (*gateway, error) {
	// The address must stay the same from one process to the next.
	probe, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	address := probe.Addr().String()
	probe.Close()
	bin, err := filepath.Abs(o.bin)
	if err != nil {
		return nil, err
	}
	lines := []string{
		"listen: " + address,
		"cache: " + filepath.Join(dir, "cache"),
		"runtime: " + filepath.Join(bin, c.runtime),
		"jobs:",
	}
	for _, line := range c.jobs {
		lines = append(lines, "  "+line)
	}
	g := &gateway{
		program: filepath.Join(bin, "saccade"), config: filepath.Join(dir, "saccade.yaml"),
		log: filepath.Join(dir, "gateway.log"), url: "http://" + address,
	}
	return g, os.WriteFile(g.config, []byte(strings.Join(lines, "\n")+"\n"), 0o600)
}

// start starts the process; it need not be up yet.
func (g *gateway) start() error {
	log, err := os.OpenFile(g.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	g.mu.Lock()
	defer g.mu.Unlock()
	cmd := exec.Command(g.program, "up", "--config", g.config)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // it must not outlive us
	if g.turned {
		g.clock, err = startTurned(cmd)
	} else {
		err = cmd.Start()
	}
	if err != nil {
		return fmt.Errorf("starting the gateway: %w", err)
	}
	gone := make(chan struct{})
	g.cmd, g.gone, g.meant = cmd, gone, false
	go func() {
		_ = cmd.Wait() // how it ended is known from who ended it
		g.mu.Lock()
		if !g.meant {
			g.crashes++
		}
		g.mu.Unlock()
		close(gone)
	}()
	return nil
}

// end sends the signal and waits until the process is gone.
func (g *gateway) end(with syscall.Signal) {
	g.mu.Lock()
	cmd, gone := g.cmd, g.gone
	g.meant = true
	g.mu.Unlock()
	if cmd == nil {
		return
	}
	_ = cmd.Process.Signal(with)
	<-gone
}

// kill ends the process in the middle of whatever it does, and starts the next.
func (g *gateway) kill() error {
	g.end(syscall.SIGKILL)
	return g.start()
}

// upWithin is how long a gateway may take to answer.
const upWithin = 30 * time.Second

func (g *gateway) untilUp(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, upWithin)
	defer cancel()
	for ctx.Err() == nil {
		if status, _, err := get(ctx, g.url+"/healthz", 0); err == nil && status == http.StatusOK {
			return nil
		}
		pause(ctx, 20*time.Millisecond)
	}
	return fmt.Errorf("the gateway does not come up; its words are in %s", g.log)
}

// instances are the process ids of the function's instances.
func (g *gateway) instances() []int {
	g.mu.Lock()
	pid := g.cmd.Process.Pid
	g.mu.Unlock()
	var all []int
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, task := range tasks {
		list, err := os.ReadFile(task)
		if err != nil {
			continue // the thread is gone
		}
		for field := range strings.FieldsSeq(string(list)) {
			if id, err := strconv.Atoi(field); err == nil {
				all = append(all, id)
			}
		}
	}
	return all
}

// turn sets the gateway's clock, by so much off the true time.
func (g *gateway) turn(off time.Duration) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.clock == nil {
		return errors.New("the gateway's clock cannot be turned")
	}
	return g.clock.turn(off)
}

// fell is how often the gateway ended although nobody had asked it to.
func (g *gateway) fell() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.crashes
}
