package gateway

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/functions/problem"
)

func aForm(t *testing.T, fields ...string) (string, io.Reader) {
	t.Helper()
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	for i := 0; i < len(fields); i += 2 {
		if err := m.WriteField(fields[i], fields[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	m.Close()
	return m.FormDataContentType(), &b
}

func TestEveryFormOfARequestReachesTheFunctionAsThePicture(t *testing.T) {
	picture := aPicture(t)
	camera := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "image/png")
		_, _ = rw.Write(picture)
	}))
	defer camera.Close()
	inBase64 := base64.StdEncoding.EncodeToString(picture)
	before, beforeBody := aForm(t, "min_score", "0.4", "image", string(picture))
	after, afterBody := aForm(t, "image", string(picture), "min_score", "0.4")

	for _, tt := range []struct {
		name, path, media string
		body              io.Reader
		query             string
	}{
		{"the picture itself", "", "image/png", bytes.NewReader(picture), ""},
		{"the picture itself, of no type that is known", "", "application/octet-stream", bytes.NewReader(picture), ""},
		{"the picture in pieces, its length not known", "", "image/png", io.MultiReader(bytes.NewReader(picture)), ""},
		{"the picture with a parameter in the URL", "?min_score=0.4", "image/png", bytes.NewReader(picture), "min_score=0.4"},
		{"a form", "", before, beforeBody, "min_score=0.4"},
		{"a form with its fields after the picture", "", after, afterBody, "min_score=0.4"},
		{"JSON with a URL", "", "application/json", strings.NewReader(`{"image":{"url":"` + camera.URL + `"},"min_score":0}`), "min_score=0"},
		{"JSON with base64", "", "application/json; charset=utf-8", strings.NewReader(`{"image":{"base64":"` + inBase64 + `"},"draw":"jpeg"}`), "draw=jpeg"},
		{"JSON with a data URL", "", "Application/JSON", strings.NewReader(`{"image":{"url":"data:image/png;base64,` + inBase64 + `"}}`), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			status, header, body := w.post(detectPath+tt.path, tt.media, tt.body)
			reply := w.reply(status, body)
			if len(w.asked) != 1 || !bytes.Equal(w.asked[0], picture) {
				t.Errorf("the function did not get the picture")
			} else if w.queries[0] != tt.query {
				t.Errorf("the function was asked %q, want %q", w.queries[0], tt.query)
			}
			if reply.Function != "eye" || reply.Revision != "eye-00001" || reply.ModelSum != "5um" ||
				len(reply.Detections) != 1 || reply.Picture.Width != 4 || reply.ColdStart {
				t.Errorf("reply = %+v", reply)
			}
			if reply.Timing.Total < reply.Timing.Decode+reply.Timing.Infer || reply.Timing.Start != nil {
				t.Errorf("timing = %+v", reply.Timing)
			}
			for _, phase := range []string{"fetch", "wait", "decode", "preprocess", "infer", "postprocess", "total"} {
				if !strings.Contains(header.Get("Server-Timing"), phase+";dur=") {
					t.Errorf("Server-Timing %q lacks %s", header.Get("Server-Timing"), phase)
				}
			}
		})
	}
}

func TestAColdStartLeavesNoTimeUnaccountedFor(t *testing.T) {
	w := newWorld(t)
	w.loads = 30 * time.Millisecond
	status, header, body := w.post(detectPath, "image/png", bytes.NewReader(aPicture(t)))
	reply := w.reply(status, body)
	if !reply.ColdStart || reply.Timing.Start == nil || reply.Timing.Start.Load != functions.Millis(w.loads) {
		t.Errorf("reply = %+v", reply)
	}
	if sum := reply.Timing.Sum(); sum < functions.Millis(w.loads) || sum > reply.Timing.Total {
		t.Errorf("the rooms add up to %v; the start alone took %v, all of it %v",
			time.Duration(sum), w.loads, time.Duration(reply.Timing.Total))
	}
	if !strings.Contains(header.Get("Server-Timing"), "load;dur=30.000") {
		t.Errorf("Server-Timing %q", header.Get("Server-Timing"))
	}
}

func TestACallerWhoAcceptsAPictureGetsTheAnnotatedOne(t *testing.T) {
	for accept, want := range map[string]string{
		"image/png":                        "image/png",
		"image/jpeg, application/json;q=1": "image/jpeg",
		"application/json, image/png":      "application/json",
		"*/*":                              "application/json",
		"":                                 "application/json",
	} {
		w := newWorld(t)
		status, header, body := w.post(detectPath, "image/png", bytes.NewReader(aPicture(t)), "Accept", accept)
		if got := header.Get("Content-Type"); status != http.StatusOK || !strings.HasPrefix(got, want) {
			t.Errorf("accepting %q: %d %s, want %s", accept, status, got, want)
		}
		if strings.HasPrefix(want, "image/") && string(body) != "drawn" {
			t.Errorf("accepting %q: body %q", accept, body)
		}
	}
}

