package watch

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	corefake "k8s.io/client-go/kubernetes/fake"
	"knative.dev/pkg/apis"
	duckv1 "knative.dev/pkg/apis/duck/v1"
	serving "knative.dev/serving/pkg/apis/serving"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"
	servingfake "knative.dev/serving/pkg/client/clientset/versioned/fake"
	"knative.dev/serving/pkg/networking"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/gateway/coldstart"
	"github.com/seed45885407/saccade/gateway/routing"
)

// world is a cluster in memory with a gateway's platform and waiting room on it.
type world struct {
	*testing.T
	core     *corefake.Clientset
	knative  *servingfake.Clientset
	platform *Platform
	room     *coldstart.Room
	routes   *routing.Table
	asked    *fakeAsks
	told     *told
}

// fakeAsks are pods that answer as the test says.
type fakeAsks struct {
	mu     sync.Mutex
	silent map[string]bool // addresses
	start  functions.Start
}

func (a *fakeAsks) silence(address string, silent bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.silent[address] = silent
}

func (a *fakeAsks) there(_ context.Context, address string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.silent[address] {
		return fmt.Errorf("dial %s: refused", address)
	}
	return nil
}

func (a *fakeAsks) started(context.Context, string) (functions.Start, error) { return a.start, nil }

// told is what the platform's hooks were told.
type told struct {
	mu     sync.Mutex
	starts []functions.Start
	failed int
}

// inWorld runs a test in virtual time, in a cluster that watches the namespace, "" for
// all.
func inWorld(t *testing.T, opts Options, test func(w *world)) {
	t.Helper()
	inWorldWith(t, opts, nil, nil, test)
}

// inWorldWith is inWorld where there are pods and functions before the gateway.
func inWorldWith(t *testing.T, opts Options, core, knative []runtime.Object, test func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{
			T: t, core: corefake.NewSimpleClientset(core...), knative: servingfake.NewSimpleClientset(knative...), routes: &routing.Table{},
			asked: &fakeAsks{silent: map[string]bool{}, start: functions.Start{Load: functions.Millis(300 * time.Millisecond)}},
			told:  &told{},
		}
		opts.asks, opts.ClusterDomain, opts.Log = w.asked, "cluster.test", slog.New(slog.NewTextHandler(t.Output(), nil))
		opts.Started = func(_ string, s functions.Start) {
			w.told.mu.Lock()
			defer w.told.mu.Unlock()
			w.told.starts = append(w.told.starts, s)
		}
		opts.StartFailed = func(string) {
			w.told.mu.Lock()
			defer w.told.mu.Unlock()
			w.told.failed++
		}
		var err error
		if w.platform, err = New(w.routes, Clients{w.core, w.knative}, opts); err != nil {
			t.Fatal(err)
		}
		w.room = coldstart.New(w.platform, coldstart.Options{})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			if err := w.platform.Run(ctx, w.room); err != nil {
				t.Error(err)
			}
		}()
		w.settle()
		test(w)
		cancel()
		<-done
	})
}

// settle lets everything that was said to the cluster come to the platform.
func (w *world) settle() {
	w.Helper()
	time.Sleep(200 * time.Millisecond) // a cache tells its handlers when it is asked next
	synctest.Wait()
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// declaration is a function.yaml.
func declaration(name string) string {
	return `apiVersion: saccade.dev/v1alpha1
kind: Function
metadata: {name: ` + name + `}
spec:
  model: {uri: "https://models.example.org/eye.onnx", family: yolov8, licence: MIT}
  scaling: {containerConcurrency: 1, autoscaler: startup-aware}
`
}

// revisionOf is a ready Revision of a function's Service.
func revisionOf(namespace, function, name string) *servingv1.Revision {
	rev := &servingv1.Revision{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: name,
			Labels: map[string]string{FunctionLabel: function, serving.ServiceLabelKey: function},
			Annotations: map[string]string{
				DeclarationAnnotation: declaration(function),
				"autoscaling.knative.dev/target-utilization-percentage": "100",
			},
		},
		Spec: servingv1.RevisionSpec{ContainerConcurrency: new(int64(1))},
	}
	rev.Spec.Containers = []corev1.Container{{Name: runtimeContainer}}
	rev.Status.Conditions = duckv1.Conditions{{Type: apis.ConditionReady, Status: corev1.ConditionTrue}}
	return rev
}

