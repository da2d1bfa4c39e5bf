package deploy

import (
	"strings"
	"testing"
)

// The statuses of a pod, two spaces in.
const (
	podUnschedulable = `  phase: Pending
  conditions:
  - {type: PodScheduled, status: "False", reason: Unschedulable, message: "0/1 nodes are available: 1 Insufficient nvidia.com/gpu. preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod."}`
	podPullsModel = `  phase: Pending
  conditions: [{type: PodScheduled, status: "True"}, {type: Ready, status: "False", reason: ContainersNotInitialized}]
  initContainerStatuses:
  - {name: model, state: {running: {startedAt: "2026-01-31T12:10:02Z"}}}
  containerStatuses:
  - {name: queue-proxy, state: {waiting: {reason: PodInitializing}}}
  - {name: runtime, state: {waiting: {reason: PodInitializing}}}`
	podLoads = `  phase: Running
  conditions: [{type: PodScheduled, status: "True"}, {type: Ready, status: "False", reason: ContainersNotReady}]
  initContainerStatuses:
  - {name: model, ready: true, state: {terminated: {exitCode: 0, reason: Completed, startedAt: "2026-01-31T12:10:02Z", finishedAt: "2026-01-31T12:10:05Z"}}}
  containerStatuses:
  - {name: queue-proxy, ready: false, state: {running: {startedAt: "2026-01-31T12:10:06Z"}}}
  - {name: runtime, ready: false, state: {running: {startedAt: "2026-01-31T12:10:06Z"}}}`
	podReady = `  phase: Running
  conditions: [{type: PodScheduled, status: "True"}, {type: Ready, status: "True"}]
  initContainerStatuses:
  - {name: model, ready: true, state: {terminated: {exitCode: 0, reason: Completed, startedAt: "2026-01-31T12:10:02Z", finishedAt: "2026-01-31T12:10:05Z"}}}
  containerStatuses:
  - {name: queue-proxy, ready: true, state: {running: {startedAt: "2026-01-31T12:10:06Z"}}}
  - {name: runtime, ready: true, state: {running: {startedAt: "2026-01-31T12:10:06Z"}}}`
)

// podWaits is a pod whose runtime waits, with what came before.
func podWaits(reason, message string, restarts int, last string) string {
	if last == "" {
		last = "{}"
	}
	return strings.NewReplacer("REASON", reason, "MESSAGE", message, "RESTARTS", string(rune('0'+restarts)), "LAST", last).Replace(`  phase: Running
  conditions: [{type: PodScheduled, status: "True"}, {type: Ready, status: "False", reason: ContainersNotReady}]
  containerStatuses:
  - {name: queue-proxy, ready: false, state: {running: {startedAt: "2026-01-31T12:10:06Z"}}}
  - {name: runtime, image: "dev.local/saccade-runtime:1", ready: false, restartCount: RESTARTS, state: {waiting: {reason: REASON, message: 'MESSAGE'}}, lastState: LAST}`)
}

// podInitWaits is a pod whose init container waits after it has failed.
func podInitWaits(restarts, message string) string {
	return strings.NewReplacer("MESSAGE", message, "RESTARTS", restarts).Replace(`  phase: Pending
  conditions: [{type: PodScheduled, status: "True"}, {type: Ready, status: "False", reason: ContainersNotInitialized}]
  initContainerStatuses:
  - {name: model, restartCount: RESTARTS, state: {waiting: {reason: CrashLoopBackOff, message: back-off 20s}}, lastState: {terminated: {exitCode: 1, reason: Error, message: 'MESSAGE'}}}
  containerStatuses:
  - {name: queue-proxy, state: {waiting: {reason: PodInitializing}}}
  - {name: runtime, state: {waiting: {reason: PodInitializing}}}`)
}

const badModel = `{terminated: {exitCode: 1, reason: Error, message: 'loading the model: eye.onnx is damaged'}}`

