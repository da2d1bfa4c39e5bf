package render

import (
	"net/url"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/models/store/address"
)

// The queue-proxy's doors (knative.dev/serving v0.42, pkg/networking): requests over
// HTTP, HTTP/2 and TLS, its probes and drain, its metrics and the requests'. The
// runtime's own, 8080, is not among them: nobody goes around the queue-proxy.
var proxyPorts = []int32{8012, 8013, 8022, 8112, 9090, 9091}

const labelNamespace = "kubernetes.io/metadata.name" // on each, since Kubernetes 1.21

// networkPolicy lets nobody reach the function's pods but the gateway and Knative, and
// lets them reach nobody but the model's host. A policy is a pod's, and for as long as
// it lives: what pulls the model may reach its host later too. A kubelet's probes are
// beyond all policies, and so is what it pulls.
func networkPolicy(f functions.Function, o Options) *networkingv1.NetworkPolicy {
	gateway := peer(o.GatewayNamespace)
	gateway.PodSelector = &metav1.LabelSelector{MatchLabels: map[string]string{"app.kubernetes.io/name": "saccade-gateway"}}
	p := &networkingv1.NetworkPolicy{
		TypeMeta:   metav1.TypeMeta{APIVersion: networkingv1.SchemeGroupVersion.String(), Kind: "NetworkPolicy"},
		ObjectMeta: metav1.ObjectMeta{Name: f.Metadata.Name, Namespace: o.Namespace, Labels: labels(f)},
		Spec: networkingv1.NetworkPolicySpec{
			PodSelector: metav1.LabelSelector{MatchLabels: map[string]string{LabelFunction: f.Metadata.Name}},
			PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress},
			Ingress: []networkingv1.NetworkPolicyIngressRule{{
				From:  []networkingv1.NetworkPolicyPeer{gateway, peer(o.ServingNamespace)},
				Ports: tcp(proxyPorts...),
			}},
		},
	}
	if len(o.AllowNamespaces) > 0 {
		rule := networkingv1.NetworkPolicyIngressRule{Ports: tcp(append(slices.Clone(proxyPorts), port)...)}
		for _, namespace := range o.AllowNamespaces {
			rule.From = append(rule.From, peer(namespace))
		}
		p.Spec.Ingress = append(p.Spec.Ingress, rule)
	}
	if ports := hostPorts(f, o); len(ports) > 0 {
		dns := tcp(53)
		dns = append(dns, networkingv1.NetworkPolicyPort{Protocol: new(corev1.ProtocolUDP), Port: new(intstr.FromInt32(53))})
		p.Spec.Egress = []networkingv1.NetworkPolicyEgressRule{{Ports: dns}, {Ports: tcp(ports...)}}
	}
	return p
}

// hostPorts are the ports that the model comes from: the web's, where its address may
// send us on, and those that the addresses name. None where nothing is fetched.
func hostPorts(f functions.Function, o Options) []int32 {
	at, err := address.Parse(f.Spec.Model.URI)
	if err != nil || at.URL == nil || o.Delivery == DeliverPVC || o.Delivery.inImage() {
		return nil
	}
	ports := []int32{80, 443}
	from := []*url.URL{at.URL}
	if mirror, err := address.Parse(o.Mirror); err == nil && mirror.URL != nil {
		from = append(from, mirror.URL)
	}
	for _, u := range from {
		if n, err := strconv.ParseUint(u.Port(), 10, 16); err == nil {
			ports = append(ports, int32(n))
		}
	}
	slices.Sort(ports)
	return slices.Compact(ports)
}

func peer(namespace string) networkingv1.NetworkPolicyPeer {
	return networkingv1.NetworkPolicyPeer{NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{labelNamespace: namespace}}}
}

func tcp(ports ...int32) []networkingv1.NetworkPolicyPort {
	var all []networkingv1.NetworkPolicyPort
	for _, number := range ports {
		all = append(all, networkingv1.NetworkPolicyPort{Protocol: new(corev1.ProtocolTCP), Port: new(intstr.FromInt32(number))})
	}
	return all
}
