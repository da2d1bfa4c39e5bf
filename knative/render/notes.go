package render

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seed45885407/saccade/functions"
)

// Features are the feature flags of Knative's ConfigMap config-features that must be
// Enabled for the function's objects, in alphabetical order. Stock Knative has none of
// them on; a function whose cache is [EmptyDir] and that asks for nothing special needs
// none. The function and the options are as [Objects] takes them.
func Features(f functions.Function, o Options) []string {
	o = o.withDefaults()
	c := f.Spec.Cluster
	var flags []string
	need := func(flag string, is bool) {
		if is {
			flags = append(flags, "kubernetes.podspec-"+flag)
		}
	}
	need("init-containers", o.Delivery == DeliverInit)
	need("nodeselector", len(c.NodeSelector) > 0)
	cached := o.Cache != EmptyDir
	for _, volume := range c.Volumes {
		cached = cached || strings.HasPrefix(volume, "claim/")
	}
	need("persistent-volume-claim", cached)
	need("persistent-volume-write", o.Cache != EmptyDir && o.Delivery != DeliverPVC)
	need("runtimeclassname", c.RuntimeClass != "")
	need("securitycontext", o.FSGroup > 0)
	need("tolerations", len(c.Tolerations) > 0)
	need("volumes-image", o.Delivery == DeliverVolume)
	slices.Sort(flags)
	return flags
}

// Notes are sentences about what of the function a cluster does not do as one machine
// does, for whoever renders it to read. Most functions have none.
func Notes(f functions.Function, o Options) []string {
	o = o.withDefaults()
	s := f.Spec
	var notes []string
	note := func(is bool, form string, args ...any) {
		if is {
			notes = append(notes, fmt.Sprintf(form, args...))
		}
	}
	note(s.Scaling.Autoscaler == functions.AutoscalerHPA && s.Scaling.MinScale == 0,
		"autoscaler hpa never goes to zero: one pod stays; it needs Knative's autoscaler-hpa and a metrics server")
	note(s.Scaling.Autoscaler == functions.AutoscalerHPA && s.Resources.CPU == "" && s.Cluster.Requests.CPU == "",
		"autoscaler hpa counts CPU as a share of spec.cluster.requests.cpu, which is not set: half a core a thread is taken")
	note(s.Scaling.IsLambda(),
		"style lambda is Knative's autoscaler with its quickest settings: idle pods are not frozen, and a start is not begun again after 10 s; see docs/render.md")
	note(s.Scaling.IsLambda() && s.Scaling.Lambda.VersionWeight > 0 && s.Scaling.Lambda.VersionWeight < functions.LambdaDefaultWeight,
		"versionWeight is not rendered: saccade traffic gives a revision its share")
	note(s.Runtime.Device != "", "device %s is one machine's: on a cluster the device plugin chooses", s.Runtime.Device)
	note(s.Drift.ReferenceFile != "", "referenceFile does not come along: drift is measured from the first pictures that the cluster's gateway sees")
	note(s.Resources.CPU == "" && s.Runtime.Parallel == 0 && !s.Scaling.IsLambda(),
		"resources.cpu is not set: a pod is promised half a core a thread, may take what its node has, and runs one at a time")
	note(s.GPUs() > 0 && o.Image != "", "the function asks for a GPU: the image %s must have ONNX Runtime built for CUDA", o.Image)
	note(s.Model.SHA256 == "" && !o.Delivery.inImage(),
		"spec.model.sha256 is not set: each cache takes what it sees first at the address, and nodes may differ")
	note(o.Delivery == DeliverVolume, "a volume of an image needs %s", volumeVersions)
	note(o.Delivery == DeliverVolume && !strings.Contains(o.ModelImage, "@"),
		"the model's image %s is named by a tag, which may come to mean another: nodes may differ; @sha256:... says which is meant", o.ModelImage)
	return notes
}
