package mqtt_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/eclipse/paho.golang/paho"
	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/gateway/events"
	"github.com/seed45885407/saccade/sources/mqtt"
	"github.com/seed45885407/saccade/sources/sourcestest"
)

func TestARestartOfTheBrokerLosesNothing(t *testing.T) {
	m := broker(t)
	g := sourcestest.New()
	g.Answer = func(_ context.Context, e events.Event, n int) error {
		if n == 1 && e.Data[len(e.Data)-1] == '7' {
			return sourcestest.Busy() // some are being worked on when the broker goes
		}
		return nil
	}
	run(t, m.options(), g)
	c := m.client()
	const n = 200
	for i := range n {
		if i == n/2 {
			m.stop()
			m.start()
		}
		put(t, c, picture("cameras/7", fmt.Sprint(i)))
	}
	if seen := g.Until(t, func(seen sourcestest.Seen) bool { return seen.Distinct() >= n }); seen.Distinct() != n || len(seen.Refusals) != 0 {
		t.Errorf("%d distinct, %d refused; want %d", seen.Distinct(), len(seen.Refusals), n)
	}
}

func TestAFailureThatPassesComesAgainLaterUnderTheSameID(t *testing.T) {
	m := broker(t)
	g := sourcestest.New()
	g.Answer = func(_ context.Context, _ events.Event, n int) error {
		if n < 4 {
			return sourcestest.Busy()
		}
		return nil
	}
	run(t, m.options(), g)
	put(t, m.client(), picture("cameras/7", "one"))
	g.Taken(t, 1)
	if seen := g.Until(t, func(sourcestest.Seen) bool { return true }); len(seen.Offers) != 1 || len(seen.Refusals) != 0 {
		t.Errorf("offers %v, refusals %v", seen.Offers, seen.Refusals)
	}
}

func TestAPictureThatComesTwiceIsOneEvent(t *testing.T) {
	m := broker(t)
	g := sourcestest.New()
	run(t, m.options(), g)
	c := m.client()
	again := picture("cameras/7", "one")
	put(t, c, again)
	put(t, c, again)
	another := picture("cameras/7", "one")
	another.Properties = properties("", "frame", "2")
	put(t, c, another)
	put(t, c, picture("cameras/8", "one"))
	if seen := g.Until(t, func(seen sourcestest.Seen) bool { return len(seen.Taken) >= 4 }); seen.Distinct() != 3 {
		t.Errorf("%d events of four messages, two of them the same", seen.Distinct())
	}
}

func TestWhatDoesNotGetBetterIsRefusedAloudAndCopied(t *testing.T) {
	m := broker(t)
	letters := sourcestest.New() // takes the good letter alone, and hears of the others
	o := m.options()
	o.Name, o.Topics, o.MaxBytes, o.ClientID = "letters", []string{"letters"}, 5000, "letters"
	run(t, o, letters)

	g := sourcestest.New()
	g.Answer = func(_ context.Context, e events.Event, _ int) error {
		if e.Subject == "cameras/never" {
			return functions.Errorf(functions.NotFound, "no such function")
		}
		return nil
	}
	o = m.options()
	o.DeadLetter = "letters"
	stop := run(t, o, g)
	c := m.client()
	put(t, c, &paho.Publish{Topic: "cameras/text", Payload: []byte("no picture")})
	put(t, c, &paho.Publish{Topic: "cameras/empty"})
	put(t, c, picture("cameras/large", strings.Repeat("x", 1000)))
	put(t, c, &paho.Publish{Topic: "cameras/twice", Payload: []byte("x"), Properties: properties("", "specversion", "1.0", "id", "a", "id", "b", "source", "/s", "type", "t")})
	put(t, c, picture("cameras/never", "a"))
	put(t, c, picture("cameras/good", "b"))
	kinds := map[string]functions.Kind{}
	for _, r := range g.Refused(t, 5) {
		kinds[r.From] = functions.KindOf(r.Err)
	}
	want := map[string]functions.Kind{
		"cameras/text": functions.Unsupported, "cameras/empty": functions.Unsupported, "cameras/large": functions.TooLarge,
		"cameras/twice": functions.Invalid, "cameras/never": functions.NotFound,
	}
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Error(diff)
	}
	g.Taken(t, 1)
	letters.Until(t, func(seen sourcestest.Seen) bool { return len(seen.Taken)+len(seen.Refusals) == 5 })
	stop()
	again := sourcestest.New() // they are done with
	run(t, o, again)
	put(t, c, picture("cameras/good", "c"))
	if seen := again.Until(t, func(seen sourcestest.Seen) bool { return len(seen.Taken) > 0 }); len(seen.Refusals) != 0 {
		t.Errorf("refused again: %+v", seen.Refusals)
	}
}

func TestQoS0IsTakenWhileThereIsRoom(t *testing.T) {
	m := broker(t)
	g := sourcestest.New()
	take := make(chan struct{})
	g.Answer = func(context.Context, events.Event, int) error { <-take; return nil }
	o := m.options()
	o.InFlight = 1
	run(t, o, g)
	c := m.client()
	for i := range 3 {
		if _, err := c.Publish(t.Context(), picture("cameras/7", fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range g.Refused(t, 2) {
		if functions.KindOf(r.Err) != functions.Busy {
			t.Errorf("refused: %v", r.Err)
		}
	}
	close(take)
	g.Taken(t, 1)
}

func TestASourceWaitsForItsBroker(t *testing.T) {
	m := broker(t)
	m.stop()
	g := sourcestest.New()
	source, err := mqtt.New(m.options(), g.Hooks())
	if err != nil {
		t.Fatal(err)
	}
	sourcestest.Run(t, source, g)
	g.Failing(t)
	m.start()
	connected(t, g)
}

func TestATopicOfAnOlderSubscriptionIsRefused(t *testing.T) {
	m := broker(t)
	o := m.options()
	run(t, o, sourcestest.New())()
	o.Topics = []string{"cameras/7"}
	g := sourcestest.New()
	run(t, o, g)
	c := m.client()
	put(t, c, picture("cameras/8", "one"))
	put(t, c, picture("cameras/7", "one"))
	if r := g.Refused(t, 1)[0]; r.From != "cameras/8" {
		t.Errorf("refused: %+v", r)
	}
	g.Taken(t, 1)
}
