package functions

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestMemoryIsLambdasOnlySize(t *testing.T) {
	for _, test := range []struct {
		memory  int
		cpu     string
		threads int
	}{
		{128, "73m", 1},
		{1769, "1", 1},
		{1770, "1001m", 1},
		{3538, "2", 2},
		{10240, "5789m", 5},
	} {
		f := Function{Spec: Spec{Scaling: Scaling{Style: StyleLambda, Lambda: Lambda{Memory: test.memory}}}}.WithDefaults()
		if got := f.Spec.Resources.CPU; got != test.cpu || f.Spec.Runtime.Threads != test.threads {
			t.Errorf("%d MB are %s cores and %d threads, want %s and %d", test.memory, got, f.Spec.Runtime.Threads, test.cpu, test.threads)
		}
	}
}

func TestLambdasDefaults(t *testing.T) {
	f := Function{}
	f.Spec.Scaling = Scaling{Style: StyleLambda, Lambda: Lambda{ReservedConcurrency: 7, ProvisionedConcurrency: 2}}
	f = f.WithDefaults()
	want := Scaling{
		Style: StyleLambda, ContainerConcurrency: 1, MinScale: 2, MaxScale: 7,
		StartTimeout: Duration(10 * time.Second), Timeout: Duration(DefaultTimeout),
		Lambda: Lambda{
			Memory: 1769, ReservedConcurrency: 7, ProvisionedConcurrency: 2, KeepAlive: Duration(6 * time.Minute), VersionWeight: 100,
		},
	}
	if diff := cmp.Diff(want, f.Spec.Scaling); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if diff := cmp.Diff(f, f.WithDefaults()); diff != "" {
		t.Errorf("applied twice: %s", diff)
	}
	if got := f.Spec.Scaling.MaxPayload(); got != 6291456 {
		t.Errorf("%d bytes of payload", got)
	}
	if got := (Function{}).WithDefaults().Spec.Scaling; got.MaxPayload() != 0 || got.Lambda != (Lambda{}) {
		t.Errorf("style kubernetes has of lambda %+v", got)
	}
}
