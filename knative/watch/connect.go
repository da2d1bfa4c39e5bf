package watch

import (
	"cmp"
	"fmt"
	"log/slog"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"knative.dev/pkg/network"
	serving "knative.dev/serving/pkg/client/clientset/versioned"
)

// Clients speak to the API server.
type Clients struct {
	Kubernetes kubernetes.Interface
	Knative    serving.Interface
}

// Connect finds the cluster as kubectl does: in the file kubeconfig where it is given,
// else in the files KUBECONFIG names, else in ~/.kube/config, else as the pod that this
// process runs in. Nothing is asked of the cluster yet.
func Connect(kubeconfig, context string) (Clients, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = kubeconfig
	rules.WarnIfAllMissing = false // said below, once
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules,
		&clientcmd.ConfigOverrides{CurrentContext: context}).ClientConfig()
	switch {
	case clientcmd.IsEmptyConfig(err):
		return Clients{}, fmt.Errorf("no cluster is known: name a kubeconfig with --kubeconfig or KUBECONFIG, or run inside a cluster")
	case err != nil:
		return Clients{}, fmt.Errorf("reading the kubeconfig: %w", err)
	}
	config.UserAgent = "saccade-gateway"
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return Clients{}, fmt.Errorf("reaching the cluster: %w", err)
	}
	var c Clients
	if c.Kubernetes, err = kubernetes.NewForConfigAndClient(config, client); err != nil {
		return Clients{}, fmt.Errorf("reaching the cluster: %w", err)
	}
	if c.Knative, err = serving.NewForConfigAndClient(config, client); err != nil {
		return Clients{}, fmt.Errorf("reaching the cluster: %w", err)
	}
	return c, nil
}

func (o Options) withDefaults() (Options, error) {
	o.Way = cmp.Or(o.Way, Direct)
	if o.Way != Direct && o.Way != ByService {
		return o, fmt.Errorf("pods are reached %s or by %s, not %q", Direct, ByService, o.Way)
	}
	if o.ClusterDomain == "" {
		o.ClusterDomain = network.GetClusterDomainName()
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.asks == nil {
		o.asks = newHTTPAsks()
	}
	return o, nil
}
