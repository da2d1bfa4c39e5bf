package intake_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/gateway/events"
	"github.com/seed45885407/saccade/sources/intake"
)

const picture = "\xff\xd8\xff\xe0picture"

func header(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Add(pairs[i], pairs[i+1])
	}
	return h
}

var options = intake.Options{Name: "dock", MaxBytes: 1000}.WithDefaults()

func message(data string, h http.Header) intake.Message {
	return intake.Message{
		Header: h, Data: []byte(data), ID: "7", Subject: "cameras/a b",
		Source: url.URL{Scheme: "mqtt", Host: "broker:1883", Path: "/cameras/a b"}, Time: time.Unix(1, 0),
	}
}

func TestAMessageIsTheEventItIs(t *testing.T) {
	made := events.Event{
		ID: "7", Source: "mqtt://broker:1883/cameras/a%20b", Type: "dev.saccade.detect.v1", Subject: "cameras/a b",
		DataContentType: "image/jpeg", Time: time.Unix(1, 0), Data: []byte(picture),
	}
	plain := events.Event{ID: "1", Source: "/s", Type: "t"}
	with := func(e events.Event, change func(*events.Event)) events.Event { change(&e); return e }
	binary := []string{"Ce-Specversion", "1.0", "Ce-Id", "1", "Ce-Source", "/s", "Ce-Type", "t"}
	const structured = `{"specversion":"1.0","id":"1","source":"/s","type":"t"`
	for _, tt := range []struct {
		name     string
		message  intake.Message
		function string
		want     events.Event
	}{
		{"a plain picture", message(picture, nil), "", made},
		{"a plain picture that says it is another", message(picture, header("Content-Type", "image/png")), "", made},
		{
			"a picture of a route", message(picture, nil), "eye",
			with(made, func(e *events.Event) { e.Extensions = map[string]any{"function": "eye"} }),
		},
		{
			"binary mode", message(picture, header(append(binary, "Content-Type", "image/jpeg", "Ce-X", "a%20b")...)), "",
			with(plain, func(e *events.Event) {
				e.DataContentType, e.Data, e.Extensions = "image/jpeg", []byte(picture), map[string]any{"x": "a b"}
			}),
		},
		{
			"structured mode", message(structured+`,"data":1}`, header("Content-Type", "Application/CloudEvents+JSON; charset=utf-8")), "",
			with(plain, func(e *events.Event) { e.Data = []byte("1") }),
		},
		{
			"version 0.3", message(strings.Replace(structured, "1.0", "0.3", 1)+`}`, header("Content-Type", "application/cloudevents+json")), "",
			plain,
		},
		{"JSON of senders that name no type", message(" "+structured+`}`, nil), "", plain},
		{"JSON that is named as such", message(structured+`}`, header("Content-Type", "application/json")), "", plain},
		{
			"the function of the event counts before that of the route", message(structured+`,"function":"own"}`, nil), "eye",
			with(plain, func(e *events.Event) { e.Extensions = map[string]any{"function": "own"} }),
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := options.Event(tt.message, tt.function)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTheSourcesFunctionCountsWhereNoRouteDoes(t *testing.T) {
	o := options
	o.Function = "all"
	for function, want := range map[string]string{"": "all", "eye": "eye"} {
		e, err := o.Event(message(picture, nil), function)
		if err != nil || e.Extensions["function"] != want {
			t.Errorf("route %q: %v, %v; want %q", function, e.Extensions, err, want)
		}
	}
}

func TestAMessageThatIsNoEventIsRefused(t *testing.T) {
	for _, tt := range []struct {
		name    string
		message intake.Message
		kind    functions.Kind
	}{
		{"nothing", message("", nil), functions.Unsupported},
		{"text", message("good morning", nil), functions.Unsupported},
		{"a movie that says it is a picture", message("\x00\x00\x00\x18ftypmp42", header("Content-Type", "image/jpeg")), functions.Unsupported},
		{"JSON that is no event", message(`{"image":{}}`, nil), functions.Invalid},
		{"half an event", message(`{"specversion":"1.0"`, nil), functions.Invalid},
		{"another format", message("x", header("Content-Type", "application/cloudevents+avro")), functions.Unsupported},
		{"a batch", message("[]", header("Content-Type", events.ContentTypeBatch)), functions.Unsupported},
		{"binary mode without a source", message(picture, header("Ce-Specversion", "1.0", "Ce-Id", "1", "Ce-Type", "t")), functions.Invalid},
		{"binary mode without a version", message(picture, header("Ce-Id", "1", "Ce-Type", "t", "Ce-Source", "/")), functions.Invalid},
		{
			"an attribute that is there twice",
			message(picture, header("Ce-Specversion", "1.0", "Ce-Id", "1", "Ce-Type", "t", "Ce-Source", "/", "Ce-Id", "2")), functions.Invalid,
		},
		{"too many bytes", message(picture+strings.Repeat("x", 1000), nil), functions.TooLarge},
		{"a place with a long name", func() intake.Message {
			m := message(picture, nil)
			m.Subject = strings.Repeat("a", 5000)
			return m
		}(), functions.Invalid},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e, err := options.Event(tt.message, "eye")
			if err == nil || functions.KindOf(err) != tt.kind {
				t.Fatalf("%+v, %v; want an error of %s", e, err, tt.kind)
			}
			if _, again := options.Again(err, 1); again {
				t.Error("it would be offered again")
			}
		})
	}
}

func TestAnAttributeComesThroughAsItIs(t *testing.T) {
	for _, value := range []string{"100%25", `"quoted"`, "a b", "Grüße €", "%", "+"} {
		h := header("Ce-Specversion", "1.0", "Ce-Id", "1", "Ce-Type", "t", "Ce-Source", "/")
		intake.SetAttribute(h, "x", value)
		e, err := options.Event(message(picture, h), "")
		if err != nil || e.Extensions["x"] != value {
			t.Errorf("%q became %q, %v", value, e.Extensions["x"], err)
		}
	}
}

func TestTheErrorSaysWhetherToOfferAgain(t *testing.T) {
	busy := &functions.Error{Kind: functions.Busy, RetryAfter: time.Minute}
	o := options
	o.MaxAttempts = 3
	for _, tt := range []struct {
		name     string
		options  intake.Options
		err      error
		attempt  int
		again    bool
		from, to time.Duration
	}{
		{"no earlier than the error asks for", options, busy, 1, true, time.Minute, 75*time.Second + 1},
		{"the first time soon", options, functions.Errorf(functions.Unavailable, "x"), 1, true, 250 * time.Millisecond, 500 * time.Millisecond},
		{"the fourth time later", options, functions.Errorf(functions.Unavailable, "x"), 4, true, 2 * time.Second, 4 * time.Second},
		{"the thousandth in a minute", options, functions.Errorf(functions.Unavailable, "x"), 1000, true, 30 * time.Second, time.Minute},
		{"an error of no kind may be ours", options, errors.New("x"), 1, true, 250 * time.Millisecond, 500 * time.Millisecond},
		{"never what is the message's own fault", options, functions.Errorf(functions.Unreadable, "x"), 1, false, 0, 0},
		{"not after the last attempt", o, busy, 3, false, 0, 0},
		{"before the last attempt", o, busy, 2, true, time.Minute, 75*time.Second + 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			after, again := tt.options.Again(tt.err, tt.attempt)
			if again != tt.again || after < tt.from || after > tt.to {
				t.Errorf("%s, %t; want %t from %s to %s", after, again, tt.again, tt.from, tt.to)
			}
		})
	}
}

func TestOfferingGoesOnUntilItIsTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun, offers := time.Now(), 0
		err := options.Offer(t.Context(), func(context.Context, events.Event) error {
			if offers++; offers < 100 {
				return functions.Errorf(functions.Unavailable, "no")
			}
			return nil
		}, events.Event{})
		if took := time.Since(begun); err != nil || offers != 100 || took < 45*time.Minute {
			t.Errorf("%v after %d offers and %s", err, offers, took)
		}
	})
}

func TestOfferingEndsWithItsContextAndWithWhatDoesNotPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		busy := func(context.Context, events.Event) error { return functions.Errorf(functions.Busy, "no") }
		if err := options.Offer(ctx, busy, events.Event{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("ended with %v", err)
		}
		never := func(context.Context, events.Event) error { return functions.Errorf(functions.Unreadable, "never") }
		if err := options.Offer(t.Context(), never, events.Event{}); functions.KindOf(err) != functions.Unreadable {
			t.Errorf("ended with %v", err)
		}
	})
}

func TestARefusalHasNoDataAndAlwaysAKind(t *testing.T) {
	var got intake.Refusal
	hooks := intake.Hooks{Refused: func(r intake.Refusal) { got = r }}
	hooks.Refuse(intake.Refusal{Event: events.Event{ID: "1", Data: []byte("x"), Base64: "eA=="}, Err: errors.New("private")})
	if got.Event.Data != nil || got.Event.Base64 != "" || got.Event.ID != "1" {
		t.Errorf("event %+v", got.Event)
	}
	if e, ok := errors.AsType[*functions.Error](got.Err); !ok || e.Kind != functions.Internal || strings.Contains(e.Detail, "private") {
		t.Errorf("error %v", got.Err)
	}
	intake.Hooks{}.Refuse(got) // nobody listens
	intake.Hooks{}.Change("x", intake.Failing, nil)
}

