package gateway

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/gateway/coldstart"
	"github.com/seed45885407/saccade/gateway/events"
	"github.com/seed45885407/saccade/gateway/jobs"
)

// answered is what came back of one request.
type answered struct {
	status int
	header http.Header
	body   []byte
}

// waits until so many requests for the function are in the waiting room.
func (w *world) waits(n int) {
	w.Helper()
	for {
		if _, waiting := w.room.Load("eye-00001"); waiting == n {
			return
		}
		time.Sleep(time.Millisecond) // the test's own deadline ends it
	}
}

// settles waits until so many requests have been in the waiting room for a while: each that
// comes is there until it finds that it may share another's run.
func (w *world) settles(n int) {
	w.Helper()
	for since := time.Now(); time.Since(since) < 500*time.Millisecond; time.Sleep(time.Millisecond) {
		if _, waiting := w.room.Load("eye-00001"); waiting != n {
			since = time.Now()
		}
	}
}

// holds makes the function's revisions begin to change places: the pod goes.
func (w *world) holds() {
	w.room.Hold("eye-00001")
	w.room.Publish("eye-00001", nil)
}

// flows ends that: the revision has the requests and an instance.
func (w *world) flows(revision string) {
	was, _ := w.gateway.Routes.Route("eye")
	w.gateway.Routes.Set(functions.Revision{Name: revision, Function: was.Function})
	life := coldstart.NewLife()
	life.End(false)
	w.room.Publish(revision, []coldstart.Instance{{
		Name: revision + "/pod", Network: "tcp", Address: w.function.Listener.Addr().String(), Ready: true, Capacity: 2, Life: life,
	}})
	w.room.Move("eye-00001")
}

func TestHeldRequestsAreAnsweredByWhoeverHasThemAfterTheHold(t *testing.T) {
	for _, revision := range []string{"eye-00002", "eye-00001"} {
		t.Run(revision, func(t *testing.T) {
			w := newWorld(t)
			head := aPicture(t)
			w.gate = make(chan struct{})
			var inside answered
			var group sync.WaitGroup
			group.Go(func() {
				inside.status, inside.header, inside.body = w.post(detectPath, "image/png", bytes.NewReader(head))
			})
			for inFlight := 0; inFlight == 0; inFlight, _ = w.room.Load("eye-00001") {
				time.Sleep(time.Millisecond)
			}
			w.holds()
			const pictures, copies = 6, 2 // equal ones share a run
			answers := make([]answered, pictures*copies)
			for i := range answers {
				group.Go(func() {
					a := &answers[i]
					a.status, a.header, a.body = w.post(detectPath, "image/png", bytes.NewReader(numbered(head, uint16(i%pictures), 40_000)))
				})
			}
			w.settles(pictures)
			close(w.gate) // what the pod has is finished
			w.waits(pictures)
			w.mu.Lock()
			if w.woken != 1 {
				t.Errorf("the platform was told of %d requests, want the one in the pod", w.woken)
			}
			w.mu.Unlock()
			w.flows(revision)
			group.Wait()
			if reply := w.reply(inside.status, inside.body); reply.Revision != "eye-00001" {
				t.Errorf("the request that was in the pod was answered by %s", reply.Revision)
			}
			for i, a := range answers {
				if reply := w.reply(a.status, a.body); reply.Revision != revision {
					t.Errorf("request %d was answered by %s", i, reply.Revision)
				}
			}
			w.mu.Lock()
			defer w.mu.Unlock()
			seen := map[string]int{}
			for _, got := range w.asked[1:] {
				seen[string(got)]++
			}
			for n := range pictures {
				if seen[string(numbered(head, uint16(n), 40_000))] == 0 {
					t.Errorf("picture %d did not come to the function as it was sent", n)
				}
			}
			if held, _ := w.room.Bytes(); held != 0 {
				t.Errorf("%d bytes are held when all is over", held)
			}
		})
	}
}

func TestMoreThanMayBeHeldIsTurnedAwayAtOnce(t *testing.T) {
	w := newWorldOf(t, coldstart.Options{MaxWaiting: 3})
	w.holds()
	var group sync.WaitGroup
	for i := range 3 {
		group.Go(func() {
			status, _, body := w.post(detectPath, "image/png", bytes.NewReader(numbered(aPicture(t), uint16(i), 100)))
			w.reply(status, body)
		})
	}
	w.waits(3)
	status, h, body := w.post(detectPath, "image/png", bytes.NewReader(aPicture(t)))
	if kind := w.kind(status, h, body); kind != functions.Unavailable || status != http.StatusServiceUnavailable || h.Get("Retry-After") != "1" {
		t.Errorf("%d %s, Retry-After %q", status, kind, h.Get("Retry-After"))
	}
	w.flows("eye-00002")
	group.Wait()
	if w.woken != 3 {
		t.Errorf("the platform was told of %d requests, want those that waited", w.woken)
	}
}

func TestARequestWhoseTimeIsOverWhileHeld(t *testing.T) {
	w := newWorld(t)
	w.holds()
	status, h, body := w.post(detectPath, "image/png", bytes.NewReader(aPicture(t)), requestTimeout, "20ms")
	if kind := w.kind(status, h, body); kind != functions.ColdStartTimeout || status != http.StatusGatewayTimeout ||
		!strings.Contains(string(body), "changing places") {
		t.Errorf("%d %s: %s", status, kind, body)
	}
	if _, waiting := w.room.Load("eye-00001"); waiting != 0 || w.woken != 0 {
		t.Errorf("%d wait, the platform was told of %d", waiting, w.woken)
	}
}

// The time of each attempt is the function's own, the job's is a day.
func TestAnEventThatWasHeldForLongerThanItsTimeIsTriedAgain(t *testing.T) {
	w := newAsyncWorld(t, jobs.Options{}, events.Route{Type: "*", Function: "eye", Delivery: events.DeliveryAsync})
	was, err := w.gateway.Routes.Route("eye")
	if err != nil {
		t.Fatal(err)
	}
	was.Function.Spec.Scaling.Timeout = functions.Duration(20 * time.Millisecond)
	w.gateway.Routes.Set(was)
	w.holds()
	w.works()
	status, h, body := w.post("/v1/events", "image/png", bytes.NewReader(aPicture(t)),
		"ce-specversion", "1.0", "ce-id", "1", "ce-source", "/cameras/1", "ce-type", "com.example.picture")
	if status != http.StatusAccepted {
		t.Fatalf("%d: %s", status, body)
	}
	tries := func() int { // that ended because their time was over
		_, _, page := w.send(http.MethodGet, "/metrics", nil, "X-API-Key", w.keys["root"])
		for line := range strings.Lines(string(page)) {
			var n int
			if _, err := fmt.Sscanf(line, `saccade_invocations_total{function="eye",outcome="failed",revision="eye-00001"} %d`, &n); err == nil {
				return n
			}
		}
		return 0
	}
	for tries() < 2 {
		time.Sleep(time.Millisecond)
	}
	was.Function.Spec.Scaling.Timeout = functions.Duration(time.Minute)
	w.gateway.Routes.Set(was)
	w.flows("eye-00002")
	states, last := w.followed(h.Get("Location"))
	if reply := w.world.reply(http.StatusOK, last.Result); last.State != jobs.Done || reply.Revision != "eye-00002" {
		t.Errorf("states %v, last %+v", states, last)
	}
}
