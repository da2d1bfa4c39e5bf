package deploy

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/functions"
)

func TestStatusTellsEachFunction(t *testing.T) {
	a := newAPI()
	c, _ := a.cluster(t)
	a.put(t, aService("False", "RevisionFailed", "x", onOld+`, {revisionName: eye-00002, tag: next}`))
	a.put(t, theOld())
	a.put(t, strings.Replace(theNew(`{type: Ready, status: "False", reason: ExitCode1}`), "status:\n", "status:\n  desiredReplicas: 2\n", 1))
	a.put(t, aPod(podWaits("CrashLoopBackOff", "", 2, badModel)))
	a.put(t, strings.NewReplacer("eye", "owl", "team", "wild").Replace(aService("True", "", "", onOld)))
	a.put(t, strings.Replace(strings.ReplaceAll(aService("True", "", "", onOld), "eye", "theirs"), "managed-by: saccade", "managed-by: Helm", 1))

	eye := Status{
		Function: "eye", Namespace: "team", LatestReady: "eye-00001", LatestCreated: "eye-00002",
		Traffic:    []Share{{Revision: "eye-00001", Percent: 100}, {Revision: "eye-00002", Tag: "next"}},
		PodsWanted: 2, URL: "http://eye.team.e2e.test", Local: "http://eye.team.svc.cluster.local",
		Reason: "pod eye-00002-deployment-abc: the runtime has ended 3 times, last with exit code 1: loading the model: eye.onnx is damaged",
	}
	owl := Status{
		Function: "owl", Namespace: "wild", Ready: true, LatestReady: "owl-00001", LatestCreated: "owl-00002",
		Traffic: []Share{{Revision: "owl-00001", Percent: 100}}, URL: "http://owl.wild.e2e.test", Local: "http://owl.wild.svc.cluster.local",
	}
	for _, test := range []struct {
		name     string
		cluster  *Cluster
		function string
		want     []Status
	}{
		{"of the namespace", c, "", []Status{eye}},
		{"of the one named", c, "eye", []Status{eye}},
		{"of all namespaces", c.Everywhere(), "", []Status{eye, owl}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := test.cluster.Status(t.Context(), test.function)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(test.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
	if _, err := c.Status(t.Context(), "theirs"); err == nil || !strings.Contains(err.Error(), "is not saccade's") {
		t.Errorf("of another's: %v", err)
	}
	_, err := c.Status(t.Context(), "owl")
	if e, ok := errors.AsType[*functions.Error](err); !ok || e.Kind != functions.NotFound {
		t.Errorf("of one that is not there: %v", err)
	}
}

func TestStatusTellsAnOldRevisionInTroubleToo(t *testing.T) {
	old := strings.ReplaceAll(aPod(podWaits("CrashLoopBackOff", "", 4, badModel)), "eye-00002", "eye-00001")
	s := stateFrom(t, aService("True", "", "", onOld), theOld(), theNew(oldReady), old)
	if got := StatusOf(s).Reason; !strings.Contains(got, "pod eye-00001-deployment-abc: the runtime has ended 5 times") {
		t.Errorf("reason = %q", got)
	}
}
