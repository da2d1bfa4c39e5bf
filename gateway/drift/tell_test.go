package drift

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed45885407/saccade/functions"
)

func TestAChangeIsToldUntilItIsTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tried := 0
		r := New(Options{Tell: func(_ context.Context, change functions.DriftChange) error {
			if tried++; tried < 4 {
				return functions.Errorf(functions.Unavailable, "later")
			}
			return nil
		}})
		ctx, stop := context.WithCancel(t.Context())
		var ran error
		done := make(chan struct{})
		go func() { ran = r.Run(ctx); close(done) }()
		w := ordinary(3)
		shows(r, w, 700)
		w.width = 640
		shows(r, w, 300)
		began := time.Now()
		time.Sleep(time.Minute)
		synctest.Wait()
		if tried != 4 {
			t.Errorf("tried %d times in %v, want 4", tried, time.Since(began))
		}
		stop()
		<-done
		if ran != nil {
			t.Error(ran)
		}
	})
}

func TestAListenerThatDoesNotReadIsLetGo(t *testing.T) {
	r := New(Options{})
	changes, stop, err := r.Listen("eye")
	if err != nil {
		t.Fatal(err)
	}
	for range maxUnheard + 1 {
		r.listening.tell(functions.DriftChange{Function: "eye"})
		r.listening.tell(functions.DriftChange{Function: "ear"})
	}
	heard := 0
	for range changes {
		heard++
	}
	stop() // twice does no harm
	if heard != maxUnheard {
		t.Errorf("heard %d, want %d and the end", heard, maxUnheard)
	}
}
