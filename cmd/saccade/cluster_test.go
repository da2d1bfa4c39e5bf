package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"github.com/seed45885407/saccade/client/render"
	"github.com/seed45885407/saccade/config"
	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/knative/deploy"
)

func TestExitCodesTellWhatWentWrong(t *testing.T) {
	tests := []struct {
		name string
		err  error
		want int
	}{
		{"used wrongly", errors.New("unknown flag"), 1},
		{"refused", functions.Errorf(functions.Conflict, "not saccade's"), 1},
		{"not ready", fmt.Errorf("deploying: %w", &deploy.NotReady{Text: "x"}), 2},
		{"a rollout that went back", &exit{exitNotReady, errors.New("p99")}, 2},
		{"unreachable", fmt.Errorf("listing: %w", &deploy.Unreachable{Server: "x", Err: io.EOF}), 3},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := exitCode(test.err); got != test.want {
				t.Errorf("exit code %d; want %d", got, test.want)
			}
		})
	}
}

func TestStatusIsATable(t *testing.T) {
	list := []deploy.Status{
		{
			Function: "centernet", Namespace: "team", Ready: true, LatestReady: "centernet-00001", LatestCreated: "centernet-00001",
			Traffic: []deploy.Share{{Revision: "centernet-00001", Percent: 100}}, URL: "http://centernet.team.svc.cluster.local",
		},
		{
			Function: "yolo11n", Namespace: "team", LatestReady: "yolo11n-00001", LatestCreated: "yolo11n-00002", PodsReady: 1, PodsWanted: 2,
			Traffic: []deploy.Share{{Revision: "yolo11n-00001", Percent: 90}, {Revision: "yolo11n-00002", Percent: 10, Tag: "next"}, {Revision: "yolo11n-00001", Tag: "old"}},
			URL:     "http://yolo11n.team.svc.cluster.local", Reason: "pod p: the runtime has ended with exit code 1: damaged",
		},
		{Function: "young", Namespace: "team"},
	}
	want := `FUNCTION   READY  REVISION        TRAFFIC                     PODS  ADDRESS                                  REASON
centernet  yes    00001           00001=100%                  0/0   http://centernet.team.svc.cluster.local  -
yolo11n    no     00001 -> 00002  00001=90% 00002=10%@next 00001@old  1/2   http://yolo11n.team.svc.cluster.local    pod p: the runtime has ended with exit code 1: damaged
young      no     -               -                           0/0   -                                        -
`
	var out bytes.Buffer
	if err := writeStatus(&out, list, render.Table, false); err != nil {
		t.Fatal(err)
	}
	// What matters is the cells: the widths are tabwriter's.
	if d := cmp.Diff(cells(want), cells(out.String())); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	out.Reset()
	if err := writeStatus(&out, list[:1], render.Table, true); err != nil || !strings.HasPrefix(out.String(), "NAMESPACE  FUNCTION") {
		t.Errorf("of all namespaces: %q, %v", out.String(), err)
	}
	out.Reset()
	var back []deploy.Status
	if err := writeStatus(&out, list, render.JSON, false); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out.Bytes(), &back); err != nil {
		t.Fatal(err)
	}
	if back[1].Reason != list[1].Reason || len(back) != 3 {
		t.Errorf("as JSON: %s", out.String())
	}
}

// cells are the table's cells by line.
func cells(table string) [][]string {
	var lines [][]string
	for line := range strings.Lines(table) {
		var found []string
		for cell := range strings.SplitSeq(strings.TrimSpace(line), "  ") {
			if cell = strings.TrimSpace(cell); cell != "" {
				found = append(found, cell)
			}
		}
		lines = append(lines, found)
	}
	return lines
}

