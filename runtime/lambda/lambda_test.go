package lambda

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/functions/problem"
	"github.com/seed45885407/saccade/gateway/events"
)

func TestEveryProxyAndEveryFormFindsTheSame(t *testing.T) {
	formType, formBody := form(t, map[string]string{"image": string(png), "min_score": "0.4"})
	forms := map[string]struct {
		contentType, body string
		in64              bool
		query             map[string]string
	}{
		"the picture itself": {"image/png", png64, true, map[string]string{"min_score": "0.4"}},
		"bytes":              {"application/octet-stream", png64, true, map[string]string{"min_score": "0.4"}},
		"base64 in JSON":     {"application/json", `{"image":{"base64":"` + png64 + `"},"min_score":0.4}`, false, nil},
		"a URL in JSON":      {"application/json; charset=utf-8", `{"image":{"url":"` + page + `"},"min_score":0.4}`, false, nil},
		"JSON in base64":     {"application/json", encode64(`{"image":{"url":"` + page + `"},"min_score":0.4}`), true, nil},
		"a form":             {formType, encode64(string(formBody)), true, nil},
	}
	for proxy, event := range carry {
		for name, f := range forms {
			for _, path := range []string{"/", "/v1/detect", "/v1/functions/eye/detect"} {
				t.Run(proxy+", "+name+", "+path, func(t *testing.T) {
					i := &instance{answer: found}
					out, err := warm(i).Invoke(invoked(t), text(t, event("POST", path, f.query,
						map[string]string{"content-type": f.contentType}, f.body, f.in64)))
					if err != nil {
						t.Fatal(err)
					}
					a := decode[carriedAnswer](t, out)
					header, body := a.read(t)
					if a.Status != 200 || header.Get("Content-Type") != "application/json" || !strings.Contains(header.Get("Server-Timing"), "infer;dur=20.000") {
						t.Fatalf("%d %v %s", a.Status, header, body)
					}
					reply := decode[functions.Reply](t, body)
					if reply.Function != "eye" || reply.Revision != "7" || reply.ColdStart || reply.Timing.Start != nil {
						t.Errorf("reply %+v", reply)
					}
					if diff := cmp.Diff(found.Detections, reply.Detections); diff != "" {
						t.Error(diff)
					}
					if len(i.pictures) != 1 || !bytes.Equal(i.pictures[0], png) || i.queries[0].Get("min_score") != "0.4" {
						t.Errorf("the instance got %q, %v", i.pictures, i.queries)
					}
					if many := strings.Contains(proxy, "many"); many != (a.MultiHeaders != nil) || many == (a.Headers != nil) {
						t.Errorf("header %v, %v", a.Headers, a.MultiHeaders)
					}
					if alb := strings.HasPrefix(proxy, "load"); alb != (a.Description == "200 OK") {
						t.Errorf("description %q", a.Description)
					}
				})
			}
		}
	}
}

func TestAPictureIsAnsweredToThoseWhoAcceptOne(t *testing.T) {
	for proxy, event := range carry {
		t.Run(proxy, func(t *testing.T) {
			i := &instance{answer: found}
			out, err := warm(i).Invoke(invoked(t), text(t, event("POST", "/v1/detect", map[string]string{"draw": "png"},
				map[string]string{"content-type": "image/png", "accept": "image/jpeg, */*"}, png64, true)))
			if err != nil {
				t.Fatal(err)
			}
			a := decode[carriedAnswer](t, out)
			header, body := a.read(t)
			if !a.In64 || header.Get("Content-Type") != "image/jpeg" || !bytes.HasPrefix(body, []byte("\xff\xd8\xff")) {
				t.Errorf("%v %v %q", a.In64, header, body)
			}
		})
	}
}

func TestEventsThatAreNoHTTPAreAnsweredInTheirOwnForm(t *testing.T) {
	t.Run("the plain body is answered by the reply", func(t *testing.T) {
		for _, image := range []string{`{"url":"` + page + `"}`, `{"base64":"` + png64 + `"}`} {
			i := &instance{answer: found}
			out, err := warm(i).Invoke(invoked(t), []byte(`{"image":`+image+`,"draw":"png"}`))
			if err != nil {
				t.Fatal(err)
			}
			reply := decode[functions.Reply](t, out)
			if reply.Function != "eye" || len(reply.Detections) != 1 || reply.Annotated == nil || !bytes.Equal(i.pictures[0], png) {
				t.Errorf("%+v", reply)
			}
		}
	})
	t.Run("a CloudEvent is answered by one", func(t *testing.T) {
		for _, data := range []string{`"data":{"image":{"url":"` + page + `"}}`, `"datacontenttype":"image/png","data_base64":"` + png64 + `"`} {
			out, err := warm(&instance{answer: found}).Invoke(invoked(t),
				[]byte(`{"specversion":"1.0","id":"1","source":"/camera","type":"dev.saccade.detect.v1",`+data+`}`))
			if err != nil {
				t.Fatal(err)
			}
			event, err := events.Parse(out)
			if err != nil || event.Type != events.TypeDetected || event.Extensions["causationid"] != "1" || event.Source != "/saccade/functions/eye" {
				t.Fatalf("%+v, %v", event, err)
			}
			if reply := decode[functions.Reply](t, event.Data); len(reply.Detections) != 1 {
				t.Errorf("%+v", reply)
			}
		}
	})
	t.Run("a CloudEvent over HTTP is answered in its mode", func(t *testing.T) {
		structured := `{"specversion":"1.0","id":"1","source":"/camera","type":"dev.saccade.detect.v1","data":{"image":{"url":"` + page + `"}}}`
		binary := map[string]string{
			"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/camera", "ce-type": events.TypeDetect, "content-type": "image/png",
		}
		for proxy, event := range carry {
			out, err := warm(&instance{answer: found}).Invoke(invoked(t), text(t, event("POST", "/", nil,
				map[string]string{"content-type": events.ContentTypeStructured}, structured, false)))
			if err != nil {
				t.Fatal(err)
			}
			header, body := decode[carriedAnswer](t, out).read(t)
			if answer, err := events.Parse(body); err != nil || answer.Type != events.TypeDetected || header.Get("Content-Type") != events.ContentTypeStructured {
				t.Errorf("%s: %v %s %v", proxy, header, body, err)
			}
			out, err = warm(&instance{answer: found}).Invoke(invoked(t), text(t, event("POST", "/", nil, binary, png64, true)))
			if err != nil {
				t.Fatal(err)
			}
			header, body = decode[carriedAnswer](t, out).read(t)
			if reply := decode[functions.Reply](t, body); header.Get("Ce-Type") != events.TypeDetected || len(reply.Detections) != 1 {
				t.Errorf("%s: %v %s", proxy, header, body)
			}
		}
	})
}

