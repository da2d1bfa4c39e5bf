package main

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"
)

func TestHalfOfTheEventsComeAtOnceAndAllAtTheRate(t *testing.T) {
	l := load{rate: 60}
	var at []time.Duration
	for i := range 600 {
		at = append(at, l.due(i))
	}
	if !slices.IsSorted(at) {
		t.Error("an event is due before the one before it")
	}
	if at[59] != 0 || at[60] != 0 || at[61] == 0 || at[119] >= burst || at[120] != burst {
		t.Errorf("the first burst is at %v, %v, %v, %v, the second at %v", at[59], at[60], at[61], at[119], at[120])
	}
	if last := at[599]; last < 9*time.Second || last > 10*time.Second {
		t.Errorf("600 events at 60 a second take %v", last)
	}
}

// A sender goes on under the same id until it is told 202, and says so to the ledger.
func TestASenderIsPatient(t *testing.T) {
	var mu sync.Mutex
	seen := map[string]int{}
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get("Ce-Id") + r.Header.Get("Idempotency-Key")
		mu.Lock()
		seen[id]++
		n := seen[id]
		mu.Unlock()
		switch n {
		case 1:
			w.WriteHeader(http.StatusServiceUnavailable)
		case 2:
			panic(http.ErrAbortHandler) // it dies before it answers
		default:
			w.Header().Set("Location", "/v1/jobs/"+id)
			w.WriteHeader(http.StatusAccepted)
		}
	}))
	defer gateway.Close()
	picture, err := pictures(0)
	if err != nil {
		t.Fatal(err)
	}
	l := load{ledger: newLedger(), gateway: gateway.URL, function: "eye", name: "t", number: 20, rate: 1000, picture: picture}
	if err := l.send(t.Context()); err != nil {
		t.Fatal(err)
	}
	// Those with an Idempotency-Key net/http sends again by itself: two of twenty.
	want := counts{Sent: 20, Accepted: 20, Lost: 20, Refused: 20, Bare: 20, Cut: 18}
	if got := l.ledger.close(nil); got != want {
		t.Errorf("the ledger counts %+v; want %+v", got, want)
	}
	if seen["t-7"] != 4 { // one in twenty is sent again when it was accepted
		t.Errorf("event 7 came %d times; want 4", seen["t-7"])
	}
}

func TestAnEventThatNobodyMaySendEndsTheRun(t *testing.T) {
	gateway := httptest.NewServer(http.NotFoundHandler())
	defer gateway.Close()
	picture, err := pictures(0)
	if err != nil {
		t.Fatal(err)
	}
	l := load{ledger: newLedger(), gateway: gateway.URL, function: "eye", name: "t", number: 5, rate: 1000, picture: picture}
	if err := l.send(t.Context()); err == nil {
		t.Error("the sender took 404 for an answer")
	}
}
