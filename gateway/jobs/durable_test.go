package jobs

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/gateway/events"
)

// childDir has the folder of the store in the process that is killed.
const childDir = "SACCADE_TEST_JOBS"

// TestMain is also the process that is killed: it accepts and works until then, and
// says on its output what was accepted and what was begun.
func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		if err := child(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func child(dir string) error {
	j, err := Open(context.Background(), Options{
		Dir: dir, MinFree: -1, Lease: time.Second, Backoff: 10 * time.Millisecond, MaxInline: 2000,
	})
	if err != nil {
		return err
	}
	var mu sync.Mutex
	say := func(word, id string) {
		mu.Lock()
		defer mu.Unlock()
		_, _ = os.Stdout.WriteString(word + " " + id + "\n") // one write: a line is whole or not there
	}
	go func() {
		_ = j.Run(context.Background(), func(_ context.Context, job Job) (events.Event, error) {
			say("began", job.Event.ID)
			return answerTo(job)
		})
	}()
	var group sync.WaitGroup
	for w := range 4 {
		group.Go(func() {
			for n := 0; ; n++ {
				id := fmt.Sprintf("%d-%d-%d", os.Getpid(), w, n)
				one := job(id)
				if n%10 == 0 { // some go beside the stream
					one.Event.Data = append(make([]byte, 5000), id...)
				}
				if _, err := j.Accept(context.Background(), one); err == nil {
					say("accepted", id)
				}
			}
		})
	}
	group.Wait()
	return nil
}

// kills is how often the process is killed.
func kills(t *testing.T) int {
	if n, err := strconv.Atoi(os.Getenv("SACCADE_KILLS")); err == nil {
		return n
	}
	if testing.Short() {
		return 3
	}
	return 12
}

func TestNothingAcceptedIsLostByAKill(t *testing.T) {
	dir := t.TempDir()
	accepted, began := map[string]bool{}, map[string]int{}
	for range kills(t) {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), childDir+"="+dir)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines, last := bufio.NewScanner(out), 50+rand.IntN(400)
		for n := 0; lines.Scan(); n++ {
			word, id, _ := strings.Cut(lines.Text(), " ")
			switch word {
			case "accepted":
				accepted[id] = true
			case "began":
				began[id]++
			}
			if n == last { // in the middle of whatever it does
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		var exit *exec.ExitError
		if err := cmd.Wait(); !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
			t.Fatalf("the process ended otherwise: %v", err)
		}
	}
	if len(accepted) < 20 {
		t.Fatalf("%d jobs were accepted: this shows nothing", len(accepted))
	}

	var mu sync.Mutex
	j := open(t, Options{Dir: dir, MinFree: -1, Lease: time.Second})
	run(t, j, func(_ context.Context, job Job) (events.Event, error) {
		mu.Lock()
		began[job.Event.ID]++
		mu.Unlock()
		return answerTo(job)
	})
	done, doubled := 0, 0
	for id := range accepted {
		status := until(t, j, job(id).ID(), Done)
		if !strings.Contains(string(status.Result), id) {
			t.Errorf("%s has the result %s", id, status.Result)
		}
		done++
	}
	mu.Lock()
	defer mu.Unlock()
	for _, times := range began {
		if times > 1 {
			doubled++
		}
	}
	t.Logf("%d kills: accepted %d, done %d, lost %d, begun more than once under one id %d",
		kills(t), len(accepted), done, len(accepted)-done, doubled)
}

func TestAFullDiskRefusesJobsAndTakesThemAgainWithoutARestart(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=24m"); err != nil {
		t.Skipf("mounting a small disk needs root: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	var ailed atomic.Int32
	o := quick(t)
	o.Dir, o.StoreTimeout = filepath.Join(dir, "jobs"), time.Second
	o.Noticed = func(error) { ailed.Add(1) }
	j := open(t, o)

	accepted := map[string]bool{accept(t, j, job("before")).ID: true}

	// Something else fills the disk until the store itself cannot write.
	filler, err := os.Create(filepath.Join(dir, "filler"))
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = filler.Write(make([]byte, 64<<10))
	}
	if !errors.Is(err, unix.ENOSPC) {
		t.Fatal(err)
	}
	var refusal error
	for n := 0; refusal == nil && n < 200; n++ {
		one := job(strconv.Itoa(n))
		one.Event.Data = make([]byte, 32<<10)
		var r Receipt
		if r, refusal = j.Accept(t.Context(), one); refusal == nil {
			accepted[r.ID] = true
		}
	}
	if e := kindIs(t, refusal, functions.Unavailable); e.RetryAfter <= 0 {
		t.Error("it does not say when to come back")
	}

	// There is room again.
	if err := filler.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filler.Name()); err != nil {
		t.Fatal(err)
	}
	deadline, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	after := job("after")
	for {
		r, err := j.Accept(deadline, after)
		if err == nil {
			accepted[r.ID] = true
			break
		}
		if deadline.Err() != nil {
			t.Fatalf("it never takes jobs again: %v", err)
		}
		pause(deadline, 20*time.Millisecond)
	}
	w := newWorker()
	run(t, j, w.work)
	for id := range accepted {
		until(t, j, id, Done)
	}
	t.Logf("accepted and done %d; the store was opened again after %d reports", len(accepted), ailed.Load())
}

func TestAJobIsRefusedWhileTheDiskHasTooLittleLeft(t *testing.T) {
	o := quick(t)
	o.MinFree = 1 << 60
	j := open(t, o)
	_, err := j.Accept(t.Context(), job("1"))
	if e := kindIs(t, err, functions.Unavailable); e.RetryAfter <= 0 {
		t.Error("it does not say when to come back")
	}
}

func TestWhatWasBegunHasTimeToEndAndTheRestIsTakenUpLater(t *testing.T) {
	o := quick(t)
	o.Drain = time.Minute
	j := open(t, o)
	began, end := make(chan struct{}), make(chan struct{})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- j.Run(ctx, func(_ context.Context, job Job) (events.Event, error) {
			close(began)
			<-end
			return answerTo(job)
		})
	}()
	first := accept(t, j, job("1"))
	<-began
	stop()
	later := accept(t, j, job("2"))
	close(end)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if status := until(t, j, first.ID, Done); status.Attempts != 1 {
		t.Errorf("what was begun is %+v", status)
	}
	if status, err := j.Get(t.Context(), later.ID); err != nil || status.State != Queued {
		t.Errorf("the rest is %+v, %v", status, err)
	}
	run(t, j, newWorker().work)
	until(t, j, later.ID, Done)
}

// BenchmarkAccept is how many jobs are accepted, each synced to disk before its
// caller hears of it.
func BenchmarkAccept(b *testing.B) {
	const callers = 64
	for name, size := range map[string]int{"url": 200, "picture": 60_000} {
		b.Run(name, func(b *testing.B) {
			j, err := Open(b.Context(), Options{Dir: b.TempDir(), MinFree: -1, MaxQueued: 1 << 40})
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = j.Close() }()
			data := make([]byte, size)
			var n atomic.Int64
			b.SetParallelism(max(1, callers/runtime.GOMAXPROCS(0)))
			b.SetBytes(int64(size))
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					one := job(strconv.FormatInt(n.Add(1), 10))
					one.Event.Data = data
					if _, err := j.Accept(b.Context(), one); err != nil {
						b.Error(err)
						return
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "accepts/s")
		})
	}
}
