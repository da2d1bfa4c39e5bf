package nats_test

import (
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/gateway/events"
	"github.com/seed45885407/saccade/sources/intake"
	"github.com/seed45885407/saccade/sources/sourcestest"
)

func TestARestartOfTheBrokerLosesNothing(t *testing.T) {
	dir := t.TempDir()
	s := broker(t, dir, 0)
	_, js := client(t, s)
	port := s.Addr().(interface{ AddrPort() netip.AddrPort }).AddrPort().Port()
	g := sourcestest.New()
	o := options(s)
	o.AckWait = functions.Duration(2 * time.Second) // some were on their way when the server went
	run(t, o, g)
	const n = 300
	for i := range n {
		if i == n/2 {
			stop(s)
			s = broker(t, dir, int(port))
		}
		for { // until the stream has it; what it has twice has two numbers, and is two
			if _, err := js.PublishMsg(t.Context(), picture("cameras.7", ""), jetstream.WithMsgID(strings.Repeat("x", i+1))); err == nil {
				break
			}
		}
	}
	if seen := g.Until(t, func(seen sourcestest.Seen) bool { return seen.Distinct() >= n }); seen.Distinct() != n || len(seen.Refusals) != 0 {
		t.Errorf("%d distinct, %d refused; want %d", seen.Distinct(), len(seen.Refusals), n)
	}
	done(t, js)
}

func TestAnotherGatewayTakesWhatAStoppedOneHasNot(t *testing.T) {
	s := broker(t, t.TempDir(), 0)
	_, js := client(t, s)
	put(t, js, picture("cameras.7", "one"))
	first := sourcestest.New()
	first.Answer = func(ctx context.Context, _ events.Event, _ int) error { <-ctx.Done(); return ctx.Err() }
	stopFirst := run(t, options(s), first)
	first.Until(t, func(seen sourcestest.Seen) bool { return len(seen.Offers) == 1 })
	stopFirst()
	second := sourcestest.New()
	run(t, options(s), second) // at once, not after the time to acknowledge of 30s
	second.Taken(t, 1)
	done(t, js)
}

func TestASlowTakeIsNotOfferedTwice(t *testing.T) {
	s := broker(t, t.TempDir(), 0)
	_, js := client(t, s)
	put(t, js, picture("cameras.7", "one"))
	g := sourcestest.New()
	g.Answer = func(context.Context, events.Event, int) error {
		<-time.After(4 * time.Second) // past the time to acknowledge, which is the server's own
		return nil
	}
	o := options(s)
	o.AckWait = functions.Duration(3 * time.Second) // a third of it apart it hears that work goes on
	run(t, o, g)
	g.Taken(t, 1)
	done(t, js)
	for key, n := range g.Until(t, func(sourcestest.Seen) bool { return true }).Offers {
		if n != 1 {
			t.Errorf("%s was offered %d times", key, n)
		}
	}
}

func TestNoMoreAreInFlightThanAllowed(t *testing.T) {
	s := broker(t, t.TempDir(), 0)
	_, js := client(t, s)
	for range 50 {
		put(t, js, picture("cameras.7", "one"))
	}
	var now, most atomic.Int32
	g := sourcestest.New()
	g.Answer = func(context.Context, events.Event, int) error {
		for n := now.Add(1); ; {
			if was := most.Load(); n <= was || most.CompareAndSwap(was, n) {
				break
			}
		}
		runtime.Gosched()
		now.Add(-1)
		return nil
	}
	o := options(s)
	o.InFlight = 3
	run(t, o, g)
	g.Taken(t, 50)
	if most.Load() > 3 {
		t.Errorf("%d were in flight", most.Load())
	}
}

func TestAStreamThatComesLaterIsReadThen(t *testing.T) {
	s := broker(t, t.TempDir(), 0)
	g := sourcestest.New()
	run(t, options(s), g)
	g.Failing(t)
	_, js := client(t, s)
	put(t, js, picture("cameras.7", "one"))
	g.Taken(t, 1)
}

func TestAPlainSubjectIsReadAsItGoesBy(t *testing.T) {
	s := broker(t, t.TempDir(), 0)
	conn, _ := client(t, s)
	g := sourcestest.New()
	g.Answer = func(_ context.Context, _ events.Event, n int) error {
		if n == 1 {
			return sourcestest.Busy() // nobody else brings it again
		}
		return nil
	}
	o := options(s)
	o.Stream, o.Subject = "", "live.*"
	run(t, o, g)
	for limit := time.Now().Add(sourcestest.Patience); s.GlobalAccount().Interest("live.7") == 0; {
		if time.Now().After(limit) {
			t.Fatal("the source does not listen")
		}
	}
	if err := conn.PublishMsg(picture("live.7", "one")); err != nil {
		t.Fatal(err)
	}
	e := g.Taken(t, 1)[0]
	if e.ID == "" || e.Subject != "live.7" || string(e.Data) != string(sourcestest.JPEG("one")) {
		t.Errorf("taken: %+v", e)
	}
	if err := conn.PublishMsg(&natsgo.Msg{Subject: "live.8", Data: []byte("text")}); err != nil {
		t.Fatal(err)
	}
	if r := g.Refused(t, 1)[0]; functions.KindOf(r.Err) != functions.Unsupported || r.From != "live.8" {
		t.Errorf("refused: %+v", r)
	}
}

func TestOnlyThoseWithTheSecretConnect(t *testing.T) {
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true, Username: "me", Password: "swordfish"})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { stop(s) })
	if !s.ReadyForConnections(sourcestest.Patience) {
		t.Fatal("the server does not start")
	}
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("wrong\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	g := sourcestest.New()
	o := options(s)
	o.Stream, o.User, o.Password = "", "me", intake.Secret{File: file}
	run(t, o, g)
	g.Failing(t)
	if err := os.WriteFile(file, []byte("swordfish\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	g.Until(t, func(seen sourcestest.Seen) bool {
		return slices.ContainsFunc(seen.Changes, func(c intake.Change) bool { return c.State == intake.Connected })
	})
}