// serviceOn is a function's Knative Service with its traffic.
func serviceOn(namespace, function string, traffic ...servingv1.TrafficTarget) *servingv1.Service {
	svc := &servingv1.Service{ObjectMeta: metav1.ObjectMeta{
		Namespace: namespace, Name: function, Labels: map[string]string{FunctionLabel: function}, Annotations: map[string]string{},
	}}
	svc.Status.Traffic = traffic
	for _, t := range traffic {
		svc.Status.LatestCreatedRevisionName = t.RevisionName
		svc.Status.LatestReadyRevisionName = t.RevisionName
	}
	return svc
}

func share(revision string, percent int64) servingv1.TrafficTarget {
	return servingv1.TrafficTarget{RevisionName: revision, Percent: &percent}
}

func tag(tag, revision string) servingv1.TrafficTarget {
	return servingv1.TrafficTarget{RevisionName: revision, Tag: tag}
}

func (w *world) addService(svc *servingv1.Service) {
	w.Helper()
	_, err := w.knative.ServingV1().Services(svc.Namespace).Create(w.Context(), svc, metav1.CreateOptions{})
	w.must(err)
}

func (w *world) setService(svc *servingv1.Service) {
	w.Helper()
	_, err := w.knative.ServingV1().Services(svc.Namespace).Update(w.Context(), svc, metav1.UpdateOptions{})
	w.must(err)
}

func (w *world) addRevision(rev *servingv1.Revision) {
	w.Helper()
	_, err := w.knative.ServingV1().Revisions(rev.Namespace).Create(w.Context(), rev, metav1.CreateOptions{})
	w.must(err)
}

func (w *world) setRevision(rev *servingv1.Revision) {
	w.Helper()
	_, err := w.knative.ServingV1().Revisions(rev.Namespace).Update(w.Context(), rev, metav1.UpdateOptions{})
	w.must(err)
}

// deploy is a function with one revision that has all its requests.
func (w *world) deploy(namespace, function string) types.NamespacedName {
	w.Helper()
	rev := revisionOf(namespace, function, function+"-00001")
	w.addRevision(rev)
	w.addService(serviceOn(namespace, function, share(rev.Name, 100)))
	w.settle()
	return types.NamespacedName{Namespace: namespace, Name: rev.Name}
}

// sliceOf is the private EndpointSlice of a revision with its ready pods, numbered.
func sliceOf(revision types.NamespacedName, pods ...int) *discoveryv1.EndpointSlice {
	s := &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: revision.Namespace, Name: revision.Name + "-private-x",
			Labels: map[string]string{
				networking.ServiceTypeKey: string(networking.ServiceTypePrivate), serving.RevisionLabelKey: revision.Name,
			},
		},
		Ports: []discoveryv1.EndpointPort{
			{Name: new("https"), Port: new(int32(8112))}, {Name: new("http"), Port: new(int32(8012))},
		},
	}
	for _, n := range pods {
		s.Endpoints = append(s.Endpoints, discoveryv1.Endpoint{
			Addresses: []string{fmt.Sprintf("10.0.0.%d", n)}, Conditions: discoveryv1.EndpointConditions{Ready: new(true)},
			TargetRef: &corev1.ObjectReference{Kind: "Pod", Name: podName(n)},
		})
	}
	return s
}

func podName(n int) string { return fmt.Sprintf("pod-%d", n) }

// pods says which pods of the revision are ready.
func (w *world) pods(revision types.NamespacedName, pods ...int) {
	w.Helper()
	w.quietPods(revision, pods...)
	w.settle()
}

func (w *world) quietPods(revision types.NamespacedName, pods ...int) {
	w.Helper()
	api := w.core.DiscoveryV1().EndpointSlices(revision.Namespace)
	s := sliceOf(revision, pods...)
	if _, err := api.Update(w.Context(), s, metav1.UpdateOptions{}); err != nil {
		_, err = api.Create(w.Context(), s, metav1.CreateOptions{})
		w.must(err)
	}
}

// enter is a request that is in and waits; the result comes when it is let go.
func (w *world) enter(revision string) (*coldstart.Ticket, chan *coldstart.Lease) {
	w.Helper()
	ticket, err := w.room.Enter(revision)
	w.must(err)
	granted := make(chan *coldstart.Lease, 1)
	go func() {
		lease, err := ticket.Wait(w.Context())
		if err != nil {
			lease = nil
		}
		granted <- lease
	}()
	synctest.Wait()
	return ticket, granted
}

// lease is what a request got by now, nil where it still waits.
func got(granted chan *coldstart.Lease) *coldstart.Lease {
	synctest.Wait()
	select {
	case l := <-granted:
		return l
	default:
		return nil
	}
}
