package render

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/seed45885407/saccade/functions"
)

// Where things are in a pod.
const (
	declarationFolder = "/etc/saccade"
	declarationFile   = declarationFolder + "/function.yaml"
	cacheFolder       = "/var/cache/saccade"
	modelFolder       = "/models" // in the image, or where one is mounted
	program           = "/saccade-runtime"
	port              = 8080
	user              = 65532
	envMirror         = "SACCADE_MODEL_MIRROR"
)

// runtimeContainer is the one that serves.
func runtimeContainer(f functions.Function, o Options, v volumes, wanted corev1.ResourceRequirements) corev1.Container {
	args := []string{"--function=" + declarationFile}
	switch {
	case o.Delivery.inImage():
		args = append(args, "--model="+modelFolder)
		if sum := f.Spec.Model.SHA256; sum != "" {
			args = append(args, "--model-sum="+sum)
		}
	case o.Delivery == DeliverRuntime:
		args = append(args, "--pull")
	default:
		args = append(args, "--store")
	}
	args = append(args, "--cache="+cacheFolder, "--listen=0.0.0.0:8080", "--log=json")
	c := corev1.Container{
		Name:            ContainerRuntime,
		Image:           o.Image,
		Command:         []string{program},
		Args:            args,
		Ports:           []corev1.ContainerPort{{Name: "http1", ContainerPort: port, Protocol: corev1.ProtocolTCP}},
		Resources:       wanted,
		VolumeMounts:    v.runtime,
		SecurityContext: locked(),
		ReadinessProbe:  readiness(f.Spec.GPUs() > 0),
		// It answers before the model is pulled and loaded, so that neither is begun again
		// because it takes long; how long it may take is the progress deadline's to say.
		LivenessProbe: &corev1.Probe{
			ProbeHandler:  corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/healthz", Port: intstr.FromInt32(port)}},
			PeriodSeconds: 10, TimeoutSeconds: 5, FailureThreshold: 6,
		},
		TerminationMessagePolicy: corev1.TerminationMessageFallbackToLogsOnError,
	}
	if o.Delivery == DeliverRuntime {
		c.Env = mirrorOf(o)
	}
	return c
}

// readiness is asked by the queue-proxy. Without a period it asks every 50 ms until
// the first yes, and answers the kubelet at once: a start is seen when it is over. That
// holds for a second of waiting, then the kubelet comes back after ten; loading onto a
// GPU takes longer than one, so there it is asked every second. A node's first pull takes
// longer too, but comes once, and who waits for that pod is with the activator, which
// asks the queue-proxy itself: for its sake the other starts are not made slower.
func readiness(slow bool) *corev1.Probe {
	p := &corev1.Probe{
		ProbeHandler:     corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/readyz", Port: intstr.FromInt32(port)}},
		SuccessThreshold: 1,
	}
	if slow {
		p.PeriodSeconds, p.TimeoutSeconds, p.FailureThreshold = 1, 1, 3
	}
	return p
}

// pullContainer brings the model into the cache before the runtime starts.
func pullContainer(o Options, v volumes) corev1.Container {
	return corev1.Container{
		Name:                     ContainerModel,
		Image:                    o.Image,
		Command:                  []string{program},
		Args:                     []string{"pull", "--function=" + declarationFile, "--cache=" + cacheFolder},
		Env:                      mirrorOf(o),
		Resources:                pullResources(),
		VolumeMounts:             v.model,
		SecurityContext:          locked(),
		TerminationMessagePolicy: corev1.TerminationMessageFallbackToLogsOnError,
	}
}

func mirrorOf(o Options) []corev1.EnvVar {
	if o.Mirror == "" {
		return nil
	}
	return []corev1.EnvVar{{Name: envMirror, Value: o.Mirror}}
}

// locked is Kubernetes' restricted Pod Security Standard, and a root that cannot be
// written. It stands at the container, where Knative takes it without a feature flag.
func locked() *corev1.SecurityContext {
	return &corev1.SecurityContext{
		RunAsNonRoot:             new(true),
		RunAsUser:                new(int64(user)),
		RunAsGroup:               new(int64(user)),
		ReadOnlyRootFilesystem:   new(true),
		AllowPrivilegeEscalation: new(false),
		Capabilities:             &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
		SeccompProfile:           &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
	}
}

// volumes are what a pod mounts, and where each of its containers has it.
type volumes struct {
	volumes        []corev1.Volume
	runtime, model []corev1.VolumeMount
}

func (v *volumes) add(name string, source corev1.VolumeSource) {
	v.volumes = append(v.volumes, corev1.Volume{Name: name, VolumeSource: source})
}

func volumesOf(f functions.Function, o Options) volumes {
	var v volumes
	v.add("declaration", corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{
		Sources: []corev1.VolumeProjection{{DownwardAPI: &corev1.DownwardAPIProjection{Items: []corev1.DownwardAPIVolumeFile{{
			Path:     strings.TrimPrefix(declarationFile, declarationFolder+"/"),
			FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.annotations['" + AnnotationDeclaration + "']"},
		}}}}},
	}})
	declaration := corev1.VolumeMount{Name: "declaration", MountPath: declarationFolder, ReadOnly: true}

	cache := corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}
	if o.Cache != EmptyDir && o.Delivery != DeliverPVC {
		cache = claim(o.Cache, false)
	}
	v.add("cache", cache)
	inCache := corev1.VolumeMount{Name: "cache", MountPath: cacheFolder}
	v.model = []corev1.VolumeMount{declaration, inCache}
	v.runtime = []corev1.VolumeMount{declaration, inCache}
	if o.Delivery == DeliverPVC {
		// Only the models come from the claim: it is read, and graphs are written.
		v.add("models", claim(o.Cache, true))
		v.runtime = append(v.runtime, corev1.VolumeMount{Name: "models", MountPath: cacheFolder + "/models", SubPath: "models", ReadOnly: true})
	}
	if o.Delivery == DeliverVolume {
		v.runtime = append(v.runtime, corev1.VolumeMount{Name: modelVolume, MountPath: modelFolder, ReadOnly: true})
	}
	if f.Spec.GPUs() > 0 {
		// CUDA and TensorRT write there, and the root cannot be written.
		v.add("tmp", corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}})
		v.runtime = append(v.runtime, corev1.VolumeMount{Name: "tmp", MountPath: "/tmp"})
	}
	v.addTheirs(f.Spec.Cluster.Volumes)
	return v
}
