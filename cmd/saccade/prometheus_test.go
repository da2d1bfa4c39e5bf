package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

// scraper is a Prometheus that scrapes every 200 ms, by the shipped configuration.
type scraper struct {
	*testing.T
	base string
}

// startPrometheus gives the shipped scrape jobs their targets.
func startPrometheus(t *testing.T, targets map[string]string) scraper {
	t.Helper()
	program, err := exec.LookPath("prometheus")
	if err != nil {
		t.Skip("the program prometheus is not there: ", err)
	}
	dir := t.TempDir()
	shipped, err := filepath.Abs("../../config/prometheus")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(shipped, "prometheus.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var cfg map[string]any
	if err := yaml.Unmarshal(text, &cfg); err != nil {
		t.Fatal(err)
	}
	cfg["global"] = map[string]any{"scrape_interval": "200ms", "scrape_timeout": "200ms", "evaluation_interval": "200ms"}
	for i, file := range cfg["rule_files"].([]any) {
		cfg["rule_files"].([]any)[i] = filepath.Join(shipped, file.(string))
	}
	for _, job := range cfg["scrape_configs"].([]any) {
		job := job.(map[string]any)
		job["static_configs"] = []any{map[string]any{"targets": []any{targets[job["job_name"].(string)]}}}
	}
	if text, err = yaml.Marshal(cfg); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "prometheus.yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	address := freeAddress(t)
	cmd := exec.Command(program, "--config.file", file, "--storage.tsdb.path", filepath.Join(dir, "tsdb"),
		"--web.listen-address", address, "--enable-feature=exemplar-storage", "--log.level=warn")
	var log strings.Builder
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("prometheus said:\n%s", &log)
		}
	})
	return scraper{t, "http://" + address}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	probe, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer probe.Close()
	return probe.Addr().String()
}

// get asks the HTTP API.
func (p scraper) get(path string, query url.Values, into any) error {
	resp, err := http.Get(p.base + path + "?" + query.Encode())
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var body struct {
		Status, Error string
		Data          json.RawMessage
	}
	if err := json.NewDecoder(resp.Body).Decode(&body); err != nil {
		return fmt.Errorf("%s: %w", resp.Status, err)
	}
	if body.Status != "success" {
		return errors.New(body.Error)
	}
	return json.Unmarshal(body.Data, into)
}

var errNoData = errors.New("it returns no data")

// query says what is wrong with an expression: that it does not parse, or that it
// returns nothing but NaN.
func (p scraper) query(expr string) error {
	var data struct {
		Result []struct{ Value [2]any }
	}
	if err := p.get("/api/v1/query", url.Values{"query": {expr}}, &data); err != nil {
		return err
	}
	for _, series := range data.Result {
		if text, ok := series.Value[1].(string); ok {
			if v, err := strconv.ParseFloat(text, 64); err == nil && !math.IsNaN(v) {
				return nil
			}
		}
	}
	return errNoData
}

// startFunctionServer runs a saccade-runtime with an address of its own, and tells
// it when it has found its first objects.
func startFunctionServer(t *testing.T, picture string) (address string) {
	t.Helper()
	address = freeAddress(t)
	const function = "../../functions/centernet"
	cmd := exec.Command(runtimeProgram, "--function", function+"/function.yaml", "--model", function+"/centernet-mbv3.onnx",
		"--cache", t.TempDir(), "--listen", address)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	until(t, "the function server answers", func(context.Context) error {
		resp, err := http.Post("http://"+address+"/v1/detect", "application/octet-stream", strings.NewReader(picture))
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		_, err = io.Copy(io.Discard, resp.Body)
		return err
	})
	return address
}

// until tries until there is no error any more.
func until(t *testing.T, what string, try func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	for {
		err := try(ctx)
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s: it never came so far: %v", what, err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}
