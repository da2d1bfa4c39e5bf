// Package kserve_test checks what is shipped for KServe against the types of its
// custom resources: every field is one that they have, the container is as a cluster
// with the restricted pod security standard demands it, and the sample asks for the
// runtime that is shipped.
package kserve_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// The fields of KServe's custom resources that a model server of one model may use.
// Source: github.com/kserve/kserve, pkg/apis/serving/v1alpha1/servingruntime_types.go
// and v1beta1/{inference_service,predictor,component,podspec}.go.
type (
	runtime struct {
		metav1.TypeMeta   `json:",inline"`
		metav1.ObjectMeta `json:"metadata"`
		Spec              struct {
			SupportedModelFormats []format                      `json:"supportedModelFormats"`
			MultiModel            *bool                         `json:"multiModel"`
			Disabled              *bool                         `json:"disabled"`
			ProtocolVersions      []string                      `json:"protocolVersions"`
			Containers            []corev1.Container            `json:"containers"`
			Volumes               []corev1.Volume               `json:"volumes"`
			NodeSelector          map[string]string             `json:"nodeSelector"`
			Affinity              *corev1.Affinity              `json:"affinity"`
			Tolerations           []corev1.Toleration           `json:"tolerations"`
			Labels                map[string]string             `json:"labels"`
			Annotations           map[string]string             `json:"annotations"`
			ImagePullSecrets      []corev1.LocalObjectReference `json:"imagePullSecrets"`
			HostIPC               bool                          `json:"hostIPC"`
		} `json:"spec"`
	}
	format struct {
		Name       string  `json:"name"`
		Version    *string `json:"version"`
		AutoSelect *bool   `json:"autoSelect"`
		Priority   *int32  `json:"priority"`
	}
	service struct {
		metav1.TypeMeta   `json:",inline"`
		metav1.ObjectMeta `json:"metadata"`
		Spec              struct {
			Predictor struct {
				corev1.PodSpec       `json:",inline"`
				MinReplicas          *int32            `json:"minReplicas"`
				MaxReplicas          int32             `json:"maxReplicas"`
				ScaleTarget          *int32            `json:"scaleTarget"`
				ScaleMetric          *string           `json:"scaleMetric"`
				ContainerConcurrency *int64            `json:"containerConcurrency"`
				Timeout              *int64            `json:"timeout"`
				CanaryTrafficPercent *int64            `json:"canaryTrafficPercent"`
				Labels               map[string]string `json:"labels"`
				Annotations          map[string]string `json:"annotations"`
				Model                struct {
					corev1.Container `json:",inline"`
					ModelFormat      struct {
						Name    string  `json:"name"`
						Version *string `json:"version"`
					} `json:"modelFormat"`
					Runtime         *string `json:"runtime"`
					StorageURI      *string `json:"storageUri"`
					ProtocolVersion *string `json:"protocolVersion"`
				} `json:"model"`
			} `json:"predictor"`
		} `json:"spec"`
	}
)

// strictly reads a file into fields that are known.
func strictly(t *testing.T, name string, into any) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalStrict(text, into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

func TestTheRuntimeIsOneThatKServeTakes(t *testing.T) {
	var r runtime
	strictly(t, "clusterservingruntime.yaml", &r)
	if r.APIVersion != "serving.kserve.io/v1alpha1" || r.Kind != "ClusterServingRuntime" || r.Name == "" {
		t.Errorf("it is %s %s %q", r.APIVersion, r.Kind, r.Name)
	}
	if !slices.Equal(r.Spec.ProtocolVersions, []string{"v2", "grpc-v2"}) || len(r.Spec.SupportedModelFormats) != 1 || r.Spec.SupportedModelFormats[0].Name != "onnx" {
		t.Errorf("it speaks %v, for %v", r.Spec.ProtocolVersions, r.Spec.SupportedModelFormats)
	}
	if len(r.Spec.Containers) != 1 || r.Spec.Containers[0].Name != "kserve-container" {
		t.Fatal("KServe looks for one container called kserve-container")
	}
	c := r.Spec.Containers[0]
	ports := map[int32]string{}
	for _, p := range c.Ports {
		ports[p.ContainerPort] = p.Name
	}
	// A port that speaks HTTP/2 without TLS is known by its name.
	if len(ports) != 2 || ports[8080] == "" || !strings.Contains(ports[9000], "grpc") {
		t.Errorf("its ports are %v", ports)
	}
	for _, arg := range []string{"--model=/mnt/models", "--name={{.Name}}"} {
		if !slices.Contains(c.Args, arg) {
			t.Errorf("it is not started with %s", arg)
		}
	}
	for name, probe := range map[string]*corev1.Probe{"startup": c.StartupProbe, "readiness": c.ReadinessProbe, "liveness": c.LivenessProbe} {
		if probe == nil || probe.HTTPGet == nil || !strings.HasPrefix(probe.HTTPGet.Path, "/v2/health/") {
			t.Errorf("its %s probe asks elsewhere", name)
		}
	}
	if c.Resources.Limits.Memory().IsZero() || c.Resources.Requests.Cpu().IsZero() {
		t.Errorf("its resources are %v", c.Resources)
	}
}

// Source: kubernetes.io/docs/concepts/security/pod-security-standards, restricted.
func TestTheContainerMayDoNothingThatItNeedNot(t *testing.T) {
	var r runtime
	strictly(t, "clusterservingruntime.yaml", &r)
	may := r.Spec.Containers[0].SecurityContext
	is := func(p *bool, want bool) bool { return p != nil && *p == want }
	switch {
	case may == nil:
		t.Fatal("it has no securityContext")
	case !is(may.RunAsNonRoot, true), may.RunAsUser == nil, *may.RunAsUser == 0:
		t.Error("it may be root")
	case !is(may.AllowPrivilegeEscalation, false), !is(may.Privileged, false):
		t.Error("it may become more")
	case !is(may.ReadOnlyRootFilesystem, true):
		t.Error("it may write to its image")
	case may.Capabilities == nil, len(may.Capabilities.Add) > 0, !slices.Equal(may.Capabilities.Drop, []corev1.Capability{"ALL"}):
		t.Error("it has capabilities")
	case may.SeccompProfile == nil, may.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault:
		t.Error("it may call all of the kernel")
	}
}

func TestTheSampleAsksForTheRuntime(t *testing.T) {
	var r runtime
	strictly(t, "clusterservingruntime.yaml", &r)
	var s service
	strictly(t, "inferenceservice.yaml", &s)
	model := s.Spec.Predictor.Model
	if s.APIVersion != "serving.kserve.io/v1beta1" || s.Kind != "InferenceService" || s.Name == "" {
		t.Errorf("it is %s %s %q", s.APIVersion, s.Kind, s.Name)
	}
	if model.Runtime == nil || *model.Runtime != r.Name || model.ModelFormat.Name != r.Spec.SupportedModelFormats[0].Name ||
		model.ProtocolVersion == nil || !slices.Contains(r.Spec.ProtocolVersions, *model.ProtocolVersion) {
		t.Errorf("it asks for %+v", model)
	}
	if model.StorageURI == nil || !strings.HasSuffix(*model.StorageURI, ".onnx") {
		t.Error("it names no model")
	}
	grace := s.Spec.Predictor.TerminationGracePeriodSeconds
	if grace == nil || *grace <= 30 { // saccade-runtime's --grace
		t.Error("it is killed before its requests are finished")
	}
}
