package stories

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Story is one story while it is told: a test with a namespace of its own.
type Story struct {
	*testing.T
	*World
	// Space is the namespace.
	Space string
	// Table is what this story has measured.
	Table Table
}

// Tell runs a story in a namespace of that name.
func (w *World) Tell(t *testing.T, space string, story func(*Story)) {
	s := &Story{T: t, World: w, Space: space}
	s.Cleanup(s.end)
	defer w.Table.join(&s.Table)
	s.kube("create", "namespace", space)
	s.claim()
	story(s)
}

// claim gives the namespace its node cache, as docs/knative.md says: a volume on the
// models' folder of every node.
func (s *Story) claim() {
	s.apply(fmt.Sprintf(`
apiVersion: v1
kind: PersistentVolume
metadata: {name: "saccade-models-%[1]s"}
spec:
  storageClassName: saccade-node
  capacity: {storage: 20Gi}
  accessModes: [ReadWriteMany]
  persistentVolumeReclaimPolicy: Retain
  claimRef: {namespace: "%[1]s", name: saccade-models}
  hostPath: {path: /var/lib/saccade/models, type: Directory}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: saccade-models, namespace: "%[1]s"}
spec:
  storageClassName: saccade-node
  volumeName: "saccade-models-%[1]s"
  accessModes: [ReadWriteMany]
  resources: {requests: {storage: 20Gi}}
`, s.Space))
	s.kube("wait", "--for=jsonpath={.status.phase}=Bound", "--timeout=30s", "pvc/saccade-models")
}

// end shows why a story failed, and takes away what it made. What it deployed goes at
// once; the rest of the namespace follows by itself.
func (s *Story) end() {
	if s.Failed() {
		s.explain()
	}
	s.delete("-n", s.Space, "ksvc", "--all")
	s.delete("-n", s.Space, "deployment,pod", "--all", "--force", "--grace-period=0")
	s.delete("namespace", s.Space)
	s.delete("pv", "saccade-models-"+s.Space, "--ignore-not-found")
}

// delete takes away with kubectl what a story has made, also when it is over; it waits
// for nothing.
func (s *Story) delete(args ...string) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	args = append(append([]string{"delete"}, args...), "--wait=false")
	if said, err := s.command(ctx, "kubectl", args...).CombinedOutput(); err != nil {
		s.Logf("kubectl %s: %v: %s", strings.Join(args, " "), err, said)
	}
}

// explain prints what there is in the namespace and what its pods and the gateway say.
func (s *Story) explain() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for _, args := range [][]string{
		{"-n", s.Space, "get", "ksvc,revision,podautoscaler,pods", "-o", "wide"},
		{"-n", s.Space, "get", "events", "--sort-by=.lastTimestamp", "-o", "custom-columns=T:.lastTimestamp,O:.involvedObject.name,R:.reason,M:.message"},
		{"-n", s.Space, "logs", "-l", "saccade.dev/function", "--all-containers", "--prefix", "--tail=25"},
		{"-n", GatewaySpace, "get", "pods", "-o", "wide"},
		{"-n", GatewaySpace, "logs", "-l", "app.kubernetes.io/name=saccade-gateway", "--prefix", "--tail=40"},
	} {
		said, _ := s.command(ctx, "kubectl", args...).CombinedOutput() // its own complaint is shown
		s.Logf("$ kubectl %s\n%s", strings.Join(args, " "), last(said, 16<<10))
	}
}

func last(text []byte, n int) []byte { return text[max(0, len(text)-n):] }

// command is a program with the cluster's kubeconfig.
func (w *World) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	if own := filepath.Join(w.Programs, name); name == "saccade" {
		name = own
	} else if name == "helm" {
		name = filepath.Join(w.Root, "out", "e2e", "helm")
	}
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = w.Root
	return cmd
}

// run is what a program prints; the story ends where it fails.
func (s *Story) run(name string, args ...string) string {
	s.Helper()
	said, err := s.try(name, args...)
	if err != nil {
		s.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, said)
	}
	return said
}

// try is what a program prints, and its failure.
func (s *Story) try(name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(s.Context(), 4*time.Minute)
	defer cancel()
	said, err := s.command(ctx, name, args...).CombinedOutput()
	return string(said), err
}

// kube runs kubectl in the story's namespace.
func (s *Story) kube(args ...string) string {
	s.Helper()
	return s.run("kubectl", append([]string{"-n", s.Space}, args...)...)
}

// apply applies manifests in the story's namespace.
func (s *Story) apply(manifests string) {
	s.Helper()
	cmd := s.command(s.Context(), "kubectl", "-n", s.Space, "apply", "-f", "-")
	cmd.Stdin = strings.NewReader(manifests)
	if said, err := cmd.CombinedOutput(); err != nil {
		s.Fatalf("applying: %v: %s\n%s", err, said, manifests)
	}
}

// saccade runs the saccade program for the story's namespace.
func (s *Story) saccade(args ...string) string {
	s.Helper()
	return s.run("saccade", append(args, "-n", s.Space)...)
}

