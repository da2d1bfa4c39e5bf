package charts

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

const (
	root     = "../.."
	chartDir = root + "/config/helm/saccade"
	overlays = root + "/config/kustomize/overlays"
	base     = root + "/config/kustomize/base"
)

// values are what --values files and --set give, already merged.
type values = map[string]any

// object is one Kubernetes object as text and as what it says.
type object struct {
	text []byte
	says map[string]any
}

// key tells one object from another.
func (o object) key() string {
	meta, _ := o.says["metadata"].(map[string]any)
	return fmt.Sprintf("%v/%v/%v", o.says["kind"], cmp.Or(meta["namespace"], any("")), meta["name"])
}

func (o object) kind() string { return fmt.Sprint(o.says["kind"]) }

var documents = regexp.MustCompile(`(?m)^---\s*$`)

// split reads the documents of a YAML stream.
func split(t *testing.T, stream string) []object {
	t.Helper()
	var objects []object
	for _, text := range documents.Split(stream, -1) {
		o := object{text: []byte(text)}
		if err := yaml.UnmarshalStrict(o.text, &o.says); err != nil {
			t.Fatalf("%v in:\n%s", err, text)
		}
		if len(o.says) > 0 { // comments alone are no object
			objects = append(objects, o)
		}
	}
	slices.SortFunc(objects, func(a, b object) int { return cmp.Compare(a.key(), b.key()) })
	return objects
}

// kustomized renders a folder as `kubectl kustomize` does, which reads no file outside
// of the folder that names it.
func kustomized(t *testing.T, dir string) []object {
	t.Helper()
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), dir)
	if err != nil {
		t.Fatalf("kustomizing %s: %v", dir, err)
	}
	text, err := built.AsYaml()
	if err != nil {
		t.Fatal(err)
	}
	return split(t, string(text))
}

func loadChart(t *testing.T) *chart.Chart {
	t.Helper()
	c, err := loader.LoadDir(chartDir)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// templated is what `helm template` makes of the chart: files by name.
func templated(c *chart.Chart, v values) (map[string]string, error) {
	caps := chartutil.DefaultCapabilities.Copy()
	release := chartutil.ReleaseOptions{Name: "saccade", Namespace: "saccade-system", Revision: 1, IsInstall: true}
	all, err := chartutil.ToRenderValues(c, v, release, caps)
	if err != nil {
		return nil, err
	}
	var e engine.Engine
	e.Strict = true // a value that is not there is a fault of a template
	return e.Render(c, all)
}

// helmed is what `helm install` would send, tests included, without its notes.
func helmed(t *testing.T, v values) []object {
	t.Helper()
	files, err := templated(loadChart(t), v)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if strings.HasSuffix(name, ".yaml") {
			all = append(all, files[name])
		}
	}
	return split(t, strings.Join(all, "\n---\n"))
}

// notes are what Helm shows after an installation.
func notes(t *testing.T, v values) string {
	t.Helper()
	files, err := templated(loadChart(t), v)
	if err != nil {
		t.Fatal(err)
	}
	return files["saccade/templates/NOTES.txt"]
}

// parse reads values.
func parse(t *testing.T, text string) values {
	t.Helper()
	v := values{}
	if err := yaml.UnmarshalStrict([]byte(text), &v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return v
}

// valuesOf are the chart's values that come to the same as an overlay; the base has
// the chart's own.
func valuesOf(t *testing.T, overlay string) values {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(chartDir, "ci", overlay+"-values.yaml"))
	if errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("the chart has no values for the overlay %s", overlay)
	} else if err != nil {
		t.Fatal(err)
	}
	return parse(t, string(text))
}

// overlayNames are the folders of overlays.
func overlayNames(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir(overlays)
	if err != nil || len(entries) == 0 {
		t.Fatalf("there are no overlays: %v", err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// everything is all that is shipped, by where it is from.
func everything(t *testing.T) map[string][]object {
	t.Helper()
	all := map[string][]object{
		"base":    kustomized(t, base),
		"example": kustomized(t, root+"/config/eventing/example"),
		"chart":   helmed(t, nil),
	}
	for _, name := range overlayNames(t) {
		all["overlay "+name] = kustomized(t, filepath.Join(overlays, name))
		all["chart as "+name] = helmed(t, valuesOf(t, name))
	}
	for name, text := range furtherValues {
		all["chart with "+name] = helmed(t, parse(t, text))
	}
	return all
}

// furtherValues are ways to set the chart that no overlay has.
var furtherValues = map[string]string{
	"access for everybody":  `{access: {open: true}}`,
	"a keys file":           `{access: {keys: "- {name: a, id: b, hash: 'sha256:5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9'}\n"}}`,
	"an issuer alone":       `{access: {keysSecret: ""}, config: {access: {issuers: [{url: "https://login.example.org", audiences: [saccade]}]}}}`,
	"TLS":                   `{tls: {secretName: saccade-tls}, service: {port: 443}, monitoring: {monitors: true}}`,
	"senders' tokens":       `{eventing: {enabled: true, identity: oidc}}`,
	"NATS with a user":      `{jobs: {store: nats, nats: {url: "nats://a:4222,nats://b:4222", replicas: 1, credentialsSecret: nats-user}}}`,
	"a digest and a mirror": `{image: {repository: "mirror.example.org:5000/saccade", digest: "sha256:5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9", pullPolicy: Always, pullSecrets: [mirror]}}`,
	"no cache":              `{cache: {enabled: false}}`,
	"no network policy":     `{networkPolicy: {enabled: false}}`,
	"named callers":         `{access: {open: true}, networkPolicy: {from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: ingress-nginx}}}]}}`,
	"pods as they are wanted": `{gateway: {replicas: 3, pods: service, env: [{name: OTEL_EXPORTER_OTLP_ENDPOINT, value: "http://otel:4318"}],
	  podLabels: {team: vision}, podAnnotations: {a: b}, nodeSelector: {disk: ssd}, tolerations: [{key: a, operator: Exists}],
	  affinity: {nodeAffinity: {}}, priorityClassName: high}, service: {type: LoadBalancer, annotations: {c: d}},
	  cache: {namespaces: [vision, cameras], tolerations: [{key: b, operator: Exists}]}, gpu: {enabled: true},
	  monitoring: {monitors: true, rules: true, labels: {release: prometheus}}, functions: {namespace: vision},
	  test: {keySecret: saccade-test}, config: {maxWaiting: 64, jobs: {sink: "https://hooks.example.org/boxes"}}}`,
}
