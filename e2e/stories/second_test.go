package stories

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// gatewayByService puts up one more gateway like the stories' own, for the length of this
// story, which reaches pods by Knative's addresses; it is its own address. A label of its
// own keeps it out of the others' Service.
func (s *Story) gatewayByService() string {
	s.Helper()
	const name = "gateway-by-service"
	ctx, deployments, services := s.Context(), s.Kube.AppsV1().Deployments(GatewaySpace), s.Kube.CoreV1().Services(GatewaySpace)
	d, err := deployments.Get(ctx, "saccade-gateway", metav1.GetOptions{})
	if err != nil {
		s.Fatal(err)
	}
	labels := map[string]string{"app": name}
	d.ObjectMeta = metav1.ObjectMeta{Name: name, Labels: labels}
	d.Spec.Replicas, d.Spec.Selector.MatchLabels, d.Spec.Template.Labels = new(int32(1)), labels, labels
	d.Spec.Template.Spec.TopologySpreadConstraints = nil
	args := d.Spec.Template.Spec.Containers[0].Args
	at := slices.IndexFunc(args, func(arg string) bool { return strings.HasPrefix(arg, "--pods=") })
	if at < 0 {
		s.Fatalf("the gateway's arguments %q do not say how it reaches pods", args)
	}
	args[at] = "--pods=service"
	s.Cleanup(func() {
		s.delete("-n", GatewaySpace, "deployment,service", name, "--ignore-not-found")
	})
	if _, err := deployments.Create(ctx, d, metav1.CreateOptions{}); err != nil {
		s.Fatal(err)
	}
	if _, err := services.Create(ctx, &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: corev1.ServiceSpec{
			Selector: labels,
			Ports:    []corev1.ServicePort{{Name: "http", Port: 80, TargetPort: intstr.FromString("http")}},
		},
	}, metav1.CreateOptions{}); err != nil {
		s.Fatal(err)
	}
	s.run("kubectl", "-n", GatewaySpace, "rollout", "status", "deployment/"+name, "--timeout=90s")
	return "http://" + name + "." + GatewaySpace + ".svc.cluster.local"
}
