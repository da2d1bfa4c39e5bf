package deploy

import (
	"bufio"
	"context"
	"slices"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
)

// followModel tells the log of the first pod that pulls the model: all of the init
// container's, or what the runtime says before it has the model.
func (d *deployment) followModel(ctx context.Context, group *sync.WaitGroup, s State) {
	if d.followed != "" {
		return
	}
	for _, p := range s.podsOf(s.newest()) {
		container := pulling(p)
		if container == "" {
			continue
		}
		d.followed = p.Name
		group.Go(func() {
			stream, err := d.cluster.log(ctx, p.Namespace, p.Name, logOptions{container: container, follow: true, tail: -1})
			if err != nil {
				return // the progress is a courtesy; what matters is told by the pod's state
			}
			defer stream.Close()
			for lines := bufio.NewScanner(stream); lines.Scan(); {
				text := message(lines.Text())
				there := container == ContainerRuntime && strings.HasPrefix(text, "model ")
				if text != "" && (container == ContainerModel || there || strings.HasPrefix(text, "pulling model")) {
					d.tell("model: %s", text)
				}
				if there {
					return
				}
			}
		})
		return
	}
}

// pulling is the container of p that is pulling the model now, or may be; empty: none.
func pulling(p corev1.Pod) string {
	for _, c := range p.Status.InitContainerStatuses {
		if c.Name == ContainerModel && c.State.Running != nil {
			return ContainerModel
		}
	}
	for _, c := range p.Status.ContainerStatuses {
		if c.Name == ContainerRuntime && c.State.Running != nil && !c.Ready && pullsItself(p) {
			return ContainerRuntime
		}
	}
	return ""
}

// pullsItself says that p's runtime pulls the model, and no init container.
func pullsItself(p corev1.Pod) bool {
	for _, c := range p.Spec.Containers {
		if c.Name == ContainerRuntime {
			return slices.Contains(c.Args, "--pull")
		}
	}
	return false
}