func TestOptionsThatDoNotFitAreAllNamed(t *testing.T) {
	err := intake.Options{
		Name: "a b", Routes: []intake.Route{{}}, Type: events.TypeFailed, MaxBytes: -1, InFlight: -1, MaxAttempts: -1,
	}.Check(func(string) error { return errors.New("bad pattern") })
	for _, want := range []string{"name", "names no function", "bad pattern", "type", "maxBytes", "inFlight", "maxAttempts"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
	if err := options.Check(func(string) error { return nil }); err != nil {
		t.Error(err)
	}
}

func TestASecretIsReadFromWhereItIs(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("swordfish\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SACCADE_TEST_SECRET", "tuna")
	for secret, want := range map[intake.Secret]string{{File: file}: "swordfish", {Env: "SACCADE_TEST_SECRET"}: "tuna", {}: ""} {
		if got, err := secret.Read(); got != want || err != nil {
			t.Errorf("%+v: %q, %v; want %q", secret, got, err, want)
		}
	}
	for _, secret := range []intake.Secret{{File: file + "x"}, {Env: "SACCADE_TEST_NO_SUCH"}} {
		if got, err := secret.Read(); err == nil {
			t.Errorf("%+v: %q without an error", secret, got)
		}
	}
	if (intake.Secret{File: "a", Env: "b"}).Check() == nil || (intake.TLS{Cert: "a"}).Check() == nil {
		t.Error("half a pair and two of a kind are taken")
	}
}

// Whatever a stranger sends, it is an event with a name or a fault of the sender's.
func FuzzMessage(f *testing.F) {
	f.Add(picture, "", "", "", "")
	f.Add(`{"specversion":"1.0","id":"1","source":"/s","type":"t","data_base64":"AAAA"}`, "application/cloudevents+json", "", "", "a/b")
	f.Add("x", "text/plain", "1.0", "id", "\x00\xff")
	f.Fuzz(func(t *testing.T, data, contentType, version, attribute, subject string) {
		h := http.Header{}
		if contentType != "" {
			h.Set("Content-Type", contentType)
		}
		if version != "" {
			for name, value := range map[string]string{"specversion": version, "id": attribute, "source": attribute, "type": "t"} {
				intake.SetAttribute(h, name, value)
			}
		}
		m := intake.Message{Header: h, Data: []byte(data), ID: "7", Subject: subject, Source: url.URL{Scheme: "nats", Host: "h", Path: "/" + subject}}
		e, err := options.Event(m, "eye")
		if err != nil {
			if _, ok := errors.AsType[*functions.Error](err); !ok || functions.KindOf(err) == functions.Internal {
				t.Fatalf("a stranger's bytes are a fault of ours: %v", err)
			}
			return
		}
		if e.ID == "" || e.Source == "" || e.Type == "" || e.Extensions["function"] == nil {
			t.Fatalf("an event without a name: %+v", e)
		}
		// What is handed on can be written and read again.
		text, err := e.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := events.Parse(text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	})
}
