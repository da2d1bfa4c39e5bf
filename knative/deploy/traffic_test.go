package deploy

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/knative/traffic"
)

func TestTrafficIsReadAsRolloutsReadIt(t *testing.T) {
	a := newAPI()
	c, _ := a.cluster(t)
	service := strings.Replace(aService("Unknown", "", "", `{percent: 90, revisionName: eye-00001}, {latestRevision: true, percent: 10, revisionName: eye-00002, tag: next, url: "http://next-eye.team.e2e.test"}`),
		"status:\n", "spec:\n  traffic: [{percent: 90, revisionName: eye-00001}, {latestRevision: true, percent: 10, tag: next}]\n"+
			"  template: {spec: {containers: [{name: runtime, resources: {limits: {nvidia.com/mig-1g.10gb: 1}}}]}}\nstatus:\n", 1)
	service = strings.Replace(service, "  generation: 2\n", "  generation: 2\n  annotations: {saccade.dev/drain: \"true\", serving.knative.dev/creator: ann}\n", 1)
	a.put(t, service)
	a.put(t, theOld())
	a.put(t, theNew(`{type: Ready, status: "False", reason: Unschedulable}`))
	a.put(t, aPod(podUnschedulable))
	got, err := c.Traffic(t.Context(), "eye")
	if err != nil {
		t.Fatal(err)
	}
	const scheduler = "0/1 nodes are available: 1 Insufficient nvidia.com/gpu. preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod."
	want := traffic.State{
		Function: "eye", Namespace: "team", Version: "1", URL: "http://eye.team.e2e.test", GPU: true,
		Wanted: []traffic.Target{{Revision: "eye-00001", Percent: 90}, {Latest: true, Percent: 10, Tag: "next"}},
		Targets: []traffic.Target{
			{Revision: "eye-00001", Percent: 90},
			{Revision: "eye-00002", Latest: true, Percent: 10, Tag: "next", URL: "http://next-eye.team.e2e.test"},
		},
		LatestCreated: "eye-00002", LatestReady: "eye-00001",
		Annotations: map[string]string{"saccade.dev/drain": "true"},
		Revisions: []traffic.Revision{
			{
				Name: "eye-00002", Created: time.Date(2026, 1, 31, 12, 10, 0, 0, time.UTC), Pods: 1, WantedPods: 1, Unschedulable: scheduler,
				Reason: "pod eye-00002-deployment-abc: it cannot be scheduled: " + scheduler,
			},
			{Name: "eye-00001", Created: time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC), Ready: true},
		},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	_, err = c.Traffic(t.Context(), "owl")
	if e, ok := errors.AsType[*functions.Error](err); !ok || e.Kind != functions.NotFound {
		t.Errorf("one that is not there: %v", err)
	}
	a.put(t, strings.ReplaceAll(strings.Replace(service, "managed-by: saccade", "managed-by: Helm", 1), "eye", "owl"))
	_, err = c.Traffic(t.Context(), "owl")
	if e, ok := errors.AsType[*functions.Error](err); !ok || e.Kind != functions.Conflict {
		t.Errorf("another's: %v", err)
	}
}

func TestAChangeIsWrittenWholeAndOnlyToWhatWasRead(t *testing.T) {
	a := newAPI()
	c, _ := a.cluster(t)
	a.put(t, strings.Replace(aService("True", "", "", onOld), "  generation: 2\n", "  generation: 2\n  annotations: {saccade.dev/drain: \"true\", other: stays}\n", 1))
	change := traffic.Change{
		Version:     "1",
		Targets:     []traffic.Target{{Revision: "eye-00001", Percent: 90}, {Latest: true, Percent: 10, Tag: "next"}},
		Annotations: map[string]string{"saccade.dev/drain": "", "saccade.dev/rollout-status": "{}"},
	}
	if err := c.Change(t.Context(), "eye", change); err != nil {
		t.Fatal(err)
	}
	var written map[string]any
	if err := json.Unmarshal([]byte(a.bodies[len(a.bodies)-1]), &written); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"metadata": map[string]any{"resourceVersion": "1", "annotations": map[string]any{"saccade.dev/drain": nil, "saccade.dev/rollout-status": "{}"}},
		"spec": map[string]any{"traffic": []any{
			map[string]any{"latestRevision": false, "revisionName": "eye-00001", "percent": 90.0},
			map[string]any{"latestRevision": true, "percent": 10.0, "tag": "next"},
		}},
	}
	if d := cmp.Diff(want, written); d != "" {
		t.Errorf("written (-want +got):\n%s", d)
	}
	if !strings.Contains(a.requests[len(a.requests)-1], "fieldManager=saccade-traffic") {
		t.Errorf("asked for %s", a.requests[len(a.requests)-1])
	}
	if d := cmp.Diff(map[string]string{"other": "stays", "saccade.dev/rollout-status": "{}"}, a.objects[servicePath].GetAnnotations()); d != "" {
		t.Errorf("annotations (-want +got):\n%s", d)
	}
	if err := c.Change(t.Context(), "eye", change); !errors.Is(err, traffic.ErrChanged) {
		t.Errorf("a second time: %v", err)
	}
}

