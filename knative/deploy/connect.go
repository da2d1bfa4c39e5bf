package deploy

import (
	"context"
	"fmt"
	"io"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// Connect finds the cluster as kubectl does: in the file kubeconfig where it is
// given, else in the files KUBECONFIG names, else in ~/.kube/config, else inside the
// cluster that this process runs in. An empty context is the current one, an empty
// namespace the context's, else "default". Nothing is asked of the cluster yet.
func Connect(kubeconfig, context, namespace string) (*Cluster, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = kubeconfig
	rules.WarnIfAllMissing = false // said below, once
	overrides := &clientcmd.ConfigOverrides{CurrentContext: context}
	overrides.Context.Namespace = namespace
	loader := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, overrides)
	config, err := loader.ClientConfig()
	switch {
	case clientcmd.IsEmptyConfig(err):
		return nil, fmt.Errorf("no cluster is known: name a kubeconfig with --kubeconfig or KUBECONFIG, or run inside a cluster")
	case err != nil:
		return nil, fmt.Errorf("reading the kubeconfig: %w", err)
	}
	ns, _, err := loader.Namespace()
	if err != nil {
		return nil, fmt.Errorf("reading the kubeconfig: %w", err)
	}
	return newCluster(config, ns)
}

// newCluster makes the clients.
func newCluster(config *rest.Config, namespace string) (*Cluster, error) {
	config = rest.CopyConfig(config)
	config.UserAgent = FieldManager
	config.QPS, config.Burst = 50, 100 // a command line is no controller
	c := &Cluster{namespace: namespace, server: config.Host, config: config, say: func(string) {}}
	config.WarningHandler = &warnings{tell: func(text string) { c.say("the API server warns: " + text) }}

	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, fmt.Errorf("reaching the cluster: %w", err)
	}
	if c.objects, err = dynamic.NewForConfigAndClient(config, client); err != nil {
		return nil, fmt.Errorf("reaching the cluster: %w", err)
	}
	core, err := rest.RESTClientForConfigAndClient(coreConfig(config), client)
	if err != nil {
		return nil, fmt.Errorf("reaching the cluster: %w", err)
	}
	c.get = func(ctx context.Context, path []string, parameters, header map[string]string) (io.ReadCloser, error) {
		r := core.Get().AbsPath("/api/v1").Suffix(path...)
		for name, value := range parameters {
			r.Param(name, value)
		}
		for name, value := range header {
			r.SetHeader(name, value)
		}
		return r.Stream(ctx)
	}
	return c, nil
}

// coreConfig is for requests to the core API that know no type but a failure's.
func coreConfig(config *rest.Config) *rest.Config {
	v1 := schema.GroupVersion{Version: "v1"}
	scheme := runtime.NewScheme()
	metav1.AddToGroupVersion(scheme, v1)
	core := rest.CopyConfig(config)
	core.APIPath = "/api"
	core.GroupVersion = &v1
	core.NegotiatedSerializer = serializer.NewCodecFactory(scheme).WithoutConversion()
	return core
}

// warnings tells each of the API server's warnings once.
type warnings struct {
	tell func(text string)
	mu   sync.Mutex
	told map[string]bool
}

// HandleWarningHeader is called for every Warning header of every answer.
func (w *warnings) HandleWarningHeader(code int, _, text string) {
	if code != 299 || text == "" {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.told[text] {
		return
	}
	if w.told == nil {
		w.told = map[string]bool{}
	}
	w.told[text] = true
	w.tell(clean(text))
}
