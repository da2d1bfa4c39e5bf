package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sort"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"knative.dev/networking/pkg/apis/networking"
	"knative.dev/networking/pkg/apis/networking/v1alpha1"
	kingress "knative.dev/networking/pkg/ingress"
)

// route is one path of an Ingress.
type route struct {
	v1alpha1.HTTPIngressPath
	redirect bool // plain HTTP is answered with a redirect to HTTPS
}

// table is where requests go, by host.
type table map[string][]route // host -> routes, best match first

// rebuild computes both route tables and the certificates from what is listed, and
// returns the Ingresses that are now served.
func (g *ingress) rebuild() ([]*v1alpha1.Ingress, error) {
	all, err := g.ingresses.List(labels.Everything())
	if err != nil {
		return nil, fmt.Errorf("listing Ingresses: %w", err)
	}
	external, internal, certs := table{}, table{}, map[string]*tls.Certificate{}
	var served []*v1alpha1.Ingress
	for _, i := range all {
		if i.Annotations[networking.IngressClassAnnotationKey] != g.class || i.DeletionTimestamp != nil {
			continue
		}
		if err := g.addCertificates(i, certs); err != nil {
			return nil, fmt.Errorf("ingress %s/%s: %w", i.Namespace, i.Name, err)
		}
		probed := i.DeepCopy()
		if _, err := kingress.InsertProbe(probed); err != nil { // a path that tells which version is served
			return nil, fmt.Errorf("ingress %s/%s: %w", i.Namespace, i.Name, err)
		}
		for _, rule := range probed.Spec.Rules {
			if rule.Visibility == v1alpha1.IngressVisibilityClusterLocal {
				internal.add(i, rule)
			} else {
				external.add(i, rule)
			}
		}
		served = append(served, i)
	}
	external.sort()
	internal.sort()
	g.external.Store(&external)
	g.internal.Store(&internal)
	g.certs.Store(&certs)
	return served, nil
}

func (g *ingress) addCertificates(of *v1alpha1.Ingress, to map[string]*tls.Certificate) error {
	for _, c := range of.Spec.TLS {
		secret, err := g.secrets.Secrets(c.SecretNamespace).Get(c.SecretName)
		if err != nil {
			return fmt.Errorf("finding its certificate: %w", err)
		}
		pair, err := tls.X509KeyPair(secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey])
		if err != nil {
			return fmt.Errorf("reading its certificate: %w", err)
		}
		for _, host := range c.Hosts {
			to[host] = &pair
		}
	}
	return nil
}

func (t table) add(of *v1alpha1.Ingress, rule v1alpha1.IngressRule) {
	if rule.HTTP == nil {
		return
	}
	for _, host := range rule.Hosts {
		for _, path := range rule.HTTP.Paths {
			t[host] = append(t[host], route{path, of.Spec.HTTPOption == v1alpha1.HTTPOptionRedirected})
		}
	}
}

// sort puts the longest path first, and of equal ones that with the most headers.
func (t table) sort() {
	for _, routes := range t {
		sort.SliceStable(routes, func(a, b int) bool {
			if len(routes[a].Path) != len(routes[b].Path) {
				return len(routes[a].Path) > len(routes[b].Path)
			}
			return len(routes[a].Headers) > len(routes[b].Headers)
		})
	}
}

// sync serves what is listed now, and then marks it as ready.
func (g *ingress) sync(ctx context.Context) error {
	served, err := g.rebuild()
	if err != nil {
		return err
	}
	for _, i := range served {
		n := i.DeepCopy()
		n.Status.InitializeConditions()
		n.Status.MarkNetworkConfigured()
		lb := func(s string) []v1alpha1.LoadBalancerIngressStatus {
			return []v1alpha1.LoadBalancerIngressStatus{{DomainInternal: s}}
		}
		n.Status.MarkLoadBalancerReady(lb(strings.Replace(g.internalName, "-internal", "", 1)), lb(g.internalName))
		n.Status.ObservedGeneration = n.Generation
		if equality.Semantic.DeepEqual(i.Status, n.Status) {
			continue
		}
		if _, e := g.kn.NetworkingV1alpha1().Ingresses(n.Namespace).UpdateStatus(ctx, n, metav1.UpdateOptions{}); e != nil {
			err = errors.Join(err, e)
		}
	}
	return err
}

// match finds the route of a request; nil where there is none.
func (t table) match(r *http.Request) *route {
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	paths := t[host]
next:
	for i := range paths {
		p := &paths[i]
		if !strings.HasPrefix(r.URL.Path, p.Path) {
			continue
		}
		for k, v := range p.Headers {
			if r.Header.Get(k) != v.Exact {
				continue next
			}
		}
		return p
	}
	return nil
}
