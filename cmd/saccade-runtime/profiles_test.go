package main

import (
	"context"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

func TestProfilesAreServedWhereTheyAreAskedForAndNowhereElse(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "p")
	get := func() (*http.Response, error) {
		transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", socket)
		}}
		defer transport.CloseIdleConnections()
		return (&http.Client{Transport: transport}).Get("http://process/debug/pprof/goroutine?debug=1")
	}
	stop, err := serveProfiles("unix:" + socket)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := get()
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("asked for: %v, %v", resp, err)
	}
	resp.Body.Close()
	stop()
	if resp, err := get(); err == nil {
		resp.Body.Close()
		t.Error("they are served after the end")
	}
	stop, err = serveProfiles("")
	if err != nil {
		t.Fatal(err)
	}
	stop()
	if _, err := serveProfiles("nonsense"); err == nil || !strings.Contains(err.Error(), "--pprof") {
		t.Errorf("an address that is none: %v", err)
	}
}

func TestTheDoorForPicturesShowsNoProfiles(t *testing.T) {
	p := launch(t)
	resp, err := p.client.Get("http://instance/debug/pprof/")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusNotFound {
		t.Errorf("it answers %s", resp.Status)
	}
}
