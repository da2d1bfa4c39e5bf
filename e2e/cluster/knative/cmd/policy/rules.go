package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// world is what the rules follow from.
type world struct {
	pods       []*corev1.Pod
	namespaces []*corev1.Namespace
	policies   []*networkingv1.NetworkPolicy
}

// The table's frame. kube-proxy has turned service addresses into pod addresses before
// these hooks see a packet. "forward" sees what passes the node from or to a pod;
// "input" what a pod sends to the node itself (the API server, say). What the node
// sends to its own pods (the kubelet's probes) is always allowed, as Kubernetes has it.
const frame = `add table ip saccade-policy
delete table ip saccade-policy
table ip saccade-policy {
%s	map out { type ipv4_addr : verdict; %s}
	map in { type ipv4_addr : verdict; %s}
	chain forward {
		type filter hook forward priority filter; policy accept;
		ct state established,related accept
		ip saddr vmap @out
		ip daddr vmap @in
	}
	chain input {
		type filter hook input priority filter; policy accept;
		ct state established,related accept
		ip saddr vmap @out
	}
}
`

// rules is the text for nft of what is in force on a node: for every pod of it that a
// policy selects, a chain for each direction that returns on what is allowed and drops
// the rest. Equal worlds give equal texts.
func (w world) rules(node string) (string, error) {
	w.pods = slices.SortedFunc(slices.Values(w.pods), func(a, b *corev1.Pod) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	w.policies = slices.SortedFunc(slices.Values(w.policies), func(a, b *networkingv1.NetworkPolicy) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	var chains strings.Builder
	var out, in []string
	for _, pod := range w.pods {
		if pod.Spec.NodeName != node || !connected(pod) {
			continue
		}
		var allowedIn, allowedOut []string
		isolatedIn, isolatedOut := false, false
		for _, policy := range w.policies {
			selected, err := selects(&policy.Spec.PodSelector, pod.Labels)
			if err != nil {
				return "", fmt.Errorf("policy %s/%s: %w", policy.Namespace, policy.Name, err)
			}
			if policy.Namespace != pod.Namespace || !selected {
				continue
			}
			if slices.Contains(policy.Spec.PolicyTypes, networkingv1.PolicyTypeIngress) {
				isolatedIn = true
				for _, rule := range policy.Spec.Ingress {
					lines, err := w.lines("saddr", policy.Namespace, rule.From, rule.Ports, pod)
					if err != nil {
						return "", fmt.Errorf("policy %s/%s: %w", policy.Namespace, policy.Name, err)
					}
					allowedIn = append(allowedIn, lines...)
				}
			}
			if slices.Contains(policy.Spec.PolicyTypes, networkingv1.PolicyTypeEgress) {
				isolatedOut = true
				for _, rule := range policy.Spec.Egress {
					lines, err := w.lines("daddr", policy.Namespace, rule.To, rule.Ports, nil)
					if err != nil {
						return "", fmt.Errorf("policy %s/%s: %w", policy.Namespace, policy.Name, err)
					}
					allowedOut = append(allowedOut, lines...)
				}
			}
		}
		address := pod.Status.PodIP
		name := strings.ReplaceAll(address, ".", "-")
		if isolatedIn {
			in = append(in, fmt.Sprintf("%s : jump in-%s", address, name))
			chain(&chains, "in-"+name, pod, append(allowedIn, "ip saddr "+address))
		}
		if isolatedOut {
			out = append(out, fmt.Sprintf("%s : jump out-%s", address, name))
			chain(&chains, "out-"+name, pod, append(allowedOut, "ip daddr "+address))
		}
	}
	return fmt.Sprintf(frame, chains.String(), elements(out), elements(in)), nil
}

// chain writes one chain: a pod may always reach itself, which callers append.
func chain(to *strings.Builder, name string, pod *corev1.Pod, allowed []string) {
	fmt.Fprintf(to, "\tchain %s { # %s/%s\n", name, pod.Namespace, pod.Name)
	for _, match := range allowed {
		fmt.Fprintf(to, "\t\t%s\n", strings.TrimSpace(match+" return"))
	}
	to.WriteString("\t\tcounter drop\n\t}\n")
}

func elements(of []string) string {
	if len(of) == 0 {
		return "" // nft has no empty list of elements
	}
	return "elements = { " + strings.Join(of, ", ") + " }; "
}

// lines are the matches of one rule of a policy: any of the peers, on any of the
// ports; no peers or no ports mean all. target is the pod whose named ports count, nil
// where that is each peer's own.
func (w world) lines(side, namespace string, peers []networkingv1.NetworkPolicyPeer, ports []networkingv1.NetworkPolicyPort, target *corev1.Pod) ([]string, error) {
	if len(peers) == 0 {
		return portLines("", ports, target), nil
	}
	var lines []string
	for _, peer := range peers {
		if block := peer.IPBlock; block != nil {
			if strings.Contains(block.CIDR, ":") {
				continue // pods here have IPv4 addresses alone
			}
			match := fmt.Sprintf("ip %s %s", side, block.CIDR)
			if len(block.Except) > 0 {
				match += fmt.Sprintf(" ip %s != { %s }", side, strings.Join(block.Except, ", "))
			}
			lines = append(lines, portLines(match, ports, target)...)
			continue
		}
		for _, pod := range w.pods {
			chosen, err := w.chosen(peer, namespace, pod)
			if err != nil {
				return nil, err
			}
			if chosen {
				lines = append(lines, portLines(fmt.Sprintf("ip %s %s", side, pod.Status.PodIP), ports, cmp.Or(target, pod))...)
			}
		}
	}
	return lines, nil
}

// chosen tells whether a peer that is not a block of addresses means this pod.
func (w world) chosen(peer networkingv1.NetworkPolicyPeer, namespace string, pod *corev1.Pod) (bool, error) {
	if !connected(pod) {
		return false, nil
	}
	if peer.NamespaceSelector == nil {
		if pod.Namespace != namespace {
			return false, nil
		}
	} else {
		i := slices.IndexFunc(w.namespaces, func(n *corev1.Namespace) bool { return n.Name == pod.Namespace })
		if i < 0 {
			return false, nil // the pod's namespace is not known yet, or no more
		}
		if ok, err := selects(peer.NamespaceSelector, w.namespaces[i].Labels); !ok || err != nil {
			return false, err
		}
	}
	if peer.PodSelector == nil {
		return true, nil
	}
	return selects(peer.PodSelector, pod.Labels)
}

// portLines adds the ports to a match. A named port that the target does not have
// allows nothing.
func portLines(match string, ports []networkingv1.NetworkPolicyPort, target *corev1.Pod) []string {
	if len(ports) == 0 {
		return []string{match}
	}
	var lines []string
	for _, port := range ports {
		protocol := corev1.ProtocolTCP
		if port.Protocol != nil {
			protocol = *port.Protocol
		}
		proto := strings.ToLower(string(protocol))
		var want string
		switch {
		case port.Port == nil:
			lines = append(lines, strings.TrimSpace(match+" meta l4proto "+proto))
			continue
		case port.Port.Type == intstr.String:
			number := named(target, port.Port.StrVal, protocol)
			if number == 0 {
				continue
			}
			want = fmt.Sprint(number)
		case port.EndPort != nil:
			want = fmt.Sprintf("%d-%d", port.Port.IntVal, *port.EndPort)
		default:
			want = fmt.Sprint(port.Port.IntVal)
		}
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %s dport %s", match, proto, want)))
	}
	return lines
}

// named is the number of a pod's port of that name; 0 where there is none.
func named(pod *corev1.Pod, name string, protocol corev1.Protocol) int32 {
	if pod == nil {
		return 0
	}
	for _, container := range pod.Spec.Containers {
		for _, port := range container.Ports {
			if port.Name == name && cmp.Or(port.Protocol, corev1.ProtocolTCP) == protocol {
				return port.ContainerPort
			}
		}
	}
	return 0
}

// connected tells whether a pod has a network of its own now: an ended pod's address
// may be another's already.
func connected(pod *corev1.Pod) bool {
	return pod.Status.PodIP != "" && !pod.Spec.HostNetwork &&
		pod.Status.Phase != corev1.PodSucceeded && pod.Status.Phase != corev1.PodFailed
}

func selects(selector *metav1.LabelSelector, of map[string]string) (bool, error) {
	compiled, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		return false, fmt.Errorf("reading a selector: %w", err)
	}
	return compiled.Matches(labels.Set(of)), nil
}