func TestBadInputIsAProblemAndCostsNothing(t *testing.T) {
	picture := string(aPicture(t))
	large := picture + strings.Repeat("x", DefaultMaxBytes)
	twice, twiceBody := aForm(t, "image", picture, "image", picture)
	without, withoutBody := aForm(t, "min_score", "0.4")
	unknown, unknownBody := aForm(t, "score", "0.4", "image", picture)
	text, textBody := aForm(t, "image", "a line of text that is no picture")

	for _, tt := range []struct {
		name, path, media string
		body              io.Reader
		want              functions.Kind
		status            int
		wakes             bool // it can only be seen once the picture has come
	}{
		{"no such function", "/v1/functions/ear/detect", "image/png", strings.NewReader(picture), functions.NotFound, 404, false},
		{"empty", detectPath, "image/png", strings.NewReader(""), functions.Unreadable, 422, false},
		{"text under a picture's type", detectPath, "image/jpeg", strings.NewReader("hello, hello, hello"), functions.Unsupported, 415, false},
		{"HEIC", detectPath, "image/heic", strings.NewReader("\x00\x00\x00\x1cftypheic\x00\x00\x00\x00mif1miafheic"), functions.Unsupported, 415, false},
		{"SVG", detectPath, "image/svg+xml", strings.NewReader(`<svg xmlns="http://www.w3.org/2000/svg"/>`), functions.Unsupported, 415, false},
		{"too large by its declared length", detectPath, "image/png", strings.NewReader(large), functions.TooLarge, 413, false},
		{"too large without a declared length", detectPath, "image/png", io.MultiReader(strings.NewReader(large)), functions.TooLarge, 413, true},
		{"no content type", detectPath, "", strings.NewReader(picture), functions.Unsupported, 415, false},
		{"curl's default content type", detectPath, "application/x-www-form-urlencoded", strings.NewReader(picture), functions.Unsupported, 415, false},
		{"a content type that is none", detectPath, "image/;;;", strings.NewReader(picture), functions.Unsupported, 415, false},
		{"a parameter that does not exist", detectPath + "?minscore=0.4", "image/png", strings.NewReader(picture), functions.Invalid, 400, false},
		{"a threshold out of range", detectPath + "?min_score=1.5", "image/png", strings.NewReader(picture), functions.Invalid, 400, false},
		{"a threshold that is not a number", detectPath + "?min_score=NaN", "image/png", strings.NewReader(picture), functions.Invalid, 400, false},
		{"a threshold that is a word", detectPath + "?min_score=high", "image/png", strings.NewReader(picture), functions.Invalid, 400, false},
		{"a drawing format that does not exist", detectPath + "?draw=svg", "image/png", strings.NewReader(picture), functions.Invalid, 400, false},
		{"an empty body that claims to be JSON", detectPath, "application/json", strings.NewReader(""), functions.Invalid, 400, false},
		{"JSON that is too large", detectPath, "application/json", strings.NewReader(`{"image":{"base64":"` + strings.Repeat("A", 2*DefaultMaxBytes)), functions.TooLarge, 413, false},
		{"broken JSON", detectPath, "application/json", strings.NewReader(`{"image":`), functions.Invalid, 400, false},
		{"two JSON values", detectPath, "application/json", strings.NewReader(`{"image":{"base64":"aGk="}} {}`), functions.Invalid, 400, false},
		{"an unknown field", detectPath, "application/json", strings.NewReader(`{"img":{}}`), functions.Invalid, 400, false},
		{"an unknown field inside", detectPath, "application/json", strings.NewReader(`{"image":{"uri":"x"}}`), functions.Invalid, 400, false},
		{"a field of the wrong type", detectPath, "application/json", strings.NewReader(`{"image":"http://x/"}`), functions.Invalid, 400, false},
		{"no image", detectPath, "application/json", strings.NewReader(`{}`), functions.Invalid, 400, false},
		{"two images", detectPath, "application/json", strings.NewReader(`{"image":{"url":"http://x/","base64":"aGk="}}`), functions.Invalid, 400, false},
		{"a JSON threshold out of range", detectPath, "application/json", strings.NewReader(`{"image":{"url":"http://x/"},"min_score":-1}`), functions.Invalid, 400, false},
		{"base64 that is none", detectPath, "application/json", strings.NewReader(`{"image":{"base64":"***"}}`), functions.Invalid, 400, false},
		{"base64 of no picture", detectPath, "application/json", strings.NewReader(`{"image":{"base64":"aGVsbG8="}}`), functions.Unsupported, 415, false},
		{"a private address", detectPath, "application/json", strings.NewReader(`{"image":{"url":"http://10.0.0.1/x.jpg"}}`), functions.Forbidden, 403, true},
		{"a form with two images", detectPath, twice, twiceBody, functions.Invalid, 400, true},
		{"a form without an image", detectPath, without, withoutBody, functions.Invalid, 400, false},
		{"a form with an unknown field", detectPath, unknown, unknownBody, functions.Invalid, 400, false},
		{"a form whose image is text", detectPath, text, textBody, functions.Unsupported, 415, false},
		{"a form without boundary", detectPath, "multipart/form-data", strings.NewReader(picture), functions.Invalid, 400, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			status, header, body := w.post(tt.path, tt.media, tt.body)
			if kind := w.kind(status, header, body); kind != tt.want || status != tt.status {
				t.Errorf("%d %s, want %d %s: %s", status, kind, tt.status, tt.want, body)
			}
			if len(w.asked) != 0 {
				t.Error("the function was asked")
			}
			if w.woken != 0 && !tt.wakes {
				t.Error("the function was woken")
			}
			if inFlight, waiting := w.room.Load("eye-00001"); inFlight+waiting != 0 {
				t.Errorf("%d in flight, %d waiting afterwards", inFlight, waiting)
			}
		})
	}
}

