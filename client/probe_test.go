package client

import (
	"io"
	"net/http"
	"testing"

	"github.com/seed45885407/saccade/functions"
)

func TestAProbeAsksThatNothingBeKept(t *testing.T) {
	var asked []string
	c := gateway(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Header.Get("Cache-Control")+" "+r.URL.RequestURI())
		_, _ = io.WriteString(w, cold)
	})
	picture := Source{Data: []byte("GIF89a")}
	reply, err := c.Probe(t.Context(), "centernet", picture, functions.Parameters{MinScore: new(0.01)})
	if err != nil || len(reply.Detections) == 0 {
		t.Errorf("%+v, %v", reply, err)
	}
	if _, err := c.Detect(t.Context(), "centernet", picture, functions.Parameters{}); err != nil {
		t.Error(err)
	}
	want := []string{"no-store /v1/functions/centernet/detect?min_score=0.01", " /v1/functions/centernet/detect"}
	if len(asked) != 2 || asked[0] != want[0] || asked[1] != want[1] {
		t.Errorf("asked %q, want %q", asked, want)
	}
}
