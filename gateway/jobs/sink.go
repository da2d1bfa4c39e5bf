package jobs

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/gateway/events"
)

// Publisher sends an answer to a sink. An error that is a functions.Error says by
// its Kind whether another try makes sense, and by RetryAfter when; every other
// error is tried again.
type Publisher interface {
	Publish(ctx context.Context, sink *url.URL, answer events.Event) error
}

// sinks are the ways to the far side.
type sinks struct {
	operator   Publisher
	caller     Publisher // nil where callbacks are not taken
	publishers map[string]Publisher
	callbacks  []callback
}

func newSinks(o Options) (sinks, error) {
	client := o.Client
	if client == nil {
		client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	s := sinks{operator: post{client}, publishers: o.Publishers}
	var err error
	if s.callbacks, err = parseCallbacks(o.Callbacks); err != nil {
		return s, err
	}
	if len(s.callbacks) > 0 && o.Guard == nil {
		return s, errors.New("callbacks are allowed, and there is no guard to look at their addresses")
	}
	if o.Guard != nil {
		s.caller = post{o.Guard.Client()}
	}
	if o.Sink != "" {
		if _, err := s.parse(o.Sink); err != nil {
			return s, fmt.Errorf("the sink for answers: %w", err)
		}
	}
	return s, nil
}

// Publish sends an event that is no job's to an operator's sink, once: whether it is
// sent again is the caller's affair.
func (j *Jobs) Publish(ctx context.Context, sink string, event events.Event) error {
	ctx, cancel := context.WithTimeout(ctx, j.opts.SinkTimeout)
	defer cancel()
	return j.sinks.publish(ctx, sink, false, event)
}

// parse reads the URL of an operator's sink.
func (s sinks) parse(sink string) (*url.URL, error) {
	u, err := url.Parse(sink)
	if err != nil || u.Host == "" && u.Opaque == "" {
		return nil, functions.Errorf(functions.Invalid, "%.200q is no URL of a sink", sink)
	}
	if _, known := s.publishers[u.Scheme]; !known && u.Scheme != "http" && u.Scheme != "https" {
		return nil, functions.Errorf(functions.Invalid, "nothing sends to sinks of the scheme %.20q", u.Scheme)
	}
	return u, nil
}

// check refuses a job whose answer could not be sent.
func (s sinks) check(job Job) error {
	for _, sink := range job.Sinks {
		if _, err := s.parse(sink); err != nil {
			return err
		}
	}
	if job.Callback == "" {
		return nil
	}
	return s.allowed(job.Callback)
}

// publish sends answer. What is allowed is asked again: what a job was accepted with
// may not be allowed any more.
func (s sinks) publish(ctx context.Context, sink string, isCallback bool, answer events.Event) error {
	if isCallback {
		if err := s.allowed(sink); err != nil {
			return err
		}
		u, err := url.Parse(sink)
		if err != nil {
			return functions.Errorf(functions.Invalid, "the callback is no URL").Because(err)
		}
		return s.caller.Publish(ctx, u, answer)
	}
	u, err := s.parse(sink)
	if err != nil {
		return err
	}
	if p, ok := s.publishers[u.Scheme]; ok {
		return p.Publish(ctx, u, answer)
	}
	return s.operator.Publish(ctx, u, answer)
}

// callbackLanes bounds how many lanes strangers' hosts can make.
const callbackLanes = 64

// sinkKey is the lane of a sink: one for each host of the operator's, one of a few
// for those of callers.
func sinkKey(sink string, isCallback bool) string {
	host := sink
	if u, err := url.Parse(sink); err == nil {
		host = strings.ToLower(u.Scheme + "://" + u.Host)
	}
	sum := sha256.Sum256([]byte(host))
	if isCallback {
		return "callback-" + strconv.Itoa(int(sum[0])%callbackLanes)
	}
	return "sink-" + hex.EncodeToString(sum[:8])
}

// post sends events over HTTP, in binary mode.
type post struct{ client *http.Client }

// maxAnswer bounds what is read of a sink's answer, so that its connection can be
// used again.
const maxAnswer = 64 << 10

// Publish satisfies Publisher.
func (p post) Publish(ctx context.Context, sink *url.URL, answer events.Event) error {
	data := answer.Data
	if answer.Base64 != "" {
		decoded, err := base64.StdEncoding.DecodeString(answer.Base64)
		if err != nil {
			return functions.Errorf(functions.Invalid, "the answer cannot be read back").Because(err)
		}
		data = decoded
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, sink.String(), bytes.NewReader(data))
	if err != nil {
		return functions.Errorf(functions.Invalid, "the sink is no URL").Because(err)
	}
	answer.SetHeader(req.Header)
	req.Header.Set("User-Agent", "saccade (jobs)")
	for _, name := range []string{"traceparent", "tracestate"} {
		if value, ok := answer.Extensions[name].(string); ok {
			req.Header.Set(name, value)
		}
	}
	resp, err := p.client.Do(req)
	if err != nil {
		if e, ok := errors.AsType[*functions.Error](err); ok {
			// The guard has spoken, of pictures.
			return functions.Errorf(e.Kind, "answers are not sent to this address").Because(err)
		}
		return functions.Errorf(functions.Unavailable, "the sink could not be reached").Because(err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxAnswer)) // its words change nothing
	return answered(resp)
}

// answered says what a sink's status means, by the rules of Knative Eventing's
// delivery: sent again after 404, 408, 409, 429 and 5xx.
func answered(resp *http.Response) error {
	kind := functions.Invalid
	switch status := resp.StatusCode; {
	case status >= 200 && status < 300:
		return nil
	case status == http.StatusNotFound, status == http.StatusRequestTimeout, status == http.StatusConflict,
		status == http.StatusTooManyRequests, status == http.StatusTooEarly, status >= 500:
		kind = functions.Unavailable
	}
	e := functions.Errorf(kind, "the sink answered %d", resp.StatusCode)
	e.RetryAfter = retryAfter(resp.Header.Get("Retry-After"), time.Now())
	return e
}

// retryAfter reads the header in either of its forms (RFC 9110, 10.2.3); 0 for none.
func retryAfter(value string, now time.Time) time.Duration {
	if seconds, err := strconv.Atoi(value); err == nil {
		return time.Duration(min(max(seconds, 0), int(maxRetryAfter/time.Second))) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}
