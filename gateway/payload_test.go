package gateway

import (
	"bytes"
	"net/http"
	"testing"

	"github.com/seed45885407/saccade/functions"
)

func TestAFunctionOfStyleLambdaTakesSixMegabytes(t *testing.T) {
	png := func(size int) []byte {
		return append([]byte("\x89PNG\r\n\x1a\n"), make([]byte, size-8)...)
	}
	for _, test := range []struct {
		name   string
		style  string
		size   int
		status int
	}{
		{"six are taken", functions.StyleLambda, functions.LambdaMaxPayload, http.StatusOK},
		{"one byte more is not", functions.StyleLambda, functions.LambdaMaxPayload + 1, http.StatusRequestEntityTooLarge},
		{"style kubernetes takes what the gateway takes", functions.StyleKubernetes, functions.LambdaMaxPayload + 1, http.StatusOK},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			f := functions.Function{Metadata: functions.Metadata{Name: "eye"}}
			f.Spec.Scaling.Style = test.style
			w.gateway.Routes.Set(functions.Revision{Name: "eye-00001", Function: f.WithDefaults()})
			resp, err := http.Post(w.server.URL+"/v1/functions/eye/detect", "image/png", bytes.NewReader(png(test.size)))
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != test.status {
				t.Errorf("status %d, want %d", resp.StatusCode, test.status)
			}
			if reached := len(w.asked) == 1; reached != (test.status == http.StatusOK) {
				t.Errorf("it reached the function: %v", reached)
			}
		})
	}
}

func TestAnAnswerIsBoundedAsItIsSent(t *testing.T) {
	answer := functions.Answer{Annotated: &functions.Annotated{Data: make([]byte, 3<<20)}}
	for most, want := range map[int64]functions.Kind{0: "", 4 << 20: "", 4<<20 - 1: functions.TooLarge} {
		err := answerFits(answer, most)
		if got := functions.KindOf(err); (err == nil) != (want == "") || err != nil && got != want {
			t.Errorf("at most %d: %v, want %q", most, err, want)
		}
	}
	if err := answerFits(functions.Answer{}, 1); err != nil {
		t.Errorf("without a picture: %v", err)
	}
}
