package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// measureCold takes in turns: the floor from its start to its first detection, the
// function server likewise, and a request through the gateway to a function at
// zero.
func measureCold(ctx context.Context, o options, g *gatewayProcess, f floorArgs) ([]row, error) {
	say("%d cold starts, three ways in turns ...", o.cold)
	var floor, server, gateway []time.Duration
	for n := range o.cold {
		p, err := f.start(ctx)
		if err != nil {
			return nil, err
		}
		floor = append(floor, p.first)
		if err := p.stop(); err != nil {
			return nil, err
		}
		took, err := firstDetection(ctx, g)
		if err != nil {
			return nil, err
		}
		server = append(server, took)

		began := time.Now()
		reply, err := g.detect(ctx, coldCopy(n))
		if err != nil {
			return nil, err
		}
		if !reply.ColdStart {
			return nil, fmt.Errorf("%s was not at zero", coldCopy(n))
		}
		gateway = append(gateway, time.Since(began))
	}
	return []row{
		{what: "process start to first detection, p50", floor: ms(median(floor)), ours: ms(median(server)), unit: "ms", goal: 1.10},
		{what: "from zero through the gateway, p50", floor: ms(median(floor)), ours: ms(median(gateway)), unit: "ms", goal: 1.25},
	}, nil
}

// firstDetection is the time of [firstAnswer].
func firstDetection(ctx context.Context, g *gatewayProcess) (time.Duration, error) {
	took, _, err := firstAnswer(ctx, g, nil)
	return took, err
}

// firstAnswer starts a function server as the platform does, with a request sent at
// once, and measures until its answer. The server ends when meanwhile, if there is
// one, has returned.
func firstAnswer(ctx context.Context, g *gatewayProcess, meanwhile func() error) (took time.Duration, answer functions.Answer, err error) {
	dir, err := os.MkdirTemp("", "saccade-bench-")
	if err != nil {
		return 0, answer, err
	}
	defer os.RemoveAll(dir)
	spec := filepath.Join(dir, "function.json")
	f := functions.Function{APIVersion: functions.APIVersion, Kind: functions.KindFunction, Metadata: functions.Metadata{Name: warmCopy}}
	f.Spec.Model.URI = "model.onnx"
	if err := writeSpec(spec, f); err != nil {
		return 0, answer, err
	}
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, "s"), Net: "unix"})
	if err != nil {
		return 0, answer, err
	}
	defer listener.Close()
	inherited, err := listener.File()
	if err != nil {
		return 0, answer, err
	}
	defer inherited.Close()
	began := time.Now()
	cmd := exec.CommandContext(ctx, g.runtime, "--function", spec, "--model", g.model, "--model-sum", g.sum,
		"--cache", g.cache, "--listen", "fd:3", "--requested-at", strconv.FormatInt(began.UnixNano(), 10))
	cmd.ExtraFiles = []*os.File{inherited}
	if err := cmd.Start(); err != nil {
		return 0, answer, err
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", listener.Addr().String())
	}}
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport}).Post("http://instance/v1/detect", "application/octet-stream", bytes.NewReader(g.picture))
	if err != nil {
		return 0, answer, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return 0, answer, fmt.Errorf("the function server answered %s", resp.Status)
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return 0, answer, err
	}
	took = time.Since(began)
	if meanwhile != nil {
		err = meanwhile()
	}
	return took, answer, err
}
