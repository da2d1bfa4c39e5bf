package lambda

import (
	"context"
	"encoding/base64"
	"errors"
	"maps"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/lambda/messages"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/functions/problem"
	"github.com/seed45885407/saccade/gateway/events"
)

func TestWhatIsNotTakenIsRefusedBeforeTheInstance(t *testing.T) {
	binary := func(kind string) map[string]string {
		return map[string]string{"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/c", "ce-type": kind, "content-type": "image/png"}
	}
	text64 := encode64
	kind := func(media string) map[string]string { return map[string]string{"content-type": media} }
	with := func(a, b map[string]string) map[string]string {
		all := maps.Clone(a)
		maps.Copy(all, b)
		return all
	}
	noImage, noImageBody := form(t, map[string]string{"min_score": "0.4"})
	withImage, withImageBody := form(t, map[string]string{"image": string(png)})
	const part = "--b\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a\"\r\n\r\nx\r\n"
	const twice = part + part + "--b--"
	page64 := text64("<!DOCTYPE html>")
	for name, test := range map[string]struct {
		method, path  string
		query, header map[string]string
		body          string
		in64          bool
		status        int
		says          string
	}{
		"another path":              {"POST", "/v2/detect", nil, kind("image/png"), png64, true, 404, "Not Found"},
		"another method":            {"GET", "/v1/detect", nil, nil, "", false, 405, "Method Not Allowed"},
		"another function":          {"POST", "/v1/functions/ear/detect", nil, kind("image/png"), png64, true, 404, `no function \"ear\"`},
		"a parameter misspelt":      {"POST", "/", map[string]string{"min_scor": "1"}, kind("image/png"), png64, true, 400, "no parameter"},
		"a score of two":            {"POST", "/", map[string]string{"min_score": "2"}, kind("image/png"), png64, true, 400, "between 0 and 1"},
		"a drawing as text":         {"POST", "/", map[string]string{"draw": "svg"}, kind("image/png"), png64, true, 400, "png or jpeg"},
		"a compressed body":         {"POST", "/", nil, with(kind("image/png"), map[string]string{"content-encoding": "gzip"}), png64, true, 415, "content encoding"},
		"no content type":           {"POST", "/", nil, nil, png64, true, 415, "send a picture as"},
		"text":                      {"POST", "/", nil, kind("text/plain"), "cat", false, 415, "send a picture as"},
		"bytes that came as text":   {"POST", "/", nil, kind("image/png"), "\ufffdPNG", false, 415, "binary media types"},
		"a page for a picture":      {"POST", "/", nil, kind("image/png"), page64, true, 415, "no picture in a format"},
		"base64 that is none":       {"POST", "/", nil, kind("image/png"), "!!!!", true, 400, "malformed"},
		"an empty picture":          {"POST", "/", nil, kind("image/png"), "", true, 422, "empty"},
		"an empty body of JSON":     {"POST", "/", nil, kind("application/json"), "", false, 400, "empty"},
		"no JSON":                   {"POST", "/", nil, kind("application/json"), "{", false, 400, "not valid JSON"},
		"two JSON values":           {"POST", "/", nil, kind("application/json"), `{"image":{"url":"a"}} {}`, false, 400, "more than one"},
		"an unknown field":          {"POST", "/", nil, kind("application/json"), `{"picture":1}`, false, 400, "no field"},
		"a field of another type":   {"POST", "/", nil, kind("application/json"), `{"min_score":"high"}`, false, 400, "must not be a string"},
		"both url and base64":       {"POST", "/", nil, kind("application/json"), `{"image":{"url":"a","base64":"b"}}`, false, 400, "either"},
		"a form without a picture":  {"POST", "/", nil, kind(noImage), text64(string(noImageBody)), true, 400, "no field named image"},
		"a form without a boundary": {"POST", "/", nil, kind("multipart/form-data"), "", false, 400, "no boundary"},
		"a form cut short":          {"POST", "/", nil, kind(noImage), text64(string(noImageBody[:90])), true, 400, "no field named image"},
		"a picture cut short":       {"POST", "/", nil, kind(withImage), text64(string(withImageBody[:len(withImageBody)-70])), true, 400, "cannot be read"},
		"two pictures":              {"POST", "/", nil, kind("multipart/form-data; boundary=b"), text64(twice), true, 400, "more than one image"},
		"an address not fetched":    {"POST", "/", nil, kind("application/json"), `{"image":{"url":"http://127.0.0.1:9001/"}}`, false, 403, "not fetched"},
		"a page at an address":      {"POST", "/", nil, kind("application/json"), `{"image":{"url":"` + page + `.html"}}`, false, 415, "no picture in a format"},
		"an event of another type":  {"POST", "/", nil, binary("com.example.x"), png64, true, 400, "are not taken"},
		"an event elsewhere":        {"POST", "/", nil, with(binary(events.TypeDetect), map[string]string{"ce-function": "ear"}), png64, true, 422, "is for the function"},
		"an event without an id":    {"POST", "/", nil, with(binary(events.TypeDetect), map[string]string{"ce-id": ""}), png64, true, 400, "id"},
		"an event with text":        {"POST", "/", nil, with(binary(events.TypeDetect), kind("text/plain")), "cat", false, 415, "must be a picture"},
		"a batch":                   {"POST", "/", nil, kind(events.ContentTypeBatch), "[]", false, 415, "one event at a time"},
	} {
		t.Run(name, func(t *testing.T) {
			for proxy, event := range carry {
				i := &instance{answer: found}
				out, err := warm(i).Invoke(invoked(t), text(t, event(test.method, test.path, test.query, test.header, test.body, test.in64)))
				if err != nil {
					t.Fatalf("%s: %v", proxy, err)
				}
				a := decode[carriedAnswer](t, out)
				header, body := a.read(t)
				if p := decode[problem.Problem](t, body); a.Status != test.status || p.Status != test.status || !strings.Contains(string(body), test.says) {
					t.Errorf("%s: %d %s; want %d %s", proxy, a.Status, body, test.status, test.says)
				}
				if test.status == 405 && header.Get("Allow") != "POST" {
					t.Errorf("%s: Allow %q", proxy, header.Get("Allow"))
				}
				if len(i.pictures) != 0 {
					t.Errorf("%s: the instance was asked", proxy)
				}
			}
		})
	}
}

