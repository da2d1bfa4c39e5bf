package watch

import (
	"cmp"
	"net"
	"slices"
	"strconv"

	discoveryv1 "k8s.io/api/discovery/v1"
	"knative.dev/serving/pkg/networking"
)

// endpoint is a ready pod.
type endpoint struct {
	pod     string
	address string // of its queue-proxy
}

// portName is how the private Service calls the queue-proxy's port for HTTP/1.1.
const portName = "http"

// readyEndpoints are the pods that may get requests, each once, by name. A pod that ends
// is none: it finishes what it has.
func readyEndpoints(all []*discoveryv1.EndpointSlice) []endpoint {
	var found []endpoint
	seen := map[string]bool{}
	// Where pods have an address of each family, the slice that comes first counts.
	slices.SortFunc(all, func(a, b *discoveryv1.EndpointSlice) int { return cmp.Compare(a.Name, b.Name) })
	for _, s := range all {
		port := strconv.Itoa(portOf(s))
		for _, e := range s.Endpoints {
			if len(e.Addresses) == 0 || !isTrue(e.Conditions.Ready, true) || isTrue(e.Conditions.Terminating, false) {
				continue
			}
			name := e.Addresses[0]
			if e.TargetRef != nil {
				name = e.TargetRef.Name
			}
			if seen[name] {
				continue
			}
			seen[name] = true
			found = append(found, endpoint{pod: name, address: net.JoinHostPort(e.Addresses[0], port)})
		}
	}
	slices.SortFunc(found, func(a, b endpoint) int { return cmp.Compare(a.pod, b.pod) })
	return found
}

func portOf(s *discoveryv1.EndpointSlice) int {
	for _, p := range s.Ports {
		if p.Name != nil && *p.Name == portName && p.Port != nil {
			return int(*p.Port)
		}
	}
	return networking.BackendHTTPPort
}

// isTrue reads a condition that may be unknown.
func isTrue(condition *bool, unknown bool) bool {
	if condition == nil {
		return unknown
	}
	return *condition
}
