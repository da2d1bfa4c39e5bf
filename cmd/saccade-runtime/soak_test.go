package main

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// residentKB is a process's resident memory in KiB, as Linux tells it.
func residentKB(t *testing.T, pid int) float64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Skipf("resident memory is read off /proc: %v", err)
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.ParseFloat(strings.Fields(value)[0], 64)
			if err != nil {
				t.Fatal(err)
			}
			return kb
		}
	}
	t.Skip("no VmRSS in /proc")
	return 0
}

// TestMemoryStaysFlat is ./task soak: after 10,000 requests of mixed sizes the program
// takes within 5% of what it took after 1,000. SACCADE_SOAK is the number of requests.
func TestMemoryStaysFlat(t *testing.T) {
	requests, err := strconv.Atoi(os.Getenv("SACCADE_SOAK"))
	if err != nil || requests < 20 {
		t.Skip("it takes minutes; SACCADE_SOAK=10000 asks for it")
	}
	var pictures [][]byte
	for _, size := range []image.Point{{320, 240}, {640, 480}, {810, 1080}, {1280, 720}, {1920, 1080}, {3000, 2000}, {4000, 3000}} {
		img := image.NewYCbCr(image.Rectangle{Max: size}, image.YCbCrSubsampleRatio420)
		for i := range img.Y {
			img.Y[i] = uint8(i*i>>9) ^ uint8(i%size.X)
		}
		var b bytes.Buffer
		if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 60}); err != nil {
			t.Fatal(err)
		}
		pictures = append(pictures, b.Bytes())
	}
	p := launch(t)
	if err, _ := p.get(t, "/v1/start", nil); err != nil {
		t.Fatal(err)
	}
	var sent atomic.Int64
	send := func(until int) {
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() {
				for {
					n := int(sent.Add(1))
					if n > until {
						sent.Add(-1)
						return
					}
					resp, err := p.client.Post("http://instance/v1/detect", "image/jpeg", bytes.NewReader(pictures[n*n%len(pictures)]))
					if err != nil {
						t.Error(err)
						return
					}
					if resp.StatusCode != http.StatusOK {
						t.Errorf("request %d: %s", n, resp.Status)
					}
					resp.Body.Close()
				}
			})
		}
		group.Wait()
	}
	send(requests / 10)
	early := residentKB(t, p.cmd.Process.Pid)
	for part := 2; part <= 10; part++ {
		send(requests / 10 * part)
		now := residentKB(t, p.cmd.Process.Pid)
		t.Logf("after %d requests: %.1f MiB, %.3f of what it was after %d", requests/10*part, now/1024, now/early, requests/10)
		if part == 10 && now > 1.05*early {
			t.Errorf("%.1f MiB after %d requests, %.1f MiB after %d", now/1024, requests, early/1024, requests/10)
		}
	}
}
