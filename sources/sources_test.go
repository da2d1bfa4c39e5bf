package sources_test

import (
	"context"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats-server/v2/server"
	"go.yaml.in/yaml/v3"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/gateway/events"
	"github.com/seed45885407/saccade/sources"
	"github.com/seed45885407/saccade/sources/folder"
	"github.com/seed45885407/saccade/sources/intake"
	"github.com/seed45885407/saccade/sources/mqtt"
	"github.com/seed45885407/saccade/sources/nats"
	"github.com/seed45885407/saccade/sources/sourcestest"
)

// configuration is a gateway's, as far as it is about sources.
type configuration struct {
	Sources []sources.Options     `yaml:"sources"`
	Sinks   []sources.SinkOptions `yaml:"sinks"`
}

// page is the first block of YAML in docs/sources.md.
func page(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../docs/sources.md")
	if err != nil {
		t.Fatal(err)
	}
	_, block, _ := strings.Cut(string(text), "```yaml\n")
	block, _, found := strings.Cut(block, "```")
	if !found {
		t.Fatal("docs/sources.md shows no configuration")
	}
	return block
}

func TestTheConfigurationOnThePageIsRead(t *testing.T) {
	var got configuration
	if err := yaml.Unmarshal([]byte(page(t)), &got); err != nil {
		t.Fatal(err)
	}
	if err := sources.Check(got.Sources); err != nil {
		t.Error(err)
	}
	if err := sources.CheckSinks(got.Sinks); err != nil {
		t.Error(err)
	}
	want := configuration{
		Sources: []sources.Options{
			{Kind: "nats", NATS: &nats.Options{
				Options:    intake.Options{Name: "dock", Function: "yolo11n"},
				Connection: nats.Connection{URL: "nats://broker:4222", Credentials: "/etc/saccade/dock.creds"},
				Stream:     "CAMERAS", Subject: "cameras.>", DeadLetter: "refused.cameras",
			}},
			{Kind: "mqtt", MQTT: &mqtt.Options{
				Options:    intake.Options{Name: "gate", Routes: []intake.Route{{Match: "cameras/+/frames", Function: "yolox-nano"}}},
				Connection: mqtt.Connection{URL: "mqtts://broker:8883", User: "saccade", Password: intake.Secret{File: "/etc/saccade/mqtt-password"}},
				Topics:     []string{"cameras/#"},
			}},
			{Kind: "folder", Folder: &folder.Options{
				Options: intake.Options{Name: "upload", Function: "yolo11n"},
				Path:    "/srv/ftp/camera", Done: "delete", Settle: functions.Duration(2 * time.Second),
			}},
		},
		Sinks: []sources.SinkOptions{
			{Kind: "nats", NATS: &nats.PublisherOptions{Name: "answers", Connection: nats.Connection{URL: "nats://broker:4222"}}},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAConfigurationThatIsWrongSaysWhere(t *testing.T) {
	for _, tt := range []struct{ name, text, says string }{
		{"no kind", "sources:\n- name: a\n", "kind"},
		{"another kind", "sources:\n- kind: kafka\n", "kafka"},
		{"a field of another kind", "sources:\n- kind: nats\n  name: a\n  topics: [a]\n", `line 4: a source or sink of kind nats has no field "topics"`},
		{"a field in a field", "sources:\n- kind: mqtt\n  password:\n    text: hush\n", `line 4: a source or sink of kind mqtt has no field "text"`},
		{"a field in a list", "sources:\n- kind: mqtt\n  routes:\n  - match: a\n    to: b\n", `no field "to"`},
		{"no time", "sources:\n- kind: folder\n  poll: soon\n", "soon"},
		{"a sink that is a folder", "sinks:\n- kind: folder\n", "folder"},
		{"a field that no sink has", "sinks:\n- kind: nats\n  stream: a\n", `no field "stream"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var c configuration
			if err := yaml.Unmarshal([]byte(tt.text), &c); err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%v does not say %q", err, tt.says)
			}
		})
	}
	upload := sources.Options{Kind: "folder", Folder: &folder.Options{Options: intake.Options{Name: "a"}, Path: "x"}}
	err := sources.Check([]sources.Options{upload, upload, {Kind: "mqtt", MQTT: &mqtt.Options{}}, {}})
	for _, want := range []string{"source a: another has this name", "source 3: ", "topics: none", "source 4: kind"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
	if _, err := sources.NewSinks([]sources.SinkOptions{{Kind: "nats", NATS: &nats.PublisherOptions{}}}, sources.Hooks{}); err == nil {
		t.Error("a sink of no broker is made")
	}
}

type together struct {
	all   []sources.Options
	hooks sources.Hooks
}

func (s together) Run(ctx context.Context, take sources.Take) error {
	return sources.Run(ctx, s.all, s.hooks, take)
}

func TestAnAnswerGoesBackToABrokerAndComesFromThere(t *testing.T) {
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(sourcestest.Patience) {
		t.Fatal("the server does not start")
	}
	at := nats.Connection{URL: s.ClientURL()}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "one.jpg"), sourcestest.JPEG("one"), 0o600); err != nil {
		t.Fatal(err)
	}
	g := sourcestest.New()
	sourcestest.Run(t, together{[]sources.Options{
		{Kind: "nats", NATS: &nats.Options{Options: intake.Options{Name: "back"}, Connection: at, Subject: "answers.>"}},
		{Kind: "folder", Folder: &folder.Options{Options: intake.Options{Name: "upload"}, Path: dir, Renamed: true}},
	}, g.Hooks()}, g)
	request := g.Taken(t, 1)[0]

	sinks, err := sources.NewSinks([]sources.SinkOptions{{Kind: "nats", NATS: &nats.PublisherOptions{Name: "out", Connection: at, Core: true}}}, g.Hooks())
	if err != nil {
		t.Fatal(err)
	}
	defer sinks.Close()
	for limit := time.Now().Add(sourcestest.Patience); s.GlobalAccount().Interest("answers.x") == 0; {
		if time.Now().After(limit) {
			t.Fatal("the source does not listen")
		}
	}
	answer, err := events.Detected(request, "/saccade", functions.Reply{Function: "eye"})
	if err != nil {
		t.Fatal(err)
	}
	host := strings.TrimPrefix(s.ClientURL(), "nats://")
	if err := sinks.Publish(t.Context(), &url.URL{Scheme: "nats", Host: host, Path: "/answers.x"}, answer); err != nil {
		t.Fatal(err)
	}
	if got := g.Taken(t, 2)[1]; got.ID != answer.ID || got.Extensions["causationid"] != request.ID {
		t.Errorf("the answer came back as %+v", got)
	}
	for _, elsewhere := range []string{"mqtt://" + host + "/a", "nats://169.254.169.254/a", "https://" + host + "/a"} {
		u, _ := url.Parse(elsewhere)
		if err := sinks.Publish(t.Context(), u, answer); functions.KindOf(err) != functions.Forbidden {
			t.Errorf("%s: %v", elsewhere, err)
		}
	}
}

func TestASourceThatCannotBeginEndsTheOthers(t *testing.T) {
	err := sources.Run(t.Context(), []sources.Options{
		{Kind: "folder", Folder: &folder.Options{Options: intake.Options{Name: "there"}, Path: t.TempDir()}},
		{Kind: "folder", Folder: &folder.Options{Options: intake.Options{Name: "none"}, Path: filepath.Join(t.TempDir(), "none")}},
	}, sources.Hooks{}, nil)
	if err == nil || !strings.Contains(err.Error(), "source none: opening the folder") {
		t.Errorf("ended with %v", err)
	}
}