// apiServer keeps what is applied, and has nothing else.
func apiServer(t *testing.T) (kubeconfig string, applied func() map[string]string) {
	t.Helper()
	var mu sync.Mutex
	objects := map[string]string{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		body, _ := io.ReadAll(r.Body)
		text, there := objects[r.URL.Path]
		switch {
		case r.Method == http.MethodPatch:
			if r.URL.Query().Get("dryRun") == "" {
				objects[r.URL.Path] = string(body)
			}
			w.Write(body)
		case r.Method == http.MethodDelete && there:
			delete(objects, r.URL.Path)
			io.WriteString(w, `{"kind":"Status","apiVersion":"v1","status":"Success"}`)
		case there:
			io.WriteString(w, text)
		case r.Method == http.MethodGet && !strings.HasSuffix(r.URL.Path, "/centernet"):
			var items []string
			for path, text := range objects {
				if path[:strings.LastIndexByte(path, '/')] == r.URL.Path {
					items = append(items, text)
				}
			}
			fmt.Fprintf(w, `{"kind":"List","apiVersion":"v1","metadata":{"resourceVersion":"1"},"items":[%s]}`, strings.Join(items, ","))
		default:
			w.WriteHeader(http.StatusNotFound)
			io.WriteString(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","code":404,"message":"not found","details":{"name":"centernet"}}`)
		}
	}))
	t.Cleanup(server.Close)
	kubeconfig = filepath.Join(t.TempDir(), "config")
	text := `{"apiVersion":"v1","kind":"Config","current-context":"here","clusters":[{"name":"c","cluster":{"server":"` + server.URL + `"}}],
"users":[{"name":"u","user":{"token":"hunter2"}}],"contexts":[{"name":"here","context":{"cluster":"c","user":"u","namespace":"team"}}]}`
	if err := os.WriteFile(kubeconfig, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return kubeconfig, func() map[string]string {
		mu.Lock()
		defer mu.Unlock()
		all := map[string]string{}
		for path, text := range objects {
			all[path] = text
		}
		return all
	}
}

// execute runs a command by itself.
func execute(t *testing.T, cmd *cobra.Command, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SetArgs(args)
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	err := cmd.ExecuteContext(t.Context())
	return out.String(), err
}

func TestAFunctionIsDeployedAndDeleted(t *testing.T) {
	kubeconfig, applied := apiServer(t)
	cfg := config.Default()
	const path = "/apis/serving.knative.dev/v1/namespaces/team/services/centernet"

	out, err := execute(t, deployCommand(&cfg), "centernet", "--kubeconfig", kubeconfig, "--dry-run")
	if err != nil || !strings.Contains(out, "Knative Service centernet created (dry run)") || len(applied()) != 0 {
		t.Fatalf("dry run: %v, %d objects\n%s", err, len(applied()), out)
	}
	out, err = execute(t, deployCommand(&cfg), "centernet", "--kubeconfig", kubeconfig, "--image", "dev.local/saccade-runtime:1")
	if err != nil || !strings.Contains(out, "Knative Service centernet created") || !strings.Contains(applied()[path], "dev.local/saccade-runtime:1") {
		t.Fatalf("deploy: %v\n%s", err, out)
	}
	out, err = execute(t, statusCommand(), "--kubeconfig", kubeconfig)
	if err != nil || !strings.Contains(out, "centernet  no") {
		t.Errorf("status: %v\n%s", err, out)
	}
	out, err = execute(t, logsCommand(), "centernet", "--kubeconfig", kubeconfig)
	if err != nil || !strings.Contains(out, "centernet has no pods now") {
		t.Errorf("logs: %v\n%s", err, out)
	}
	out, err = execute(t, deleteCommand(), "centernet", "--kubeconfig", kubeconfig)
	if err != nil || !strings.Contains(out, "Knative Service centernet deleted") || len(applied()) != 0 {
		t.Errorf("delete: %v, %d objects are left\n%s", err, len(applied()), out)
	}
	_, err = execute(t, deleteCommand(), "centernet", "--kubeconfig", kubeconfig)
	if err == nil || exitCode(err) != exitRefused {
		t.Errorf("deleting what is not there: %v", err)
	}
}

func TestWrongUseIsToldBeforeTheClusterIsAsked(t *testing.T) {
	cfg := config.Default()
	kubeconfig, applied := apiServer(t)
	for _, test := range []struct {
		name, says string
		cmd        *cobra.Command
		args       []string
	}{
		{"a function that is not there", "there is no function nosuch", deployCommand(&cfg), []string{"nosuch", "--kubeconfig", kubeconfig}},
		{"a kubeconfig that is not there", "reading the kubeconfig", statusCommand(), []string{"--kubeconfig", "/nonexistent"}},
		{"a context that is not there", "context", statusCommand(), []string{"--kubeconfig", kubeconfig, "--context", "other"}},
		{"a container that is not there", `there is no container "x"`, logsCommand(), []string{"centernet", "--container", "x", "--kubeconfig", kubeconfig}},
		{"a name in all namespaces", "takes neither a name", statusCommand(), []string{"-A", "centernet", "--kubeconfig", kubeconfig}},
		{"an output format that is not there", "no output format", statusCommand(), []string{"-o", "xml", "--kubeconfig", kubeconfig}},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := execute(t, test.cmd, test.args...)
			if err == nil || !strings.Contains(err.Error(), test.says) || exitCode(err) != exitRefused {
				t.Errorf("err = %v; want %s", err, test.says)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Error("told the token")
			}
		})
	}
	if len(applied()) != 0 {
		t.Error("something was applied")
	}
}
