package watch

import (
	"math"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"knative.dev/serving/pkg/apis/autoscaling"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/functions"
)

func TestADeclarationIsTheFunctionAsKnativeRunsIt(t *testing.T) {
	rev := revisionOf("team", "eye", "eye-00001")
	rev.Spec.ContainerConcurrency = new(int64(7))
	f, err := declared(rev)
	if err != nil {
		t.Fatal(err)
	}
	if f.Metadata.Name != "eye" || f.Spec.Scaling.ContainerConcurrency != 7 || f.Spec.Thresholds.MaxDetections != functions.DefaultMaxDetections {
		t.Errorf("got %+v", f)
	}
}

func TestWhatTheAutoscalerCountsForAPod(t *testing.T) {
	for _, tt := range []struct {
		name        string
		concurrency int64
		annotations map[string]string
		want        float64
	}{
		{"Knative's defaults", 10, nil, 7},
		{"no bound", 0, nil, 70},
		{"its own utilisation", 4, map[string]string{autoscaling.TargetUtilizationPercentageKey: "100"}, 4},
		{"a target below the bound", 10, map[string]string{autoscaling.TargetAnnotationKey: "2", autoscaling.TargetUtilizationPercentageKey: "50"}, 1},
		{"a target beyond the bound", 10, map[string]string{autoscaling.TargetAnnotationKey: "200"}, 7},
		{"a target that is no number", 10, map[string]string{autoscaling.TargetAnnotationKey: "many"}, 7},
		{"requests a second", 10, map[string]string{autoscaling.MetricAnnotationKey: "rps"}, 0},
		{"another autoscaler", 10, map[string]string{autoscaling.ClassAnnotationKey: autoscaling.HPA}, 0},
	} {
		rev := revisionOf("team", "eye", "eye-00001")
		rev.Spec.ContainerConcurrency, rev.Annotations = &tt.concurrency, tt.annotations
		if got := countedOf(rev); math.Abs(got-tt.want) > 1e-9 {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestTheAutoscalerSeesAsManyRequestsAsMakeItWantThePods(t *testing.T) {
	for _, capacity := range []int{1, 2, 3, 4, 7, 10} {
		for _, utilisation := range []float64{0.5, 0.7, 0.85, 1} {
			counted := float64(capacity) * utilisation
			for wanted := range 60 {
				seen := visible(wanted, capacity, counted)
				wants := int(math.Ceil(float64(seen)/counted - 1e-9))
				// Beyond the wanted number only where no number of requests means just that.
				next := int(math.Ceil(float64(seen-1)/counted - 1e-9))
				if wants < wanted && seen < wanted*capacity || wants > wanted && next >= wanted {
					t.Errorf("capacity %d at %v: of %d wanted it sees %d and wants %d", capacity, utilisation, wanted, seen, wants)
				}
				if wanted > 0 && seen < 1 {
					t.Errorf("capacity %d at %v: nothing is seen of %d wanted", capacity, utilisation, wanted)
				}
			}
		}
	}
	if got := overflow(3, 3, 2, 2); got != 0 {
		t.Errorf("%d requests pass pods that are all there", got)
	}
	if got := overflow(5, 3, 2, 2); got != 4 {
		t.Errorf("%d requests pass for two pods of two, want 4", got)
	}
	if got := overflow(5, 0, 2, 0); got != 10 {
		t.Errorf("%d requests pass where something else is counted, want 10", got)
	}
}

func TestWhatIsExpectedOfARevision(t *testing.T) {
	for _, tt := range []struct {
		text    string
		load    float64
		service float64
		given   bool
		fault   bool
	}{
		{"", 0, 0, false, false},
		{"load=1.5s,service=40ms", 1.5, 0.04, true, false},
		{"service=2s", 0, 2, true, false},
		{"load=fast", 0, 0, false, true},
		{"load=-1s", 0, 0, false, true},
		{"speed=1s", 0, 0, false, true},
	} {
		rev := revisionOf("team", "eye", "eye-00001")
		rev.Annotations[MeasuredAnnotation] = tt.text
		m, given, err := expected(rev)
		if given != tt.given || (err != nil) != tt.fault || given && (m.Load.Seconds != tt.load || m.Service.Seconds != tt.service) {
			t.Errorf("%q: %+v, %v, %v", tt.text, m, given, err)
		}
	}
}

func TestPhasesOfAPodsStart(t *testing.T) {
	began := time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC)
	after := func(seconds int) metav1.Time { return metav1.NewTime(began.Add(time.Duration(seconds) * time.Second)) }
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{CreationTimestamp: after(0)}}
	if got := phasesOf(pod); got != (phases{}) {
		t.Errorf("of a new pod %+v is known", got)
	}
	pod.Status.Conditions = []corev1.PodCondition{
		{Type: corev1.PodScheduled, Status: corev1.ConditionTrue, LastTransitionTime: after(1)},
		{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: after(12)},
	}
	pod.Status.InitContainerStatuses = []corev1.ContainerStatus{{Name: modelContainer, State: corev1.ContainerState{
		Terminated: &corev1.ContainerStateTerminated{StartedAt: after(3), FinishedAt: after(8)},
	}}}
	pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: runtimeContainer, State: corev1.ContainerState{
		Running: &corev1.ContainerStateRunning{StartedAt: after(9)},
	}}}
	want := phases{schedule: time.Second, sandbox: 2 * time.Second, pull: 5 * time.Second, container: time.Second}
	if diff := cmp.Diff(want, phasesOf(pod), cmp.AllowUnexported(phases{})); diff != "" {
		t.Error(diff)
	}
	if got := podStart(pod); got != 12*time.Second {
		t.Errorf("it took %v", got)
	}
}

