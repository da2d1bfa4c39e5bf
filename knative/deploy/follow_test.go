package deploy

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// story is a deployment of eye while Knative and the kubelet do their part.
type story struct {
	*api
	t       *testing.T
	cluster *Cluster
	said    func() []string
	lines   []string
}

// deploy deploys over a function that serves already, and lets knative go on beside it.
func (s *story) deploy(knative func(), o Options) error {
	s.t.Helper()
	s.cluster, s.said = s.api.cluster(s.t)
	o.Wait = true
	o.Tell = func(l Line) { s.lines = append(s.lines, fmt.Sprintf("%.0fs %s", l.After.Seconds(), l.Text)) }
	apply(s.t, s.cluster, "one", ApplyOptions{})
	s.put(s.t, theOld())
	s.status(1, "eye-00001", "True", "", onOld)
	go knative()
	return s.cluster.Deploy(s.t.Context(), objects(s.t, "two"), o)
}

// status writes the Service's status, and leaves the rest as it was applied.
func (s *story) status(generation int, newest, ready, reason, traffic string) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.objects[servicePath]
	o := found.DeepCopy()
	text := aService(ready, reason, "", traffic)
	text = strings.Replace(text, "observedGeneration: 2", fmt.Sprint("observedGeneration: ", generation), 1)
	text = strings.Replace(text, "latestCreatedRevisionName: eye-00002", "latestCreatedRevisionName: "+newest, 1)
	if reason == "" {
		text = strings.ReplaceAll(text, `reason: "", message: ""`, "message: x")
	}
	o.Object["status"] = parse(s.t, text)["status"]
	s.store(servicePath, o, found.owners)
}

func TestADeploymentIsToldUntilItIsReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &story{api: newAPI(), t: t}
		s.logs["eye-00002-deployment-abc/model"] = `{"time":"2026-01-31T12:10:03Z","level":"INFO","msg":"pulling","done":"50%","url":"https://models.example/eye.onnx?sig=c0ffee"}` + "\n"
		err := s.deploy(func() {
			time.Sleep(time.Second)
			s.put(t, theNew())
			s.status(2, "eye-00002", "Unknown", "", onOld)
			time.Sleep(time.Second)
			s.put(t, aPod(podUnschedulable))
			time.Sleep(time.Second)
			s.put(t, anEvent(1, "Pulling", `Pulling image "dev.local/saccade-runtime:1"`))
			s.put(t, anEvent(2, "Pulled", `Successfully pulled image "dev.local/saccade-runtime:1" in 3.21s (3.21s including waiting)`))
			s.put(t, aPod(podPullsModel))
			time.Sleep(3 * time.Second)
			s.put(t, aPod(podLoads))
			time.Sleep(time.Second)
			s.put(t, aPod(podReady))
			time.Sleep(time.Millisecond)
			s.put(t, theNew(oldReady))
			time.Sleep(time.Second)
			s.status(2, "eye-00002", "True", "", `{latestRevision: true, percent: 100, revisionName: eye-00002}`)
		}, Options{})
		if err != nil {
			t.Error(err)
		}
		want := []string{
			"0s NetworkPolicy eye unchanged",
			"0s Knative Service eye configured",
			"1s revision eye-00002 created",
			"2s pod eye-00002-deployment-abc is scheduled on n1",
			"2s waiting: pod eye-00002-deployment-abc: it cannot be scheduled: 0/1 nodes are available: 1 Insufficient nvidia.com/gpu. preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.",
			"3s pulling the image",
			"3s the image is pulled after 3.2s",
			"3s pulling the model",
			"3s model: pulling done=50% url=https://models.example/eye.onnx?***",
			"6s the model is there after 3s",
			"6s the runtime runs and loads the model",
			"7s pod eye-00002-deployment-abc is ready",
			"7s revision eye-00002 is ready",
			"8s traffic: eye-00002 100%",
			"8s eye is ready, at http://eye.team.e2e.test",
		}
		if d := cmp.Diff(want, s.lines); d != "" {
			t.Errorf("progress (-want +got):\n%s", d)
		}
	})
}

func TestAPullByTheRuntimeIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &story{api: newAPI(), t: t}
		s.logs["eye-00002-deployment-abc/runtime"] = `{"level":"INFO","msg":"listening","address":"[::]:8080"}
{"level":"INFO","msg":"pulling model","bytes":1000,"of":2000}
{"level":"INFO","msg":"model pulled","bytes":2000}
{"level":"INFO","msg":"ready"}
`
		without := strings.NewReplacer("  initContainers:\n  - {name: model}\n", "",
			"{name: runtime, resources", "{name: runtime, args: [--function=/f, --pull], resources")
		pod := func(status string) string {
			text := without.Replace(aPod(status))
			before, rest, _ := strings.Cut(text, "  initContainerStatuses:\n")
			if _, after, cut := strings.Cut(rest, "\n  containerStatuses:"); cut {
				text = before + "  containerStatuses:" + after
			}
			return text
		}
		err := s.deploy(func() {
			time.Sleep(time.Second)
			s.put(t, theNew())
			s.put(t, pod(podLoads))
			s.status(2, "eye-00002", "Unknown", "", onOld)
			time.Sleep(3 * time.Second)
			s.put(t, pod(podReady))
			s.put(t, theNew(oldReady))
			s.status(2, "eye-00002", "True", "", `{latestRevision: true, percent: 100, revisionName: eye-00002}`)
		}, Options{})
		if err != nil {
			t.Error(err)
		}
		want := []string{
			"1s revision eye-00002 created",
			"1s pod eye-00002-deployment-abc is scheduled on n1",
			"1s the runtime runs, pulls the model and loads it",
			"1s model: pulling model bytes=1000 of=2000",
			"1s model: model pulled bytes=2000",
			"4s pod eye-00002-deployment-abc is ready",
			"4s revision eye-00002 is ready",
			"4s traffic: eye-00002 100%",
			"4s eye is ready, at http://eye.team.e2e.test",
		}
		if d := cmp.Diff(want, s.lines[2:]); d != "" {
			t.Errorf("progress (-want +got):\n%s", d)
		}
	})
}

func TestARevisionThatDoesNotComeUpIsToldWithItsLastWords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &story{api: newAPI(), t: t}
		s.logs["eye-00002-deployment-abc/runtime"] = "opening eye.onnx\nprotobuf: invalid wire type\n"
		err := s.deploy(func() {
			s.put(t, theNew())
			s.put(t, aPod(podWaits("CrashLoopBackOff", "back-off 20s", 2, badModel)))
			s.status(2, "eye-00002", "Unknown", "", onOld)
		}, Options{})
		e, ok := errors.AsType[*NotReady](err)
		if !ok {
			t.Fatalf("err = %v", err)
		}
		want := `eye-00002: pod eye-00002-deployment-abc: the runtime has ended 3 times, last with exit code 1: loading the model: eye.onnx is damaged
serving on as before: eye-00001 100%
its last lines:
  opening eye.onnx
  protobuf: invalid wire type`
		if d := cmp.Diff(want, e.Error()); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
	})
}

func TestARevisionThatWaitsForACardIsGivenUpWhenTheTimeIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &story{api: newAPI(), t: t}
		err := s.deploy(func() {
			s.put(t, theNew())
			s.put(t, aPod(podUnschedulable))
			s.status(2, "eye-00002", "Unknown", "", onOld)
		}, Options{Timeout: time.Minute})
		e, ok := errors.AsType[*NotReady](err)
		if !ok || !strings.Contains(e.Text, "eye-00002: not ready after 1m0s: pod eye-00002-deployment-abc: it cannot be scheduled: 0/1 nodes are available: 1 Insufficient nvidia.com/gpu") ||
			!strings.Contains(e.Text, "serving on as before: eye-00001 100%") {
			t.Errorf("err = %v", err)
		}
	})
}