func TestWhatKeepsAFunctionFromBeingReady(t *testing.T) {
	notYet := aService("Unknown", "", "", onOld)
	failed := aService("False", "RevisionFailed", `Revision "eye-00002" failed with message: Container failed with: x.`, onOld)
	tests := []struct {
		name    string
		objects []string
		reason  string // of the Trouble; "" where there is none
		says    []string
		final   bool
	}{
		{
			name: "nothing, on a function that is not there",
		},
		{
			name:    "nothing yet, where the revision was made this moment",
			objects: []string{notYet, theOld(), theNew()},
		},
		{
			name:    "Knative has not taken up the change",
			objects: []string{strings.Replace(notYet, "observedGeneration: 2", "observedGeneration: 1", 1), theOld()},
			reason:  "NotObserved", says: []string{"has not taken up the change"},
		},
		{
			name: "the webhook refused the revision",
			objects: []string{aService("False", "RevisionFailed",
				`Revision creation failed with message: admission webhook "validation.webhook.serving.knative.dev" denied the request: must not set the field(s): spec.template.spec.initContainers.`, onOld), theOld()},
			reason: "RevisionFailed", says: []string{"no revision could be made", "must not set the field(s): spec.template.spec.initContainers"}, final: true,
		},
		{
			name:    "no node has a free card",
			objects: []string{notYet, theOld(), theNew(`{type: ResourcesAvailable, status: "False", reason: Unschedulable, message: "0/1 nodes"}`, `{type: Ready, status: "False", reason: Unschedulable, message: "0/1 nodes"}`), aPod(podUnschedulable)},
			reason:  "Unschedulable", says: []string{"pod eye-00002-deployment-abc: it cannot be scheduled: 0/1 nodes are available: 1 Insufficient nvidia.com/gpu"},
		},
		{
			name: "a quota lets no pod be made",
			objects: []string{notYet, theOld(), theNew(
				`{type: ResourcesAvailable, status: "False", reason: FailedCreate, message: 'pods "eye-00002-deployment-6f-" is forbidden: exceeded quota: small, requested: limits.memory=512Mi, used: limits.memory=1Gi, limited: limits.memory=1Gi'}`,
				`{type: Ready, status: "False", reason: FailedCreate}`)},
			reason: "FailedCreate", says: []string{"no pod could be made", "exceeded quota: small"},
		},
		{
			name:    "the model is still being pulled",
			objects: []string{notYet, theOld(), theNew(), aPod(podPullsModel)},
			reason:  "Pulling", says: []string{"the model is still being pulled"},
		},
		{
			name:    "the model could not be pulled, and is tried again",
			objects: []string{notYet, theOld(), theNew(), aPod(podInitWaits("1", "fetching model https://models.example/eye.onnx: 404 Not Found"))},
			reason:  "CrashLoopBackOff", says: []string{"the model could not be pulled: the init container model has ended 2 times, last with exit code 1: fetching model https://models.example/eye.onnx: 404 Not Found"},
		},
		{
			name:    "the model could not be pulled three times over",
			objects: []string{notYet, theOld(), theNew(), aPod(podInitWaits("2", "no such host"))},
			reason:  "CrashLoopBackOff", says: []string{"has ended 3 times"}, final: true,
		},
		{
			name:    "a secret in the address of what could not be pulled is not told",
			objects: []string{notYet, theOld(), theNew(), aPod(podInitWaits("2", "fetching https://ann:hunter2@models.example/eye.onnx?X-Amz-Signature=c0ffee: 403"))},
			reason:  "CrashLoopBackOff", says: []string{"https://***@models.example/eye.onnx?***"}, final: true,
		},
		{
			name:    "the image is not there, at the first attempt",
			objects: []string{notYet, theOld(), theNew(), aPod(podWaits("ErrImagePull", `failed to resolve reference "dev.local/saccade-runtime:1": not found`, 0, ""))},
			reason:  "ErrImagePull", says: []string{"the image dev.local/saccade-runtime:1 cannot be pulled (ErrImagePull)", "not found"}, final: true,
		},
		{
			name:    "the registry cannot be reached",
			objects: []string{notYet, theOld(), theNew(), aPod(podWaits("ImagePullBackOff", `Back-off pulling image "x": ErrImagePull: dial tcp: lookup dev.local: Temporary failure in name resolution`, 0, ""))},
			reason:  "ImagePullBackOff", says: []string{"Temporary failure in name resolution"},
		},
		{
			name:    "the image's name is none",
			objects: []string{notYet, theOld(), theNew(), aPod(podWaits("InvalidImageName", `Failed to apply default image tag "X:": invalid reference format`, 0, ""))},
			reason:  "InvalidImageName", says: []string{"invalid reference format"}, final: true,
		},
		{
			name: "the image is not there, and its reason stands in an event",
			objects: []string{
				notYet, theOld(), theNew(), aPod(podWaits("ImagePullBackOff", `Back-off pulling image "dev.local/saccade-runtime:1"`, 0, "")),
				anEvent(1, "Failed", `Failed to pull image "dev.local/saccade-runtime:1": not found`), anEvent(2, "Failed", "Error: ImagePullBackOff"),
			},
			reason: "ImagePullBackOff", says: []string{`(ImagePullBackOff): Failed to pull image "dev.local/saccade-runtime:1": not found`}, final: true,
		},
		{
			name:    "the kubelet of later Kubernetes tells the reason itself",
			objects: []string{notYet, theOld(), theNew(), aPod(podWaits("ImagePullBackOff", `Back-off pulling image "x": ErrImagePull: no basic auth credentials`, 0, ""))},
			reason:  "ImagePullBackOff", says: []string{"no basic auth credentials"}, final: true,
		},
		{
			name: "the image's digest cannot be resolved",
			objects: []string{failed, theOld(), theNew(
				`{type: ContainerHealthy, status: "False", reason: ContainerMissing, message: 'Unable to fetch image "ghcr.io/x:1": failed to resolve image to digest: HEAD https://ghcr.io/v2/x/manifests/1: unexpected status code 404'}`,
				`{type: Ready, status: "False", reason: ContainerMissing}`)},
			reason: "ContainerMissing", says: []string{`Unable to fetch image "ghcr.io/x:1"`}, final: true,
		},
		{
			name:    "the runtime ended once and runs again",
			objects: []string{failed, theOld(), theNew(`{type: ContainerHealthy, status: "False", reason: ExitCode1}`, `{type: Ready, status: "False", reason: ExitCode1}`), aPod(strings.Replace(podWaits("X", "", 1, badModel), "{waiting: {reason: X, message: ''}}", `{running: {}}`, 1))},
			reason:  "Error", says: []string{"the runtime has ended with exit code 1: loading the model: eye.onnx is damaged"},
		},
		{
			name:    "the model does not load, however often",
			objects: []string{failed, theOld(), theNew(`{type: ContainerHealthy, status: "False", reason: ExitCode1}`, `{type: Ready, status: "False", reason: ExitCode1}`), aPod(podWaits("CrashLoopBackOff", "back-off 20s restarting failed container", 2, badModel))},
			reason:  "CrashLoopBackOff", says: []string{"the runtime has ended 3 times, last with exit code 1: loading the model: eye.onnx is damaged"}, final: true,
		},
		{
			name:    "the model is refused for good, at the first attempt",
			objects: []string{notYet, theOld(), theNew(), aPod(strings.Replace(podWaits("X", "", 0, ""), "{waiting: {reason: X, message: ''}}", `{terminated: {exitCode: 3, reason: Error, message: 'the model of https://models.example/eye.onnx is not the file its function declares'}}`, 1))},
			reason:  "Error", says: []string{"the runtime has ended with exit code 3, for good: the model of https://models.example/eye.onnx is not the file its function declares"}, final: true,
		},
		{
			name:    "the kubelet has started again what was refused for good, and it pulls anew",
			objects: []string{notYet, theOld(), theNew(), aPod(strings.Replace(podWaits("X", "", 1, `{terminated: {exitCode: 3, reason: Error, message: 'the host answered 404 Not Found'}}`), "{waiting: {reason: X, message: ''}}", `{running: {}}`, 1))},
			reason:  "Error", says: []string{"the runtime has ended with exit code 3, for good: the host answered 404 Not Found"}, final: true,
		},
		{
			name:    "the model's host is away, and the runtime tries again",
			objects: []string{notYet, theOld(), theNew(), aPod(podWaits("CrashLoopBackOff", "back-off 10s", 1, `{terminated: {exitCode: 1, reason: Error, message: 'the host of the model cannot be reached'}}`))},
			reason:  "CrashLoopBackOff", says: []string{"the runtime has ended 2 times, last with exit code 1: the host of the model cannot be reached"},
		},
		{
			name:    "the image of the model is not there, of which the kubelet tells at the container",
			objects: []string{notYet, theOld(), theNew(), aPod(podWaits("ErrImagePull", `failed to pull and unpack image "registry.example/models/eye@sha256:ab": not found`, 0, ""))},
			reason:  "ErrImagePull", says: []string{"the image registry.example/models/eye@sha256:ab cannot be pulled (ErrImagePull)", "not found"}, final: true,
		},
		{
			name:    "the memory is too small",
			objects: []string{notYet, theOld(), theNew(), aPod(podWaits("CrashLoopBackOff", "", 2, "{terminated: {exitCode: 137, reason: OOMKilled}}"))},
			reason:  "CrashLoopBackOff", says: []string{"the runtime has ended 3 times, last for want of memory (its limit is 512Mi)"}, final: true,
		},
		{
			name:    "a config map is missing",
			objects: []string{notYet, theOld(), theNew(), aPod(podWaits("CreateContainerConfigError", `configmap "names" not found`, 0, ""))},
			reason:  "CreateContainerConfigError", says: []string{`the runtime cannot be started (CreateContainerConfigError): configmap "names" not found`}, final: true,
		},
		{
			name: "the cache's claim is not bound",
			objects: []string{
				notYet, theOld(), theNew(), aPod(strings.ReplaceAll(podPullsModel, `{running: {startedAt: "2026-01-31T12:10:02Z"}}`, `{waiting: {reason: PodInitializing}}`)),
				anEvent(1, "FailedMount", `MountVolume.SetUp failed for volume "cache"`),
			},
			reason: "FailedMount", says: []string{"MountVolume.SetUp failed"},
		},
		{
			name:    "the runtime runs and loads",
			objects: []string{notYet, theOld(), theNew(), aPod(podLoads), anEvent(1, "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503")},
			reason:  "NotReady", says: []string{"the runtime runs and is not ready yet (Readiness probe failed: HTTP probe failed with statuscode: 503)"},
		},
		{
			name:    "the node ended the pod",
			objects: []string{notYet, theOld(), theNew(), aPod("  phase: Failed\n  reason: Evicted\n  message: 'The node was low on resource: memory.'")},
			reason:  "Evicted", says: []string{"it was ended by the node: The node was low on resource: memory."},
		},
		{
			name: "Knative gave up, and its pods are gone",
			objects: []string{failed, theOld(), theNew(`{type: ContainerHealthy, status: "False", reason: ExitCode1, message: 'Container failed with: loading the model: eye.onnx is damaged'}`,
				`{type: Active, status: "False", reason: NoTraffic, message: The target is not receiving traffic.}`, `{type: Ready, status: "False", reason: ExitCode1}`)},
			reason: "ExitCode1", says: []string{"Container failed with: loading the model: eye.onnx is damaged"}, final: true,
		},
		{
			name: "no pod came within the progress deadline",
			objects: []string{failed, theOld(), theNew(`{type: ResourcesAvailable, status: "False", reason: ProgressDeadlineExceeded, message: Initial scale was never achieved}`,
				`{type: Ready, status: "False", reason: ProgressDeadlineExceeded}`)},
			reason: "ProgressDeadlineExceeded", says: []string{"Knative gave up", "Initial scale was never achieved"}, final: true,
		},
		{
			name: "the progress deadline passed with a pod that still cannot be scheduled",
			objects: []string{failed, theOld(), theNew(`{type: ResourcesAvailable, status: "False", reason: ProgressDeadlineExceeded, message: 'ReplicaSet has timed out progressing.'}`,
				`{type: Ready, status: "False", reason: ProgressDeadlineExceeded}`), aPod(podUnschedulable)},
			reason: "Unschedulable", says: []string{"Insufficient nvidia.com/gpu"}, final: true,
		},
		{
			name: "the ingress does not answer",
			objects: []string{strings.Replace(strings.Replace(aService("True", "", "", onOld), `{type: RoutesReady, status: "True"}`, `{type: RoutesReady, status: Unknown, reason: IngressNotConfigured, message: Ingress has not yet been reconciled.}`, 1),
				`{type: Ready, status: "True"`, `{type: Ready, status: Unknown`, 1), theOld(), theNew(oldReady), aPod(podReady)},
			reason: "IngressNotConfigured", says: []string{"the route is not ready: Ingress has not yet been reconciled. (does the ingress"},
		},
		{
			name:    "nothing, where it is ready and another pod is on its way",
			objects: []string{aService("True", "", "", onOld), theOld(), theNew(oldReady), aPod(podLoads)},
		},
		{
			name:    "it is ready, and one of its pods fails",
			objects: []string{aService("True", "", "", onOld), theOld(), theNew(oldReady), aPod(podWaits("CrashLoopBackOff", "", 3, badModel))},
			reason:  "CrashLoopBackOff", says: []string{"eye.onnx is damaged"}, final: true,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := Diagnose(stateFrom(t, test.objects...))
			if got.Reason != test.reason || got.Final != test.final {
				t.Errorf("reason %q, final %t; want %q, %t (%s)", got.Reason, got.Final, test.reason, test.final, got.Text)
			}
			for _, says := range test.says {
				if !strings.Contains(got.Text, says) {
					t.Errorf("says\n  %s\nwant\n  %s", got.Text, says)
				}
			}
			if strings.Contains(got.Text, "hunter2") || strings.Contains(got.Text, "c0ffee") {
				t.Errorf("told a secret: %s", got.Text)
			}
		})
	}
}

func TestTextFromFarAwayDoesNotSteerTheTerminal(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"plain words", "loading the model", "loading the model"},
		{"several lines", "one\n\ttwo  three\r\n", "one two three"},
		{"escapes", "red \x1b[31m", `red \x1b[31m`},
		{"bytes that are no text", "a\xffb", "a?b"},
		{"a user and password", "GET https://ann:pw@host/x", "GET https://***@host/x"},
		{"a token alone", "GET https://token@host/x: 403", "GET https://***@host/x: 403"},
		{"a signed query", `Get "https://host/x?sig=abc&e=1": EOF`, `Get "https://host/x?***": EOF`},
		{"a mail address is no secret", "write to ann@example.com", "write to ann@example.com"},
		{"very long", strings.Repeat("x", maxSentence+1), strings.Repeat("x", maxSentence) + "..."},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := clean(test.text); got != test.want {
				t.Errorf("clean(%q) = %q; want %q", test.text, got, test.want)
			}
		})
	}
}
