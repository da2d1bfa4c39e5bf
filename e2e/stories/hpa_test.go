package stories

import (
	"fmt"
	"strings"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// kubernetesScalesByCPU: a function with autoscaler hpa has a HorizontalPodAutoscaler
// with its numbers, which adds pods while they are busier than they are to be.
func kubernetesScalesByCPU(s *Story) {
	const least, most, percent = 1, 3, 60
	s.deploy("eye", fmt.Sprintf("cluster: {requests: {cpu: 50m, memory: 64Mi}}\n"+
		"scaling: {autoscaler: hpa, containerConcurrency: 1, window: 6s, minScale: %d, maxScale: %d, target: %d}", least, most, percent))
	hpa, err := s.Kube.AutoscalingV2().HorizontalPodAutoscalers(s.Space).Get(s.Context(), "eye-00001", metav1.GetOptions{})
	if err != nil {
		s.Fatal(err)
	}
	if spec := hpa.Spec; *spec.MinReplicas != least || spec.MaxReplicas != most || len(spec.Metrics) != 1 ||
		spec.Metrics[0].Resource == nil || spec.Metrics[0].Resource.Name != corev1.ResourceCPU || *spec.Metrics[0].Resource.Target.AverageUtilization != percent {
		s.Errorf("its autoscaler has other numbers than the function: %+v", spec)
	}
	s.mustDetect(s.caller("eye"))
	s.until(90*time.Second, "the autoscaler knows how busy the pod is", func() (bool, string) {
		said := s.autoscaler("eye-00001")
		return strings.Contains(said, string(autoscalingv2.ScalingActive)+" True"), said
	})

	stream := s.caller("eye").stream(s.Context(), steady(8))
	took := s.until(90*time.Second, "there are more pods", func() (bool, string) {
		return len(s.pods("eye")) > least, s.autoscaler("eye-00001")
	})
	s.until(60*time.Second, "there are as many as there may be", func() (bool, string) {
		return len(s.pods("eye")) == most, s.autoscaler("eye-00001")
	})
	all := stream.finish()
	s.noneLost(all)
	back := s.until(2*time.Minute, "the pods go again", func() (bool, string) {
		return len(s.pods("eye")) == least, s.autoscaler("eye-00001")
	})
	s.Table.Add("class HPA, 8 requests a second: until there is a second pod, by CPU", short(took)+"; "+all.String(), "none lost")
	s.Table.Add("... and back to one, after the requests", short(back), "")
}

// autoscaler is what a HorizontalPodAutoscaler thinks.
func (s *Story) autoscaler(name string) string {
	hpa, err := s.Kube.AutoscalingV2().HorizontalPodAutoscalers(s.Space).Get(s.Context(), name, metav1.GetOptions{})
	if err != nil {
		return err.Error()
	}
	said := fmt.Sprintf("%d pods, %d wanted", hpa.Status.CurrentReplicas, hpa.Status.DesiredReplicas)
	for _, c := range hpa.Status.Conditions {
		said += fmt.Sprintf("; %s %s %s", c.Type, c.Status, c.Message)
	}
	return said
}