func TestAnEventThatIsNoneFailsTheInvocation(t *testing.T) {
	for name, test := range map[string]struct{ event, kind, says string }{
		"nothing":               {``, "invalid-request", "cannot be understood"},
		"a list":                {`[]`, "invalid-request", "is a JSON object"},
		"something else":        {`{"detail-type":"Scheduled Event"}`, "invalid-request", "no event that is taken"},
		"records of S3":         {`{"Records":[{"eventSource":"aws:s3"}]}`, "unsupported-format", "presigned URL"},
		"a picture nowhere":     {`{"image":{}}`, "invalid-request", "either"},
		"base64 that is none":   {`{"image":{"base64":"!"}}`, "invalid-request", "malformed"},
		"another CloudEvent":    {`{"specversion":"1.0","id":"1","source":"/c","type":"x"}`, "invalid-request", "are not taken"},
		"a CloudEvent of one":   {`{"specversion":"1.0"}`, "invalid-request", "missing"},
		"a CloudEvent of 2035":  {`{"specversion":"9","id":"1","source":"/c","type":"x"}`, "invalid-request", "specversion"},
		"a CloudEvent of text":  {`{"specversion":"1.0","id":"1","source":"/c","type":"dev.saccade.detect.v1","datacontenttype":"image/png","data":"x"}`, "invalid-request", "data_base64"},
		"a CloudEvent of none":  {`{"specversion":"1.0","id":"1","source":"/c","type":"dev.saccade.detect.v1"}`, "invalid-request", "no data"},
		"an address not opened": {`{"image":{"url":"http://127.0.0.1:9001/"}}`, "address-not-allowed", "not fetched"},
	} {
		t.Run(name, func(t *testing.T) {
			i := &instance{answer: found}
			_, err := warm(i).Invoke(invoked(t), []byte(test.event))
			failed, is := errors.AsType[messages.InvokeResponse_Error](err)
			if !is || failed.Type != "saccade."+test.kind || !strings.Contains(failed.Message, test.says) || len(i.pictures) != 0 {
				t.Errorf("%#v, %d pictures", err, len(i.pictures))
			}
		})
	}
}

func TestWhatLambdaWouldNotCarryIsRefusedWith413(t *testing.T) {
	drawn := func(bytes int) *instance {
		i := &instance{answer: found}
		i.answer.Annotated = &functions.Annotated{ContentType: "image/png", Data: make([]byte, bytes)}
		return i
	}
	bodyOf := func(bytes int) string { return base64.StdEncoding.EncodeToString(append(png, make([]byte, bytes)...)) }
	const mb = 1 << 20
	for proxy, event := range carry {
		most := 6 * mb
		if strings.HasPrefix(proxy, "load") {
			most = mb
		}
		for name, test := range map[string]struct {
			instance *instance
			body     string
			accept   string
			status   int
		}{
			"an event that fits":       {&instance{answer: found}, bodyOf(most * 7 / 10), "", 200},
			"an event that does not":   {&instance{answer: found}, bodyOf(most * 8 / 10), "", 413},
			"an answer that fits":      {drawn(most * 7 / 10), png64, "", 200},
			"an answer that does not":  {drawn(most * 8 / 10), png64, "", 413},
			"a picture that fits":      {drawn(most * 7 / 10), png64, "image/png", 200},
			"a picture that does not":  {drawn(most * 8 / 10), png64, "image/png", 413},
			"a picture of 20 MB at 6 ": {drawn(20e6), png64, "image/png", 413},
		} {
			t.Run(proxy+", "+name, func(t *testing.T) {
				header := map[string]string{"content-type": "image/png", "accept": test.accept}
				out, err := warm(test.instance).Invoke(invoked(t), text(t, event("POST", "/", nil, header, test.body, true)))
				if err != nil || len(out) > most {
					t.Fatalf("%d bytes, %v", len(out), err)
				}
				a := decode[carriedAnswer](t, out)
				if a.Status != test.status || a.Status == 413 && !strings.Contains(a.Body, "go through Lambda this way") {
					t.Errorf("%d %.200s; want %d", a.Status, a.Body, test.status)
				}
			})
		}
	}
	t.Run("a direct event fails the invocation", func(t *testing.T) {
		for _, big := range []string{`{"image":{"base64":"` + bodyOf(5*mb) + `"}}`, `{"image":{"url":"` + page + `"},"draw":"png"}`} {
			_, err := warm(drawn(5*mb)).Invoke(invoked(t), []byte(big))
			if failed, is := errors.AsType[messages.InvokeResponse_Error](err); !is || failed.Type != "saccade.picture-too-large" {
				t.Errorf("%.100s: %#v", big, err)
			}
		}
	})
}

