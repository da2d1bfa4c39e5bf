package access

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestBrowsersAreToldWhatPagesMayDo(t *testing.T) {
	listed := CORSOptions{Origins: []string{"https://app.example.org", "https://*.dev.example", "http://localhost:3000"}}
	proud := CORSOptions{Origins: listed.Origins, Credentials: true}
	all := CORSOptions{Origins: []string{"*"}}
	const preflight, plain = http.MethodOptions, http.MethodPost
	tests := []struct {
		name    string
		opts    CORSOptions
		method  string
		origin  string
		allowed string // Access-Control-Allow-Origin
	}{
		{"off", CORSOptions{}, plain, "https://app.example.org", ""},
		{"off, a preflight", CORSOptions{}, preflight, "https://app.example.org", ""},
		{"a listed site", listed, plain, "https://app.example.org", "https://app.example.org"},
		{"a listed site's preflight", listed, preflight, "https://app.example.org", "https://app.example.org"},
		{"a listed site with a port", listed, plain, "http://localhost:3000", "http://localhost:3000"},
		{"another port", listed, plain, "http://localhost:3001", ""},
		{"another scheme", listed, plain, "http://app.example.org", ""},
		{"a site below a listed one", listed, preflight, "https://a.b.dev.example", "https://a.b.dev.example"},
		{"the site above those", listed, plain, "https://dev.example", ""},
		{"a site that ends alike", listed, plain, "https://evildev.example", ""},
		{"a site that begins alike", listed, plain, "https://app.example.org.evil.example", ""},
		{"a user in the origin", listed, plain, "https://app.example.org@evil.example", ""},
		{"a path in the origin", listed, plain, "https://evil.example/.dev.example", ""},
		{"a query in the origin", listed, plain, "https://evil.example?.dev.example", ""},
		{"a fragment in the origin", listed, plain, "https://evil.example#.dev.example", ""},
		{"a sandboxed page", listed, plain, "null", ""},
		{"no page at all", listed, plain, "", ""},
		{"another site's preflight", listed, preflight, "https://evil.example", ""},
		{"with credentials", proud, preflight, "https://app.example.org", "https://app.example.org"},
		{"with credentials, another site", proud, preflight, "https://evil.example", ""},
		{"all sites", all, preflight, "https://any.example", "*"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, _ := open(t, Options{CORS: tt.opts, Open: new(true)}, ":80")
			reached := false
			handler := a.CORS(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
			r := httptest.NewRequest(tt.method, "/v1/events", nil)
			if tt.origin != "" {
				r.Header.Set("Origin", tt.origin)
			}
			if tt.method == preflight {
				r.Header.Set("Access-Control-Request-Method", "POST")
				r.Header.Set("Access-Control-Request-Headers", "X-API-Key, ce-id, ce-Ünsinn,x-evil , content-type")
			}
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			h := w.Header()
			if got := h.Get("Access-Control-Allow-Origin"); got != tt.allowed {
				t.Errorf("allowed to %q; want %q", got, tt.allowed)
			}
			off := len(tt.opts.Origins) == 0
			if answered := tt.method == preflight && !off; reached == answered {
				t.Errorf("the request goes on: %v", reached)
			}
			if !off && tt.allowed != "*" && !strings.Contains(strings.Join(h.Values("Vary"), ","), "Origin") {
				t.Errorf("Vary is %q", h.Values("Vary"))
			}
			credentials := ""
			if tt.opts.Credentials && tt.allowed != "" {
				credentials = "true"
			}
			if got := h.Get("Access-Control-Allow-Credentials"); got != credentials {
				t.Errorf("credentials: %q; want %q", got, credentials)
			}
			if tt.method == preflight && tt.allowed != "" {
				want := []string{"x-api-key, ce-id, content-type", corsMethods, "600"}
				got := []string{h.Get("Access-Control-Allow-Headers"), h.Get("Access-Control-Allow-Methods"), h.Get("Access-Control-Max-Age")}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("the preflight's answer (-want +got):\n%s", diff)
				}
			} else if h.Get("Access-Control-Allow-Methods")+h.Get("Access-Control-Allow-Headers") != "" {
				t.Errorf("who is not allowed is told %v", h)
			}
		})
	}
}
