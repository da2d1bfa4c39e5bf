package stories

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// prometheusScrapesItAll: every gateway and every pod of a function, and our alert rules
// are understood.
func prometheusScrapesItAll(s *Story) {
	program, err := exec.LookPath("prometheus")
	if err != nil {
		s.Skip("there is no prometheus program here: apt-get install prometheus")
	}
	s.deploy("eye", Kept)
	s.mustDetect(s.caller("eye"))
	folder := s.TempDir()
	// Debian's Prometheus is built without a way to find pods by itself.
	gateways, err := s.kubectlValue("-n", GatewaySpace, "get", "pods", "-l", "app.kubernetes.io/name=saccade-gateway",
		"-o", `jsonpath={range .items[?(@.status.phase=="Running")]}"{.status.podIP}:8080",{end}`)
	if err != nil {
		s.Fatal(err)
	}
	config := fmt.Sprintf(`
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [%q]
scrape_configs:
  - {job_name: saccade, static_configs: [{targets: [%s]}]}
  - {job_name: functions, static_configs: [{targets: ["%s:8080"]}]}
`, filepath.Join(s.Root, "config", "prometheus", "alerts.yaml"), strings.TrimSuffix(gateways, ","), s.pods("eye")[0].Status.PodIP)
	file := filepath.Join(folder, "prometheus.yml")
	if err := os.WriteFile(file, []byte(config), 0o644); err != nil {
		s.Fatal(err)
	}
	const listen = "127.0.0.1:9095"
	log, err := os.Create(filepath.Join(folder, "log"))
	if err != nil {
		s.Fatal(err)
	}
	defer log.Close()
	prometheus := s.command(s.Context(), program, "--config.file="+file, "--storage.tsdb.path="+filepath.Join(folder, "data"), "--web.listen-address="+listen)
	prometheus.Stdout, prometheus.Stderr = log, log
	if err := prometheus.Start(); err != nil {
		s.Fatal(err)
	}
	defer func() {
		prometheus.Process.Kill()
		prometheus.Wait() // it was killed
		if s.Failed() {
			said, _ := os.ReadFile(log.Name())
			s.Logf("prometheus said:\n%s", last(said, 4<<10))
		}
	}()
	want := map[string]string{
		`count(up{job="saccade"} == 1)`:                                   "2",
		`count(up{job="functions"} == 1)`:                                 "1",
		`count(up == 0) or vector(0)`:                                     "0",
		`sum(saccade_requests_total{outcome="ok",function=~"eye.*"}) > 0`: "",
		`count(saccade_build_info)`:                                       "2",
	}
	for query, value := range want {
		s.until(30*time.Second, "Prometheus answers "+query, func() (bool, string) {
			got, err := ask("http://"+listen, query)
			return err == nil && got != "" && (value == "" || got == value), fmt.Sprintf("%q %v", got, err)
		})
	}
	rules := s.get("http://" + listen + "/api/v1/rules")
	if text, _ := json.Marshal(rules); !strings.Contains(string(text), `"health":"ok"`) || strings.Contains(string(text), `"health":"err"`) {
		s.Errorf("the alert rules: %s", text)
	}
	s.Table.Add("Prometheus scrapes the gateways and functions", "all up", "")
}

// ask is the value of a query; empty where there is none.
func ask(prometheus, query string) (string, error) {
	resp, err := http.Get(prometheus + "/api/v1/query?query=" + url.QueryEscape(query))
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var said struct {
		Data struct {
			Result []struct{ Value []any }
		}
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&said); err != nil {
		return "", err
	}
	if len(said.Data.Result) == 0 || len(said.Data.Result[0].Value) != 2 {
		return "", nil
	}
	return fmt.Sprint(said.Data.Result[0].Value[1]), nil
}

// helmInstallsUpgradesAndLeaves takes the stories' gateway away, for there is one a
// cluster, and so it is the last. What a newcomer is told to type is typed as it stands.
func helmInstallsUpgradesAndLeaves(s *Story) {
	chart := filepath.Join("config", "helm", "saccade")
	s.deploy("eye", Quick)
	s.run("kubectl", "delete", "-k", filepath.Join("e2e", "stories", "gateway"), "--timeout=90s")
	commands := s.firstCommands("README.md")
	if of := filepath.Join("docs", "knative.md"); !slices.Equal(s.firstCommands(of), commands) {
		s.Errorf("README.md and %s do not tell the same commands:\n%q\n%q", of, commands, s.firstCommands(of))
	}
	began := time.Now()
	said := s.typed(commands)
	s.Table.Add(fmt.Sprintf("the %d commands from README.md, to the first detection", len(commands)), short(time.Since(began)), "")
	var reply Reply
	if err := json.Unmarshal([]byte(said), &reply); err != nil || reply.Function != "centernet" || len(reply.Detections) == 0 {
		s.Errorf("the last of the commands says %q: %v", said, err)
	}
	s.run("saccade", "delete", "centernet", "-n", "default", "--wait")
	s.run("helm", "test", "saccade", "-n", GatewaySpace, "--timeout", "60s")
	s.mustDetect(s.caller("eye"))

	s.during("helm upgrade", s.caller("eye"), func() {
		s.run("helm", "upgrade", "saccade", chart, "-n", GatewaySpace, "--wait", "--timeout", "90s", "--set", "access.open=true,config.drain=20s")
	})
	s.run("helm", "uninstall", "saccade", "-n", GatewaySpace, "--wait", "--timeout", "90s")
	s.until(60*time.Second, "nothing of the gateway is left", func() (bool, string) {
		left, err := s.try("kubectl", "get", "deployment,daemonset,service,pdb,networkpolicy,secret,configmap,pvc,serviceaccount", "-n", GatewaySpace, "-l", "app.kubernetes.io/part-of=saccade", "-o", "name")
		wide, err2 := s.try("kubectl", "get", "clusterrole,clusterrolebinding,pv", "-l", "app.kubernetes.io/part-of=saccade", "-o", "name")
		return err == nil && err2 == nil && strings.TrimSpace(left+wide) == "", left + wide
	})
	if status := s.saccade("status", "eye"); !strings.Contains(status, "yes") {
		s.Errorf("the function did not outlive the gateway:\n%s", status)
	}
}
