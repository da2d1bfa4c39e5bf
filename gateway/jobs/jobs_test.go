package jobs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/gateway/events"
)

func TestAJobIsAcceptedDoneAndRead(t *testing.T) {
	j, w := open(t, quick(t)), newWorker()
	run(t, j, w.work)
	r := accept(t, j, job("1"))
	if r.State != Queued || r.Again || r.ID != job("1").ID() {
		t.Errorf("the receipt is %+v", r)
	}
	status := until(t, j, r.ID, Done)
	if want := `{"seen":"a picture, 1"}`; string(status.Result) != want || status.Attempts != 1 || status.Ended.IsZero() || status.Started.IsZero() {
		t.Errorf("the status is %+v", status)
	}
}

func TestTheSameEventIsTheSameJobWhateverItHasComeTo(t *testing.T) {
	o := quick(t)
	j, w := openOnly(t, o), newWorker()
	first := accept(t, j, job("1"))
	if again := accept(t, j, job("1")); again.ID != first.ID || !again.Again || again.State != Queued {
		t.Errorf("while it waits: %+v", again)
	}
	stop := run(t, j, w.work)
	until(t, j, first.ID, Done)
	if again := accept(t, j, job("1")); again.ID != first.ID || !again.Again || again.State != Done {
		t.Errorf("when it is done: %+v", again)
	}
	stop()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = open(t, Options{Dir: o.Dir, MinFree: -1}) // nothing is in memory any more
	run(t, j, w.work)
	if again := accept(t, j, job("1")); again.ID != first.ID || !again.Again || again.State != Done {
		t.Errorf("after a restart: %+v", again)
	}
	if n := w.times("1"); n != 1 {
		t.Errorf("it was done %d times", n)
	}
	another := job("1")
	another.Event.Data = []byte("another picture")
	_, err := j.Accept(t.Context(), another)
	kindIs(t, err, functions.Conflict)
	anothers := job("1")
	anothers.Owner = "somebody else"
	if r := accept(t, j, anothers); r.Again || r.ID == first.ID {
		t.Errorf("somebody else's job is %+v", r)
	}
}

func TestEqualEventsAtOneTimeAreOneJob(t *testing.T) {
	j := open(t, quick(t))
	var wg sync.WaitGroup
	fresh := make(chan Receipt, 64)
	for range 64 {
		wg.Go(func() {
			if r, err := j.Accept(t.Context(), job("1")); err != nil {
				t.Error(err)
			} else if !r.Again {
				fresh <- r
			}
		})
	}
	wg.Wait()
	if len(fresh) != 1 {
		t.Errorf("%d of 64 were told that theirs is new", len(fresh))
	}
	w := newWorker()
	run(t, j, w.work)
	until(t, j, job("1").ID(), Done)
	if n := w.times("1"); n != 1 {
		t.Errorf("it was done %d times", n)
	}
}

func TestAFailureIsTriedAgainByItsKind(t *testing.T) {
	busy := functions.Errorf(functions.Busy, "busy")
	source := functions.Errorf(functions.SourceFailed, "the camera is off")
	for _, tt := range []struct {
		name  string
		fails []error
		state State
		times int
		kind  string
	}{
		{"a busy function is waited for, however often", []error{busy, busy, busy, busy, busy, busy, busy}, Done, 8, ""},
		{"a source that fails is asked again", []error{source, source}, Done, 3, ""},
		{"a source that keeps failing is given up", []error{source, source, source, source, source, source}, Failed, 5, "picture-source-failed"},
		{"a fault of ours is tried again", []error{errors.New("oops")}, Done, 2, ""},
		{"what will never work is tried once", []error{functions.Errorf(functions.Unreadable, "no picture")}, Failed, 1, "unreadable-picture"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newSink(t)
			o := quick(t)
			o.Sink = s.URL
			j, w := open(t, o), newWorker()
			w.fails["1"] = tt.fails
			run(t, j, w.work)
			r := accept(t, j, job("1"))
			status := until(t, j, r.ID, Done, Failed)
			if status.State != tt.state || w.times("1") != tt.times || status.Attempts != tt.times {
				t.Errorf("%s after %d times: %+v", status.State, w.times("1"), status)
			}
			wantType := events.TypeDetected
			if tt.state == Failed {
				wantType = events.TypeFailed
				if status.Problem == nil || !bytes.HasSuffix([]byte(status.Problem.Type), []byte("#"+tt.kind)) {
					t.Errorf("the problem is %+v", status.Problem)
				}
			} else if status.Problem != nil {
				t.Errorf("it is done, with the problem %+v", status.Problem)
			}
			if got := s.received(); len(got) != 1 || got[0].Type != wantType || got[0].Extensions["causationid"] != "1" {
				t.Errorf("the sink got %+v", got)
			}
		})
	}
}

