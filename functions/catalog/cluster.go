package catalog

import (
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/seed45885407/saccade/functions"
)

// The forms of Kubernetes' names. Sources: RFC 1123 and kubernetes.io/docs/concepts
// (overview/working-with-objects/labels, scheduling-eviction/taint-and-toleration).
const (
	labelName        = `[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?`
	subdomain        = `[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*`
	labelKey         = `(` + subdomain + `/)?` + labelName
	subdomainPattern = `^` + subdomain + `$`
	subdomainWords   = "a name in Kubernetes: lower-case letters, digits, hyphens and dots"
	resourcePattern  = `^` + subdomain + `/` + labelName + `$`
	taintPattern     = `^` + labelKey + `(=(` + labelName + `)?)?(:(NoSchedule|PreferNoSchedule|NoExecute))?$`
	volumePattern    = `^(configMap|secret|claim)/` + subdomain + `$`
)

// ownPaths are where pods have something of ours already.
var ownPaths = []string{"/etc/saccade", "/var/cache/saccade", "/models", "/dev", "/proc", "/sys", "/tmp"}

// validateCluster holds what the fields that a cluster reads say together.
func (found *faults) validateCluster(s functions.Spec) {
	fault := func(path, format string, args ...any) {
		if !found.has(path) {
			found.at(path, format, args...)
		}
	}
	if c := s.Scaling; !c.IsLambda() {
		switch hpa := c.Autoscaler == functions.AutoscalerHPA; {
		case hpa && c.Metric != "" && c.Metric != functions.MetricCPU:
			fault("spec.scaling.metric", "%s is kpa's: hpa counts cpu", c.Metric)
		case !hpa && c.Metric == functions.MetricCPU:
			fault("spec.scaling.metric", "cpu is counted by autoscaler hpa alone")
		}
		if c.InitialScale != nil && c.MaxScale > 0 && *c.InitialScale > c.MaxScale {
			fault("spec.scaling.initialScale", "%d is more than maxScale, %d", *c.InitialScale, c.MaxScale)
		}
	}
	c := s.Cluster
	for _, key := range slices.Sorted(maps.Keys(c.NodeSelector)) {
		field := join("spec.cluster.nodeSelector", quote(key))
		if !whole(labelKey, key) {
			fault(field, "is no name of a label")
		} else if value := c.NodeSelector[key]; value != "" && !whole(labelName, value) {
			fault(field, "%s is no value of a label", quote(value))
		}
	}
	for _, at := range slices.Sorted(maps.Keys(c.Volumes)) {
		field := join("spec.cluster.volumes", quote(at))
		switch {
		case !path.IsAbs(at) || path.Clean(at) != at || at == "/":
			fault(field, "is no path in the container such as /etc/ours")
		case slices.ContainsFunc(ownPaths, func(own string) bool { return at == own || strings.HasPrefix(at, own+"/") }):
			fault(field, "is taken: pods have something of their own there")
		case !regexp.MustCompile(volumePattern).MatchString(c.Volumes[at]):
			fault(field, "%s is not configMap/NAME, secret/NAME or claim/NAME", quote(c.Volumes[at]))
		}
	}
	within := func(path, request, limit string, more func(a, b string) bool) {
		if request != "" && limit != "" && !found.has(path) && more(request, limit) {
			found.at(path, "%s is more than spec.resources allows, %s", request, limit)
		}
	}
	within("spec.cluster.requests.cpu", c.Requests.CPU, s.Resources.CPU, func(a, b string) bool {
		request, err := ParseCPU(a)
		limit, err2 := ParseCPU(b)
		return err == nil && err2 == nil && request > limit
	})
	within("spec.cluster.requests.memory", c.Requests.Memory, s.Resources.Memory, func(a, b string) bool {
		request, err := ParseMemory(a)
		limit, err2 := ParseMemory(b)
		return err == nil && err2 == nil && request > limit
	})
}

// whole says whether all of text has the form.
func whole(form, text string) bool { return regexp.MustCompile(`^` + form + `$`).MatchString(text) }
