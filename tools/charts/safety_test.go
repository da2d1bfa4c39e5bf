package charts

import (
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"
)

// podOf is the pod that an object makes, if it makes one.
func podOf(typed runtime.Object) (*metav1.ObjectMeta, *corev1.PodSpec, bool) {
	switch o := typed.(type) {
	case *corev1.Pod:
		return &o.ObjectMeta, &o.Spec, true
	case *appsv1.Deployment:
		return &o.Spec.Template.ObjectMeta, &o.Spec.Template.Spec, true
	case *appsv1.DaemonSet:
		return &o.Spec.Template.ObjectMeta, &o.Spec.Template.Spec, true
	case *servingv1.Service:
		return &o.Spec.Template.ObjectMeta, &o.Spec.Template.Spec.PodSpec, true
	}
	return nil, nil, false
}

// judge tells what the restricted Pod Security Standard has against a pod.
func judge(t *testing.T, meta *metav1.ObjectMeta, spec *corev1.PodSpec) string {
	t.Helper()
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks())
	if err != nil {
		t.Fatal(err)
	}
	restricted := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	result := policy.AggregateCheckResults(evaluator.EvaluatePod(restricted, meta, spec))
	if result.Allowed {
		return ""
	}
	return result.ForbiddenDetail()
}

func TestEveryPodKeepsToTheRestrictedStandard(t *testing.T) {
	pods := 0
	for from, objects := range everything(t) {
		for _, o := range objects {
			meta, spec, ok := podOf(decoded(t, o))
			if !ok {
				continue
			}
			pods++
			if faults := judge(t, meta, spec); faults != "" {
				t.Errorf("%s of the %s: %s", o.key(), from, faults)
			}
			for _, c := range spec.Containers {
				if may := c.SecurityContext; may == nil || may.ReadOnlyRootFilesystem == nil || !*may.ReadOnlyRootFilesystem {
					t.Errorf("%s of the %s: %s may write to its image", o.key(), from, c.Name)
				}
			}
			token := spec.AutomountServiceAccountToken
			if gateway := spec.ServiceAccountName == "saccade-gateway"; token == nil || *token != gateway {
				t.Errorf("%s of the %s: whether it has a token is not as it should be", o.key(), from)
			}
		}
	}
	if pods < 20 {
		t.Errorf("only %d pods were looked at", pods)
	}
}

func TestAPodThatMayBeRootIsSeen(t *testing.T) {
	if judge(t, &metav1.ObjectMeta{}, &corev1.PodSpec{Containers: []corev1.Container{{Name: "a", Image: "b"}}}) == "" {
		t.Error("the standard has nothing against it")
	}
}

func TestTheGatewayOnlyReads(t *testing.T) {
	want := map[string]string{
		"serving.knative.dev": "services configurations revisions routes",
		"discovery.k8s.io":    "endpointslices",
		"":                    "pods",
	}
	for from, objects := range everything(t) {
		roles := 0
		for _, o := range objects {
			var rules []rbacv1.PolicyRule
			switch role := decoded(t, o).(type) {
			case *rbacv1.Role:
				rules = role.Rules
			case *rbacv1.ClusterRole:
				rules = role.Rules
			default:
				continue
			}
			roles++
			has := map[string]string{}
			for _, rule := range rules {
				if !slices.Equal(rule.Verbs, []string{"get", "list", "watch"}) || len(rule.APIGroups) != 1 {
					t.Errorf("%s of the %s: it may %v %v", o.key(), from, rule.Verbs, rule.Resources)
				}
				has[rule.APIGroups[0]] = strings.Join(rule.Resources, " ")
			}
			for group, resources := range want {
				if has[group] != resources || len(has) != len(want) {
					t.Errorf("%s of the %s: of %q it may read %q, want %q", o.key(), from, group, has[group], resources)
				}
			}
		}
		if from != "example" && roles != 1 {
			t.Errorf("the %s has %d roles", from, roles)
		}
	}
}

// Where some request needs no credential, the network policy names who may knock.
func TestAnOpenGatewayIsNotOpenToEveryPod(t *testing.T) {
	for from, objects := range everything(t) {
		var open, guarded, any bool
		for _, o := range objects {
			switch typed := decoded(t, o).(type) {
			case *corev1.ConfigMap:
				open = open || strings.Contains(typed.Data["saccade.yaml"], "open: true")
			case *networkingv1.NetworkPolicy:
				any = true
				for _, rule := range typed.Spec.Ingress {
					guarded = len(rule.From) > 0
				}
			}
		}
		if open && !guarded {
			t.Errorf("the %s is open, and every pod may knock", from)
		}
		if !any && from != "example" && from != "chart with no network policy" {
			t.Errorf("the %s has no network policy", from)
		}
	}
}