func TestARevisionThatAPinnedSplitKeepsFromRequestsIsToldSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &story{api: newAPI(), t: t}
		err := s.deploy(func() {
			s.put(t, theNew(oldReady))
			s.status(2, "eye-00002", "True", "", `{percent: 100, revisionName: eye-00001}`)
		}, Options{})
		if err != nil {
			t.Error(err)
		}
		if told := strings.Join(s.lines, "\n"); !strings.Contains(told, "eye-00002 gets no requests: the split stays as it was set, eye-00001 100%") {
			t.Errorf("told\n%s", told)
		}
	})
}

func TestADeploymentOutlivesThirtySecondsWithoutAnAPIServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &story{api: newAPI(), t: t}
		err := s.deploy(func() {
			time.Sleep(time.Second)
			s.away(true)
			s.put(t, theNew(oldReady)) // Knative has gone on before the server went
			s.status(2, "eye-00002", "True", "", `{latestRevision: true, percent: 100, revisionName: eye-00002}`)
			time.Sleep(30 * time.Second)
			s.away(false)
		}, Options{})
		if err != nil {
			t.Error(err)
		}
		if last := s.lines[len(s.lines)-1]; !strings.Contains(last, "eye is ready") {
			t.Errorf("ended with %q", last)
		}
		got := s.said()
		if len(got) != 2 || !strings.Contains(got[0], "does not answer (connection refused): waiting for it") || got[1] != "the API server is back" {
			t.Errorf("said %q", got)
		}
	})
}

func TestAClusterThatStaysAwayIsUnreachable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &story{api: newAPI(), t: t}
		err := s.deploy(func() { time.Sleep(time.Second); s.away(true) }, Options{Timeout: time.Minute})
		if _, ok := errors.AsType[*Unreachable](err); !ok {
			t.Errorf("err = %v", err)
		}
	})
}

func TestADeploymentWithoutLeaveToReadEventsDoesWithoutThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &story{api: newAPI(), t: t}
		s.forbidden["events"] = true
		err := s.deploy(func() {
			s.put(t, theNew(oldReady))
			s.status(2, "eye-00002", "True", "", `{latestRevision: true, percent: 100, revisionName: eye-00002}`)
		}, Options{})
		if err != nil {
			t.Error(err)
		}
		if got := s.said(); len(got) != 1 || got[0] != "may not read events: doing without" {
			t.Errorf("said %q", got)
		}
	})
}

func TestAFunctionDeletedMeanwhileIsToldSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &story{api: newAPI(), t: t}
		err := s.deploy(func() { time.Sleep(time.Second); s.remove(servicePath) }, Options{})
		if e, ok := errors.AsType[*NotReady](err); !ok || !strings.Contains(e.Text, "eye was deleted meanwhile") {
			t.Errorf("err = %v", err)
		}
	})
}

func TestWhatIsNoLongerAskedForIsRemoved(t *testing.T) {
	a := newAPI()
	c, _ := a.cluster(t)
	apply(t, c, "one", ApplyOptions{})
	a.put(t, "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: theirs, labels: {saccade.dev/function: eye}}\nspec: {}")
	const mine = "/apis/networking.k8s.io/v1/namespaces/team/networkpolicies/eye"
	for _, dry := range []bool{true, false} {
		var lines []string
		o := Options{ApplyOptions: ApplyOptions{DryRun: dry}, Tell: func(l Line) { lines = append(lines, l.Text) }}
		if err := c.Deploy(t.Context(), objects(t, "one")[1:], o); err != nil {
			t.Fatal(err)
		}
		if a.objects[mine] == nil != !dry {
			t.Errorf("dry run %t: the policy is there: %t", dry, a.objects[mine] != nil)
		}
		if !strings.Contains(strings.Join(lines, "\n"), "NetworkPolicy eye removed") {
			t.Errorf("told %q", lines)
		}
	}
	if a.objects["/apis/networking.k8s.io/v1/namespaces/team/networkpolicies/theirs"] == nil {
		t.Error("another's policy was removed")
	}
}