func TestAPanicIsAFaultOfOneJob(t *testing.T) {
	o := quick(t)
	o.MaxAttempts = 2
	j := open(t, o)
	run(t, j, func(_ context.Context, job Job) (events.Event, error) {
		if job.Event.ID == "bad" {
			panic("bad")
		}
		return answerTo(job)
	})
	bad, good := accept(t, j, job("bad")), accept(t, j, job("good"))
	until(t, j, good.ID, Done)
	if status := until(t, j, bad.ID, Failed); status.Attempts != 2 || status.Problem.Detail != "" {
		t.Errorf("a panic became %+v", status)
	}
}

func TestAnAttemptThatTakesTooLongIsEndedAndTriedAgain(t *testing.T) {
	o := quick(t)
	o.AttemptTimeout, o.MaxAttempts = 50*time.Millisecond, 2
	j := open(t, o)
	run(t, j, func(ctx context.Context, _ Job) (events.Event, error) {
		<-ctx.Done()
		return events.Event{}, ctx.Err()
	})
	if status := until(t, j, accept(t, j, job("1")).ID, Failed); status.Attempts != 2 || status.Problem.Status != http.StatusGatewayTimeout {
		t.Errorf("it became %+v, %+v", status, status.Problem)
	}
}

func TestAJobIsGivenUpAtItsDeadline(t *testing.T) {
	j := open(t, quick(t))
	run(t, j, func(context.Context, Job) (events.Event, error) {
		return events.Event{}, functions.Errorf(functions.Unavailable, "the function is away")
	})
	late := job("1")
	late.Deadline = time.Now().Add(2 * time.Second) // for two attempts, on a disk that takes its time too
	status := until(t, j, accept(t, j, late).ID, Failed)
	if status.Attempts < 2 || status.Problem == nil ||
		status.Problem.Detail != "the job's time was over before it was done; last: the function is away" {
		t.Errorf("it became %+v, %+v", status, status.Problem)
	}
}

func TestALongPictureAndALongAnswerGoBesideTheStream(t *testing.T) {
	o := quick(t)
	o.MaxInline = 1000
	s := newSink(t)
	o.Sink = s.URL
	j := open(t, o)
	long := bytes.Repeat([]byte("picture "), 100_000)
	run(t, j, func(_ context.Context, job Job) (events.Event, error) {
		if !bytes.Equal(job.Event.Data, long) {
			t.Errorf("the work got %d bytes", len(job.Event.Data))
		}
		return answerTo(job)
	})
	big := job("1")
	big.Event.Data = long
	r := accept(t, j, big)
	status := until(t, j, r.ID, Done)
	if len(status.Result) < len(long) {
		t.Errorf("the result has %d bytes", len(status.Result))
	}
	if got := s.received(); len(got) != 1 || len(got[0].Data) < len(long) {
		t.Errorf("the sink got %d answers", len(got))
	}
	l, err := j.link()
	if err != nil {
		t.Fatal(err)
	}
	// The picture goes just after the job has left the queue.
	for {
		list, err := l.objects.List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(list) == 1 && list[0].Name == r.ID+".answer.0" {
			break
		}
	}
}

func TestOneFloodedFunctionDoesNotHoldUpAnother(t *testing.T) {
	o := quick(t)
	o.ParallelOf = func(string) int { return 2 }
	j := open(t, o)
	gate := make(chan struct{})
	var opened sync.Once
	t.Cleanup(func() { opened.Do(func() { close(gate) }) })
	run(t, j, func(ctx context.Context, job Job) (events.Event, error) {
		if job.Function == "flooded" {
			select {
			case <-gate:
			case <-ctx.Done():
				return events.Event{}, ctx.Err()
			}
		}
		return answerTo(job)
	})
	flood := func(n int) Job {
		f := job(named("flood %d", n))
		f.Function = "flooded"
		return f
	}
	for n := range 200 {
		accept(t, j, flood(n))
	}
	until(t, j, accept(t, j, job("1")).ID, Done)
	taken := 0
	for n := range 200 {
		status, err := j.Get(t.Context(), flood(n).ID())
		if err != nil {
			t.Fatal(err)
		}
		if status.State == Running {
			taken++
		}
	}
	if taken > 2 {
		t.Errorf("%d jobs of one function are worked on at a time; 2 may be", taken)
	}
	opened.Do(func() { close(gate) })
	for n := range 200 {
		until(t, j, flood(n).ID(), Done)
	}
}