// Image is the runtime's on this cluster.
const Image = "dev.local/saccade-runtime:1"

// Model is centernet's, which comes with the runtime.
const Model = "b5a920bf6a9fff93a8d9f78efcbf09c2fe742cc2714fc63349fa34b4a985b3c4"

// LeastScore is what a detection has to have, in every function here.
const LeastScore = 0.3

// Small is a pod that is promised little: a pod that ends keeps what it was promised for
// half a minute, and the node has two cores.
const Small = "cluster: {requests: {cpu: 20m, memory: 64Mi}}\n"

// Quick is most functions here: it idles no longer than Knative allows, and one pod looks
// at one picture at a time. Kept is the same with a pod that stays.
const (
	Quick = Small + "scaling: {autoscaler: startup-aware, containerConcurrency: 1, window: 6s}"
	Kept  = Small + "scaling: {autoscaler: startup-aware, containerConcurrency: 1, window: 6s, minScale: 1}"
)

// declare writes the folder of a function with centernet's model; spec are lines of
// YAML under its spec.
func (s *Story) declare(name, spec string) string {
	s.Helper()
	folder := filepath.Join(s.TempDir(), name)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		s.Fatal(err)
	}
	text := "apiVersion: saccade.dev/v1alpha1\nkind: Function\nmetadata: {name: " + name + "}\nspec:\n" +
		"  model: {uri: centernet-mbv3.onnx, sha256: " + Model + ", family: centernet}\n" +
		fmt.Sprintf("  thresholds: {minScore: %v}\n  ", LeastScore) + strings.ReplaceAll(strings.TrimSpace(spec), "\n", "\n  ") + "\n"
	if err := os.WriteFile(filepath.Join(folder, "function.yaml"), []byte(text), 0o644); err != nil {
		s.Fatal(err)
	}
	return folder
}

// deploy brings a function of that name and spec to the cluster and waits until it is
// ready. It is what saccade says.
func (s *Story) deploy(name, spec string, flags ...string) string {
	s.Helper()
	return s.saccade(append([]string{"deploy", s.declare(name, spec), "--image", Image, "--wait", "--timeout", "90s"}, flags...)...)
}

// until waits for a condition, asked anew until it holds; what says what was seen
// instead.
func (s *Story) until(within time.Duration, sentence string, holds func() (bool, string)) time.Duration {
	s.Helper()
	began := time.Now()
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for {
		is, what := holds()
		took := time.Since(began)
		switch {
		case is:
			return took
		case took > within:
			s.Fatalf("%s: not within %s: %s", sentence, within, what)
		}
		select {
		case <-s.Context().Done():
			s.Fatal(s.Context().Err())
		case <-ticker.C:
		}
	}
}

// pods are the function's pods that are not ending.
func (s *Story) pods(function string) []corev1.Pod {
	list, err := s.Kube.CoreV1().Pods(s.Space).List(s.Context(), metav1.ListOptions{LabelSelector: "serving.knative.dev/service=" + function})
	if err != nil {
		return nil // the API server may be away
	}
	var pods []corev1.Pod
	for _, pod := range list.Items {
		if pod.DeletionTimestamp == nil {
			pods = append(pods, pod)
		}
	}
	return pods
}

// sleeps waits until the function has no pod, and has had none for so long that everyone
// has heard: a pod that ends answers for half a minute whoever still comes.
func (s *Story) sleeps(function string) time.Duration {
	s.Helper()
	const heard = 500 * time.Millisecond
	var since time.Time
	return s.until(90*time.Second, function+" goes to zero", func() (bool, string) {
		desired, err := s.kubectlValue("get", "deployment", "-l", "serving.knative.dev/service="+function, "-o", "jsonpath={.items[*].spec.replicas}")
		pods := len(s.pods(function))
		switch {
		case err != nil || strings.Trim(desired, "0 ") != "" || pods > 0:
			since = time.Time{}
		case since.IsZero():
			since = time.Now()
		}
		return !since.IsZero() && time.Since(since) >= heard, fmt.Sprintf("replicas %q, %d pods", desired, pods)
	}) - heard
}

func (s *Story) kubectlValue(args ...string) (string, error) {
	var stdout bytes.Buffer
	cmd := s.command(s.Context(), "kubectl", append([]string{"-n", s.Space}, args...)...)
	cmd.Stdout = &stdout
	err := cmd.Run()
	return stdout.String(), err
}

// exitCode is the one that a program ended with: 0 without an error, -1 where it never
// ran.
func exitCode(err error) int {
	if err == nil {
		return 0
	}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode()
	}
	return -1
}

// replace changes a function's declaration.
func replace(s *Story, folder, from, to string) {
	s.Helper()
	file := filepath.Join(folder, "function.yaml")
	text, err := os.ReadFile(file)
	if err == nil {
		err = os.WriteFile(file, bytes.Replace(text, []byte(from), []byte(to), 1), 0o644)
	}
	if err != nil {
		s.Fatal(err)
	}
}
