package main

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

func pod(namespace, name, app, address string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: map[string]string{"app": app}},
		Spec: corev1.PodSpec{
			NodeName:   "n1",
			Containers: []corev1.Container{{Ports: []corev1.ContainerPort{{Name: "http1", ContainerPort: 8080}}}},
		},
		Status: corev1.PodStatus{PodIP: address, Phase: corev1.PodRunning},
	}
}

// town has two namespaces, and pods on two nodes.
func town(t *testing.T, policies ...string) world {
	t.Helper()
	away := pod("shop", "till-2", "till", "10.244.1.3")
	away.Spec.NodeName = "n2"
	ended := pod("shop", "job", "till", "10.244.0.9")
	ended.Status.Phase = corev1.PodSucceeded
	host := pod("shop", "host", "till", "10.200.0.2")
	host.Spec.HostNetwork = true
	w := world{
		pods: []*corev1.Pod{
			pod("shop", "till-1", "till", "10.244.0.3"), away, ended, host,
			pod("shop", "guard", "guard", "10.244.0.4"), pod("street", "walker", "walker", "10.244.0.5"),
		},
		namespaces: []*corev1.Namespace{
			{ObjectMeta: metav1.ObjectMeta{Name: "shop", Labels: map[string]string{"kind": "shop"}}},
			{ObjectMeta: metav1.ObjectMeta{Name: "street", Labels: map[string]string{"kind": "street"}}},
		},
	}
	for i, text := range policies {
		policy := &networkingv1.NetworkPolicy{}
		if err := yaml.UnmarshalStrict([]byte(text), &policy.Spec); err != nil {
			t.Fatal(err)
		}
		policy.Namespace, policy.Name = "shop", string(rune('a'+i))
		w.policies = append(w.policies, policy)
	}
	return w
}

// chains takes the chains of pods out of the rules: name -> what returns.
func chains(rules string) map[string][]string {
	found, name := map[string][]string{}, ""
	for line := range strings.Lines(rules) {
		line = strings.TrimSpace(line)
		if rest, ok := strings.CutPrefix(line, "chain "); ok {
			name, _, _ = strings.Cut(rest, " ")
		}
		if match, ok := strings.CutSuffix(line, " return"); ok {
			found[name] = append(found[name], match)
		} else if line == "return" {
			found[name] = append(found[name], "everything")
		}
	}
	return found
}

