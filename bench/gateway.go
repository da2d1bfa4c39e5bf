package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/seed45885407/saccade/client"
	"github.com/seed45885407/saccade/config"
	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/functions/catalog"
)

// gatewayProcess is `saccade up` with as many copies of the function as cold
// starts are measured, each asleep until it is asked.
type gatewayProcess struct {
	cmd     *exec.Cmd
	client  *client.Client
	url     string
	picture []byte
	cache   string
	// model and sum are what the function serves, once warm.
	model, sum string
	runtime    string
	sent       atomic.Int64
}

// warmCopy is the copy whose warm requests are measured.
const warmCopy = "bench-warm"

func coldCopy(n int) string { return fmt.Sprintf("bench-cold-%d", n) }

func startGateway(ctx context.Context, o options, dir string) (*gatewayProcess, error) {
	folder := filepath.Join(dir, "functions")
	if err := copies(o, folder); err != nil {
		return nil, err
	}
	g, err := launchGateway(ctx, o, dir, folder, "--jobs-dir", filepath.Join(dir, "jobs-warm"))
	if err != nil {
		return nil, err
	}
	return g, g.warmUp(ctx)
}

// launchGateway starts `saccade up` on a free port with the functions in folder.
func launchGateway(ctx context.Context, o options, dir, folder string, args ...string) (*gatewayProcess, error) {
	picture, err := os.ReadFile(o.picture)
	if err != nil {
		return nil, err
	}
	g := &gatewayProcess{picture: picture, cache: config.Default().Cache}
	if g.runtime, err = filepath.Abs(filepath.Join(o.bin, "saccade-runtime")); err != nil {
		return nil, err
	}
	probe, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	address := probe.Addr().String()
	probe.Close()
	log, err := os.Create(filepath.Join(dir, filepath.Base(folder)+".log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	args = append([]string{"up", "--listen", address, "--functions", folder}, args...)
	g.cmd = exec.CommandContext(ctx, filepath.Join(o.bin, "saccade"), args...)
	g.cmd.Cancel = func() error { return g.cmd.Process.Signal(os.Interrupt) }
	g.cmd.Stdout, g.cmd.Stderr = log, log
	if err := g.cmd.Start(); err != nil {
		return nil, err
	}
	g.url = "http://" + address
	g.client, err = client.New(g.url, client.Options{Transport: &http.Transport{MaxIdleConnsPerHost: 64}})
	return g, err
}

// copies writes the function under all its names.
func copies(o options, folder string) error {
	entries, _ := catalog.New(functions.Shipped, config.Default().Functions...).Load()
	var entry *catalog.Entry
	for i := range entries {
		if entries[i].Function.Metadata.Name == o.function {
			entry = &entries[i]
		}
	}
	if entry == nil {
		return fmt.Errorf("no function %q", o.function)
	}
	names := []string{warmCopy}
	for n := range o.cold {
		names = append(names, coldCopy(n))
	}
	for _, name := range names {
		f := functions.Function{APIVersion: functions.APIVersion, Kind: functions.KindFunction}
		f.Metadata.Name = name
		f.Spec.Model = entry.Function.Spec.Model
		if file, err := entry.Folder.Open(f.Spec.Model.URI); err == nil {
			file.Close()
			if err := os.CopyFS(filepath.Join(folder, name), only{entry.Folder, f.Spec.Model.URI}); err != nil {
				return err
			}
		}
		if err := catalog.Write(filepath.Join(folder, name), f); err != nil {
			return err
		}
	}
	return nil
}

// untilUp waits for the gateway and wakes a function.
func (g *gatewayProcess) untilUp(ctx context.Context, function string) error {
	for range 100 {
		reply, err := g.detect(ctx, function)
		switch {
		case err == nil:
			g.sum = reply.ModelSum
			return nil
		case !errors.Is(err, client.ErrNoGateway):
			return errors.Join(fmt.Errorf("waking the function: %w", err), g.stop())
		}
		time.Sleep(50 * time.Millisecond)
	}
	return errors.Join(errors.New("the gateway does not come up"), g.stop())
}

// warmUp wakes the warm copy, and waits until the optimised graph has been kept,
// as it is on any machine that served before.
func (g *gatewayProcess) warmUp(ctx context.Context) error {
	if err := g.untilUp(ctx, warmCopy); err != nil {
		return err
	}
	g.model = filepath.Join(g.cache, "models", "sha256", g.sum+".onnx")
	time.Sleep(3 * time.Second) // the graph is kept in the background, after readiness
	return nil
}

func (g *gatewayProcess) detect(ctx context.Context, function string) (functions.Reply, error) {
	return g.client.Detect(ctx, function, client.Source{Data: distinct(g.picture, g.sent.Add(1))}, functions.Parameters{})
}

// instanceOf is the process id of the function's one instance.
func (g *gatewayProcess) instanceOf(function string) (int, error) {
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", g.cmd.Process.Pid))
	for _, task := range tasks {
		list, _ := os.ReadFile(task)
		for _, field := range strings.Fields(string(list)) {
			args, _ := os.ReadFile("/proc/" + field + "/cmdline")
			if strings.Contains(string(args), "/"+function+"-0") {
				return strconv.Atoi(field)
			}
		}
	}
	return 0, fmt.Errorf("no instance of %s is found", function)
}

func (g *gatewayProcess) stop() error {
	_ = g.cmd.Process.Signal(syscall.SIGINT)
	return g.cmd.Wait()
}

// writeSpec writes the function as an instance gets it.
func writeSpec(path string, f functions.Function) error {
	text, err := json.Marshal(f.WithDefaults())
	if err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o600)
}