func TestAFunctionHasOnlySoManyJobs(t *testing.T) {
	o := quick(t)
	o.MaxQueued = 3
	j := open(t, o)
	for _, id := range []string{"1", "2", "3"} {
		accept(t, j, job(id))
	}
	_, err := j.Accept(t.Context(), job("4"))
	if e := kindIs(t, err, functions.Busy); e.RetryAfter <= 0 {
		t.Error("it does not say when to come back")
	}
	if r := accept(t, j, job("1")); !r.Again {
		t.Error("what was accepted is not known again")
	}
	other := job("4")
	other.Function = "ear"
	accept(t, j, other)
}

func TestACancelledJobIsNotDone(t *testing.T) {
	j, w := open(t, quick(t)), newWorker()
	waiting := accept(t, j, job("waiting"))
	if err := j.Cancel(t.Context(), waiting.ID); err != nil {
		t.Fatal(err)
	}
	begun := make(chan struct{})
	run(t, j, func(ctx context.Context, job Job) (events.Event, error) {
		if job.Event.ID == "running" {
			close(begun)
			<-ctx.Done()
			return events.Event{}, ctx.Err()
		}
		return w.work(ctx, job)
	})
	running := accept(t, j, job("running"))
	<-begun
	if err := j.Cancel(t.Context(), running.ID); err != nil {
		t.Fatal(err)
	}
	done := accept(t, j, job("done"))
	until(t, j, done.ID, Done)
	for _, id := range []string{waiting.ID, running.ID} {
		if status := until(t, j, id, Cancelled); status.Ended.IsZero() {
			t.Errorf("it is %+v", status)
		}
		if err := j.Cancel(t.Context(), id); err != nil {
			t.Errorf("cancelling twice: %v", err)
		}
	}
	if n := w.times("waiting"); n != 0 {
		t.Errorf("what was cancelled was done %d times", n)
	}
	kindIs(t, j.Cancel(t.Context(), done.ID), functions.Conflict)
	kindIs(t, j.Cancel(t.Context(), job("none").ID()), functions.JobNotFound)
	kindIs(t, j.Cancel(t.Context(), "*.>"), functions.JobNotFound)
}

func TestAWatcherTellsEveryChangeAndEnds(t *testing.T) {
	j, w := open(t, quick(t)), newWorker()
	w.fails["1"] = []error{functions.Errorf(functions.SourceFailed, "off")}
	r := accept(t, j, job("1"))
	watcher, err := j.Watch(t.Context(), r.ID)
	if err != nil {
		t.Fatal(err)
	}
	defer watcher.Close()
	first, err := watcher.Next(t.Context())
	if err != nil || first.State != Queued || first.Version != 0 {
		t.Fatalf("first %+v, %v", first, err)
	}
	short, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := watcher.Next(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("while nothing changes: %v", err)
	}
	run(t, j, w.work)
	var last Status
	for {
		status, err := watcher.Next(t.Context())
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if status.Version <= last.Version {
			t.Errorf("version %d follows %d", status.Version, last.Version)
		}
		last = status
	}
	if last.State != Done || last.Attempts != 2 {
		t.Errorf("the last change is %+v", last)
	}
	_, err = j.Watch(t.Context(), job("none").ID())
	kindIs(t, err, functions.JobNotFound)
}