func TestRules(t *testing.T) {
	for _, test := range []struct {
		name     string
		policies []string
		want     map[string][]string
	}{
		{"a pod that no policy selects has no chain", nil, map[string][]string{}},
		{
			"a policy without rules lets a pod reach itself alone",
			[]string{`{podSelector: {matchLabels: {app: till}}, policyTypes: [Ingress, Egress]}`},
			map[string][]string{"in-10-244-0-3": {"ip saddr 10.244.0.3"}, "out-10-244-0-3": {"ip daddr 10.244.0.3"}},
		},
		{
			"an empty rule allows everything",
			[]string{`{podSelector: {matchLabels: {app: guard}}, policyTypes: [Ingress], ingress: [{}]}`},
			map[string][]string{"in-10-244-0-4": {"everything", "ip saddr 10.244.0.4"}},
		},
		{
			"a pod selector alone means the policy's own namespace, on every node, and no ended pod or pod of the host",
			[]string{`{podSelector: {matchLabels: {app: guard}}, policyTypes: [Ingress], ingress: [{from: [{podSelector: {matchLabels: {app: till}}}]}]}`},
			map[string][]string{"in-10-244-0-4": {"ip saddr 10.244.0.3", "ip saddr 10.244.1.3", "ip saddr 10.244.0.4"}},
		},
		{
			"a namespace selector means all of its pods",
			[]string{`{podSelector: {matchLabels: {app: guard}}, policyTypes: [Ingress], ingress: [{from: [{namespaceSelector: {matchLabels: {kind: street}}}]}]}`},
			map[string][]string{"in-10-244-0-4": {"ip saddr 10.244.0.5", "ip saddr 10.244.0.4"}},
		},
		{
			"both selectors in one peer narrow each other",
			[]string{`{podSelector: {matchLabels: {app: guard}}, policyTypes: [Ingress], ingress: [{from: [{namespaceSelector: {}, podSelector: {matchLabels: {app: walker}}}]}]}`},
			map[string][]string{"in-10-244-0-4": {"ip saddr 10.244.0.5", "ip saddr 10.244.0.4"}},
		},
		{
			"ports are numbers, ranges, names and whole protocols",
			[]string{`{podSelector: {matchLabels: {app: guard}}, policyTypes: [Ingress], ingress: [{ports: [{port: 80}, {port: 90, endPort: 99, protocol: UDP}, {port: http1}, {port: nosuch}, {protocol: SCTP}]}]}`},
			map[string][]string{"in-10-244-0-4": {"tcp dport 80", "udp dport 90-99", "tcp dport 8080", "meta l4proto sctp", "ip saddr 10.244.0.4"}},
		},
		{
			"a block has exceptions, and counts on each port",
			[]string{`{podSelector: {matchLabels: {app: guard}}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 10.0.0.0/8, except: [10.96.0.0/16]}}], ports: [{port: 53, protocol: UDP}, {port: 53}]}]}`},
			map[string][]string{"out-10-244-0-4": {
				"ip daddr 10.0.0.0/8 ip daddr != { 10.96.0.0/16 } udp dport 53",
				"ip daddr 10.0.0.0/8 ip daddr != { 10.96.0.0/16 } tcp dport 53",
				"ip daddr 10.244.0.4",
			}},
		},
		{
			"a block of IPv6 addresses holds none of the pods",
			[]string{`{podSelector: {matchLabels: {app: guard}}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: "::/0", except: ["fe80::/10"]}}, {ipBlock: {cidr: 10.0.0.0/8}}]}]}`},
			map[string][]string{"out-10-244-0-4": {"ip daddr 10.0.0.0/8", "ip daddr 10.244.0.4"}},
		},
		{
			"a named port on the way out is the receiver's",
			[]string{`{podSelector: {matchLabels: {app: guard}}, policyTypes: [Egress], egress: [{to: [{namespaceSelector: {matchLabels: {kind: street}}}], ports: [{port: http1}]}]}`},
			map[string][]string{"out-10-244-0-4": {"ip daddr 10.244.0.5 tcp dport 8080", "ip daddr 10.244.0.4"}},
		},
		{
			"two policies add up",
			[]string{
				`{podSelector: {}, policyTypes: [Ingress]}`,
				`{podSelector: {matchLabels: {app: guard}}, policyTypes: [Ingress], ingress: [{ports: [{port: 1}]}]}`,
			},
			map[string][]string{"in-10-244-0-3": {"ip saddr 10.244.0.3"}, "in-10-244-0-4": {"tcp dport 1", "ip saddr 10.244.0.4"}},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			rules, err := town(t, test.policies...).rules("n1")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, chains(rules)); diff != "" {
				t.Errorf("chains (-want +got):\n%s%s", diff, rules)
			}
			for name := range test.want {
				if !strings.Contains(rules, "jump "+name) {
					t.Errorf("nothing jumps to %s:\n%s", name, rules)
				}
			}
			checkWithNft(t, rules)
		})
	}
}

func TestEqualWorldsGiveEqualRules(t *testing.T) {
	w := town(t, `{podSelector: {}, policyTypes: [Ingress]}`, `{podSelector: {}, policyTypes: [Egress], egress: [{}]}`)
	one, err := w.rules("n1")
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(w.pods)
	slices.Reverse(w.policies)
	other, err := w.rules("n1")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(one, other); diff != "" {
		t.Error(diff)
	}
}

// checkWithNft has nft read the rules in a network namespace of its own, where that
// can be had.
func checkWithNft(t *testing.T, rules string) {
	t.Helper()
	if _, err := exec.LookPath("nft"); err != nil || os.Getuid() != 0 {
		t.Log("nft not asked: it is not here, or this is not root")
		return
	}
	nft := exec.Command("unshare", "--net", "nft", "-f", "-")
	nft.Stdin = strings.NewReader(rules)
	if out, err := nft.CombinedOutput(); err != nil {
		t.Errorf("nft refuses the rules: %v: %s\n%s", err, out, rules)
	}
}
