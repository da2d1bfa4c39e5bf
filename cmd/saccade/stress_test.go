package main

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/client"
	"github.com/seed45885407/saccade/config"
	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/samples"
)

// TestNoRequestIsLostWhileInstancesComeGoAndDie sends waves of requests to a
// function that goes from zero to many and back, and kills instances at random
// meanwhile. Every request must be answered, and as a calm function answers.
func TestNoRequestIsLostWhileInstancesComeGoAndDie(t *testing.T) {
	needRuntime(t)
	requests, concurrency := 500, 16
	if testing.Short() {
		requests = 120
	}
	const waves = 4

	pictures := samplePictures(t)
	cfg := testConfig(t)
	cfg.MaxInstances = 2
	change := func(f *functions.Function) {
		f.Spec.Scaling.Window = functions.Duration(6 * time.Second)
		f.Spec.Scaling.ContainerConcurrency = 2
	}
	err := withOwn(t.Context(), cfg, slog.New(slog.DiscardHandler), change, func(ctx context.Context, c *client.Client, s *stack) error {
		want := make([][]functions.Detection, len(pictures))
		for i, picture := range pictures {
			reply, err := c.Detect(ctx, "centernet", client.Source{Data: picture}, functions.Parameters{})
			if err != nil {
				return fmt.Errorf("calm request: %w", err)
			}
			want[i] = reply.Detections
		}

		ctx, stop := context.WithCancel(ctx)
		defer stop()
		var killer sync.WaitGroup
		var killed atomic.Int32
		killer.Go(func() { killed.Store(killAtRandom(ctx)) })

		var answered, cold, wrong atomic.Int32
		for wave := range waves {
			var group sync.WaitGroup
			next := make(chan int)
			for range concurrency {
				group.Go(func() {
					for n := range next {
						i := n % len(pictures)
						// A number behind the picture's end: the same bytes at a time would share one run.
						picture := append(slices.Clip(pictures[i]), byte(n), byte(n>>8))
						reply, err := c.Detect(ctx, "centernet", client.Source{Data: picture}, functions.Parameters{})
						if err != nil {
							t.Errorf("request %d of wave %d was lost: %v", n, wave, err)
							continue
						}
						answered.Add(1)
						if reply.ColdStart {
							cold.Add(1)
						}
						if diff := cmp.Diff(want[i], reply.Detections); diff != "" {
							wrong.Add(1)
							t.Errorf("request %d of wave %d was answered wrongly (-calm +got):\n%s", n, wave, diff)
						}
					}
				})
			}
			for n := range requests / waves {
				next <- n
			}
			close(next)
			group.Wait()
			if err := untilZero(ctx, c, "centernet", func(time.Duration) {}); err != nil {
				return err
			}
		}
		stop()
		killer.Wait()
		t.Logf("%d sent, %d answered, %d wrong; %d waited for a cold start, %d instances killed, %d waves from zero",
			requests/waves*waves, answered.Load(), wrong.Load(), cold.Load(), killed.Load(), waves)
		if killed.Load() == 0 || cold.Load() < waves {
			t.Error("nothing was killed or nothing was cold: the test has tested nothing")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if left := children(); len(left) != 0 {
		t.Errorf("instances outlived the platform: %v", left)
	}
}

// killAtRandom kills one of this process's instances every second or so.
func killAtRandom(ctx context.Context) (killed int32) {
	for {
		select {
		case <-ctx.Done():
			return killed
		case <-time.After(time.Duration(300+rand.IntN(1500)) * time.Millisecond):
		}
		if pids := children(); len(pids) > 0 {
			if syscall.Kill(pids[rand.IntN(len(pids))], syscall.SIGKILL) == nil {
				killed++
			}
		}
	}
}

// children are the process ids of this process's instances.
func children() (pids []int) {
	threads, _ := filepath.Glob("/proc/self/task/*/children")
	for _, path := range threads {
		text, _ := os.ReadFile(path)
		for _, field := range strings.Fields(string(text)) {
			pid, err := strconv.Atoi(field)
			if name, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid)); err == nil && strings.HasPrefix(string(name), "saccade-runtime"[:15]) {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

// samplePictures are the shipped photographs.
func samplePictures(t *testing.T) (pictures [][]byte) {
	t.Helper()
	names, err := fs.Glob(samples.Pictures, "*.png")
	if err != nil || len(names) == 0 {
		t.Fatalf("no samples: %v", err)
	}
	for _, name := range names {
		picture, err := samples.Pictures.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		pictures = append(pictures, picture)
	}
	return pictures
}

// testConfig is a configuration with a cache of its own.
func testConfig(t *testing.T) config.Saccade {
	t.Helper()
	cfg := config.Default()
	cfg.Functions = nil
	cfg.Cache = t.TempDir()
	cfg.Runtime = runtimeProgram
	if dir := sharedModels(); dir != "" {
		cfg.ModelMirror = dir
	}
	return cfg
}