func TestJobsAreListedPageByPageAndByOwner(t *testing.T) {
	j, w := open(t, quick(t)), newWorker()
	want := map[string]State{}
	for n := range 5 {
		mine := job(named("%d", n))
		mine.Owner = "me"
		want[accept(t, j, mine).ID] = Done
	}
	other := job("other")
	other.Owner = "another"
	others := accept(t, j, other).ID
	stop := run(t, j, w.work)
	for id := range want {
		until(t, j, id, Done)
	}
	until(t, j, others, Done)
	stop()
	waits := job("waits")
	waits.Owner, waits.Function = "me", "ear"
	want[accept(t, j, waits).ID] = Queued

	got := map[string]State{}
	pages, cursor := 0, ""
	for {
		page, next, err := j.List(t.Context(), Filter{Owner: "me", Owned: true, Limit: 2, Cursor: cursor})
		if err != nil || len(page) > 2 {
			t.Fatalf("%d jobs, %v", len(page), err)
		}
		for _, status := range page {
			got[status.ID] = status.State
		}
		if pages, cursor = pages+1, next; next == "" {
			break
		}
	}
	if diff := cmp.Diff(want, got); diff != "" || pages < 3 {
		t.Errorf("%d pages, (-want +got):\n%s", pages, diff)
	}
	for _, tt := range []struct {
		name   string
		filter Filter
		want   int
	}{
		{"all", Filter{}, 7},
		{"of a function", Filter{Function: "ear"}, 1},
		{"in a state", Filter{State: Queued}, 1},
		{"of a function in a state", Filter{Function: "eye", State: Done}, 6},
		{"of nobody", Filter{Owned: true}, 0},
	} {
		if page, _, err := j.List(t.Context(), tt.filter); err != nil || len(page) != tt.want {
			t.Errorf("%s: %d jobs, %v; want %d", tt.name, len(page), err, tt.want)
		}
	}
	for _, filter := range []Filter{{Cursor: "x1"}, {Cursor: "q"}, {Cursor: "r0"}, {Function: "*"}} {
		_, _, err := j.List(t.Context(), filter)
		kindIs(t, err, functions.Invalid)
	}
}

func TestAJobIsCheckedBeforeItIsAccepted(t *testing.T) {
	j := open(t, quick(t))
	for _, tt := range []struct {
		name   string
		change func(*Job)
		kind   functions.Kind
	}{
		{"a function that is no subject's token", func(j *Job) { j.Function = "a.>" }, functions.NotFound},
		{"no source", func(j *Job) { j.Event.Source = "" }, functions.Invalid},
		{"a sink that is no URL", func(j *Job) { j.Sinks = []string{"%"} }, functions.Invalid},
		{"a sink of no scheme that is known", func(j *Job) { j.Sinks = []string{"amqp://broker/x"} }, functions.Invalid},
		{"a callback, where none is allowed", func(j *Job) { j.Callback = "https://example.com/" }, functions.Forbidden},
		{"attributes without end", func(j *Job) { j.Event.Subject = string(bytes.Repeat([]byte("x"), 100_000)) }, functions.Invalid},
	} {
		bad := job("1")
		tt.change(&bad)
		_, err := j.Accept(t.Context(), bad)
		t.Log(tt.name)
		kindIs(t, err, tt.kind)
	}
}

func TestTheFolderIsOneProcesss(t *testing.T) {
	o := quick(t)
	open(t, o)
	if _, err := Open(t.Context(), o); err == nil {
		t.Error("two have one folder")
	}
}

func TestBytesThatAreBeingAcceptedAreBounded(t *testing.T) {
	o := quick(t)
	o.MaxAccepting = 100
	j := open(t, o)
	first, err := j.Reserve(60)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := j.Reserve(60); err == nil {
		t.Error("120 of 100 bytes are taken")
	}
	first()
	alone, err := j.Reserve(1000) // or it would never have its turn
	if err != nil {
		t.Fatal(err)
	}
	alone()
	if held := j.held.Load(); held != 0 {
		t.Errorf("%d bytes are still held", held)
	}
}

func TestAStatusReadsAsJSON(t *testing.T) {
	j, w := open(t, quick(t)), newWorker()
	run(t, j, w.work)
	status := until(t, j, accept(t, j, job("1")).ID, Done)
	text, err := json.Marshal(status)
	if err != nil {
		t.Fatal(err)
	}
	var back map[string]any
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"id", "function", "state", "attempts", "accepted_at", "started_at", "ended_at", "result"} {
		if back[name] == nil {
			t.Errorf("there is no %s in %s", name, text)
		}
	}
}

func TestAnotherRequestUnderOneIDDoesNotTouchTheFirstOnesData(t *testing.T) {
	o := quick(t)
	o.MaxInline = 10
	j, w := open(t, o), newWorker()
	r := accept(t, j, job("1"))
	another := job("1")
	another.Event.Data = []byte("another picture, as long")
	_, err := j.Accept(t.Context(), another)
	kindIs(t, err, functions.Conflict)
	run(t, j, w.work)
	if status := until(t, j, r.ID, Done); string(status.Result) != `{"seen":"a picture, 1"}` {
		t.Errorf("the result is %s", status.Result)
	}
}
