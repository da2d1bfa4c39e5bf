package invoke

import (
	"encoding/json"
	"errors"
	"net/http"
	"testing"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/functions/problem"
	"github.com/seed45885407/saccade/gateway/coldstart"
)

func TestARemoteInstanceIsNamedToThoseInBetween(t *testing.T) {
	var host, header string
	instance := serve(t, func(w http.ResponseWriter, r *http.Request) {
		host, header = r.Host, r.Header.Get("Knative-Serving-Revision")
		_ = json.NewEncoder(w).Encode(functions.Answer{})
	})
	instance.Host, instance.Header = "eye.team.svc.cluster.local", map[string]string{"Knative-Serving-Revision": "eye-00001"}
	invoker := New()
	defer invoker.Close()
	if _, err := invoker.Detect(t.Context(), instance, []byte("p"), functions.Parameters{}); err != nil {
		t.Fatal(err)
	}
	if host != "eye.team.svc.cluster.local" || header != "eye-00001" {
		t.Errorf("it was called %q, %q", host, header)
	}
}

func TestWhoLosesARemoteInstanceSaysHow(t *testing.T) {
	plain := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "said by a proxy", status) }
	}
	for _, tt := range []struct {
		name    string
		handler http.HandlerFunc // nil: nobody listens
		losses  []coldstart.Loss
		lost    bool
		kind    functions.Kind
	}{
		{"nobody is there", nil, []coldstart.Loss{coldstart.Unreached}, true, functions.Unavailable},
		{
			"the connection breaks", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
			[]coldstart.Loss{coldstart.Broken},
			true, functions.Unavailable,
		},
		{"the program behind the queue-proxy is gone", plain(http.StatusBadGateway), []coldstart.Loss{coldstart.Crashed}, true, functions.Unavailable},
		{"the queue-proxy is full", plain(http.StatusServiceUnavailable), []coldstart.Loss{coldstart.Unreached}, true, functions.Unavailable},
		{"the activator does not know the revision yet", plain(http.StatusNotFound), []coldstart.Loss{coldstart.Unreached}, true, functions.Unavailable},
		{"the revision's time is over", plain(http.StatusGatewayTimeout), nil, false, functions.Timeout},
		{"the function refuses", func(w http.ResponseWriter, _ *http.Request) {
			problem.Write(w, functions.Errorf(functions.Unavailable, "not now"))
		}, nil, false, functions.Unavailable},
		{"something else", plain(http.StatusTeapot), nil, false, functions.Internal},
	} {
		t.Run(tt.name, func(t *testing.T) {
			instance := coldstart.Instance{Name: "eye-1", Network: "unix", Address: t.TempDir() + "/none.sock"}
			if tt.handler != nil {
				instance = serve(t, tt.handler)
			}
			var losses []coldstart.Loss
			instance.Lost = func(how coldstart.Loss) { losses = append(losses, how) }
			invoker := New()
			defer invoker.Close()
			_, err := invoker.Detect(t.Context(), instance, []byte("p"), functions.Parameters{})
			if errors.Is(err, ErrLost) != tt.lost || functions.KindOf(err) != tt.kind {
				t.Errorf("%v, want kind %s, lost %v", err, tt.kind, tt.lost)
			}
			if len(losses) != len(tt.losses) || len(losses) == 1 && losses[0] != tt.losses[0] {
				t.Errorf("told %v, want %v", losses, tt.losses)
			}
		})
	}
}
