package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestCostsAsksARunningGateway(t *testing.T) {
	var asked string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.RequestURI()
		fmt.Fprint(w, `{"currency":"EUR","since":"2026-01-02T03:04:05Z","keys":[{"key":"ann","function":"eye","requests":3,"cost":{"total":0.5}}]}`)
	}))
	defer server.Close()
	for _, tt := range []struct {
		name  string
		args  []string
		asked string
		says  string
	}{
		{"everything", nil, "/v1/costs", "ann"},
		{"a caller since an hour", []string{"--key", "ann", "--since", "1h"}, "/v1/costs?key=ann&since=1h", "0.5"},
		{"callers without a name", []string{"--key="}, "/v1/costs?key=", "EUR"},
		{"for programs", []string{"-o", "ndjson"}, "/v1/costs", `"currency":"EUR"`},
	} {
		var out, errs bytes.Buffer
		args := append([]string{"costs", "--gateway", server.URL}, tt.args...)
		if err := run(t.Context(), args, strings.NewReader(""), &out, &errs); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if asked != tt.asked || !strings.Contains(out.String(), tt.says) {
			t.Errorf("%s: asked for %s, said %s", tt.name, asked, out.String())
		}
	}
	var out bytes.Buffer
	err := run(t.Context(), []string{"costs", "--gateway", "127.0.0.1:1"}, strings.NewReader(""), &out, &out)
	if err == nil || !strings.Contains(err.Error(), "no gateway is running") {
		t.Errorf("without a gateway: %v", err)
	}
}
