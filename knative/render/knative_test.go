package render_test

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"knative.dev/serving/pkg/apis/config"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"
	autoscalerconfig "knative.dev/serving/pkg/autoscaler/config"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/knative/render"
)

// serviceOf is the Knative Service among the objects, as its own type; a field that
// the type does not have is a fault.
func serviceOf(t *testing.T, objects []*unstructured.Unstructured) *servingv1.Service {
	t.Helper()
	var s servingv1.Service
	object := objects[len(objects)-1].DeepCopy()
	hideImageVolume(t, object)
	if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(object.Object, &s, true); err != nil {
		t.Fatal(err)
	}
	return &s
}

// hideImageVolume makes an emptyDir of the volume that neither these Go types nor this
// Knative know, so that they judge all the rest. What it is made of is looked at here.
func hideImageVolume(t *testing.T, object *unstructured.Unstructured) {
	t.Helper()
	path := []string{"spec", "template", "spec", "volumes"}
	volumes, _, err := unstructured.NestedSlice(object.Object, path...)
	if err != nil {
		t.Fatal(err)
	}
	for _, volume := range volumes {
		v := volume.(map[string]any)
		if image, is := v["image"]; is {
			if want := map[string]any{"reference": modelImage, "pullPolicy": "IfNotPresent"}; !reflect.DeepEqual(image, want) {
				t.Errorf("the volume of the model's image is %v", image)
			}
			delete(v, "image")
			v["emptyDir"] = map[string]any{}
		}
	}
	if err := unstructured.SetNestedSlice(object.Object, volumes, path...); err != nil {
		t.Fatal(err)
	}
}

// delivered is the option of a delivery, with what it cannot do without.
func delivered(d render.Delivery) render.Options {
	o := render.Options{Image: image, Delivery: d}
	if d == render.DeliverVolume {
		o.ModelImage = modelImage
	}
	return o
}

func templateAnnotations(t *testing.T, objects []*unstructured.Unstructured) map[string]string {
	t.Helper()
	return serviceOf(t, objects).Spec.Template.Annotations
}

// cluster is Knative as it comes, with the feature flags that are named.
func cluster(t *testing.T, flags []string) context.Context {
	t.Helper()
	enabled := map[string]string{}
	for _, flag := range flags {
		enabled[flag] = "enabled"
	}
	features, err := config.NewFeaturesConfigFromMap(enabled)
	if err != nil {
		t.Fatal(err)
	}
	defaults, err := config.NewDefaultsConfigFromMap(map[string]string{})
	if err != nil {
		t.Fatal(err)
	}
	scaling, err := autoscalerconfig.NewConfigFromMap(map[string]string{"allow-zero-initial-scale": "true"})
	if err != nil {
		t.Fatal(err)
	}
	return config.ToContext(t.Context(), &config.Config{Features: features, Defaults: defaults, Autoscaler: scaling})
}

// webhook is what Knative's admission webhook says of a Service that is new.
func webhook(ctx context.Context, s *servingv1.Service) error {
	s = s.DeepCopy()
	s.Namespace = "eyes"
	s.SetDefaults(ctx)
	if err := s.Validate(ctx); err != nil {
		return err
	}
	return nil
}

