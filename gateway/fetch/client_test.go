package fetch

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/seed45885407/saccade/functions"
)

func TestAClientSendsOnlyWhereTheGuardLetsIt(t *testing.T) {
	var got []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = append(got, r.Method+" "+r.URL.Path+" "+r.Header.Get("Ce-Id")+" "+string(body))
		http.Redirect(w, r, "http://169.254.169.254/", http.StatusTemporaryRedirect)
	}))
	defer server.Close()
	for _, tt := range []struct {
		name  string
		allow []string
		url   string
		kind  functions.Kind // "" for an answer
	}{
		{"a loopback address that is opened", []string{"127.0.0.1"}, server.URL + "/in", ""},
		{"a loopback address", nil, server.URL + "/in", functions.Forbidden},
		{"a metadata service", []string{"127.0.0.1"}, "http://169.254.169.254/", functions.Forbidden},
		{"a private name", []string{"127.0.0.1"}, "http://db.internal/", functions.Forbidden},
		{"a user name", []string{"127.0.0.1"}, "http://u:p@127.0.0.1/", functions.Forbidden},
		{"an odd spelling", []string{"127.0.0.1"}, "http://2130706433/", functions.Forbidden},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, err := New(Options{Allow: tt.allow})
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			got = nil
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, tt.url, strings.NewReader("data"))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Ce-Id", "7")
			resp, err := f.Client().Do(req)
			if tt.kind != "" {
				if e, ok := errors.AsType[*functions.Error](err); !ok || e.Kind != tt.kind || len(got) != 0 {
					t.Errorf("refused with %v; %v arrived", err, got)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			// The redirect is the answer: where it leads is nobody's business here.
			if resp.StatusCode != http.StatusTemporaryRedirect || len(got) != 1 || got[0] != "POST /in 7 data" {
				t.Errorf("status %d, %v arrived", resp.StatusCode, got)
			}
		})
	}
}
