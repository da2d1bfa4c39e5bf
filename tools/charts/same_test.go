package charts

import (
	"path/filepath"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

func TestTheChartAndKustomizeMakeTheSame(t *testing.T) {
	t.Run("base", func(t *testing.T) { same(t, kustomized(t, base), helmed(t, nil)) })
	for _, name := range overlayNames(t) {
		t.Run(name, func(t *testing.T) {
			same(t, kustomized(t, filepath.Join(overlays, name)), helmed(t, valuesOf(t, name)))
		})
	}
}

func TestADifferenceIsSeen(t *testing.T) {
	one, other := kustomized(t, base), helmed(t, parse(t, `{gateway: {replicas: 3}}`))
	if cmp.Diff(plain(t, one), plain(t, other)) == "" {
		t.Error("two gateways and three are taken for the same")
	}
}

func same(t *testing.T, kustomized, helmed []object) {
	t.Helper()
	if diff := cmp.Diff(plain(t, kustomized), plain(t, helmed)); diff != "" {
		t.Errorf("- kustomize, + Helm:\n%s", diff)
	}
}

// generated is a name that kustomize has given a hash of the content.
var generated = regexp.MustCompile(`saccade-gateway-[a-z0-9]{10}\b`)

// plain is what objects say, by key, without what each of the two tools adds: Helm its
// labels and our checksum, which replaces pods; kustomize the hash in a name, which
// does so there. Helm makes no namespace, and kustomize no tests.
func plain(t *testing.T, objects []object) map[string]any {
	t.Helper()
	said := map[string]any{}
	for _, o := range objects {
		text := generated.ReplaceAll(o.text, []byte("saccade-gateway"))
		var says map[string]any
		if err := yaml.Unmarshal(text, &says); err != nil {
			t.Fatal(err)
		}
		meta := says["metadata"].(map[string]any)
		if notes, _ := meta["annotations"].(map[string]any); says["kind"] == "Namespace" || notes["helm.sh/hook"] != nil {
			continue
		}
		bare(meta)
		if says["kind"] == "ConfigMap" {
			readConfiguration(t, says)
		}
		if spec, _ := says["spec"].(map[string]any); spec["template"] != nil {
			bare(spec["template"].(map[string]any)["metadata"].(map[string]any))
		}
		key := object{says: says}.key()
		if said[key] != nil {
			t.Fatalf("there are two of %s", key)
		}
		said[key] = says
	}
	return said
}

// bare takes away labels and annotations that only one of the tools writes.
func bare(meta map[string]any) {
	for field, names := range map[string][]string{
		"labels":      {"helm.sh/chart", "app.kubernetes.io/managed-by", "app.kubernetes.io/instance", "app.kubernetes.io/version"},
		"annotations": {"checksum/config", "helm.sh/resource-policy"},
	} {
		has, _ := meta[field].(map[string]any)
		for _, name := range names {
			delete(has, name)
		}
		if len(has) == 0 {
			delete(meta, field)
		}
	}
}

// readConfiguration puts what the gateway would read in place of its text, so that
// comments and the order of fields do not count.
func readConfiguration(t *testing.T, configMap map[string]any) {
	t.Helper()
	data := configMap["data"].(map[string]any)
	for name, text := range data {
		var says any
		if err := yaml.UnmarshalStrict([]byte(text.(string)), &says); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		data[name] = says
	}
}
