package stories

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// stylesAreContrastedOnTheCluster: each style has a copy of the function for as long as
// it plays, a report comes out, and the copies are gone, also where the command was
// interrupted. The function itself serves on all the while.
func stylesAreContrastedOnTheCluster(s *Story) {
	folder := s.declare("crowd", Small+"scaling: {window: 6s, maxScale: 4}")
	s.saccade("deploy", folder, "--image", Image, "--wait", "--timeout", "90s")
	own := s.caller("crowd").stream(s.Context(), steady(.5))
	out := s.TempDir()
	arguments := []string{
		"contrast", "--platform", "knative", "--gateway", Gateway, "-n", s.Space, "--image", Image, "--functions", filepath.Dir(folder),
		"--function", "crowd", "--trace", "flash-crowd", "--for", "20s", "--peak", "4", "--out", out,
	}
	began := time.Now()
	said := s.run("saccade", append(arguments, "--styles", "kubernetes,startup-aware")...)
	took := time.Since(began)
	if strings.Contains(said, "had no answer") {
		s.Errorf("not every request was answered:\n%s", said)
	}
	if page, err := os.ReadFile(filepath.Join(out, "report.html")); err != nil || !strings.Contains(string(page), "crowd") {
		s.Errorf("the report is %d bytes: %v", len(page), err)
	}
	s.contrasted(filepath.Join(out, "report.json"), "kubernetes", "startup-aware")
	s.Table.Add("saccade contrast --platform knative, two styles, 20 s of a flash crowd", short(took), "")
	s.noCopies("crowd")

	interrupted := s.command(s.Context(), "saccade", append(arguments, "--styles", "lambda")...)
	var words bytes.Buffer
	interrupted.Stdout, interrupted.Stderr = &words, &words
	if err := interrupted.Start(); err != nil {
		s.Fatal(err)
	}
	s.until(60*time.Second, "a copy is there", func() (bool, string) { return len(s.copies("crowd")) > 0, "none" })
	if err := interrupted.Process.Signal(syscall.SIGINT); err != nil {
		s.Fatal(err)
	}
	if err := interrupted.Wait(); exitCode(err) != 1 {
		s.Errorf("interrupted it ends with %v:\n%s", err, &words)
	}
	s.noCopies("crowd")
	s.noneLost(own.finish())
}

// copies are the copies of a function that a contrast has made.
func (s *Story) copies(function string) []string {
	s.Helper()
	var copies []string
	for _, name := range strings.Fields(s.kube("get", "ksvc", "-o", "jsonpath={.items[*].metadata.name}")) {
		if strings.HasPrefix(name, function+"-contrast-") {
			copies = append(copies, name)
		}
	}
	return copies
}

func (s *Story) noCopies(function string) {
	s.Helper()
	if copies := s.copies(function); len(copies) > 0 {
		s.Errorf("these are left: %s", copies)
	}
}

// contrasted reads a report's numbers into the table, and sees that all the styles have
// some.
func (s *Story) contrasted(file string, styles ...string) {
	s.Helper()
	var report struct {
		Traces []struct {
			Styles []struct {
				Name   string
				Result struct {
					Requests, Cold, Starts int
					Latency                struct{ P50, P99 float64 } // seconds
				}
			}
		}
	}
	text, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(text, &report)
	}
	if err != nil || len(report.Traces) != 1 || len(report.Traces[0].Styles) != len(styles) {
		s.Fatalf("the report has no numbers: %v: %.2000s", err, text)
	}
	for i, style := range report.Traces[0].Styles {
		r := style.Result
		if style.Name != styles[i] || r.Requests < 10 {
			s.Errorf("style %s was asked %d times, want style %s", style.Name, r.Requests, styles[i])
		}
		s.Table.Add("... style "+style.Name, fmt.Sprintf("%d requests, %d cold, p50 %.3fs, p99 %.3fs", r.Requests, r.Cold, r.Latency.P50, r.Latency.P99), "every request answered")
	}
}
