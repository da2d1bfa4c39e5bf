package gateway

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/seed45885407/saccade/functions"
)

func TestARecordIsToldOfEachRequestThatWasRouted(t *testing.T) {
	for _, test := range []struct {
		name, function string
		refuse         error
		told, worked   bool
	}{
		{"one that is answered, with how long it was worked on", "eye", nil, true, true},
		{"one that the function refuses, without", "eye", functions.Errorf(functions.Unsupported, "no"), true, false},
		{"none for a function that is not there", "ear", nil, false, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			w.refuse = test.refuse
			var mu sync.Mutex
			var names []string
			var times []time.Duration
			began := time.Now()
			w.gateway.opts.Arrived = func(at time.Time, function string, took time.Duration) {
				mu.Lock()
				defer mu.Unlock()
				if at.Before(began) || at.After(time.Now()) {
					t.Errorf("it arrived at %v", at)
				}
				names, times = append(names, function), append(times, took)
			}
			request := httptest.NewRequest(http.MethodPost, "/v1/functions/"+test.function+"/detect", bytes.NewReader([]byte("\x89PNG\r\n\x1a\n")))
			request.Header.Set("Content-Type", "image/png")
			w.gateway.Handler().ServeHTTP(httptest.NewRecorder(), request)
			mu.Lock()
			defer mu.Unlock()
			if told := len(names) == 1 && names[0] == test.function; told != test.told {
				t.Fatalf("told of %v", names)
			}
			if test.told && (times[0] > 0) != test.worked {
				t.Errorf("it was worked on for %v", times[0])
			}
		})
	}
}