// A load balancer leaves a query as the client wrote it; a REST API has undone that.
func TestAQueryIsUnescapedOnce(t *testing.T) {
	for proxy, test := range map[string]struct {
		given  string
		status int
	}{
		"load balancer":              {"0%2E4", 200},
		"load balancer, many values": {"0%2E4", 200},
		"API Gateway REST":           {"0%2E4", 400},
		"API Gateway HTTP":           {"0%2E4", 400}, // carry escapes it once more
	} {
		i := &instance{answer: found}
		out, err := warm(i).Invoke(invoked(t), text(t, carry[proxy]("POST", "/", map[string]string{"min_score": test.given},
			map[string]string{"content-type": "image/png"}, png64, true)))
		if a := decode[carriedAnswer](t, out); err != nil || a.Status != test.status {
			t.Errorf("%s: %s, %v; want %d", proxy, out, err, test.status)
		}
		if test.status == 200 && i.queries[0].Get("min_score") != "0.4" {
			t.Errorf("%s: %v", proxy, i.queries)
		}
	}
	broken := text(t, carry["load balancer"]("POST", "/", map[string]string{"min_score": "%zz"}, nil, "", false))
	if out, err := warm(&instance{}).Invoke(invoked(t), broken); err != nil || decode[carriedAnswer](t, out).Status != 400 {
		t.Errorf("%s, %v", out, err)
	}
}

func TestShippedSampleEventsAreAnswered(t *testing.T) {
	files, err := filepath.Glob("../../config/lambda/events/*.json")
	if err != nil || len(files) < 5 {
		t.Fatalf("%d sample events (%v)", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			event, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			i := &instance{answer: found}
			r := warm(i)
			r.options.Function = "centernet"
			out, err := r.Invoke(invoked(t), event)
			if err != nil || len(i.pictures) != 1 {
				t.Fatalf("%s, %v, %d pictures", out, err, len(i.pictures))
			}
			if a := decode[carriedAnswer](t, out); a.Status != 0 && a.Status != 200 {
				t.Errorf("%s", out)
			}
		})
	}
}

func TestWhatFailsIsToldByTheWayItCame(t *testing.T) {
	for name, test := range map[string]struct {
		fault  error
		status int
		kind   functions.Kind
	}{
		"what is no picture":    {functions.Errorf(functions.Unreadable, "it ends early"), 422, functions.Unreadable},
		"a fault of ours":       {errors.New("secret"), 500, functions.Internal},
		"too many pixels":       {functions.Errorf(functions.TooLarge, "too many"), 413, functions.TooLarge},
		"an instance that goes": {functions.Errorf(functions.Unavailable, "it stops"), 503, functions.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			for proxy, event := range carry {
				out, err := warm(&instance{err: test.fault}).Invoke(invoked(t), text(t, event("POST", "/", nil,
					map[string]string{"content-type": "image/png"}, png64, true)))
				if err != nil {
					t.Fatalf("%s: %v", proxy, err)
				}
				a := decode[carriedAnswer](t, out)
				header, body := a.read(t)
				if p := decode[problem.Problem](t, body); a.Status != test.status || p.Status != test.status || header.Get("Content-Type") != problem.ContentType {
					t.Errorf("%s: %d %v %s", proxy, a.Status, header, body)
				}
				if bytes.Contains(out, []byte("secret")) {
					t.Errorf("%s tells its callers what is not for them: %s", proxy, out)
				}
			}
			for _, event := range []string{
				`{"image":{"url":"` + page + `"}}`,
				`{"specversion":"1.0","id":"1","source":"/c","type":"dev.saccade.detect.v1","data":{"image":{"url":"` + page + `"}}}`,
			} {
				_, err := warm(&instance{err: test.fault}).Invoke(invoked(t), []byte(event))
				failed, is := errors.AsType[messages.InvokeResponse_Error](err)
				if !is || failed.Type != "saccade."+string(test.kind) || failed.ShouldExit || failed.Message == "" || strings.Contains(failed.Message, "secret") {
					t.Errorf("%s: %#v", event, err)
				}
			}
		})
	}
}

// What a picture of a camera's size costs to be taken out of its event.
func BenchmarkInvoke(b *testing.B) {
	event := text(b, carry["Function URL"]("POST", "/", nil, map[string]string{"content-type": "image/png"},
		encode64(string(png)+strings.Repeat("pixels", 130_000)), true))
	b.SetBytes(int64(len(event)))
	for b.Loop() {
		if _, err := warm(&instance{answer: found}).Invoke(b.Context(), event); err != nil {
			b.Fatal(err)
		}
	}
}
