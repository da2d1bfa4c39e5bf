package main

import (
	"maps"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// The Dockerfiles cannot be built without Docker; what their last stages say can be
// read as Docker reads it, and compared.
func TestTheDockerfilesSayWhatTheImagesSay(t *testing.T) {
	for _, test := range []struct {
		file string
		want config
	}{
		{"../../images/gateway.Dockerfile", gatewayConfig()},
		{"../../images/runtime.Dockerfile", runtimeConfig()},
	} {
		t.Run(test.file, func(t *testing.T) {
			got, labels := lastStage(t, test.file)
			if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(config{})); diff != "" {
				t.Error(diff)
			}
			want := blueprint{}.labels(stamp{})
			delete(want, "org.opencontainers.image.created") // docker build knows it, a Dockerfile does not
			if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), labels); diff != "" {
				t.Errorf("labels: %s", diff)
			}
		})
	}
}

func lastStage(t *testing.T, path string) (config, []string) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	parsed, err := parser.Parse(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, warning := range parsed.Warnings {
		t.Errorf("%s: %s", path, warning.Short)
	}
	stages, _, err := instructions.Parse(parsed.AST, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := config{env: map[string]string{}}
	var labels []string
	for _, command := range stages[len(stages)-1].Commands {
		switch c := command.(type) {
		case *instructions.EntrypointCommand:
			if c.PrependShell {
				t.Error("the entrypoint wants a shell")
			}
			got.entrypoint = c.CmdLine
		case *instructions.CmdCommand:
			got.command = c.CmdLine
		case *instructions.RunCommand:
			t.Errorf("the last stage has no shell to run %q with", c.CmdLine)
		case *instructions.EnvCommand:
			for _, pair := range c.Env {
				got.env[pair.Key] = pair.Value
			}
		case *instructions.ExposeCommand:
			got.port = c.Ports[0] + "/tcp"
		case *instructions.UserCommand:
			got.user = c.User
		case *instructions.LabelCommand:
			for _, pair := range c.Labels {
				labels = append(labels, pair.Key)
			}
		}
	}
	slices.Sort(labels)
	return got, labels
}