func TestWhatTheFunctionRefusesIsPassedOn(t *testing.T) {
	w := newWorld(t)
	refusal := functions.Errorf(functions.Busy, "too much at once")
	refusal.RetryAfter = 3 * time.Second
	w.refuse = refusal
	status, header, body := w.post(detectPath, "image/png", bytes.NewReader(aPicture(t)))
	if kind := w.kind(status, header, body); kind != functions.Busy || status != http.StatusTooManyRequests {
		t.Errorf("%d %s", status, kind)
	}
	if header.Get("Retry-After") != "3" {
		t.Errorf("Retry-After %q, want 3", header.Get("Retry-After"))
	}
}

func TestARequestWhoseInstanceDiesIsAnsweredByAnother(t *testing.T) {
	w := newWorld(t)
	w.publish("a", "b")
	w.abort = 1
	status, _, body := w.post(detectPath, "image/png", bytes.NewReader(aPicture(t)))
	w.reply(status, body)
	if len(w.asked) != 2 {
		t.Errorf("the function was asked %d times, want twice", len(w.asked))
	}
	w.abort = 100
	status, header, body := w.post(detectPath, "image/png", bytes.NewReader(aPicture(t)))
	if kind := w.kind(status, header, body); kind != functions.Unavailable {
		t.Errorf("%d %s when every instance dies, want unavailable", status, kind)
	}
}

func TestAnInternalErrorKeepsItsCauseToItself(t *testing.T) {
	rec := httptest.NewRecorder()
	problem.Write(rec, fmt.Errorf("opening /secret/path: %w", errors.New("disk on fire")))
	if body := rec.Body.String(); rec.Code != 500 || strings.Contains(body, "secret") || strings.Contains(body, "fire") {
		t.Errorf("%d %s", rec.Code, body)
	}
}

func TestARequestEndsWithItsTime(t *testing.T) {
	w := newWorld(t)
	w.gate = make(chan struct{})
	defer close(w.gate)
	rev, _ := w.gateway.Routes.Route("eye")
	rev.Function.Spec.Scaling.Timeout = functions.Duration(500 * time.Millisecond)
	w.gateway.Routes.Set(rev)
	status, header, body := w.post(detectPath, "image/png", bytes.NewReader(aPicture(t)))
	if kind := w.kind(status, header, body); kind != functions.Timeout || status != http.StatusGatewayTimeout {
		t.Errorf("%d %s, want a timeout", status, kind)
	}
}

func TestACallerWhoLeavesFreesItsPlace(t *testing.T) {
	w := newWorld(t)
	w.gate = make(chan struct{})
	defer close(w.gate)
	ctx, cancel := context.WithCancel(t.Context())
	req, _ := http.NewRequestWithContext(ctx, http.MethodPost, w.server.URL+detectPath, bytes.NewReader(aPicture(t)))
	req.Header.Set("Content-Type", "image/png")
	go func() {
		for {
			if inFlight, _ := w.room.Load("eye-00001"); inFlight == 1 {
				cancel()
				return
			}
			time.Sleep(time.Millisecond)
		}
	}()
	if _, err := w.server.Client().Do(req); !errors.Is(err, context.Canceled) {
		t.Fatalf("err = %v", err)
	}
	for {
		if inFlight, waiting := w.room.Load("eye-00001"); inFlight+waiting == 0 {
			return
		}
		time.Sleep(time.Millisecond) // the test's own deadline ends it
	}
}

