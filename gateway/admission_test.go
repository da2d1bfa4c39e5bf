package gateway

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/gateway/coldstart"
	"github.com/seed45885407/saccade/gateway/recall"
)

func TestTheSamePictureAtOnceAsksTheFunctionOnce(t *testing.T) {
	w := newWorld(t)
	w.gate = make(chan struct{})
	const callers = 5
	var group sync.WaitGroup
	shared := make(chan string, callers)
	for range callers {
		group.Go(func() {
			status, h, body := w.post(detectPath, "image/png", bytes.NewReader(aPicture(t)))
			reply := w.reply(status, body)
			if collapsed := h.Get("Cache-Status") == recall.CacheStatus("shared"); collapsed != (reply.Recall == "shared") {
				t.Errorf("%q with %q", h.Get("Cache-Status"), reply.Recall)
			}
			if reply.Recall == "shared" && (reply.Timing.Infer != 0 || reply.Timing.Wait == 0 || reply.Cost != nil) {
				t.Errorf("what waited for another's answer has the timing %+v and costs %v", reply.Timing, reply.Cost)
			}
			shared <- reply.Recall
		})
	}
	for { // all but one have stepped aside
		w.mu.Lock()
		woken, asked := w.woken, len(w.asked)
		w.mu.Unlock()
		if inFlight, waiting := w.room.Load("eye-00001"); woken == callers && asked == 1 && inFlight == 1 && waiting == 0 {
			break
		}
		time.Sleep(time.Millisecond) // the test's own deadline ends it
	}
	close(w.gate)
	group.Wait()
	close(shared)
	counts := map[string]int{}
	for word := range shared {
		counts[word]++
	}
	if counts[""] != 1 || counts["shared"] != callers-1 || len(w.asked) != 1 {
		t.Errorf("%v, asked %d times", counts, len(w.asked))
	}
}

func TestAKnownAnswerTouchesNothing(t *testing.T) {
	w := newWorld(t)
	w.gateway.Recall = recall.New(recall.Options{CacheBytes: 1 << 20})
	_, h, _ := w.post(detectPath, "image/png", bytes.NewReader(aPicture(t)))
	etag := h.Get("ETag")
	if etag == "" || h.Get("Cache-Control") != "private, max-age=600" {
		t.Fatalf("ETag %q, Cache-Control %q", etag, h.Get("Cache-Control"))
	}
	w.publish() // to zero
	woken := w.woken
	status, h, body := w.post(detectPath, "image/png", bytes.NewReader(aPicture(t)))
	if reply := w.reply(status, body); reply.Recall != "hit" || h.Get("Cache-Status") != "saccade; hit" || h.Get("ETag") != etag ||
		len(reply.Detections) != 1 || reply.Timing.Infer != 0 {
		t.Errorf("%+v with %v", reply, h)
	}
	status, h, body = w.post(detectPath, "image/png", bytes.NewReader(aPicture(t)), "If-None-Match", `"x", `+etag)
	if status != http.StatusNotModified || len(body) != 0 || h.Get("ETag") != etag {
		t.Errorf("%d %s %v", status, body, h)
	}
	if w.woken != woken || len(w.asked) != 1 {
		t.Errorf("%d were woken, %d asked", w.woken-woken, len(w.asked))
	}
	if held, _ := w.room.Bytes(); held != 0 {
		t.Errorf("%d bytes are held", held)
	}
}

func TestADeadlineThatCannotBeKeptIsToldAtOnce(t *testing.T) {
	w := newWorld(t)
	w.loads = 50 * time.Millisecond // each takes so long
	for range 3 {
		w.reply200(detectPath, bytes.NewReader(aPicture(t)))
	}
	for name, header := range map[string][2]string{
		"a timeout":            {"Request-Timeout", "1ms"},
		"a deadline that over": {"X-Request-Deadline", strconv.FormatInt(time.Now().Unix()-10, 10)},
	} {
		status, h, body := w.post(detectPath, "image/png", bytes.NewReader(aPicture(t)), header[0], header[1])
		if kind := w.kind(status, h, body); kind != functions.TooShort || status != http.StatusServiceUnavailable {
			t.Errorf("%s: %d %s", name, status, kind)
		}
	}
	status, h, body := w.post(detectPath, "image/png", bytes.NewReader(aPicture(t)), "Request-Timeout", "soon")
	if kind := w.kind(status, h, body); kind != functions.Invalid {
		t.Errorf("a timeout that is none: %d %s", status, kind)
	}
	w.reply200(detectPath, bytes.NewReader(aPicture(t)), "Request-Timeout", "30")
	if len(w.asked) != 4 {
		t.Errorf("asked %d times, want 4", len(w.asked))
	}
}

