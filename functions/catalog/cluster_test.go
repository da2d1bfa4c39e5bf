package catalog_test

import (
	"strings"
	"testing"

	"github.com/seed45885407/saccade/functions/catalog"
)

func TestWhatAClusterReadsIsCheckedBeforeItDoes(t *testing.T) {
	const cluster = "  cluster:\n    "
	for name, c := range map[string]struct{ text, want string }{
		"everything": {cluster + "requests: {cpu: 250m, memory: 128Mi}\n    gpuResource: nvidia.com/mig-1g.10gb\n    runtimeClass: nvidia\n" +
			"    nodeSelector: {nvidia.com/gpu.product: Tesla-T4, disk: ''}\n    tolerations: [nvidia.com/gpu, 'a=b:NoSchedule', 'x:NoExecute', 'y=']\n" +
			"    serviceAccount: eyes\n    pullSecrets: [registry.example]\n    volumes: {/etc/ssl/ours: configMap/ca, /etc/keys: secret/keys, /data: claim/data}\n", ""},
		"hpa":                              {"  scaling: {autoscaler: hpa, target: 60, minScale: 2, initialScale: 0}\n", ""},
		"hpa with its metric":              {"  scaling: {autoscaler: hpa, metric: cpu}\n", ""},
		"hpa with kpa's metric":            {"  scaling: {autoscaler: hpa, metric: rps}\n", "spec.scaling.metric: rps is kpa's: hpa counts cpu"},
		"kpa with hpa's metric":            {"  scaling: {metric: cpu}\n", "spec.scaling.metric: cpu is counted by autoscaler hpa alone"},
		"more at first than ever":          {"  scaling: {initialScale: 3, maxScale: 2}\n", "spec.scaling.initialScale: 3 is more than maxScale, 2"},
		"initialScale in lambda":           {"  scaling: {style: lambda, initialScale: 3}\n", "spec.scaling.initialScale: belongs to style kubernetes"},
		"a request beyond the limit":       {"  resources: {cpu: 1}\n" + cluster + "requests: {cpu: 1100m}\n", "spec.cluster.requests.cpu: 1100m is more than spec.resources allows, 1"},
		"more memory than the limit":       {"  resources: {memory: 1Gi}\n" + cluster + "requests: {memory: 2G}\n", "spec.cluster.requests.memory: 2G is more than"},
		"a GPU without a domain":           {cluster + "gpuResource: gpu\n", "spec.cluster.gpuResource: gpu is not a resource of a device plugin"},
		"a taint with an unknown effect":   {cluster + "tolerations: ['a:NoRun']\n", "spec.cluster.tolerations[0]: a:NoRun is not a taint"},
		"a node's label with a space":      {cluster + "nodeSelector: {'a b': c}\n", `spec.cluster.nodeSelector."a b": is no name of a label`},
		"a node's label of two lines":      {cluster + "nodeSelector: {a: \"c\\nd\"}\n", `spec.cluster.nodeSelector.a: "c\nd" holds a control character`},
		"an account in capitals":           {cluster + "serviceAccount: Eyes\n", "spec.cluster.serviceAccount: Eyes is not a name in Kubernetes"},
		"a volume from the host":           {cluster + "volumes: {/data: hostPath/root}\n", "spec.cluster.volumes./data: hostPath/root is not configMap/NAME, secret/NAME or claim/NAME"},
		"a volume over our own":            {cluster + "volumes: {/etc/saccade/x: secret/a}\n", "spec.cluster.volumes./etc/saccade/x: is taken"},
		"a volume over everything":         {cluster + "volumes: {/: secret/a}\n", "spec.cluster.volumes./: is no path"},
		"a volume that climbs":             {cluster + "volumes: {/a/../etc/saccade: secret/a}\n", "is no path in the container"},
		"a volume at a path of the folder": {cluster + "volumes: {data: secret/a}\n", "spec.cluster.volumes.data: is no path in the container"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := catalog.Read(folder("function.yaml", minimal+c.text), ".")
			switch {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}
