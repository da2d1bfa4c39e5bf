package nats_test

import (
	"context"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats-server/v2/server"
	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/gateway/events"
	"github.com/seed45885407/saccade/sources/intake"
	"github.com/seed45885407/saccade/sources/nats"
	"github.com/seed45885407/saccade/sources/sourcestest"
)

// broker starts a server that keeps its streams in dir; port 0 is any.
func broker(t *testing.T, dir string, port int) *server.Server {
	t.Helper()
	if port == 0 {
		port = server.RANDOM_PORT
	}
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: port, JetStream: true, StoreDir: dir, NoSigs: true, NoLog: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(sourcestest.Patience) {
		t.Fatal("the server does not start")
	}
	t.Cleanup(func() { stop(s) })
	return s
}

func stop(s *server.Server) {
	s.Shutdown()
	s.WaitForShutdown()
}

// client connects, and makes the stream CAMERAS of cameras.> and the stream LETTERS.
func client(t *testing.T, s *server.Server) (*natsgo.Conn, jetstream.JetStream) {
	t.Helper()
	conn, err := natsgo.Connect(s.ClientURL(), natsgo.MaxReconnects(-1), natsgo.ReconnectWait(50*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	for name, subject := range map[string]string{"CAMERAS": "cameras.>", "LETTERS": "letters.>"} {
		if _, err := js.CreateOrUpdateStream(t.Context(), jetstream.StreamConfig{Name: name, Subjects: []string{subject}}); err != nil {
			t.Fatal(err)
		}
	}
	return conn, js
}

func put(t *testing.T, js jetstream.JetStream, msg *natsgo.Msg) {
	t.Helper()
	if _, err := js.PublishMsg(t.Context(), msg); err != nil {
		t.Fatal(err)
	}
}

func picture(subject, what string) *natsgo.Msg {
	return &natsgo.Msg{Subject: subject, Data: sourcestest.JPEG(what)}
}

func options(s *server.Server) nats.Options {
	return nats.Options{
		Options: intake.Options{
			Name: "dock", MaxBytes: 1000, Function: "all", Routes: []intake.Route{{Match: "cameras.*.frames", Function: "eye"}},
		},
		Connection: nats.Connection{URL: s.ClientURL()}, Stream: "CAMERAS", Subject: "cameras.>",
	}
}

func run(t *testing.T, o nats.Options, g *sourcestest.Gateway) (stop func()) {
	t.Helper()
	source, err := nats.New(o, g.Hooks())
	if err != nil {
		t.Fatal(err)
	}
	return sourcestest.Run(t, source, g)
}

// left asks the stream how many messages the source has not done with.
func left(t *testing.T, js jetstream.JetStream) (pending uint64, unacknowledged int) {
	t.Helper()
	c, err := js.Consumer(t.Context(), "CAMERAS", "saccade-dock")
	if err != nil {
		t.Fatal(err)
	}
	info, err := c.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return info.NumPending, info.NumAckPending
}

func done(t *testing.T, js jetstream.JetStream) {
	t.Helper()
	for limit := time.Now().Add(sourcestest.Patience); ; {
		pending, unacknowledged := left(t, js)
		if pending == 0 && unacknowledged == 0 {
			return
		}
		if time.Now().After(limit) {
			t.Fatalf("%d pending, %d not acknowledged", pending, unacknowledged)
		}
	}
}

func TestEveryFormOfMessageIsTaken(t *testing.T) {
	s := broker(t, t.TempDir(), 0)
	_, js := client(t, s)
	u, _ := url.Parse(s.ClientURL())
	put(t, js, picture("cameras.7.frames", "one"))
	put(t, js, &natsgo.Msg{Subject: "cameras.7", Data: []byte("\xff\xd8\xff"), Header: natsgo.Header{
		"ce-specversion": {"1.0"}, "CE-ID": {"a"}, "Ce-Source": {"/s%20s"}, "ce-type": {"t"},
		"ce-datacontenttype": {"image/jpeg"}, "ce-function": {"own"}, "ce-x": {"Gr%C3%BC%C3%9Fe"},
	}})
	put(t, js, &natsgo.Msg{
		Subject: "cameras.7", Header: natsgo.Header{"content-type": {"application/CloudEvents+json; charset=utf-8"}},
		Data: []byte(`{"specversion":"1.0","id":"b","source":"/s","type":"t","data":{"image":{}}}`),
	})
	put(t, js, &natsgo.Msg{Subject: "cameras.7", Data: []byte(`{"specversion":"0.3","id":"c","source":"/s","type":"t"}`)})
	g := sourcestest.New()
	run(t, options(s), g)
	got := g.Taken(t, 4)
	slices.SortFunc(got, func(a, b events.Event) int { return strings.Compare(a.ID, b.ID) })
	plain := got[0]
	if !strings.HasPrefix(plain.ID, "CAMERAS-1-") || plain.Time.IsZero() {
		t.Errorf("the picture's event is %q of %s", plain.ID, plain.Time)
	}
	got[0].ID, got[0].Time = "", time.Time{}
	want := []events.Event{
		{
			Source: "nats://" + u.Host + "/cameras.7.frames", Type: "dev.saccade.detect.v1", Subject: "cameras.7.frames",
			DataContentType: "image/jpeg", Data: sourcestest.JPEG("one"), Extensions: map[string]any{"function": "eye"},
		},
		{
			ID: "a", Source: "/s s", Type: "t", DataContentType: "image/jpeg", Data: []byte("\xff\xd8\xff"),
			Extensions: map[string]any{"function": "own", "x": "Grüße"},
		},
		{ID: "b", Source: "/s", Type: "t", Data: []byte(`{"image":{}}`), Extensions: map[string]any{"function": "all"}},
		{ID: "c", Source: "/s", Type: "t", Extensions: map[string]any{"function": "all"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	done(t, js)
}

func TestWhatWasTakenIsAcknowledgedOnlyThen(t *testing.T) {
	s := broker(t, t.TempDir(), 0)
	_, js := client(t, s)
	put(t, js, picture("cameras.7", "one"))
	g := sourcestest.New()
	take := make(chan struct{})
	g.Answer = func(context.Context, events.Event, int) error { <-take; return nil }
	run(t, options(s), g)
	g.Until(t, func(seen sourcestest.Seen) bool { return len(seen.Offers) == 1 })
	if _, unacknowledged := left(t, js); unacknowledged != 1 {
		t.Errorf("%d messages are not acknowledged while one is being taken", unacknowledged)
	}
	close(take)
	g.Taken(t, 1)
	done(t, js)
}

func TestAFailureThatPassesComesAgainLaterUnderTheSameID(t *testing.T) {
	s := broker(t, t.TempDir(), 0)
	_, js := client(t, s)
	put(t, js, picture("cameras.7", "one"))
	g := sourcestest.New()
	g.Answer = func(_ context.Context, _ events.Event, n int) error {
		if n < 4 {
			return sourcestest.Busy()
		}
		return nil
	}
	run(t, options(s), g)
	g.Taken(t, 1)
	seen := g.Until(t, func(sourcestest.Seen) bool { return true })
	if len(seen.Offers) != 1 || len(seen.Refusals) != 0 {
		t.Errorf("offers %v, refusals %v", seen.Offers, seen.Refusals)
	}
	done(t, js)
}

func TestWhatDoesNotGetBetterIsRefusedAloudAndCopied(t *testing.T) {
	s := broker(t, t.TempDir(), 0)
	_, js := client(t, s)
	put(t, js, &natsgo.Msg{Subject: "cameras.text", Data: []byte("no picture"), Header: natsgo.Header{"X-Mine": {"kept"}, "Nats-Expected-Stream": {"CAMERAS"}}})
	put(t, js, picture("cameras.large", strings.Repeat("x", 1000)))
	put(t, js, picture("cameras.never", "a"))
	put(t, js, picture("cameras.often", "b"))
	put(t, js, picture("cameras.good", "c"))
	g := sourcestest.New()
	g.Answer = func(_ context.Context, e events.Event, _ int) error {
		switch e.Subject {
		case "cameras.never":
			return functions.Errorf(functions.NotFound, "no such function: %s", "größer").Because(os.ErrNotExist)
		case "cameras.often":
			return sourcestest.Busy()
		}
		return nil
	}
	o := options(s)
	o.DeadLetter, o.MaxAttempts = "letters.cameras", 3
	run(t, o, g)
	kinds := map[string]functions.Kind{}
	for _, r := range g.Refused(t, 4) {
		subject, _, _ := strings.Cut(r.From, ",")
		kinds[subject] = functions.KindOf(r.Err)
	}
	want := map[string]functions.Kind{
		"cameras.text": functions.Unsupported, "cameras.large": functions.TooLarge,
		"cameras.never": functions.NotFound, "cameras.often": functions.Busy,
	}
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Error(diff)
	}
	g.Taken(t, 1)
	done(t, js)
	letters, err := js.CreateConsumer(t.Context(), "LETTERS", jetstream.ConsumerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	batch, err := letters.Fetch(4, jetstream.FetchMaxWait(sourcestest.Patience))
	if err != nil {
		t.Fatal(err)
	}
	reasons := map[string]string{}
	for letter := range batch.Messages() {
		h := letter.Headers()
		reasons[h.Get("Saccade-Subject")] = h.Get("Saccade-Reason")
		if h.Get("Saccade-Subject") == "cameras.text" && (h.Get("X-Mine") != "kept" || string(letter.Data()) != "no picture") {
			t.Errorf("the letter is %q with %v", letter.Data(), h)
		}
	}
	if len(reasons) != 4 || reasons["cameras.never"] != "no%20such%20function:%20gr%C3%B6%C3%9Fer" {
		t.Errorf("letters %q", reasons)
	}
}

func TestARefusedMessageStaysWhileItsCopyCannotBeMade(t *testing.T) {
	s := broker(t, t.TempDir(), 0)
	_, js := client(t, s)
	put(t, js, &natsgo.Msg{Subject: "cameras.text", Data: []byte("no picture")})
	g := sourcestest.New()
	o := options(s)
	o.DeadLetter = "nowhere.letters"
	run(t, o, g)
	g.Failing(t)
	if _, unacknowledged := left(t, js); unacknowledged != 1 {
		t.Error("the message is gone")
	}
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "NOWHERE", Subjects: []string{"nowhere.>"}}); err != nil {
		t.Fatal(err)
	}
	g.Refused(t, 1)
	done(t, js)
}
