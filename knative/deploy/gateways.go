package deploy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/seed45885407/saccade/knative/traffic"
)

// Where gateways on a cluster are.
const (
	GatewayNamespace = "saccade-system"
	gatewayName      = "saccade-gateway"
	gatewayPort      = "8080"
)

var _ traffic.Gateways = (*Gateways)(nil)

// Gateways are the gateway's replicas on the cluster, reached through the API server, so
// that nothing has to be open.
type Gateways struct{ cluster *Cluster }

// Gateways are those in the namespace; empty: in [GatewayNamespace].
func (c *Cluster) Gateways(namespace string) *Gateways {
	at := c.Everywhere()
	at.namespace = cmp.Or(namespace, GatewayNamespace)
	return &Gateways{cluster: at}
}

// Metrics are the pages of all replicas that answer. See [traffic.Gateways].
func (g *Gateways) Metrics(ctx context.Context, key string) (map[string][]byte, error) {
	c := g.cluster
	all, err := c.list(ctx, source{resource: pods, options: metav1.ListOptions{LabelSelector: "app.kubernetes.io/name=" + gatewayName}})
	if err != nil {
		return nil, err
	}
	list, err := readAll[corev1.Pod](all)
	if err != nil {
		return nil, err
	}
	pages := map[string][]byte{}
	var failures []error
	for _, p := range list {
		if !isReady(p) || p.DeletionTimestamp != nil {
			continue
		}
		page, err := g.page(ctx, p, key)
		if err != nil {
			failures = append(failures, fmt.Errorf("%s: %w", p.Name, err))
			continue
		}
		pages[p.Name] = page
	}
	switch {
	case len(pages) > 0:
		return pages, nil
	case len(failures) > 0:
		return nil, fmt.Errorf("reading the metrics of the gateways: %w", errors.Join(failures...))
	}
	return nil, fmt.Errorf("no gateway is ready in namespace %s (pods with the label app.kubernetes.io/name=%s)", c.namespace, gatewayName)
}

func (g *Gateways) page(ctx context.Context, p corev1.Pod, key string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	header := map[string]string{}
	if key != "" {
		header["X-API-Key"] = key
	}
	body, err := g.cluster.get(ctx, []string{"namespaces", p.Namespace, "pods", p.Name + ":" + gatewayPort, "proxy", "metrics"}, nil, header)
	if err != nil {
		return nil, g.cluster.explain(err)
	}
	defer body.Close()
	page, err := io.ReadAll(io.LimitReader(body, traffic.MaxMetricsBytes+1))
	switch {
	case err != nil:
		return nil, err
	case len(page) > traffic.MaxMetricsBytes:
		return nil, fmt.Errorf("its page is larger than %d bytes", traffic.MaxMetricsBytes)
	}
	return page, nil
}
