package main

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/client/render"
	"github.com/seed45885407/saccade/knative/traffic"
)

func TestTheSplitIsATable(t *testing.T) {
	now := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	state := traffic.State{
		Function: "eye", LatestCreated: "eye-00003", LatestReady: "eye-00002",
		Wanted: []traffic.Target{{Revision: "eye-00001", Percent: 75}, {Revision: "eye-00002", Percent: 25}, {Revision: "eye-00002", Tag: "next"}},
		Targets: []traffic.Target{
			{Revision: "eye-00001", Percent: 90},
			{Revision: "eye-00002", Percent: 10},
			{Revision: "eye-00002", Tag: "next", URL: "http://next-eye.vision.example"},
		},
		Revisions: []traffic.Revision{
			{Name: "eye-00003", Created: now.Add(-30 * time.Second), Reason: "The model cannot be read.", WantedPods: 1},
			{Name: "eye-00002", Created: now.Add(-5 * time.Minute), Ready: true, ReadyPods: 1, WantedPods: 1},
			{Name: "eye-00001", Created: now.Add(-72 * time.Hour), Ready: true, ReadyPods: 3, WantedPods: 4},
		},
		Annotations: map[string]string{traffic.StatusAnnotation: `{"plan":{"steps":[10,25,100]},"stable":"eye-00001","canary":"eye-00002","step":1,"phase":"running","reason":"40 requests, every guard kept"}`},
	}
	const want = `REVISION   TRAFFIC       TAG   GATEWAY   URL                             AGE  READY                         PODS
eye-00003  0 %           -     -         -                               30s  no: The model cannot be read  0/1
eye-00002  10 % -> 25 %  next  eye@next  http://next-eye.vision.example  5m   yes                           1/1
eye-00001  90 % -> 75 %  -     -         -                               3d   yes                           3/4

rollout of eye-00002: running at 25 % (40 requests, every guard kept)
`
	var b bytes.Buffer
	if err := writeTraffic(&b, state, render.Table, now); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
}

// What is asked for wrongly is refused before a cluster is looked for.
func TestTrafficAndRolloutRefuseWhatTheyCannotDo(t *testing.T) {
	t.Setenv("KUBECONFIG", t.TempDir()+"/none")
	for _, tt := range []struct {
		args string
		says string
	}{
		{"traffic", "requires at least 1 arg"},
		{"traffic eye stable=90", "sum to 90 %"},
		{"traffic eye stable", "is no share"},
		{"traffic eye --tag canary=eye-00001", "is a word of its own"},
		{"rollout eye --steps 50,25,100", "do not ascend"},
		{"rollout eye --steps 5,25", "has to be 100"},
		{"rollout eye --guard speed=1s", "is no guard"},
		{"rollout eye --resume --abort", "none of the others can be"},
		{"rollout eye --idle perhaps", "go or stop"},
		{"rollback", "accepts 1 arg"},
	} {
		cmd := trafficCommand()
		switch name, _, _ := strings.Cut(tt.args, " "); name {
		case "rollout":
			cmd = rolloutCommand()
		case "rollback":
			cmd = rollbackCommand()
		}
		cmd.SetArgs(strings.Fields(tt.args)[1:])
		cmd.SetOut(io.Discard)
		cmd.SetErr(io.Discard)
		if err := cmd.Execute(); err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("saccade %s: %v; want %q", tt.args, err, tt.says)
		}
	}
}
