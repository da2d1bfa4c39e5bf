package main

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"
)

// A test process that is asked to says what time it is, a line for each it reads.
func TestMain(m *testing.M) {
	if os.Getenv("FAULTS_CLOCK") != "" {
		for in := bufio.NewScanner(os.Stdin); in.Scan(); {
			os.Stdout.WriteString(strconv.FormatInt(time.Now().UnixNano(), 10) + "\n")
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestOneProcessHasAnotherTime(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "FAULTS_CLOCK=1")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c, err := startTurned(cmd)
	if errors.Is(err, errNoTurning) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer in.Close()
	lines := bufio.NewScanner(out)
	for _, off := range []time.Duration{0, time.Hour, -2 * time.Hour, 30 * 24 * time.Hour, 0} {
		if err := c.turn(off); err != nil {
			t.Fatal(err)
		}
		before := time.Now()
		if _, err := in.Write([]byte("\n")); err != nil {
			t.Fatal(err)
		}
		if !lines.Scan() {
			t.Fatal("the process says nothing more")
		}
		nanos, err := strconv.ParseInt(lines.Text(), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		told, after := time.Unix(0, nanos).Add(-off), time.Now()
		if told.Before(before.Round(0)) || told.After(after.Round(0)) {
			t.Errorf("turned by %v the process says %v; want between %v and %v", off, told, before, after)
		}
	}
}
