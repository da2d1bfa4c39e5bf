package gateway

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The SDKs that CloudEvents itself publishes send to the gateway and read what it
// answers. They are installed for the test alone, and it is skipped where they cannot be.
func TestTheSDKsOfOtherLanguagesUnderstandTheGateway(t *testing.T) {
	if testing.Short() {
		t.Skip("installing SDKs takes a while")
	}
	for _, tt := range []struct {
		name    string
		install []string
		judge   []string
		env     string
		judged  string
	}{
		{
			"JavaScript",
			[]string{"npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", ".", "cloudevents@10.0.0"},
			[]string{"node", "judge.mjs"},
			"", "judged 9 answers",
		},
		{
			"Python",
			[]string{"python3", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", "sdk", "cloudevents==2.2.0"},
			[]string{"python3", "judge.py"},
			"PYTHONPATH=sdk", "judged 8 answers",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			script := tt.judge[1]
			text, err := os.ReadFile(filepath.Join("testdata", "judges", script))
			if err == nil {
				err = os.WriteFile(filepath.Join(dir, script), text, 0o600)
			}
			if err == nil {
				err = os.WriteFile(filepath.Join(dir, "picture.png"), aPicture(t), 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
			run := func(args ...string) (string, error) {
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute) // each: a registry may be slow
				defer cancel()
				cmd := exec.CommandContext(ctx, args[0], args[1:]...)
				cmd.Dir, cmd.WaitDelay = dir, time.Second
				cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1")
				if tt.env != "" {
					cmd.Env = append(cmd.Env, tt.env)
				}
				out, err := cmd.CombinedOutput()
				return string(out), err
			}
			if _, err := exec.LookPath(tt.judge[0]); err != nil {
				t.Skip(err)
			}
			if out, err := run(tt.install...); err != nil {
				t.Skipf("the SDK cannot be had: %v: %s", err, out)
			}
			w := newWorld(t)
			out, err := run(append(tt.judge, w.server.URL+"/v1/events", "picture.png")...)
			if err != nil || !strings.Contains(out, tt.judged) {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}
