package local

import (
	"context"
	"os"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
	"knative.dev/serving/pkg/autoscaler/metrics"
	"knative.dev/serving/pkg/autoscaler/scaling"
	"knative.dev/serving/pkg/resources"
)

// Knative's autoscaler reports to a goroutine that was born with the program,
// which a bubble of virtual time may not talk to. So it is called on a goroutine
// outside; the time it is told is the bubble's.
var outside struct {
	sync.Mutex
	calls chan func()
	done  chan struct{}
}

func TestMain(m *testing.M) {
	switch {
	case len(os.Args) > 1 && os.Args[1] == "--function":
		os.Exit(playRuntime())
	case os.Getenv(gatewayPart) != "":
		os.Exit(playGateway())
	}
	outside.calls, outside.done = make(chan func()), make(chan struct{})
	go func() {
		for call := range outside.calls {
			call()
			outside.done <- struct{}{}
		}
	}()
	os.Exit(m.Run())
}

func callOutside(f func()) {
	outside.Lock()
	defer outside.Unlock()
	outside.calls <- f
	<-outside.done
}

type kpaOutside struct{ kpa scaling.UniScaler }

func newKPAOutside(ctx context.Context, namespace, revision string, client metrics.MetricClient,
	count resources.EndpointsCounter, spec *scaling.DeciderSpec,
) (k scaling.UniScaler) {
	callOutside(func() { k = kpaOutside{scaling.New(ctx, namespace, revision, client, count, spec)} })
	return k
}

func (k kpaOutside) Scale(log *zap.SugaredLogger, now time.Time) (r scaling.ScaleResult) {
	callOutside(func() { r = k.kpa.Scale(log, now) })
	return r
}

func (k kpaOutside) Update(spec *scaling.DeciderSpec) { callOutside(func() { k.kpa.Update(spec) }) }
