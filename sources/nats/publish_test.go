package nats_test

import (
	"encoding/base64"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/gateway/events"
	"github.com/seed45885407/saccade/sources/intake"
	"github.com/seed45885407/saccade/sources/nats"
	"github.com/seed45885407/saccade/sources/sourcestest"
)

func TestWhatIsPublishedIsReadAsTheSameEvent(t *testing.T) {
	s := broker(t, t.TempDir(), 0)
	_, js := client(t, s)
	p, err := nats.NewPublisher(nats.PublisherOptions{Name: "out", Connection: nats.Connection{URL: s.ClientURL()}}, intake.Hooks{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	host := strings.TrimPrefix(s.ClientURL(), "nats://")
	sink := &url.URL{Scheme: "nats", Host: host, Path: "/cameras.out"}
	all := []events.Event{
		{
			ID: "1", Source: "/saccade", Type: "t", Subject: "a b", DataContentType: `application/json; charset="utf-8"`, Data: []byte(`{"a":1}`),
			Extensions: map[string]any{"x": `Grüße "%"`, "function": "own"},
		},
		{ID: "2", Source: "/saccade", Type: "t", DataContentType: "image/png", Data: []byte("\x00\xff"), Extensions: map[string]any{"function": "own"}},
		{ID: "3", Source: "/saccade", Type: "t", DataContentType: "application/cloudevents+json", Data: []byte(`{"in":"side"}`), Extensions: map[string]any{"function": "own"}},
	}
	for _, e := range all {
		for range 2 { // the stream keeps one
			if err := p.Publish(t.Context(), sink, e); err != nil {
				t.Fatal(err)
			}
		}
	}
	in64 := events.Event{
		ID: "4", Source: "/saccade", Type: "t", DataContentType: "image/png", Base64: base64.StdEncoding.EncodeToString([]byte("\x00\xff")),
		Extensions: map[string]any{"function": "own"},
	}
	if err := p.Publish(t.Context(), sink, in64); err != nil {
		t.Fatal(err)
	}
	in64.Base64, in64.Data = "", []byte("\x00\xff")
	g := sourcestest.New()
	o := options(s)
	o.InFlight = 1 // in order
	run(t, o, g)
	if diff := cmp.Diff(append(all, in64), g.Taken(t, 4)); diff != "" {
		t.Error(diff)
	}
	done(t, js)
}

func TestOnlySubjectsOfTheBrokerArePublishedTo(t *testing.T) {
	s := broker(t, t.TempDir(), 0)
	client(t, s)
	p, err := nats.NewPublisher(nats.PublisherOptions{Name: "out", Connection: nats.Connection{URL: s.ClientURL()}}, intake.Hooks{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	host := strings.TrimPrefix(s.ClientURL(), "nats://")
	e := events.Event{ID: "1", Source: "/s", Type: "t"}
	for _, tt := range []struct {
		sink string
		kind functions.Kind
	}{
		{"nats://elsewhere:4222/cameras.out", functions.Forbidden},
		{"mqtt://" + host + "/cameras.out", functions.Forbidden},
		{"nats://" + host + "/$JS.API.STREAM.DELETE.CAMERAS", functions.Invalid},
		{"nats://" + host + "/_INBOX.x", functions.Invalid},
		{"nats://" + host + "/cameras.*", functions.Invalid},
		{"nats://" + host + "/cameras..a", functions.Invalid},
		{"nats://" + host + "/a%20b", functions.Invalid},
		{"nats://" + host + "/a%0d%0ab", functions.Invalid},
		{"nats://" + host + "/", functions.Invalid},
		{"nats://" + host + "/of.no.stream", functions.Unavailable},
	} {
		sink, err := url.Parse(tt.sink)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Publish(t.Context(), sink, e); err == nil || functions.KindOf(err) != tt.kind {
			t.Errorf("%s: %v; want %s", tt.sink, err, tt.kind)
		}
	}
	large := events.Event{ID: "1", Source: "/s", Type: "t", Data: make([]byte, 2<<20)}
	if err := p.Publish(t.Context(), &url.URL{Scheme: "nats", Host: host, Path: "/cameras.out"}, large); functions.KindOf(err) != functions.TooLarge {
		t.Errorf("2 MiB: %v", err)
	}
}

func TestPublishingToABrokerThatIsGoneMayBeTriedAgain(t *testing.T) {
	s := broker(t, t.TempDir(), 0)
	host := strings.TrimPrefix(s.ClientURL(), "nats://")
	p, err := nats.NewPublisher(nats.PublisherOptions{Name: "out", Connection: nats.Connection{URL: s.ClientURL()}, Core: true}, intake.Hooks{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	e, sink := events.Event{ID: "1", Source: "/s", Type: "t"}, &url.URL{Scheme: "nats", Host: host, Path: "/cameras.out"}
	if err := p.Publish(t.Context(), sink, e); err != nil {
		t.Error(err)
	}
	stop(s)
	for { // until the client has noticed
		if err := p.Publish(t.Context(), sink, e); err != nil {
			if functions.KindOf(err) != functions.Unavailable {
				t.Error(err)
			}
			return
		}
	}
}

func TestOptionsThatDoNotFitAreAllNamed(t *testing.T) {
	for _, tt := range []struct {
		name    string
		options nats.Options
		says    []string
	}{
		{"nothing", nats.Options{}, []string{"name", "url", "subject: required"}},
		{"a name in the URL", nats.Options{Connection: nats.Connection{URL: "nats://me:secret@h:4222"}}, []string{"credentials do not belong"}},
		{"another protocol", nats.Options{Connection: nats.Connection{URL: "http://h"}}, []string{"is not nats://HOST:PORT"}},
		{
			"two ways in",
			nats.Options{Connection: nats.Connection{URL: "nats://h", User: "a", Credentials: "b", Token: intake.Secret{File: "a", Env: "b"}}},
			[]string{"one of them", "token: either"},
		},
		{"bad subjects", nats.Options{Subject: "a..b", Stream: "S P", Start: "then", AckWait: 1, Queue: "q"}, []string{"empty", "stream:", "start:", "ackWait:", "queue:"}},
		{"a stream's fields without one", nats.Options{Subject: "a", Consumer: "c"}, []string{"there is none"}},
		{"letters that come round", nats.Options{Stream: "S", Subject: "a.>", DeadLetter: "a.dead"}, []string{"come round again"}},
		{"a pattern that is none", nats.Options{Options: intake.Options{Routes: []intake.Route{{Match: ">.a", Function: "f"}}}}, []string{"> before its end"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := nats.New(tt.options, intake.Hooks{})
			for _, want := range tt.says {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%v does not say %q", err, want)
				}
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("the error has the secret: %v", err)
			}
		})
	}
}