func (w *world) reply200(path string, body *bytes.Reader, header ...string) {
	w.Helper()
	status, _, text := w.post(path, "image/png", body, header...)
	w.reply(status, text)
}

func TestBodiesThatHaveToBeReadFirstKeepToTheRoomsBytes(t *testing.T) {
	w := newWorld(t)
	var holds []interface{ Release() }
	for { // somebody else holds everything
		hold, err := w.room.Reserve(16 << 20)
		if err != nil {
			break
		}
		holds = append(holds, hold)
	}
	text := []byte(`{"image":{"base64":"` + string(bytes.Repeat([]byte("A"), 1<<20)) + `"}}`)
	status, h, body := w.post(detectPath, "application/json", bytes.NewReader(text))
	if kind := w.kind(status, h, body); kind != functions.Busy || h.Get("Retry-After") == "" {
		t.Errorf("%d %s, Retry-After %q", status, kind, h.Get("Retry-After"))
	}
	for _, hold := range holds {
		hold.Release()
	}
	status, h, body = w.post(detectPath, "application/json", bytes.NewReader(text))
	if kind := w.kind(status, h, body); kind != functions.Unsupported {
		t.Errorf("when there is room: %d %s", status, kind)
	}
	if held, _ := w.room.Bytes(); held != 0 {
		t.Errorf("%d bytes are held when all is over", held)
	}
}

// A room of 1 MB has no place for 20 MB, which every picture of unknown length may have.
func TestPicturesOfUnknownLengthAreHeldAsTheyCome(t *testing.T) {
	head := aPicture(t)
	sent := func(n, size int) []byte { return numbered(head, uint16(n), size) }
	far := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		var n, size int
		_, _ = fmt.Sscanf(r.URL.Path, "/%d/%d", &n, &size)
		rw.Header().Set("Content-Type", "image/png")
		_, _ = rw.Write(head)
		rw.(http.Flusher).Flush() // so that no length is declared
		_, _ = rw.Write(sent(n, size)[len(head):])
	}))
	defer far.Close()
	for _, tt := range []struct {
		name, media string
		body        func(n, size int) io.Reader
	}{
		{"an upload in chunks", "image/png", func(n, size int) io.Reader {
			return io.MultiReader(bytes.NewReader(sent(n, size)))
		}},
		{"a form in chunks", "multipart/form-data; boundary=b", func(n, size int) io.Reader {
			return io.MultiReader(strings.NewReader("--b\r\nContent-Disposition: form-data; name=\"image\"\r\n\r\n"),
				bytes.NewReader(sent(n, size)), strings.NewReader("\r\n--b--\r\n"))
		}},
		{"a URL", "application/json", func(n, size int) io.Reader {
			return strings.NewReader(fmt.Sprintf(`{"image":{"url":"%s/%d/%d"}}`, far.URL, n, size))
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorldOf(t, coldstart.Options{MaxBytes: 1 << 20})
			gate := make(chan struct{})
			w.gate = gate
			var answers sync.WaitGroup
			for n := range 4 { // an instance's worth, at the same time
				answers.Go(func() {
					status, _, text := w.post(detectPath, tt.media, tt.body(n, 1000))
					w.reply(status, text)
				})
			}
			for range 4 {
				gate <- struct{}{} // each is with the instance: its picture is held
			}
			answers.Wait()

			hold, err := w.room.Reserve(600 << 10)
			if err != nil {
				t.Fatal(err)
			}
			status, h, text := w.post(detectPath, tt.media, tt.body(9, 700<<10))
			if kind := w.kind(status, h, text); kind != functions.Busy || h.Get("Retry-After") == "" {
				t.Errorf("more than there is room for: %d %s, Retry-After %q", status, kind, h.Get("Retry-After"))
			}
			hold.Release()
			if held, _ := w.room.Bytes(); held != 0 {
				t.Errorf("%d bytes are held when all is over", held)
			}
		})
	}
}

func TestABatchKeepsToOneDeadline(t *testing.T) {
	w := newWorld(t)
	w.gate = make(chan struct{})
	defer close(w.gate)
	batch := "[" + inJSON("7", forEye+inPNG(t)) + "," + inJSON("8", forEye+inPNG(t)) + "]"
	status, _, body := w.post(eventsPath, "application/cloudevents-batch+json", strings.NewReader(batch), "Request-Timeout", "1")
	if status != http.StatusOK || strings.Count(string(body), functionTimeout) != 2 {
		t.Errorf("status %d: %s", status, body)
	}
	status, _, body = w.post(eventsPath, "application/cloudevents-batch+json", strings.NewReader(batch), "Request-Timeout", "soon")
	if status != http.StatusBadRequest {
		t.Errorf("a deadline that is none: status %d: %s", status, body)
	}
}

// functionTimeout ends the type of the problem of an event whose time was over.
const functionTimeout = "#function-timeout"
