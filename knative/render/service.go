package render

import (
	"fmt"
	"maps"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/functions/catalog"
)

// maxDeclaration is what the declaration may take, in bytes, of the 256 KiB that
// Kubernetes lets all annotations of an object have.
const maxDeclaration = 200 << 10

// service is the Knative Service of f, which is complete. It says nothing of traffic:
// whoever steers that owns those fields, and applying a function again changes none.
func service(f functions.Function, o Options) (*servingv1.Service, error) {
	declaration, err := catalog.Text(f)
	if err != nil {
		return nil, err
	}
	if len(declaration) > maxDeclaration {
		return nil, fmt.Errorf("the declaration has %d bytes, and Kubernetes takes %d at most: %d class names are too many for it; "+
			"leave spec.model.labels out where the model file has them", len(declaration), maxDeclaration, len(f.Spec.Model.Labels))
	}
	pod, err := podSpec(f, o)
	if err != nil {
		return nil, err
	}
	marks := annotations(f.Spec, o)
	marks[AnnotationDeclaration] = string(declaration)
	concurrency := int64(f.Spec.Scaling.ContainerConcurrency)
	timeout := seconds(f.Spec.Scaling.Timeout)
	ends := min(timeout+drainMargin, max(timeout, o.MaxTimeout))

	s := &servingv1.Service{
		TypeMeta: metav1.TypeMeta{APIVersion: servingv1.SchemeGroupVersion.String(), Kind: "Service"},
		ObjectMeta: metav1.ObjectMeta{
			Name: f.Metadata.Name, Namespace: o.Namespace, Labels: labels(f),
		},
	}
	if !o.Public {
		s.Labels[LabelVisibility] = VisibilityClusterLocal
	}
	if f.Spec.GPUs() > 0 {
		s.Annotations = map[string]string{AnnotationRollout: RolloutDrainThenSwap}
	}
	s.Spec.Template = servingv1.RevisionTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: labels(f), Annotations: marks},
		Spec: servingv1.RevisionSpec{
			PodSpec:              *pod,
			ContainerConcurrency: &concurrency,
			TimeoutSeconds:       new(int64(ends.Seconds())),
			// An answer is written in one go: where it begins is where it ends.
			ResponseStartTimeoutSeconds: new(int64(timeout.Seconds())),
		},
	}
	return s, nil
}

// labels are ours, and those of the team's that Kubernetes takes for labels.
func labels(f functions.Function) map[string]string {
	all := map[string]string{}
	maps.Copy(all, f.Metadata.Labels)
	maps.DeleteFunc(all, func(key, value string) bool {
		domain, _, _ := strings.Cut(key, "/")
		theirs := domain == "saccade.dev" || domain == "knative.dev" || strings.HasSuffix(domain, ".knative.dev")
		return theirs || len(validation.IsQualifiedName(key)) > 0 || len(validation.IsValidLabelValue(value)) > 0
	})
	all[LabelFunction], all[LabelManagedBy] = f.Metadata.Name, ManagedBy
	return all
}

// podSpec is what runs.
func podSpec(f functions.Function, o Options) (*corev1.PodSpec, error) {
	wanted, err := resources(f.Spec)
	if err != nil {
		return nil, err
	}
	c := f.Spec.Cluster
	v := volumesOf(f, o)
	pod := &corev1.PodSpec{
		ServiceAccountName:           c.ServiceAccount,
		AutomountServiceAccountToken: new(false),
		EnableServiceLinks:           new(false),
		NodeSelector:                 c.NodeSelector,
		Tolerations:                  tolerations(c.Tolerations),
		Volumes:                      v.volumes,
	}
	if c.RuntimeClass != "" {
		pod.RuntimeClassName = &c.RuntimeClass
	}
	if o.FSGroup > 0 {
		pod.SecurityContext = &corev1.PodSecurityContext{FSGroup: &o.FSGroup}
	}
	for _, name := range c.PullSecrets {
		pod.ImagePullSecrets = append(pod.ImagePullSecrets, corev1.LocalObjectReference{Name: name})
	}
	if o.Delivery == DeliverInit {
		pod.InitContainers = []corev1.Container{pullContainer(o, v)}
	}
	pod.Containers = []corev1.Container{runtimeContainer(f, o, v, wanted)}
	return pod, nil
}

// tolerations reads taints as kubectl taint writes them; the catalog has refused
// others. One without an effect tolerates all effects, one without = any value.
func tolerations(taints []string) []corev1.Toleration {
	var all []corev1.Toleration
	for _, taint := range taints {
		rest, effect, _ := strings.Cut(taint, ":")
		key, value, equal := strings.Cut(rest, "=")
		t := corev1.Toleration{Key: key, Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffect(effect)}
		if equal {
			t.Operator, t.Value = corev1.TolerationOpEqual, value
		}
		all = append(all, t)
	}
	return all
}