func TestAnInvocationEndsBeforeLambdaEndsIt(t *testing.T) {
	for name, event := range map[string]struct {
		body string
		i    *instance
	}{
		"while its picture is fetched": {`{"image":{"url":"` + page + `?slow"}}`, &instance{}},
		"while it runs":                {`{"image":{"url":"` + page + `"}}`, &instance{wait: true}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(invoked(t), 3*time.Second)
				defer cancel()
				out, err := warm(event.i).Invoke(ctx, text(t, carry["Function URL"]("POST", "/", nil,
					map[string]string{"content-type": "application/json"}, event.body, false)))
				if err != nil || ctx.Err() != nil {
					t.Fatalf("%v, Lambda's own deadline: %v", err, ctx.Err())
				}
				if a := decode[carriedAnswer](t, out); a.Status != http.StatusGatewayTimeout || !strings.Contains(a.Body, "function-timeout") {
					t.Errorf("%d %s", a.Status, a.Body)
				}
				ctx, cancel = context.WithTimeout(invoked(t), 50*time.Millisecond) // so short that a tenth is kept
				defer cancel()
				_, err = warm(event.i).Invoke(ctx, []byte(event.body))
				if failed, is := errors.AsType[messages.InvokeResponse_Error](err); !is || failed.Type != "saccade.function-timeout" || ctx.Err() != nil {
					t.Errorf("direct: %#v, %v", err, ctx.Err())
				}
			})
		})
	}
}

func TestProbesAreAnsweredByTheInstance(t *testing.T) {
	for proxy, event := range carry {
		for _, path := range []string{"/healthz", "/readyz"} {
			out, err := warm(&instance{}).Invoke(invoked(t), text(t, event("GET", path, nil, nil, "", false)))
			if a := decode[carriedAnswer](t, out); err != nil || a.Status != 200 {
				t.Errorf("%s %s: %s, %v", proxy, path, out, err)
			}
			ill := &instance{err: functions.Errorf(functions.Busy, "ill")}
			out, err = warm(ill).Invoke(invoked(t), text(t, event("GET", path, nil, nil, "", false)))
			if a := decode[carriedAnswer](t, out); err != nil || a.Status != 429 {
				t.Errorf("%s %s, ill: %s, %v", proxy, path, out, err)
			}
		}
	}
}

// Whatever an event holds, it is answered or refused, and what HTTP brought is
// answered over HTTP.
func FuzzInvoke(f *testing.F) {
	for _, event := range carry {
		f.Add(text(f, event("POST", "/", map[string]string{"min_score": "0.4"}, map[string]string{"content-type": "image/png"}, png64, true)))
	}
	f.Add([]byte(`{"image":{"url":"` + page + `"},"draw":"png"}`))
	f.Add([]byte(`{"image":{"base64":"` + png64 + `"}}`))
	f.Add([]byte(`{"specversion":"1.0","id":"1","source":"/c","type":"dev.saccade.detect.v1","data":{"image":{"url":"` + page + `"}}}`))
	f.Add([]byte(`{"requestContext":{"http":{"method":"POST"},"stage":"p"},"rawPath":"/p","headers":{"content-type":"multipart/form-data; boundary=a"},"body":"--a\r\n\r\n--a--"}`))
	f.Fuzz(func(t *testing.T, event []byte) {
		out, err := warm(&instance{answer: found}).Invoke(t.Context(), event)
		if err != nil {
			if failed, is := errors.AsType[messages.InvokeResponse_Error](err); !is || failed.Type == "" || failed.Message == "" || failed.ShouldExit {
				t.Errorf("%#v", err)
			}
			return
		}
		answer := decode[map[string]any](t, out)
		if _, web := answer["statusCode"]; web {
			if a := decode[carriedAnswer](t, out); a.Status < 200 || a.Status > 599 {
				t.Errorf("%s", out)
			}
		}
	})
}
