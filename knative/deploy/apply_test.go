package deploy

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

const servicePath = "/apis/serving.knative.dev/v1/namespaces/team/services/eye"

// objects are a function's as they are rendered.
func objects(t *testing.T, image string) []*unstructured.Unstructured {
	t.Helper()
	var all []*unstructured.Unstructured
	for _, text := range []string{`
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: eye
  labels: {saccade.dev/function: eye, app.kubernetes.io/managed-by: saccade}
spec: {policyTypes: [Ingress]}`, `
apiVersion: serving.knative.dev/v1
kind: Service
metadata:
  name: eye
  labels: {saccade.dev/function: eye, app.kubernetes.io/managed-by: saccade}
spec:
  template:
    metadata: {labels: {saccade.dev/function: eye}}
    spec: {image: ` + image + `, timeoutSeconds: 60, secret: hunter2}`} {
		o := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(text), &o.Object); err != nil {
			t.Fatal(err)
		}
		numbers(o.Object)
		all = append(all, o)
	}
	return all
}

func apply(t *testing.T, c *Cluster, image string, o ApplyOptions) []string {
	t.Helper()
	all, err := c.Apply(t.Context(), objects(t, image), o)
	if err != nil {
		t.Fatal(err)
	}
	var changes []string
	for _, a := range all {
		changes = append(changes, a.Kind+" "+a.Name+" "+a.Change)
	}
	return changes
}

func TestApplyingTellsWhatBecameOfEachObject(t *testing.T) {
	a := newAPI()
	c, _ := a.cluster(t)
	for _, step := range []struct {
		image string
		o     ApplyOptions
		want  []string
	}{
		{"one", ApplyOptions{DryRun: true}, []string{"NetworkPolicy eye created", "Service eye created"}},
		{"one", ApplyOptions{}, []string{"NetworkPolicy eye created", "Service eye created"}},
		{"one", ApplyOptions{}, []string{"NetworkPolicy eye unchanged", "Service eye unchanged"}},
		{"two", ApplyOptions{DryRun: true}, []string{"NetworkPolicy eye unchanged", "Service eye configured"}},
		{"two", ApplyOptions{}, []string{"NetworkPolicy eye unchanged", "Service eye configured"}},
	} {
		if d := cmp.Diff(step.want, apply(t, c, step.image, step.o)); d != "" {
			t.Errorf("applying %s %+v (-want +got):\n%s", step.image, step.o, d)
		}
	}
	if manager := "fieldManager=saccade"; !slices.ContainsFunc(a.requests, func(r string) bool { return strings.Contains(r, manager) }) {
		t.Errorf("no request said %s", manager)
	}
}

func TestAnObjectThatIsNotSaccadesIsNeverTouched(t *testing.T) {
	tests := []struct{ name, labels, says string }{
		{"one without an owner", "{saccade.dev/function: eye}", "has no label app.kubernetes.io/managed-by"},
		{"one of another tool", "{app.kubernetes.io/managed-by: Helm}", "is managed by Helm"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := newAPI()
			c, _ := a.cluster(t)
			a.put(t, "apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: eye, labels: "+test.labels+"}\nspec: {}")
			_, err := c.Apply(t.Context(), objects(t, "one"), ApplyOptions{ForceConflicts: true})
			if err == nil || !strings.Contains(err.Error(), "the Knative Service eye in namespace team is not saccade's") || !strings.Contains(err.Error(), test.says) {
				t.Errorf("applying: %v", err)
			}
			if err := c.Delete(t.Context(), "eye", DeleteOptions{}); err == nil || !strings.Contains(err.Error(), "is not saccade's") {
				t.Errorf("deleting: %v", err)
			}
			for _, r := range a.requests {
				if !strings.HasPrefix(r, http.MethodGet) {
					t.Errorf("asked for %s", r)
				}
			}
		})
	}
}