// Knative takes every function with the flags that Features names, and would not take
// it with one fewer.
func TestKnativesOwnWebhookTakesThem(t *testing.T) {
	type one struct {
		function functions.Function
		options  render.Options
	}
	cases := map[string]one{}
	for _, name := range []string{"centernet", "yolo11n", "yolov8n", "yolo26n", "yolox-nano"} {
		f, folder := shipped(t, name)
		cases[name] = one{f, render.Options{Folder: folder}}
	}
	for name, more := range map[string]string{
		"everything": everything, "gpu": gpu, "hpa": hpa, "lambda": lambda, "nothing": "",
		"the least of all":    "  scaling: {timeout: 1ms, startTimeout: 1ms, window: 6s, target: 0.01, targetUtilization: 1, panicWindowPercentage: 1, panicThresholdPercentage: 110, containerConcurrency: 1, initialScale: 0}\n  resources: {cpu: 1m, memory: 1}\n",
		"the most of all":     "  scaling: {timeout: 10m, startTimeout: 1h, window: 1h, target: 1e6, targetUtilization: 100, panicWindowPercentage: 100, panicThresholdPercentage: 1000, containerConcurrency: 1000, minScale: 1000, maxScale: 1000, scaleDownDelay: 1h, scaleToZeroPodRetention: 1h, initialScale: 1000}\n  resources: {cpu: 1024, memory: 9Ti}\n",
		"a claim of theirs":   "  cluster: {volumes: {/data: claim/theirs, /keys: secret/keys}}\n",
		"a tenth of a second": "  scaling: {scaleToZeroPodRetention: 100ms, startTimeout: 100ms, timeout: 100ms}\n",
	} {
		cases[name] = one{shelves(t, more), render.Options{}}
	}
	for _, delivery := range render.Deliveries {
		o := delivered(delivery)
		cases["delivery "+string(delivery)] = one{shelves(t, gpu), o}
		o.FSGroup = 65532
		cases["delivery "+string(delivery)+" with a group"] = one{shelves(t, ""), o}
		if o.Cache = render.EmptyDir; delivery != render.DeliverPVC {
			cases["delivery "+string(delivery)+" with an emptyDir"] = one{shelves(t, ""), o}
		}
		o.Cache = render.DefaultCacheClaim
		cases["delivery "+string(delivery)+" with a claim"] = one{shelves(t, ""), o}
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			c.options.Image = image
			objects, err := render.Objects(c.function, c.options)
			if err != nil {
				t.Fatal(err)
			}
			s := serviceOf(t, objects)
			flags := render.Features(c.function, c.options)
			if err := webhook(cluster(t, flags), s); err != nil {
				t.Errorf("with %v: %v", flags, err)
			}
			for i := range flags {
				if flags[i] == volumesImage {
					continue // this Knative knows neither the flag nor what it is for
				}
				fewer := slices.Delete(slices.Clone(flags), i, i+1)
				if webhook(cluster(t, fewer), s) == nil {
					t.Errorf("%s is not needed", flags[i])
				}
			}
			var policy networkingv1.NetworkPolicy
			if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(objects[0].Object, &policy, true); err != nil {
				t.Error(err)
			}
		})
	}
}

const volumesImage = "kubernetes.podspec-volumes-image" // Knative Serving 1.19

func TestAVolumeOfAnImageNeedsItsFlag(t *testing.T) {
	for _, delivery := range render.Deliveries {
		if got := slices.Contains(render.Features(shelves(t, ""), delivered(delivery)), volumesImage); got != (delivery == render.DeliverVolume) {
			t.Errorf("delivery %s: %v", delivery, got)
		}
	}
}

func TestStockKnativeTakesAFunctionWithoutAClaim(t *testing.T) {
	for _, more := range []string{"", hpa, lambda, "  runtime: {providers: [cuda]}\n"} {
		f, o := shelves(t, more), render.Options{Image: image, Cache: render.EmptyDir}
		if flags := render.Features(f, o); flags != nil {
			t.Errorf("%q needs %v", more, flags)
		}
		objects, err := render.Objects(f, o)
		if err != nil {
			t.Fatal(err)
		}
		if err := webhook(cluster(t, nil), serviceOf(t, objects)); err != nil {
			t.Errorf("%q: %v", more, err)
		}
	}
}

// Every container is as Kubernetes' restricted Pod Security Standard wants it
// (kubernetes.io/docs/concepts/security/pod-security-standards), with a root that
// cannot be written; and none gets a token.
func TestEveryContainerIsLocked(t *testing.T) {
	for _, delivery := range render.Deliveries {
		objects, err := render.Objects(shelves(t, gpu), delivered(delivery))
		if err != nil {
			t.Fatal(err)
		}
		pod := serviceOf(t, objects).Spec.Template.Spec.PodSpec
		if token := pod.AutomountServiceAccountToken; token == nil || *token {
			t.Errorf("%s: a token is mounted", delivery)
		}
		for _, c := range append(pod.InitContainers, pod.Containers...) {
			want := corev1.SecurityContext{
				RunAsNonRoot: new(true), RunAsUser: new(int64(65532)), RunAsGroup: new(int64(65532)),
				ReadOnlyRootFilesystem: new(true), AllowPrivilegeEscalation: new(false),
				Capabilities:   &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
				SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
			}
			if !reflect.DeepEqual(*c.SecurityContext, want) {
				t.Errorf("%s: container %s is %+v", delivery, c.Name, c.SecurityContext)
			}
			for _, m := range c.VolumeMounts {
				if strings.HasPrefix(m.MountPath, "/etc") && !m.ReadOnly {
					t.Errorf("%s: %s is written by %s", delivery, m.MountPath, c.Name)
				}
			}
		}
	}
}
