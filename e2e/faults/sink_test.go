package main

import (
	"context"
	"net/http"
	"runtime"
	"sync"
	"testing"
	"time"
)

func deliver(ctx context.Context, url, id, cause string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, http.NoBody)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Ce-Id", id)
	req.Header.Set("Ce-Causationid", cause)
	req.Header.Set("Ce-Type", typeDetected)
	resp, err := http.DefaultClient.Do(req)
	if err == nil {
		resp.Body.Close()
	}
	return resp, err
}

func TestWhatASinkTakesAndHowItAnswers(t *testing.T) {
	tests := []struct {
		name   string
		do     treatment
		status int // 0: no answer
		after  string
		taken  int
	}{
		{"a sink that is well takes what comes", wellBehaved(0), 204, "", 1},
		{"a sink that fails takes nothing", treatment{Status: 500}, 500, "", 0},
		{"a sink that is busy says until when", treatment{Status: 429, After: 2 * time.Second}, 429, "2", 0},
		{"a sink that hangs takes nothing", treatment{Hang: true}, 0, "", 0},
		{"an acknowledgement that is lost is of something that was taken", treatment{Hang: true, Kept: true}, 0, "", 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l := newLedger()
			l.accept("1", "/jobs/1", time.Now())
			s, err := openSink(l)
			if err != nil {
				t.Fatal(err)
			}
			defer s.close()
			came := make(chan struct{})
			s.behave(func(int64) treatment {
				close(came)
				return test.do
			})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var giving sync.WaitGroup
			defer giving.Wait()
			if test.do.Hang { // it is given up when it has entered what it took
				giving.Go(func() {
					<-came
					for l.close(nil).Done != test.taken && t.Context().Err() == nil {
						runtime.Gosched()
					}
					cancel()
				})
			}
			resp, err := deliver(ctx, s.url, "a", "1")
			switch {
			case test.status == 0 && err == nil:
				t.Errorf("the sink answered %s; want nothing", resp.Status)
			case test.status != 0 && err != nil:
				t.Fatal(err)
			case test.status != 0 && (resp.StatusCode != test.status || resp.Header.Get("Retry-After") != test.after):
				t.Errorf("the sink answered %s, Retry-After %q; want %d, %q", resp.Status, resp.Header.Get("Retry-After"), test.status, test.after)
			}
			if got := l.close(nil); got.Done != test.taken {
				t.Errorf("%d events are done; want %d", got.Done, test.taken)
			}
		})
	}
}

func TestWhoComesBeforeItMayIsSeen(t *testing.T) {
	s, err := openSink(newLedger())
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	s.ask("early", noon)
	s.arrived("early", noon.Add(-time.Millisecond))
	s.ask("in time", noon)
	s.arrived("in time", noon)
	s.arrived("in time", noon.Add(-time.Hour)) // nobody asked any more
	if asked, early := s.heeded(); asked != 2 || early != 1 {
		t.Errorf("%d were asked and %d came early; want 2 and 1", asked, early)
	}
}

func TestTroubleIsSpreadOverDeliveries(t *testing.T) {
	bad := 0
	m := some(30, treatment{Status: 500})
	for n := range int64(1000) {
		if m(n).Status == 500 {
			bad++
		}
	}
	if bad != 300 {
		t.Errorf("%d of 1000 deliveries fail; want 300", bad)
	}
}