const autoscaler = `apiVersion: autoscaling.internal.knative.dev/v1alpha1
kind: PodAutoscaler
metadata:
  name: eye-00001
  labels: {saccade.dev/function: eye}
  annotations: {autoscaling.knative.dev/min-scale: "1", autoscaling.knative.dev/target: "4"}
spec: {}`

func TestARevisionRestsAndIsRoused(t *testing.T) {
	a := newAPI()
	c, _ := a.cluster(t)
	a.put(t, autoscaler)
	const path = "/apis/autoscaling.internal.knative.dev/v1alpha1/namespaces/team/podautoscalers/eye-00001"
	before := a.objects[path].GetAnnotations()
	for range 2 { // resting twice is resting once
		if err := c.Rest(t.Context(), "eye", "eye-00001"); err != nil {
			t.Fatal(err)
		}
	}
	resting := a.objects[path].GetAnnotations()
	for name, value := range map[string]string{
		"autoscaling.knative.dev/min-scale": "0", "autoscaling.knative.dev/window": "6s", "autoscaling.knative.dev/scale-to-zero-pod-retention-period": "0s",
		"serving.knative.dev/progress-deadline": "1s", "autoscaling.knative.dev/target": "4",
	} {
		if resting[name] != value {
			t.Errorf("while it rests %s is %q; want %q", name, resting[name], value)
		}
	}
	for range 2 {
		if err := c.Rouse(t.Context(), "eye", "eye-00001"); err != nil {
			t.Fatal(err)
		}
	}
	if d := cmp.Diff(before, a.objects[path].GetAnnotations()); d != "" {
		t.Errorf("after it (-before +after):\n%s", d)
	}
	if err := c.Rest(t.Context(), "owl", "eye-00001"); err == nil {
		t.Error("rested another function's revision")
	}
	if err := c.Rest(t.Context(), "eye", "eye-00009"); err == nil {
		t.Error("rested a revision that is not there")
	}
}

func TestRenewingMakesOneMoreRevision(t *testing.T) {
	a := newAPI()
	c, _ := a.cluster(t)
	apply(t, c, "one", ApplyOptions{})
	generation := a.objects[servicePath].GetGeneration()
	if err := c.Renew(t.Context(), "eye", "2"); err != nil {
		t.Fatal(err)
	}
	if got := a.objects[servicePath].GetGeneration(); got != generation+1 {
		t.Errorf("generation %d after %d", got, generation)
	}
	apply(t, c, "one", ApplyOptions{}) // a deployment leaves the attempt as it is
	if got := a.objects[servicePath].GetGeneration(); got != generation+1 {
		t.Errorf("a deployment of the same made generation %d", got)
	}
}

func aGateway(name, ready string) string {
	return `apiVersion: v1
kind: Pod
metadata: {name: ` + name + `, namespace: saccade-system, labels: {app.kubernetes.io/name: saccade-gateway}}
status: {conditions: [{type: Ready, status: "` + ready + `"}]}`
}

func TestMetricsComeFromEveryGatewayThatAnswers(t *testing.T) {
	a := newAPI()
	c, _ := a.cluster(t)
	g := c.Gateways("")
	if _, err := g.Metrics(t.Context(), ""); err == nil || !strings.Contains(err.Error(), "no gateway is ready in namespace saccade-system") {
		t.Errorf("without a gateway: %v", err)
	}
	for name, ready := range map[string]string{"one": "True", "two": "True", "three": "False"} {
		a.put(t, aGateway(name, ready))
	}
	if _, err := g.Metrics(t.Context(), "key"); err == nil {
		t.Error("no gateway answered, and that was no error")
	}
	a.logs["/api/v1/namespaces/saccade-system/pods/one:8080/proxy/metrics key"] = "saccade_up 1\n"
	got, err := g.Metrics(t.Context(), "key")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(map[string][]byte{"one": []byte("saccade_up 1\n")}, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
