package stories

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// clusterCommands is the block of commands that begins with what a cluster needs once.
var clusterCommands = regexp.MustCompile("(?s)```sh\n(kubectl apply [^\n]*config-features.yaml.*?)```")

// firstCommands are the commands that a document tells a newcomer to type, from a
// cluster with Knative to the first detection.
func (s *Story) firstCommands(document string) []string {
	s.Helper()
	text, err := os.ReadFile(filepath.Join(s.Root, document))
	if err != nil {
		s.Fatal(err)
	}
	block := clusterCommands.FindSubmatch(text)
	if block == nil {
		s.Fatalf("%s has no commands for a cluster", document)
	}
	var commands []string
	for line := range strings.Lines(string(block[1])) {
		line, _, _ = strings.Cut(line, " #")
		commands = append(commands, strings.TrimPrefix(strings.TrimSpace(line), "bin/")) // a checkout, or what is installed
	}
	return commands
}

// typed runs commands in a shell each, as they stand, in the checkout's folder; it is what
// the last one says. One that ends with & runs on beside the others, which come when its
// door is open.
func (s *Story) typed(commands []string) (said string) {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), 4*time.Minute)
	defer cancel()
	for _, command := range commands {
		line, beside := strings.CutSuffix(command, "&")
		shell := s.command(ctx, "bash", "-c", "exec "+line)
		shell.Env = append(os.Environ(), "PATH="+s.Programs+":"+filepath.Join(s.Root, "out", "e2e")+":"+os.Getenv("PATH"))
		if beside {
			s.beside(shell, "localhost:8080")
			continue
		}
		text, err := shell.Output()
		if err != nil {
			complaint := ""
			if exit, is := err.(*exec.ExitError); is {
				complaint = string(exit.Stderr)
			}
			s.Fatalf("$ %s\n%s%s%v", command, text, complaint, err)
		}
		said = string(text)
	}
	return said
}

// beside starts a program that runs until the story ends, and waits until something can
// be reached at the address.
func (s *Story) beside(program *exec.Cmd, address string) {
	s.Helper()
	if err := program.Start(); err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() {
		program.Process.Kill()
		program.Wait() // it was killed
	})
	s.until(30*time.Second, address+" can be reached", func() (bool, string) {
		conn, err := net.DialTimeout("tcp", address, time.Second)
		if err != nil {
			return false, err.Error()
		}
		conn.Close()
		return true, ""
	})
}
