// Command load sends a number of requests, and prints on one line what came back:
// statuses, revisions, how many pods, and how long it took.
package main

import (
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"
)

func main() {
	url := flag.String("url", "http://10.96.0.80/", "where to; the ingress, unless told")
	host := flag.String("host", "", "the Host header")
	workers := flag.Int("c", 1, "requests at once")
	count := flag.Int("n", 100, "requests in all")
	lasting := flag.Duration("for", 0, "instead of -n: for how long")
	flag.Parse()
	if *workers < 1 || *count < 1 {
		fmt.Fprintln(os.Stderr, "load: -c and -n have to be at least 1")
		os.Exit(2)
	}
	began := time.Now()
	next := make(chan struct{})
	go func() { // ends by itself; the workers below end with it
		defer close(next)
		for sent := 0; *lasting > 0 && time.Since(began) < *lasting || *lasting == 0 && sent < *count; sent++ {
			next <- struct{}{}
		}
	}()
	client := &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: *workers}}
	all := tally{statuses: map[int]int{}, revisions: map[string]int{}, pods: map[string]int{}}
	var running sync.WaitGroup
	for range *workers {
		running.Go(func() {
			for range next {
				all.send(client, *url, *host)
			}
		})
	}
	running.Wait()
	fmt.Println(all.line(time.Since(began)))
}

type tally struct {
	mu              sync.Mutex
	statuses        map[int]int // -1: no answer
	revisions, pods map[string]int
	took            []time.Duration
}

func (t *tally) send(client *http.Client, url, host string) {
	began := time.Now()
	status, revision, pod := -1, "", ""
	if request, err := http.NewRequest(http.MethodGet, url, nil); err == nil {
		request.Host = host
		if response, err := client.Do(request); err == nil {
			_, _ = io.Copy(io.Discard, response.Body)
			_ = response.Body.Close()
			status, revision, pod = response.StatusCode, response.Header.Get("X-Revision"), response.Header.Get("X-Pod")
		}
	}
	took := time.Since(began)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.took = append(t.took, took)
	t.statuses[status]++
	t.revisions[revision]++
	t.pods[pod]++
}

func (t *tally) line(in time.Duration) string {
	slices.Sort(t.took)
	at := func(share float64) time.Duration {
		return t.took[int(share*float64(len(t.took)-1))].Round(10 * time.Microsecond)
	}
	return fmt.Sprintf("n=%d in %s (%.0f/s) statuses=%v revisions=%v pods=%d p50=%s p99=%s max=%s", len(t.took),
		in.Round(time.Millisecond), float64(len(t.took))/in.Seconds(), t.statuses, t.revisions, len(t.pods), at(.5), at(.99), at(1))
}
