package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/seed45885407/saccade/client"
	"github.com/seed45885407/saccade/config"
	"github.com/seed45885407/saccade/functions"
)

// panelExpressions are the dashboard's, by panel, with Grafana's variables filled in.
func panelExpressions(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("../../config/grafana/saccade.json")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Panels []struct {
			Title, Type string
			Targets     []struct{ RefID, Expr string }
		}
	}
	if err := json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}
	filled := strings.NewReplacer("$function", ".*", "$__rate_interval", "1m", "$__range", "1m")
	all := map[string]string{}
	for _, panel := range dashboard.Panels {
		if panel.Type != "row" && len(panel.Targets) == 0 {
			t.Errorf("the panel %q asks nothing", panel.Title)
		}
		for _, target := range panel.Targets {
			name := panel.Title + "/" + target.RefID
			if _, twice := all[name]; twice {
				t.Errorf("two panels are called %q", panel.Title)
			}
			all[name] = filled.Replace(target.Expr)
			if strings.Contains(all[name], "$") {
				t.Errorf("%s has a variable that is not known: %s", name, target.Expr)
			}
		}
	}
	return all
}

// comparison is what makes an alert of an expression.
var comparison = regexp.MustCompile(` (==|!=|>=|<=|>|<) `)

// alertExpressions are the shipped alerts', by name, asked whether they hold rather
// than for where they hold: so there is an answer in quiet times too.
func alertExpressions(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("../../config/prometheus/alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../docs/observability.md")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Groups []struct {
			Rules []struct {
				Alert, Expr string
				Annotations map[string]string
			}
		}
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, group := range file.Groups {
		for _, rule := range group.Rules {
			if len(comparison.FindAllString(rule.Expr, -1)) != 1 {
				t.Errorf("%s does not compare, or not once: %s", rule.Alert, rule.Expr)
			}
			all["alert "+rule.Alert] = comparison.ReplaceAllString(rule.Expr, " $1 bool ")
			if !strings.Contains(string(page), "\n### "+rule.Alert+"\n") {
				t.Errorf("docs/observability.md has no heading %s", rule.Alert)
			}
			if !strings.HasSuffix(rule.Annotations["runbook_url"], "#"+strings.ToLower(rule.Alert)) || rule.Annotations["summary"] == "" {
				t.Errorf("%s does not lead to its heading, or has no summary", rule.Alert)
			}
		}
	}
	if len(all) < 10 {
		t.Fatalf("found %d alerts: the search is at fault", len(all))
	}
	return all
}

func TestTheShippedRulesAreValid(t *testing.T) {
	program, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("the program promtool is not there: ", err)
	}
	for _, args := range [][]string{{"check", "rules", "alerts.yaml"}, {"check", "config", "prometheus.yaml"}} {
		cmd := exec.Command(program, args...)
		cmd.Dir = "../../config/prometheus"
		if said, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %q: %v\n%s", args, err, said)
		}
	}
}

func TestAPrometheusGetsDataForEveryPanelAndEveryAlert(t *testing.T) {
	needRuntime(t)
	picture := string(samplePictures(t)[0])
	dir := t.TempDir()
	declare(t, dir, "late", "scaling: {startTimeout: 1ms, timeout: 300ms}") // never comes up
	declare(t, dir, "watched", "drift: {reference: 50, window: 50}")
	change := func(cfg *config.Saccade) {
		cfg.Functions = []string{dir}
		cfg.MaxWaiting = 2 // so that a burst is turned away
	}
	asked := panelExpressions(t)
	maps.Copy(asked, alertExpressions(t))
	withStack(t, change, false, func(base string, _ *client.Client, _ *stack) {
		server := startFunctionServer(t, picture)
		p := startPrometheus(t, map[string]string{
			"saccade": strings.TrimPrefix(base, "http://"), "saccade-functions": server,
		})
		until(t, "the first scrape", func(context.Context) error { return p.query(`saccade_cold_starts_total{function="centernet"}`) })
		missing := maps.Clone(asked)
		until(t, "data for every expression", func(context.Context) error {
			sendTraffic(t, base, server, picture)
			for name, expr := range missing {
				switch err := p.query(expr); {
				case err == nil:
					delete(missing, name)
				case !errors.Is(err, errNoData):
					t.Fatalf("%s: %v\n%s", name, err, expr)
				}
			}
			forgetUnwired(t, base, missing)
			if len(missing) > 0 {
				return fmt.Errorf("no data yet for %q", slices.Sorted(maps.Keys(missing)))
			}
			return nil
		})
		checkRules(t, p, len(alertExpressions(t)))
		until(t, "an exemplar", func(context.Context) error {
			var series []any
			err := p.get("/api/v1/query_exemplars", url.Values{
				"query": {"saccade_request_duration_seconds_bucket"}, "start": {"2020-01-01T00:00:00Z"}, "end": {"2099-01-01T00:00:00Z"},
			}, &series)
			if err == nil && len(series) == 0 {
				err = errNoData
			}
			return err
		})
	})
}

