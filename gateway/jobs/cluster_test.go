package jobs

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/seed45885407/saccade/gateway/events"
)

// aCluster is a NATS server with its usual limits, on a port of its own.
func aCluster(t *testing.T) (url string) {
	t.Helper()
	s, err := server.NewServer(&server.Options{
		ServerName: "elsewhere", Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(),
		NoLog: true, NoSigs: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { stop(s) })
	if !s.ReadyForConnections(time.Minute) {
		t.Fatal("the cluster does not start")
	}
	return s.ClientURL()
}

func TestTwoGatewaysShareACluster(t *testing.T) {
	o := quick(t)
	o.Dir, o.URL = "", aCluster(t)
	o.MaxInline = 4 << 20 // the cluster takes less, and so do we
	front, back := open(t, o), open(t, o)
	w := newWorker()
	big := job("1")
	big.Event.Data = []byte(strings.Repeat("picture ", 250_000)) // 2 MB: more than a message may have
	r := accept(t, front, big)
	run(t, back, w.work) // the one that has not accepted it
	status := until(t, front, r.ID, Done)
	if w.times("1") != 1 || len(status.Result) < 2_000_000 {
		t.Errorf("done %d times, a result of %d bytes", w.times("1"), len(status.Result))
	}
	if again, err := back.Accept(t.Context(), big); err != nil || !again.Again || again.ID != r.ID {
		t.Errorf("at the other door it is %+v, %v", again, err)
	}
}

func TestAJobWhoseGatewayIsGoneIsTakenByAnother(t *testing.T) {
	o := quick(t)
	o.Dir, o.URL, o.Drain = "", aCluster(t), 10*time.Millisecond
	gone := open(t, o)
	r := accept(t, gone, job("1"))
	ctx, stop := context.WithCancel(t.Context())
	began, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- gone.Run(ctx, func(ctx context.Context, _ Job) (events.Event, error) {
			close(began)
			<-ctx.Done() // it is not done in the time there is
			return events.Event{}, ctx.Err()
		})
	}()
	<-began
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	other, w := open(t, o), newWorker()
	run(t, other, w.work)
	if status := until(t, other, r.ID, Done); status.Attempts != 2 || w.times("1") != 1 {
		t.Errorf("it is %+v, done %d times", status, w.times("1"))
	}
}