func TestTheOtherDoors(t *testing.T) {
	w := newWorld(t)
	get := func(path string) (int, string) {
		resp, err := w.server.Client().Get(w.server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(body)
	}
	w.post(detectPath, "image/png", bytes.NewReader(aPicture(t)))
	w.gateway.ColdStarted("eye", functions.Start{Load: functions.Millis(60 * time.Millisecond)})

	if status, body := get("/healthz"); status != 200 || body != "ok\n" {
		t.Errorf("healthz: %d %q", status, body)
	}
	if status, _ := get("/readyz"); status != 200 {
		t.Errorf("readyz: %d", status)
	}
	w.gateway.opts.Ready = func() bool { return false }
	if status, _ := get("/readyz"); status != 503 {
		t.Errorf("readyz while draining: %d", status)
	}
	var list functionList
	if _, body := get("/v1/functions"); json.Unmarshal([]byte(body), &list) != nil {
		t.Errorf("functions: %s", body)
	}
	if diff := cmp.Diff(w.Functions(), list.Functions); diff != "" {
		t.Errorf("functions (-want +got):\n%s", diff)
	}
	if status, body := get("/v1/functions/eye"); status != 200 || !strings.Contains(body, `"state":"ready"`) {
		t.Errorf("a function: %d %s", status, body)
	}
	if status, body := get("/v1/functions/ear"); status != 404 || !strings.Contains(body, "function-not-found") {
		t.Errorf("an unknown function: %d %s", status, body)
	}
	if status, body := get("/v2"); status != 404 || !strings.Contains(body, `"title":"Not Found"`) {
		t.Errorf("an unknown path: %d %s", status, body)
	}
	if status, _ := get(detectPath); status != 405 {
		t.Errorf("the wrong method: %d", status)
	}
	_, text := get("/metrics")
	for _, want := range []string{
		`saccade_requests_total{function="eye",outcome="ok"} 1`,
		`saccade_request_duration_seconds_count{function="eye",start="warm"} 1`,
		`saccade_request_phase_seconds_count{function="eye",phase="infer"} 1`,
		`saccade_cold_start_phase_seconds_sum{function="eye",phase="load"} 0.06`,
		`saccade_cold_starts_total{function="eye"} 1`,
		`saccade_function_instances{function="eye",state="ready"} 1`,
		`saccade_function_requests{function="eye",state="waiting"} 0`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("metrics lack %s", want)
		}
	}
}

func FuzzJSONDoor(f *testing.F) {
	for _, seed := range []string{
		`{"image":{"url":"http://host/x.jpg"},"min_score":0.4,"draw":"png"}`,
		`{"image":{"base64":"iVBORw0KGgo="}}`, `{"image":null}`, `[]`, `{"image":{}}{`, "\x00", `{"min_score":1e999}`,
	} {
		f.Add(seed)
	}
	g := &Gateway{opts: Options{MaxBytes: 1 << 16}}
	f.Fuzz(func(t *testing.T, text string) {
		r := httptest.NewRequest(http.MethodPost, detectPath, strings.NewReader(text))
		params := functions.Parameters{}
		req := request{params: &params}
		err := g.readJSON(r, &req)
		if err != nil {
			if k := functions.KindOf(err); k == functions.Internal {
				t.Errorf("a stranger's bytes made an internal error: %v", err)
			}
			return
		}
		if req.picture == nil || req.size == 0 || req.size < 0 && req.url == "" || req.size > g.opts.MaxBytes {
			t.Errorf("accepted with size %d", req.size)
		}
		if m := params.MinScore; m != nil && !(*m >= 0 && *m <= 1) {
			t.Errorf("accepted min_score %v", *m)
		}
	})
}

func FuzzQueryAndFormDoor(f *testing.F) {
	f.Add("min_score=0.5&draw=png", "--b\r\nContent-Disposition: form-data; name=\"image\"\r\n\r\n\x89PNG\r\n\x1a\n--b--\r\n")
	f.Add("x=%zz", "--b\r\n\r\n--b--")
	g := &Gateway{opts: Options{MaxBytes: 1 << 12}}
	f.Fuzz(func(t *testing.T, query, text string) {
		q, _ := url.ParseQuery(query)
		params, err := readQuery(q)
		if err != nil && functions.KindOf(err) != functions.Invalid {
			t.Errorf("query: %v", err)
		}
		req := request{params: &params}
		r := httptest.NewRequest(http.MethodPost, detectPath, strings.NewReader(text))
		if err := g.readForm(r, "b", &req); err == nil {
			if picture, err := req.picture(t.Context(), nil); err == nil && int64(len(picture)) > g.opts.MaxBytes {
				t.Errorf("a picture of %d bytes was taken", len(picture))
			}
		}
	})
}