func TestAConflictNamesTheFieldAndItsOwner(t *testing.T) {
	a := newAPI()
	c, _ := a.cluster(t)
	apply(t, c, "one", ApplyOptions{})
	a.mu.Lock()
	found := a.objects[servicePath]
	for path := range found.owners {
		if strings.HasSuffix(path, "image") {
			found.owners[path] = "kubectl-edit"
		}
	}
	a.mu.Unlock()

	_, err := c.Apply(t.Context(), objects(t, "two"), ApplyOptions{})
	want := `the Knative Service eye has fields that another has set:
  "kubectl-edit" using serving.knative.dev/v1 owns spec.template.spec.image
it is left as it was; --force-conflicts takes them over`
	if err == nil || err.Error() != want {
		t.Errorf("err = %v\nwant %s", err, want)
	}
	if err != nil && strings.Contains(err.Error(), "hunter2") {
		t.Error("told the value of a field")
	}
	if got := apply(t, c, "two", ApplyOptions{ForceConflicts: true}); got[1] != "Service eye configured" {
		t.Errorf("with force: %q", got)
	}
}

func TestADeploymentLeavesTheTrafficAsItIs(t *testing.T) {
	a := newAPI()
	c, _ := a.cluster(t)
	apply(t, c, "one", ApplyOptions{})
	service, err := c.service(t.Context(), "eye")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.patch(t.Context(), services, "eye", map[string]any{
		"metadata": map[string]any{"resourceVersion": service.GetResourceVersion()},
		"spec":     map[string]any{"traffic": []any{map[string]any{"revisionName": "eye-00001", "percent": 100}}},
	}); err != nil {
		t.Fatal(err)
	}
	apply(t, c, "two", ApplyOptions{})
	service, err = c.service(t.Context(), "eye")
	if err != nil {
		t.Fatal(err)
	}
	list, _, _ := unstructured.NestedSlice(service.Object, "spec", "traffic")
	if len(list) != 1 {
		t.Errorf("spec.traffic = %v after the deployment", list)
	}
}

func TestAWebhooksRefusalIsTold(t *testing.T) {
	a := newAPI()
	c, _ := a.cluster(t)
	a.refuse = func(o *unstructured.Unstructured) *metav1.Status {
		if o.GetKind() != "Service" {
			return nil
		}
		s := status(400, metav1.StatusReasonBadRequest, `admission webhook "validation.webhook.serving.knative.dev" denied the request: validation failed: must not set the field(s): spec.template.spec.initContainers`)
		return &s
	}
	_, err := c.Apply(t.Context(), objects(t, "one"), ApplyOptions{})
	if err == nil || !strings.Contains(err.Error(), "applying Knative Service eye: admission webhook") {
		t.Errorf("err = %v", err)
	}
}

func TestAClusterThatDoesNotAnswerIsGivenUpSoonWhereItNeverDid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAPI()
		c, said := a.cluster(t)
		a.away(true)
		started := time.Now()
		_, err := c.Apply(t.Context(), objects(t, "one"), ApplyOptions{})
		e, ok := errors.AsType[*Unreachable](err)
		if !ok {
			t.Fatalf("err = %v", err)
		}
		if e.Server != "http://cluster.test" || !strings.Contains(err.Error(), "connection refused") {
			t.Errorf("err = %v", err)
		}
		if took := time.Since(started); took < patienceAtFirst || took > 2*patienceAtFirst {
			t.Errorf("gave up after %s", took)
		}
		if got := said(); len(got) != 1 || !strings.Contains(got[0], "does not answer (connection refused)") {
			t.Errorf("said %q", got)
		}
	})
}

func TestAClusterThatWasThereIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAPI()
		c, said := a.cluster(t)
		apply(t, c, "one", ApplyOptions{})
		a.away(true)
		time.AfterFunc(30*time.Second, func() { a.away(false) })
		if got := apply(t, c, "two", ApplyOptions{}); got[1] != "Service eye configured" {
			t.Errorf("applied %q", got)
		}
		if got := said(); len(got) != 2 || got[1] != "the API server is back" {
			t.Errorf("said %q", got)
		}
	})
}

func TestAClusterWithoutKnativeIsToldSo(t *testing.T) {
	a := newAPI()
	c, _ := a.cluster(t)
	gone := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "serving.knative.dev/v1", "kind": "Service", "metadata": map[string]any{"name": "eye"}}}
	a.refuse = func(*unstructured.Unstructured) *metav1.Status {
		s := status(404, metav1.StatusReasonNotFound, "the server could not find the requested resource")
		s.Details.Name = ""
		return &s
	}
	_, err := c.Apply(t.Context(), []*unstructured.Unstructured{gone}, ApplyOptions{})
	if err == nil || !strings.Contains(err.Error(), "is Knative Serving installed?") {
		t.Errorf("err = %v", err)
	}
}
