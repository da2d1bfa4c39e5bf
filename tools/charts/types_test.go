package charts

import (
	"context"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	clientgo "k8s.io/client-go/kubernetes/scheme"
	eventingv1 "knative.dev/eventing/pkg/apis/eventing/v1"
	"knative.dev/eventing/pkg/apis/feature"
	sourcesv1 "knative.dev/eventing/pkg/apis/sources/v1"
	"knative.dev/pkg/apis"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"
)

// types are all that is shipped objects of.
func types(t *testing.T) *runtime.Scheme {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		clientgo.AddToScheme, eventingv1.AddToScheme, sourcesv1.AddToScheme, servingv1.AddToScheme, monitoringv1.AddToScheme,
	} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	return scheme
}

// decoded is an object in its real type; a field that the type does not have, or has
// twice, is a fault.
func decoded(t *testing.T, o object) runtime.Object {
	t.Helper()
	codecs := serializer.NewCodecFactory(types(t), serializer.EnableStrict)
	typed, _, err := codecs.UniversalDeserializer().Decode(o.text, nil, nil)
	if err != nil {
		t.Fatalf("%s: %v", o.key(), err)
	}
	return typed
}

func TestEveryObjectIsOneOfItsType(t *testing.T) {
	for from, objects := range everything(t) {
		t.Run(from, func(t *testing.T) {
			for _, o := range objects {
				decoded(t, o)
			}
		})
	}
}

func TestAFieldThatDoesNotExistIsSeen(t *testing.T) {
	codecs := serializer.NewCodecFactory(types(t), serializer.EnableStrict)
	for _, text := range []string{
		`{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {port: 1}}`,
		`{apiVersion: eventing.knative.dev/v1, kind: Trigger, metadata: {name: a}, spec: {delivery: {retries: 1}}}`,
		`{apiVersion: monitoring.coreos.com/v1, kind: ServiceMonitor, metadata: {name: a}, spec: {endpoint: []}}`,
	} {
		if _, _, err := codecs.UniversalDeserializer().Decode([]byte(text), nil, nil); err == nil {
			t.Errorf("%s is taken", text)
		}
	}
}

// What Knative's webhooks would say, with the features that it has by default.
func TestKnativeTakesItsObjects(t *testing.T) {
	ctx := feature.ToContext(context.Background(), feature.Flags{feature.DeliveryTimeout: feature.Enabled})
	seen := map[string]bool{}
	for from, objects := range everything(t) {
		for _, o := range objects {
			var fault *apis.FieldError
			switch typed := decoded(t, o).(type) {
			case *eventingv1.Trigger:
				typed.SetDefaults(ctx)
				fault = typed.Validate(ctx)
			case *eventingv1.Broker:
				// A cluster says which class a Broker is of, and what its channel is.
				fault = typed.Spec.Validate(ctx)
			case *sourcesv1.SinkBinding:
				typed.SetDefaults(ctx)
				fault = typed.Validate(ctx)
			case *servingv1.Service:
				typed.SetDefaults(ctx)
				fault = typed.Validate(ctx)
			default:
				continue
			}
			seen[o.kind()] = true
			if fault != nil {
				t.Errorf("%s of the %s: %v", o.key(), from, fault)
			}
		}
	}
	if len(seen) != 4 {
		t.Errorf("only %v were looked at", seen)
	}
}

// Names of ports, claims, secrets and the like lead somewhere.
func TestWhatAPodNamesIsThere(t *testing.T) {
	// Made by who operates the cluster, as docs/knative.md says.
	given := map[string]bool{
		"Secret/saccade-system/saccade-keys": true, "Secret/saccade-system/saccade-tls": true,
		"Secret/saccade-system/nats-user": true,
	}
	for from, objects := range everything(t) {
		if from == "example" {
			continue
		}
		there := map[string]bool{}
		for _, o := range objects {
			there[o.key()] = true
		}
		for _, o := range objects {
			_, spec, ok := podOf(decoded(t, o))
			if !ok {
				continue
			}
			mounted := map[string]bool{}
			for _, v := range spec.Volumes {
				name := ""
				switch {
				case v.ConfigMap != nil:
					name = "ConfigMap/saccade-system/" + v.ConfigMap.Name
				case v.Secret != nil:
					name = "Secret/saccade-system/" + v.Secret.SecretName
				case v.PersistentVolumeClaim != nil:
					name = "PersistentVolumeClaim/saccade-system/" + v.PersistentVolumeClaim.ClaimName
				}
				if name != "" && !there[name] && !given[name] {
					t.Errorf("%s: %s mounts %s, which is not there", from, o.key(), name)
				}
				mounted[v.Name] = true
			}
			for _, c := range spec.Containers {
				for _, m := range c.VolumeMounts {
					if !mounted[m.Name] {
						t.Errorf("%s: %s mounts a volume %s that the pod does not have", from, o.key(), m.Name)
					}
				}
			}
			if name := spec.ServiceAccountName; name != "" && !there["ServiceAccount/saccade-system/"+name] {
				t.Errorf("%s: %s is of the account %s, which is not there", from, o.key(), name)
			}
		}
		for _, o := range objects {
			if claim, ok := decoded(t, o).(*corev1.PersistentVolumeClaim); ok && claim.Spec.VolumeName != "" &&
				!there["PersistentVolume//"+claim.Spec.VolumeName] {
				t.Errorf("%s: %s claims the volume %s, which is not there", from, o.key(), claim.Spec.VolumeName)
			}
		}
	}
}
