package mqtt_test

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/paho"
	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/gateway/events"
	"github.com/seed45885407/saccade/sources/intake"
	"github.com/seed45885407/saccade/sources/mqtt"
	"github.com/seed45885407/saccade/sources/sourcestest"
)

// mosquitto is a real broker that keeps its sessions in a folder.
type mosquitto struct {
	t       *testing.T
	program string
	config  string
	address string
	process *exec.Cmd
}

// broker starts one; more are lines of its configuration.
func broker(t *testing.T, more ...string) *mosquitto {
	t.Helper()
	program, err := exec.LookPath("mosquitto")
	if err != nil {
		if program, err = exec.LookPath("/usr/sbin/mosquitto"); err != nil {
			t.Skip("needs mosquitto, which is not installed")
		}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	_ = listener.Close()
	dir := t.TempDir()
	_, port, _ := net.SplitHostPort(address)
	lines := []string{
		"listener " + port + " 127.0.0.1", "persistence true", "persistence_location " + dir + "/",
		"max_queued_messages 0", "log_dest none", "user root",
	}
	if !slices.ContainsFunc(more, func(line string) bool { return strings.HasPrefix(line, "allow_anonymous") }) {
		lines = append(lines, "allow_anonymous true")
	}
	config := filepath.Join(dir, "mosquitto.conf")
	if err := os.WriteFile(config, []byte(strings.Join(append(lines, more...), "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	m := &mosquitto{t: t, program: program, config: config, address: address}
	m.start()
	t.Cleanup(m.stop)
	return m
}

func (m *mosquitto) start() {
	m.t.Helper()
	m.process = exec.Command(m.program, "-c", m.config)
	if err := m.process.Start(); err != nil {
		m.t.Fatal(err)
	}
	for limit := time.Now().Add(sourcestest.Patience); ; {
		if conn, err := net.Dial("tcp", m.address); err == nil {
			_ = conn.Close()
			return
		}
		if time.Now().After(limit) {
			m.t.Fatal("mosquitto does not start")
		}
	}
}

// stop lets it write what it keeps. It is asked again until it hears: it listens
// before it minds signals.
func (m *mosquitto) stop() {
	if m.process == nil {
		return
	}
	gone := make(chan struct{})
	go func() {
		_ = m.process.Wait()
		close(gone)
	}()
	for asked := 0; ; asked++ {
		if asked == 100 {
			_ = m.process.Process.Kill()
		}
		_ = m.process.Process.Signal(syscall.SIGTERM)
		select {
		case <-gone:
			m.process = nil
			return
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// client is a camera.
func (m *mosquitto) client() *autopaho.ConnectionManager {
	m.t.Helper()
	u := mqttURL(m.address)
	ctx, cancel := context.WithCancel(context.Background())
	c, err := autopaho.NewConnection(ctx, autopaho.ClientConfig{
		ServerUrls: u, KeepAlive: 30, ReconnectBackoff: func(int) time.Duration { return 20 * time.Millisecond },
		ClientConfig: paho.ClientConfig{ClientID: "camera", PacketTimeout: time.Second},
	})
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { cancel(); <-c.Done() })
	if err := c.AwaitConnection(m.t.Context()); err != nil {
		m.t.Fatal(err)
	}
	return c
}

// put publishes until the broker says it has the message.
func put(t *testing.T, c *autopaho.ConnectionManager, p *paho.Publish) {
	t.Helper()
	p.QoS = 1
	for limit := time.Now().Add(sourcestest.Patience); ; {
		_, err := c.Publish(t.Context(), p)
		if err == nil {
			return
		}
		if time.Now().After(limit) {
			t.Fatal(err)
		}
		_ = c.AwaitConnection(t.Context())
	}
}

func picture(topic, what string) *paho.Publish {
	return &paho.Publish{Topic: topic, Payload: sourcestest.JPEG(what)}
}

func (m *mosquitto) options() mqtt.Options {
	return mqtt.Options{
		Options:    intake.Options{Name: "dock", MaxBytes: 1000, Routes: []intake.Route{{Match: "cameras/+/frames", Function: "eye"}}},
		Connection: mqtt.Connection{URL: "mqtt://" + m.address}, Topics: []string{"cameras/#"},
	}
}

// run starts a source and waits until it has subscribed.
func run(t *testing.T, o mqtt.Options, g *sourcestest.Gateway) (stop func()) {
	t.Helper()
	source, err := mqtt.New(o, g.Hooks())
	if err != nil {
		t.Fatal(err)
	}
	stop = sourcestest.Run(t, source, g)
	connected(t, g)
	return stop
}

func connected(t *testing.T, g *sourcestest.Gateway) {
	t.Helper()
	g.Until(t, func(seen sourcestest.Seen) bool {
		return slices.ContainsFunc(seen.Changes, func(c intake.Change) bool { return c.State == intake.Connected })
	})
}

func properties(contentType string, pairs ...string) *paho.PublishProperties {
	p := &paho.PublishProperties{ContentType: contentType}
	for i := 0; i < len(pairs); i += 2 {
		p.User.Add(pairs[i], pairs[i+1])
	}
	return p
}

func TestEveryFormOfMessageIsTaken(t *testing.T) {
	m := broker(t)
	g := sourcestest.New()
	run(t, m.options(), g)
	c := m.client()
	put(t, c, picture("cameras/7/frames", "one"))
	put(t, c, &paho.Publish{Topic: "cameras/7", Payload: []byte("\xff\xd8\xff"), Properties: properties("image/jpeg",
		"specversion", "1.0", "id", "a", "source", "/s", "type", "t", "x", "100%25 Grüße", "X-Bridge", "no attribute", "datacontenttype", "image/jpeg")})
	put(t, c, &paho.Publish{
		Topic: "cameras/7", Payload: []byte(`{"specversion":"1.0","id":"b","source":"/s","type":"t"}`),
		Properties: properties("application/cloudevents+json; charset=utf-8"),
	})
	put(t, c, &paho.Publish{Topic: "cameras/7", Payload: []byte(`{"specversion":"0.3","id":"c","source":"/s","type":"t"}`)}) // as from 3.1.1
	got := g.Taken(t, 4)
	slices.SortFunc(got, func(a, b events.Event) int { return strings.Compare(a.Type+a.ID, b.Type+b.ID) })
	if got[0].ID == "" || got[0].Time.IsZero() {
		t.Errorf("the picture's event is %+v", got[0])
	}
	got[0].ID, got[0].Time = "", time.Time{}
	want := []events.Event{
		{
			Source: "mqtt://" + m.address + "/cameras/7/frames", Type: "dev.saccade.detect.v1", Subject: "cameras/7/frames",
			DataContentType: "image/jpeg", Data: sourcestest.JPEG("one"), Extensions: map[string]any{"function": "eye"},
		},
		{ID: "a", Source: "/s", Type: "t", DataContentType: "image/jpeg", Data: []byte("\xff\xd8\xff"), Extensions: map[string]any{"x": "100%25 Grüße"}},
		{ID: "b", Source: "/s", Type: "t"},
		{ID: "c", Source: "/s", Type: "t"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAPublisherOf311IsHeardToo(t *testing.T) {
	pub, err := exec.LookPath("mosquitto_pub")
	if err != nil {
		t.Skip("needs mosquitto_pub, which is not installed")
	}
	m := broker(t)
	g := sourcestest.New()
	run(t, m.options(), g)
	host, port, _ := net.SplitHostPort(m.address)
	out, err := exec.Command(pub, "-V", "311", "-h", host, "-p", port, "-q", "1", "-t", "cameras/7/frames", "-m", `{"specversion":"1.0","id":"1","source":"/s","type":"t"}`).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if e := g.Taken(t, 1)[0]; e.ID != "1" || e.Extensions["function"] != "eye" {
		t.Errorf("taken: %+v", e)
	}
}

func TestWhatWasTakenIsAcknowledgedOnlyThen(t *testing.T) {
	m := broker(t)
	first := sourcestest.New()
	first.Answer = func(ctx context.Context, _ events.Event, _ int) error { <-ctx.Done(); return ctx.Err() }
	stopFirst := run(t, m.options(), first)
	c := m.client()
	put(t, c, picture("cameras/7", "one"))
	first.Until(t, func(seen sourcestest.Seen) bool { return len(seen.Offers) == 1 })
	stopFirst()
	put(t, c, picture("cameras/7", "two")) // while nobody is there

	second := sourcestest.New()
	stopSecond := run(t, m.options(), second)
	second.Taken(t, 2)
	stopSecond()

	third := sourcestest.New() // what was acknowledged does not come again
	run(t, m.options(), third)
	put(t, c, picture("cameras/7", "three"))
	if got := third.Taken(t, 1); len(got) != 1 || string(got[0].Data) != string(sourcestest.JPEG("three")) {
		t.Errorf("the third gateway took %+v", got)
	}
}
