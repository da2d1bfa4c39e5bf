package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// floorArgs start the floor program.
type floorArgs struct{ bin, model, sum, cache, picture string }

// floorProcess is a floor program that has found its first objects.
type floorProcess struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	out   *bufio.Scanner
	first time.Duration // from its start to its first detection
}

func (a floorArgs) start(ctx context.Context) (*floorProcess, error) {
	p := &floorProcess{cmd: exec.CommandContext(ctx, a.bin,
		"-model", a.model, "-sum", a.sum, "-cache", filepath.Join(a.cache, "graphs"), "-picture", a.picture)}
	p.cmd.Stderr = os.Stderr
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = bufio.NewScanner(out)
	began := time.Now()
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	if !p.out.Scan() || !strings.HasPrefix(p.out.Text(), "detected") {
		return nil, errors.Join(errors.New("the floor found nothing"), p.stop())
	}
	p.first = time.Since(began)
	return p, nil
}

// ask sends a command and reads the nanoseconds it took.
func (p *floorProcess) ask(command string) (time.Duration, error) {
	if _, err := fmt.Fprintln(p.in, command); err != nil {
		return 0, err
	}
	if !p.out.Scan() {
		return 0, errors.New("the floor is gone")
	}
	ns, err := strconv.ParseInt(p.out.Text(), 10, 64)
	return time.Duration(ns), err
}

func (p *floorProcess) stop() error {
	p.in.Close()
	return p.cmd.Wait()
}

// residentKB is a process's resident memory in KiB, as Linux tells it.
func residentKB(pid int) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			return strconv.ParseFloat(strings.Fields(value)[0], 64)
		}
	}
	return 0, errors.New("no VmRSS")
}