// declare declares a function that says one thing beside its model.
func declare(t *testing.T, dir, name, says string) {
	t.Helper()
	model, err := functions.Shipped.ReadFile("centernet/centernet-mbv3.onnx")
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(dir, name)
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"eye.onnx": string(model),
		"function.yaml": "apiVersion: saccade.dev/v1alpha1\nkind: Function\nmetadata: {name: " + name + "}\n" +
			"spec:\n  model: {uri: eye.onnx}\n  " + says + "\n",
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// sendTraffic is a little of everything: answered, refused, failed, a burst.
func sendTraffic(t *testing.T, base, server, picture string) {
	t.Helper()
	send := func(path, media, body string, header ...string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(body))
		if err != nil {
			t.Error(err)
			return
		}
		req.Header.Set("Content-Type", media)
		for i := 0; i < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Error(err)
			return
		}
		defer resp.Body.Close()
		_, _ = io.Copy(io.Discard, resp.Body)
	}
	detect := base + "/v1/functions/centernet/detect"
	sampled := []string{"traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
	send(detect, "image/png", picture, sampled...)
	send(detect+"?draw=jpeg", "image/png", picture)
	send(detect, "text/plain", "no picture")
	send(detect, "image/png", picture, "Prefer", "respond-async")
	send(base+"/v1/functions/late/detect", "image/png", picture)
	send(base+"/v1/functions/nobody/detect", "image/png", picture)
	send("http://"+server+"/v1/detect", "image/png", picture)
	for range 25 { // some rounds of this are a reference and a window
		send(base+"/v1/functions/watched/detect", "image/png", picture)
	}
	var burst sync.WaitGroup
	for range 12 {
		burst.Go(func() { send(detect, "image/png", picture) })
	}
	burst.Wait()
}

// forgetUnwired takes out what is asked of rooms that this gateway does not have:
// what /metrics does not even describe cannot have data.
func forgetUnwired(t *testing.T, base string, missing map[string]string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	for room, words := range map[string][]string{
		"jobs":         {"saccade_job"},
		"costs":        {"saccade_cost_", "saccade_instance_seconds_"},
		"recall":       {"saccade_recall_shared_", "saccade_recall_flights"},
		"result cache": {"saccade_recall_lookups_", "saccade_recall_bytes", "saccade_recall_evictions_"},
	} {
		if slices.ContainsFunc(words, func(w string) bool { return strings.Contains(string(text), "# HELP "+w) }) {
			continue
		}
		maps.DeleteFunc(missing, func(name, expr string) bool {
			unwired := slices.ContainsFunc(words, func(w string) bool { return strings.Contains(expr, w) })
			if unwired {
				t.Logf("%s: this gateway has no %s", name, room)
			}
			return unwired
		})
	}
}

// checkRules asks Prometheus how it gets on with the alerts.
func checkRules(t *testing.T, p scraper, want int) {
	t.Helper()
	var data struct {
		Groups []struct {
			Rules []struct{ Name, Health, LastError string }
		}
	}
	until(t, "every rule is evaluated", func(context.Context) error {
		if err := p.get("/api/v1/rules", nil, &data); err != nil {
			return err
		}
		seen := 0
		for _, group := range data.Groups {
			for _, rule := range group.Rules {
				seen++
				if rule.Health != "ok" || rule.LastError != "" {
					return fmt.Errorf("%s is %s: %s", rule.Name, rule.Health, rule.LastError)
				}
			}
		}
		if seen != want {
			return fmt.Errorf("%d rules of %d", seen, want)
		}
		return nil
	})
}
