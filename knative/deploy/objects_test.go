package deploy

import (
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// The objects of a function eye as Kubernetes 1.35 and Knative 1.15 write them, with
// what does not matter here left out.

// aService is at generation 2 with a new revision and an old one. more is the rest of
// its status.
func aService(ready, reason, message, traffic string) string {
	return fmt.Sprintf(`apiVersion: serving.knative.dev/v1
kind: Service
metadata:
  name: eye
  namespace: team
  generation: 2
  labels: {saccade.dev/function: eye, app.kubernetes.io/managed-by: saccade}
status:
  observedGeneration: 2
  latestCreatedRevisionName: eye-00002
  latestReadyRevisionName: eye-00001
  url: http://eye.team.e2e.test
  address: {url: http://eye.team.svc.cluster.local}
  traffic: [%s]
  conditions:
  - {type: ConfigurationsReady, status: %q, reason: %q, message: %q}
  - {type: Ready, status: %q, reason: %q, message: %q}
  - {type: RoutesReady, status: "True"}`, traffic, ready, reason, message, ready, reason, message)
}

const onOld = `{latestRevision: true, percent: 100, revisionName: eye-00001}`

func aRevision(name, created string, conditions ...string) string {
	return fmt.Sprintf(`apiVersion: serving.knative.dev/v1
kind: Revision
metadata:
  name: %s
  namespace: team
  creationTimestamp: %q
  generation: 1
  labels: {saccade.dev/function: eye, serving.knative.dev/service: eye}
status:
  observedGeneration: 1
  conditions:
%s`, name, created, indent("  - ", conditions))
}

func indent(by string, lines []string) string {
	var b strings.Builder
	for _, line := range lines {
		b.WriteString(by + line + "\n")
	}
	return b.String()
}

const (
	oldReady   = `{type: Ready, status: "True"}`
	deploying  = `{type: Ready, status: Unknown, reason: Deploying}`
	newCreated = "2026-01-31T12:10:00Z"
	oldCreated = "2026-01-31T12:00:00Z"
)

func theOld() string { return aRevision("eye-00001", oldCreated, oldReady) }

func theNew(conditions ...string) string {
	if len(conditions) == 0 {
		conditions = []string{deploying}
	}
	return aRevision("eye-00002", newCreated, conditions...)
}

// aPod is the new revision's; rest is its status, two spaces in.
func aPod(rest string) string {
	return `apiVersion: v1
kind: Pod
metadata:
  name: eye-00002-deployment-abc
  namespace: team
  creationTimestamp: "2026-01-31T12:10:01Z"
  labels: {saccade.dev/function: eye, serving.knative.dev/revision: eye-00002}
spec:
  nodeName: n1
  containers:
  - {name: runtime, resources: {limits: {memory: 512Mi}}}
  - {name: queue-proxy}
  initContainers:
  - {name: model}
status:
` + rest
}

func anEvent(n int, reason, message string) string {
	return fmt.Sprintf(`apiVersion: v1
kind: Event
metadata: {name: eye-00002-deployment-abc.%d, namespace: team}
involvedObject: {kind: Pod, name: eye-00002-deployment-abc, namespace: team, fieldPath: "spec.containers{runtime}"}
reason: %s
message: %q
lastTimestamp: "2026-01-31T12:11:%02dZ"`, n, reason, message, n)
}

// stateFrom reads objects into a State.
func stateFrom(t *testing.T, docs ...string) State {
	t.Helper()
	all := []held{{}, {}, {}, {}}
	at := map[string]int{"Service": 0, "Revision": 1, "Pod": 2, "Event": 3}
	for _, doc := range docs {
		o := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(doc), &o.Object); err != nil {
			t.Fatalf("%v in\n%s", err, doc)
		}
		numbers(o.Object)
		all[at[o.GetKind()]][o.GetName()] = o
	}
	s, err := stateOf(all)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func parse(t *testing.T, text string) map[string]any {
	t.Helper()
	var content map[string]any
	if err := yaml.Unmarshal([]byte(text), &content); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	numbers(content)
	return content
}
