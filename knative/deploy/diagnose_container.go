package deploy

import (
	"cmp"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/seed45885407/saccade/functions"
)

// restartsTried is how often a container that ends is waited for: the first restarts
// come at once and after ten seconds, and may meet a network that is up by then.
const restartsTried = 2

// ofContainer tells what keeps a container of p from being ready.
func ofContainer(s State, p corev1.Pod, c corev1.ContainerStatus) podTrouble {
	switch state := c.State; {
	case state.Waiting != nil:
		return ofWaiting(s, p, c)
	case state.Terminated != nil && state.Terminated.ExitCode != 0:
		return ended(p, c, state.Terminated, false)
	case state.Terminated != nil:
		return podTrouble{} // an init container that is done
	case c.Ready:
		return podTrouble{}
	case c.LastTerminationState.Terminated != nil:
		return ended(p, c, c.LastTerminationState.Terminated, false)
	case isInit(p, c.Name):
		return podTrouble{Trouble: Trouble{Reason: "Pulling", Text: "the model is still being pulled"}, waits: true}
	case c.Name == ContainerQueue:
		return podTrouble{} // it is ready when the runtime is
	}
	t := podTrouble{Trouble: Trouble{Reason: "NotReady", Text: subject(c.Name) + " runs and is not ready yet"}, waits: true}
	if e, ok := s.event(p.Name, "Unhealthy"); ok {
		t.Text += " (" + e.Message + ")"
	}
	return t
}

func ofWaiting(s State, p corev1.Pod, c corev1.ContainerStatus) podTrouble {
	w := c.State.Waiting
	t := podTrouble{Trouble: Trouble{Reason: w.Reason, Text: cmp.Or(w.Message, w.Reason)}, rank: rankImage}
	switch w.Reason {
	case "", "PodInitializing", "ContainerCreating":
		return podTrouble{}
	case "CrashLoopBackOff":
		if last := c.LastTerminationState.Terminated; last != nil {
			t := ended(p, c, last, c.RestartCount >= restartsTried)
			t.Reason = w.Reason
			return t
		}
		t.rank = rankEnded
	case "ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError", "RegistryUnavailable":
		message := pullMessage(s, p, w)
		t.Text = fmt.Sprintf("the image %s cannot be pulled (%s): %s", imageIn(message, c.Image), w.Reason, message)
		t.Final = w.Reason == "InvalidImageName" || w.Reason == "ErrImageNeverPull" || isForGood(t.Text)
	case "CreateContainerConfigError", "CreateContainerError", "RunContainerError", "StartError":
		t.Text = fmt.Sprintf("%s cannot be started (%s): %s", subject(c.Name), w.Reason, cmp.Or(w.Message, "no reason is told"))
		t.Final = w.Reason == "CreateContainerConfigError"
	}
	if t.Final {
		t.rank = rankFinal
	}
	return t
}

// isForGood says that a registry has answered, and would answer the same again. One that
// cannot be reached may be reached later.
func isForGood(pull string) bool {
	return slices.ContainsFunc([]string{"not found", "unauthorized", "denied", "forbidden", "manifest unknown", "no basic auth", "no match for platform"},
		func(answer string) bool { return strings.Contains(strings.ToLower(pull), answer) })
}

// pullMessage is why an image cannot be pulled. While the kubelet backs off it says
// that alone, and the reason stands in an event.
func pullMessage(s State, p corev1.Pod, w *corev1.ContainerStateWaiting) string {
	if strings.HasPrefix(w.Message, "Back-off pulling image") && !strings.Contains(w.Message, ": ErrImagePull:") {
		for i := len(s.Events) - 1; i >= 0; i-- {
			e := s.Events[i]
			if e.InvolvedObject.Name == p.Name && e.Reason == "Failed" && strings.HasPrefix(e.Message, "Failed to pull image") {
				return e.Message
			}
		}
	}
	return cmp.Or(w.Message, "no reason is told")
}

var quotedImage = regexp.MustCompile(`image \\?"([^"\\]+)\\?"`)

// imageIn is the image that a message of the kubelet's is about. It tells of an image
// that is mounted as a volume at the container that mounts it, whose own is there.
func imageIn(message, own string) string {
	found := quotedImage.FindStringSubmatch(message)
	if found == nil || own == "" || path.Base(found[1]) == path.Base(own) || path.Base(found[1]) == found[1] {
		return own
	}
	return found[1]
}

// ended tells how a container ended: its termination message says why.
func ended(p corev1.Pod, c corev1.ContainerStatus, last *corev1.ContainerStateTerminated, final bool) podTrouble {
	ours := c.Name == ContainerModel || c.Name == ContainerRuntime
	final = final || ours && last.ExitCode == functions.ExitForGood
	t := podTrouble{Trouble: Trouble{Reason: cmp.Or(last.Reason, "Error"), Final: final, Ended: true}, rank: rankEnded}
	if final {
		t.rank = rankFinal
	}
	what := subject(c.Name)
	if isInit(p, c.Name) && c.Name == ContainerModel {
		what = "the model could not be pulled: the init container " + c.Name
	}
	times := int(c.RestartCount)
	if c.State.Terminated != nil || c.State.Waiting != nil {
		times++ // the restart that has not come yet
	}
	how := fmt.Sprintf("with exit code %d", last.ExitCode)
	switch {
	case ours && last.ExitCode == functions.ExitForGood:
		how += ", for good"
	case last.Reason == "OOMKilled":
		how = "for want of memory"
		if limit, ok := limitOf(p, c.Name); ok {
			how += " (its limit is " + limit + ")"
		}
	case last.Signal != 0:
		how = fmt.Sprintf("by signal %d", last.Signal)
	}
	switch {
	case times > 1:
		t.Text = fmt.Sprintf("%s has ended %d times, last %s", what, times, how)
	default:
		t.Text = fmt.Sprintf("%s has ended %s", what, how)
	}
	if message := clean(last.Message); message != "" {
		t.Text += ": " + message
	}
	return t
}

func limitOf(p corev1.Pod, container string) (string, bool) {
	for _, list := range [][]corev1.Container{p.Spec.InitContainers, p.Spec.Containers} {
		for _, c := range list {
			if c.Name == container {
				limit, ok := c.Resources.Limits[corev1.ResourceMemory]
				return limit.String(), ok
			}
		}
	}
	return "", false
}

func isInit(p corev1.Pod, container string) bool {
	for _, c := range p.Status.InitContainerStatuses {
		if c.Name == container {
			return true
		}
	}
	return false
}

// subject is a container in a sentence.
func subject(container string) string {
	switch container {
	case ContainerRuntime:
		return "the runtime"
	case ContainerQueue:
		return "Knative's queue-proxy"
	}
	return "the container " + container
}
