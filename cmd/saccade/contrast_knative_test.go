package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"github.com/seed45885407/saccade/client"
	"github.com/seed45885407/saccade/config"
	"github.com/seed45885407/saccade/contrast/replay"
	"github.com/seed45885407/saccade/contrast/report"
	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/knative/render"
)

// folderCluster is a cluster as a folder that a gateway watches: what is put there is deployed.
type folderCluster struct {
	dir     string
	refuses error
	did     []string
	put     map[string]functions.Function
}

func (f *folderCluster) Has(_ context.Context, name string) (bool, error) {
	_, err := os.Stat(filepath.Join(f.dir, name))
	return err == nil, nil
}

func (f *folderCluster) Deploy(_ context.Context, function functions.Function, folder fs.FS, tell func(string)) (functions.Held, error) {
	name := function.Metadata.Name
	f.did = append(f.did, "put "+name)
	f.put[name] = function
	if f.refuses != nil {
		return functions.Held{}, f.refuses
	}
	tell("it is there")
	at := filepath.Join(f.dir, ".draft")
	if err := os.CopyFS(at, folder); err != nil {
		return functions.Held{}, err
	}
	text, err := json.Marshal(function)
	if err != nil {
		return functions.Held{}, err
	}
	return functions.Held{CPU: 1, Memory: 1 << 30}, errors.Join(
		os.WriteFile(filepath.Join(at, "function.yaml"), text, 0o644), os.Rename(at, filepath.Join(f.dir, name)))
}

func (f *folderCluster) Delete(_ context.Context, name string, _ func(string)) error {
	f.did = append(f.did, "delete "+name)
	if there, _ := f.Has(context.Background(), name); !there {
		return functions.Errorf(functions.NotFound, "there is no function %s", name)
	}
	return os.RemoveAll(filepath.Join(f.dir, name))
}

// elsewhere is a contrast that is played on a cluster.
func elsewhere(t *testing.T, on *folderCluster, base string, said io.Writer, change func(*contrastOptions)) *contrast {
	t.Helper()
	cmd := &cobra.Command{}
	cmd.SetOut(said)
	o := contrastOptions{
		function: "centernet", platform: onKnative, styles: []string{functions.StyleLambda, functions.AutoscalerStartupAware}, traces: []string{"cron-bursts"},
		compress: 60, longest: 3 * time.Second, share: 0.5, rounds: 1, seed: 1, hours: 1, functions: 1, out: t.TempDir(),
		remote: clusterOptions{gateway: base, peak: 4, timeout: time.Minute},
	}
	if change != nil {
		change(&o)
	}
	if err := o.check(); err != nil {
		t.Fatal(err)
	}
	c, err := newContrast(cmd, config.Saccade{}, o)
	if err != nil {
		t.Fatal(err)
	}
	c.cluster = on
	return c
}

func TestAContrastIsPlayedOnACluster(t *testing.T) {
	on := &folderCluster{dir: t.TempDir(), put: map[string]functions.Function{}}
	withStack(t, func(cfg *config.Saccade) { cfg.Functions = []string{on.dir} }, true, func(base string, gateway *client.Client, _ *stack) {
		var said bytes.Buffer
		c := elsewhere(t, on, base, &said, nil)
		if err := c.run(t.Context()); err != nil {
			t.Fatal(err, "\n", said.String())
		}
		const lambda, startup = "centernet-contrast-lambda", "centernet-contrast-startup-aware"
		if diff := cmp.Diff([]string{"put " + lambda, "delete " + lambda, "put " + startup, "delete " + startup}, on.did); diff != "" {
			t.Error(diff)
		}
		if s := on.put[startup].Spec.Scaling; s.Autoscaler != functions.AutoscalerStartupAware || s.Window != functions.Duration(6*time.Second) {
			t.Errorf("startup-aware is put there as %+v", s)
		}
		if s := on.put[lambda].Spec.Scaling; !s.IsLambda() || s.Lambda.KeepAlive != functions.Duration(6*time.Second) {
			t.Errorf("style lambda is put there as %+v", s)
		}
		var told report.Document
		read(t, filepath.Join(c.out, "report.json"), &told)
		if len(told.Traces) != 1 || len(told.Traces[0].Styles) != 2 || len(told.Sweep)+len(told.Knobs)+len(told.Validation) != 0 {
			t.Fatalf("told: %+v", told.Traces)
		}
		for n, style := range told.Traces[0].Styles {
			r := style.Result
			if !style.Live || r.Requests == 0 || r.Cold == 0 || r.Starts == 0 || r.Loading <= 0 || r.Instances <= 0 || len(r.ColdLatency.Bars) == 0 {
				t.Errorf("%s: %+v", style.Name, r)
			}
			if style.Usage.Tariff != report.PerInstance || style.Usage.Held.CPU != 1 || !(told.Derived.Costs[0][n].Total > 0) {
				t.Errorf("%s: it costs %+v for %+v", style.Name, told.Derived.Costs[0][n], style.Usage)
			}
		}
		if notes := strings.Join(told.Origin.Notes, " "); !strings.Contains(notes, "Not measured here") {
			t.Error(notes)
		}
		for _, step := range []string{"deployed and ready", "at zero", "played cron bursts", "deleted"} {
			if strings.Count(said.String(), "s  "+step) != 2 {
				t.Errorf("%q is not told of each style:\n%s", step, &said)
			}
		}
		// The function itself was not asked for anything.
		if f, err := gateway.Function(t.Context(), "centernet"); err != nil || f.LastColdStart != nil {
			t.Errorf("the function itself: %+v, %v", f, err)
		}
	})
}

