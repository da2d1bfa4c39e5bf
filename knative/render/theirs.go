package render

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// addTheirs mounts what the function names beside the model; the catalog has refused
// what is none of the three kinds.
func (v *volumes) addTheirs(theirs map[string]string) {
	for i, path := range slices.Sorted(maps.Keys(theirs)) {
		kind, name, _ := strings.Cut(theirs[path], "/")
		var source corev1.VolumeSource
		switch kind {
		case "configMap":
			source.ConfigMap = &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: name}}
		case "secret":
			source.Secret = &corev1.SecretVolumeSource{SecretName: name}
		default:
			source = claim(name, true)
		}
		volume := fmt.Sprintf("volume-%d", i+1)
		v.add(volume, source)
		mount := corev1.VolumeMount{Name: volume, MountPath: path, ReadOnly: true}
		// The model's container has them too: they may be what lets it in.
		v.runtime, v.model = append(v.runtime, mount), append(v.model, mount)
	}
}

func claim(name string, readOnly bool) corev1.VolumeSource {
	return corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: name, ReadOnly: readOnly}}
}
