package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corefake "k8s.io/client-go/kubernetes/fake"
	servingfake "knative.dev/serving/pkg/client/clientset/versioned/fake"

	"github.com/seed45885407/saccade/config"
	"github.com/seed45885407/saccade/knative/watch"
)

func TestAGatewayOnAClusterNeedsNoRuntimeAndNoHome(t *testing.T) {
	cfg := config.Default()
	cfg.Runtime, cfg.Cluster.Namespace, cfg.Drift.Off = "/no/such/program", "team", true
	s, err := stackOn(watch.Clients{Kubernetes: corefake.NewSimpleClientset(), Knative: servingfake.NewSimpleClientset()},
		cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- s.serve(ctx, listener, false) }()
	get := func(path string) (int, string) {
		resp, err := http.Get("http://" + listener.Addr().String() + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(body)
	}
	for began := time.Now(); ; {
		status, body := get("/readyz")
		if status == http.StatusOK {
			break
		}
		if time.Since(began) > time.Minute {
			t.Fatalf("it does not become ready: %d %s", status, body)
		}
	}
	if status, body := get("/v1/functions"); status != http.StatusOK || !strings.Contains(body, `"functions":[]`) {
		t.Errorf("%d %s", status, body)
	}
	cancel()
	if err := <-served; err != nil {
		t.Error(err)
	}
}

func TestAGatewayWithoutAClusterSaysSo(t *testing.T) {
	t.Setenv("KUBECONFIG", "")
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	t.Setenv("HOME", t.TempDir())
	for _, tt := range []struct {
		name, says string
		args       []string
	}{
		{"no cluster is named", "no cluster is known", []string{"--listen", "127.0.0.1:0", "--kubeconfig", ""}},
		{"the file is not there", "none.yaml", []string{"--listen", "127.0.0.1:0", "--kubeconfig", filepath.Join(t.TempDir(), "none.yaml")}},
		{"a way that there is not", "pigeon", []string{"--listen", "127.0.0.1:0", "--pods", "pigeon"}},
	} {
		cfg := config.Default()
		cfg.Cache = t.TempDir()
		cmd := gatewayCommand(&cfg)
		cmd.SetArgs(tt.args)
		cmd.SilenceErrors, cmd.SilenceUsage = true, true
		cmd.SetOut(new(bytes.Buffer))
		cmd.SetErr(new(bytes.Buffer))
		if err := cmd.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v, want it to say %q", tt.name, err, tt.says)
		}
	}
}
