package charts

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	eventingv1 "knative.dev/eventing/pkg/apis/eventing/v1"
	"knative.dev/eventing/pkg/auth"
	servingconfig "knative.dev/serving/pkg/apis/config"
)

// The gateway itself reads every configuration that is rendered.
func TestTheGatewayTakesItsConfiguration(t *testing.T) {
	saccade, err := filepath.Abs(root + "/bin/saccade")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(saccade); err != nil {
		t.Skip("bin/saccade is not built: ./task build")
	}
	for from, objects := range everything(t) {
		if from == "example" {
			continue
		}
		text := configuration(t, objects)
		file := filepath.Join(t.TempDir(), "saccade.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command(saccade, "config", "check", file).CombinedOutput(); err != nil {
			t.Errorf("%s: %s in\n%s", from, out, text)
		}
	}
}

// configuration is the text of the gateway's configuration file.
func configuration(t *testing.T, objects []object) string {
	t.Helper()
	for _, o := range objects {
		if c, ok := decoded(t, o).(*corev1.ConfigMap); ok && c.Data["saccade.yaml"] != "" {
			return c.Data["saccade.yaml"]
		}
	}
	t.Fatal("there is no configuration")
	return ""
}

func TestWhatConfigSaysCounts(t *testing.T) {
	text := configuration(t, helmed(t, parse(t, `{config: {drain: 10s, access: {keysFile: /mine.yaml}}}`)))
	if !strings.Contains(text, "drain: 10s") || !strings.Contains(text, "keysFile: /mine.yaml") || !strings.Contains(text, "listen: 0.0.0.0:8080") {
		t.Errorf("it is:\n%s", text)
	}
}

// The subject that is let in is the one that Knative makes for the Trigger.
func TestTheTriggersTokenIsLetIn(t *testing.T) {
	objects := helmed(t, parse(t, `{eventing: {enabled: true, identity: oidc}}`))
	seen := false
	for _, o := range objects {
		trigger, ok := decoded(t, o).(*eventingv1.Trigger)
		if !ok || trigger.Name != "saccade-detect" {
			continue
		}
		seen = true
		account := auth.GetOIDCServiceAccountNameForResource(eventingv1.SchemeGroupVersion.WithKind("Trigger"), trigger.ObjectMeta)
		if text := configuration(t, objects); !strings.Contains(text, "system:serviceaccount:saccade-system:"+account+"\n") {
			t.Errorf("the Trigger is %s in:\n%s", account, text)
		}
		if a := trigger.Spec.Subscriber.Audience; a == nil || !strings.Contains(configuration(t, objects), "- "+*a+"\n") {
			t.Errorf("its audience is %v", a)
		}
	}
	if !seen {
		t.Error("there is no Trigger")
	}
}

func TestKnativeKnowsTheFeatures(t *testing.T) {
	objects := split(t, string(read(t, root+"/config/kustomize/knative/config-features.yaml")))
	if len(objects) != 1 {
		t.Fatalf("there are %d objects", len(objects))
	}
	asked := decoded(t, objects[0]).(*corev1.ConfigMap)
	if asked.Name != servingconfig.FeaturesConfigName || asked.Namespace != "knative-serving" {
		t.Errorf("it is %s in %s", asked.Name, asked.Namespace)
	}
	before, err := servingconfig.NewFeaturesConfigFromMap(nil)
	if err != nil {
		t.Fatal(err)
	}
	newer := []string{"kubernetes.podspec-volumes-image"} // 1.19; this one passes over it
	for name, value := range asked.Data {
		if slices.Contains(newer, name) {
			continue
		}
		after, err := servingconfig.NewFeaturesConfigFromMap(map[string]string{name: value})
		if err != nil {
			t.Fatal(err)
		}
		// A name that Knative does not know changes nothing.
		if *after == *before {
			t.Errorf("%s: %s changes nothing", name, value)
		}
	}
	f, err := servingconfig.NewFeaturesConfigFromConfigMap(asked)
	if err != nil {
		t.Fatal(err)
	}
	for name, flag := range map[string]servingconfig.Flag{
		"init containers": f.PodSpecInitContainers, "claims": f.PodSpecPersistentVolumeClaim, "claims to write to": f.PodSpecPersistentVolumeWrite,
		"security contexts": f.PodSpecSecurityContext, "field references": f.PodSpecFieldRef, "node selectors": f.PodSpecNodeSelector,
		"tolerations": f.PodSpecTolerations, "runtime classes": f.PodSpecRuntimeClassName,
	} {
		if flag != servingconfig.Enabled {
			t.Errorf("%s are %s", name, flag)
		}
	}
}
