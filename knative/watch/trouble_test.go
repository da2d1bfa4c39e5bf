package watch

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"knative.dev/pkg/apis"
	duckv1 "knative.dev/pkg/apis/duck/v1"
	serving "knative.dev/serving/pkg/apis/serving"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/gateway/coldstart"
)

func TestWhoWaitsForARevisionThatDoesNotStartIsToldWhy(t *testing.T) {
	inWorld(t, Options{Namespace: "team"}, func(w *world) {
		revision := w.deploy("team", "eye")
		ticket, err := w.room.Enter(revision.Name)
		w.must(err)
		_, _ = w.enter(revision.Name) // has the activator
		failed := make(chan error, 1)
		go func() {
			for {
				l, err := ticket.Wait(w.Context())
				if err != nil {
					failed <- err
					return
				}
				l.Lost(coldstart.Unreached)
				l.Release()
				_ = ticket.MayRetry(w.Context(), l)
			}
		}()
		synctest.Wait()
		rev := revisionOf("team", "eye", revision.Name)
		rev.Status.Conditions = duckv1.Conditions{{
			Type: apis.ConditionReady, Status: corev1.ConditionFalse, Reason: "ExitCode3", Message: "Container failed with: the model is not whole",
		}}
		w.setRevision(rev)
		w.settle()
		if err := <-failed; functions.KindOf(err) != functions.Unavailable || !strings.Contains(err.Error(), "the model is not whole") {
			w.Errorf("it was told %v", err)
		}
		if w.told.failed != 1 || !strings.Contains(w.platform.Functions()[0].Error, "the model is not whole") {
			w.Errorf("%d failures told, status %+v", w.told.failed, w.platform.Functions()[0])
		}
		if _, err := w.room.Enter(revision.Name); err == nil {
			w.Error("a request was let in")
		}
		time.Sleep(firstRefusal + time.Second)
		if _, err := w.room.Enter(revision.Name); err != nil {
			w.Errorf("after the time a request is still refused: %v", err)
		}
	})
}

func TestTroubleOfPods(t *testing.T) {
	pod := func(change func(*corev1.Pod)) *corev1.Pod {
		p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "pod-1", Labels: map[string]string{serving.RevisionLabelKey: "eye-00001"}}}
		change(p)
		return p
	}
	waits := func(reason, message string) corev1.ContainerState {
		return corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}}
	}
	ended := func(code int32, message string) corev1.ContainerState {
		return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code, Message: message, Reason: "Error"}}
	}
	for _, tt := range []struct {
		name    string
		pod     *corev1.Pod
		want    string
		lasting bool
	}{
		{"it is being made", pod(func(p *corev1.Pod) {
			p.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "runtime", State: waits("ContainerCreating", "")}}
		}), "", false},
		{"the image cannot be pulled, at first", pod(func(p *corev1.Pod) {
			p.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "runtime", State: waits("ErrImagePull", "not found")}}
		}), "ErrImagePull: not found", false},
		{"the image cannot be pulled", pod(func(p *corev1.Pod) {
			p.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "runtime", State: waits("ImagePullBackOff", "Back-off")}}
		}), "ImagePullBackOff: Back-off", true},
		{"the model's pull failed once", pod(func(p *corev1.Pod) {
			p.Status.InitContainerStatuses = []corev1.ContainerStatus{{Name: "model", State: ended(1, "no such model\n"), RestartCount: 0}}
		}), "the container model failed: no such model", false},
		{"the model is refused for good", pod(func(p *corev1.Pod) {
			p.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "runtime", State: ended(3, "it is no model"), RestartCount: 0}}
		}), "the container runtime failed: it is no model", true},
		{"it crashes again and again", pod(func(p *corev1.Pod) {
			p.Status.ContainerStatuses = []corev1.ContainerStatus{{
				Name: "runtime", State: waits("CrashLoopBackOff", "back-off 10s"), LastTerminationState: ended(137, ""), RestartCount: 2,
			}}
		}), "the container runtime failed: it ended with code 137 (Error)", true},
		{"it crashed and is well again", pod(func(p *corev1.Pod) {
			p.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "runtime", Ready: true, LastTerminationState: ended(1, ""), RestartCount: 5}}
		}), "", false},
		{"no node has room", pod(func(p *corev1.Pod) {
			p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: "0/1 nodes: Insufficient nvidia.com/gpu"}}
		}), "Unschedulable: 0/1 nodes: Insufficient nvidia.com/gpu", false},
	} {
		got := troubleOf(revisionOf("team", "eye", "eye-00001"), []*corev1.Pod{tt.pod})
		if got.reason != tt.want || got.lasting != tt.lasting {
			t.Errorf("%s: %+v, want %q, lasting %v", tt.name, got, tt.want, tt.lasting)
		}
	}
}
