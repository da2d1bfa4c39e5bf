package deploy

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/functions"
)

const (
	podPath    = "/api/v1/namespaces/team/pods/eye-00002-deployment-abc"
	policyPath = "/apis/networking.k8s.io/v1/namespaces/team/networkpolicies/eye"
)

func TestDeletingWaitsForThePods(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAPI()
		c, _ := a.cluster(t)
		apply(t, c, "one", ApplyOptions{})
		a.put(t, aPod(podReady))
		time.AfterFunc(30*time.Second, func() { a.remove(podPath) })
		var told []string
		started := time.Now()
		if err := c.Delete(t.Context(), "eye", DeleteOptions{Wait: true, Tell: func(text string) { told = append(told, text) }}); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(started).Round(time.Second); took != 30*time.Second {
			t.Errorf("waited %s", took)
		}
		want := []string{"Knative Service eye deleted", "NetworkPolicy eye deleted", "waiting for 1 pods to finish", "eye is gone"}
		if d := cmp.Diff(want, told); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
		if len(a.objects) != 0 {
			t.Errorf("%d objects are left", len(a.objects))
		}
	})
}

func TestPodsThatDoNotGoAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAPI()
		c, _ := a.cluster(t)
		apply(t, c, "one", ApplyOptions{})
		a.put(t, aPod(podReady))
		err := c.Delete(t.Context(), "eye", DeleteOptions{Wait: true, Timeout: time.Minute})
		if e, ok := errors.AsType[*NotReady](err); !ok || !strings.Contains(e.Text, "eye is not gone after 1m0s: 1 pods are left") {
			t.Errorf("err = %v", err)
		}
	})
}

func TestDeletingWhatIsNotThereIsAnError(t *testing.T) {
	a := newAPI()
	c, _ := a.cluster(t)
	err := c.Delete(t.Context(), "eye", DeleteOptions{})
	if e, ok := errors.AsType[*functions.Error](err); !ok || e.Kind != functions.NotFound || !strings.Contains(err.Error(), "no function eye in namespace team") {
		t.Errorf("err = %v", err)
	}
}

func TestWhatAnInterruptedDeletionLeftIsRemoved(t *testing.T) {
	a := newAPI()
	c, _ := a.cluster(t)
	apply(t, c, "one", ApplyOptions{})
	a.remove(servicePath)
	if err := c.Delete(t.Context(), "eye", DeleteOptions{}); err != nil {
		t.Error(err)
	}
	if a.objects[policyPath] != nil {
		t.Error("the network policy is left")
	}
}