func TestUsageIsThePodsTimeSharedByRequests(t *testing.T) {
	inWorld(t, Options{Namespace: "team"}, func(w *world) {
		rev := revisionOf("team", "eye", "eye-00001")
		rev.Spec.Containers[0].Resources = corev1.ResourceRequirements{
			Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("500m"), corev1.ResourceMemory: resource.MustParse("1Gi")},
			Limits:   corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("2"), "nvidia.com/gpu": resource.MustParse("1")},
		}
		w.addRevision(rev)
		w.addService(serviceOn("team", "eye", share(rev.Name, 100)))
		w.settle()
		revision := w.platform.revision("eye-00001")
		key := revision.key
		w.pods(key, 1, 2)
		before := w.platform.Usage()[0]
		a, b, c := w.platform.Occupy("eye-00001/pod-1"), w.platform.Occupy("eye-00001/pod-2"), w.platform.Occupy("eye-00001/activator")
		time.Sleep(3 * time.Second) // three requests in two pods that take one each
		shares := a(true).Busy + b(true).Busy
		held := c(true)
		time.Sleep(time.Second)
		spent := w.platform.Usage()[0].Minus(before)
		if spent.Busy != 6*time.Second || spent.Idle != 2*time.Second || shares+held.Busy != spent.Busy {
			w.Errorf("usage %+v, shares %v", spent, shares+held.Busy)
		}
		if want := (functions.Held{CPU: 0.5, Memory: 1 << 30, GPUs: 1}); held.Held != want {
			w.Errorf("a pod holds %+v, want %+v", held.Held, want)
		}
		w.must(w.knative.ServingV1().Revisions("team").Delete(w.Context(), rev.Name, metav1.DeleteOptions{}))
		w.settle()
		if after := w.platform.Usage()[0].Minus(before); after.Busy != spent.Busy || after.Lived() < spent.Lived() {
			w.Errorf("the sum went back: %+v", after)
		}
		if share := w.platform.Occupy("eye-00001/pod-1")(true); share != (functions.Share{}) {
			w.Errorf("a revision that is gone had %+v", share)
		}
	})
}