func TestWhatStandsInTheWayOnAClusterStays(t *testing.T) {
	for name, test := range map[string]struct {
		on   folderCluster
		left bool // by an earlier one
		did  int
		want functions.Kind
	}{
		"a copy that is left":       {folderCluster{}, true, 0, functions.Conflict},
		"a copy that is not served": {folderCluster{refuses: functions.Errorf(functions.Unavailable, "no node has a place")}, false, 2, functions.Unavailable},
	} {
		on := test.on
		on.dir, on.put = t.TempDir(), map[string]functions.Function{}
		if test.left {
			if err := os.Mkdir(filepath.Join(on.dir, "centernet-contrast-lambda"), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		c := elsewhere(t, &on, "http://127.0.0.1:1", io.Discard, nil)
		if err := c.run(t.Context()); functions.KindOf(err) != test.want || len(on.did) != test.did {
			t.Errorf("%s: %v, after %v", name, err, on.did)
		}
	}
}

func TestAContrastElsewhereRefusesWhatItCannotDo(t *testing.T) {
	t.Setenv(config.EnvGateway, "")
	for name, args := range map[string][]string{
		"a slower start":   {"--load-time", "3s"},
		"a simulation":     {"--simulate"},
		"another platform": {"--platform", "mars"},
		"no peak":          {"--peak", "0"},
		"several rounds":   {"--rounds", "2"},
	} {
		err := run(t.Context(), append([]string{"contrast", "--platform", onKnative}, args...), nil, io.Discard, io.Discard)
		if functions.KindOf(err) != functions.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := (&clusterOptions{}).client(); functions.KindOf(err) != functions.Invalid {
		t.Errorf("without a gateway: %v", err)
	}
}

// On Knative a time has no parts of a second, and what an instance holds is what its pods are
// promised.
func TestACopyIsRenderedAsItsStyle(t *testing.T) {
	declared, folder, err := declaredFunction(config.Saccade{}, "centernet")
	if err != nil {
		t.Fatal(err)
	}
	declared.Spec.Scaling.Window = functions.Duration(100 * time.Second)
	declared.Spec.Cluster.Requests.CPU = "1500m"
	declared.Spec.Resources.Memory = "1Gi"
	for style, want := range map[string]string{
		functions.StyleLambda:            "autoscaling.knative.dev/scale-down-delay: 51s",
		functions.StyleKubernetes:        "autoscaling.knative.dev/window: 14s",
		functions.AutoscalerStartupAware: "autoscaling.knative.dev/window: 14s",
	} {
		f, err := contrastOptions{compress: 7}.copied(declared, style)
		if err != nil {
			t.Fatal(err)
		}
		objects, err := render.Objects(f, render.Options{Image: "runtime:1", Folder: folder})
		if err != nil {
			t.Fatal(err)
		}
		var text bytes.Buffer
		if err := render.YAML(&text, objects); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(text.String(), want) || !strings.Contains(text.String(), "name: centernet-contrast-"+style) {
			t.Errorf("%s: no %q in\n%s", style, want, &text)
		}
		if h := heldBy(objects); style != functions.StyleLambda && (h.CPU != 1.5 || h.Memory != 1<<30) || h.CPU == 0 || h.Memory == 0 {
			t.Errorf("%s: a pod holds %+v", style, h)
		}
	}
}

func TestLooksWithoutAnAnswerAreCounted(t *testing.T) {
	gateway, err := client.New("http://127.0.0.1:1", client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	look := &remoteStage{client: gateway, function: "eye"}
	look.begin()
	if used, f := look.Usage(), look.Functions(); len(used) != 0 || len(f) != 1 {
		t.Errorf("%+v, %+v", used, f)
	}
	if missed, reckoned := look.looks(); missed != 1 || reckoned {
		t.Errorf("%d looks missed, instance time counted: %v", missed, reckoned)
	}
	if err := look.atZero(t.Context(), time.Second); err == nil {
		t.Error("a gateway that does not answer is taken to be at zero")
	}
	var _ replay.Platform = look
}

func TestWhatTwoGatewaysCountIsNotHeldAgainstEachOther(t *testing.T) {
	began := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		second   time.Time
		reckoned bool
	}{
		"one gateway is asked twice":        {began, true},
		"the second look is at another one": {began.Add(time.Millisecond), false},
	} {
		t.Run(name, func(t *testing.T) {
			said := []functions.CostReport{
				{Since: began, Functions: []functions.FunctionCost{{Function: "eye", Seconds: functions.SecondsCost{Billed: functions.Seconds(9 * time.Second)}}}},
				{Since: c.second, Functions: []functions.FunctionCost{{Function: "eye", Seconds: functions.SecondsCost{Billed: functions.Seconds(12 * time.Second)}}}},
			}
			at := 0
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				json.NewEncoder(w).Encode(said[at]) // what is missing shows in what is compared
				at++
			}))
			defer server.Close()
			gateway, err := client.New(server.URL, client.Options{})
			if err != nil {
				t.Fatal(err)
			}
			look := &remoteStage{client: gateway, function: "eye"}
			look.begin()
			used := look.Usage()
			if _, reckoned := look.looks(); reckoned != c.reckoned || reckoned && (len(used) != 1 || used[0].Busy != 3*time.Second) || !reckoned && len(used) != 0 {
				t.Errorf("instance time counted: %v, %+v", reckoned, used)
			}
		})
	}
}
