// Package invoke asks one instance about one picture.
//
// It receives an instance and the picture's bytes, and hands on the instance's
// answer. What the instance refuses comes back as the functions.Error it was; an
// instance that is lost under the request is [ErrLost], so that the caller may
// ask another.
package invoke

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/gateway/coldstart"
)

// ErrLost says that the instance went away before it answered.
var ErrLost = errors.New("the instance was lost")

// maxAnswer bounds an answer: an annotated picture in base64 is its largest part.
const maxAnswer = 256 << 20

// Invoker holds the connections to all instances.
type Invoker struct {
	client *http.Client
	copies sync.Pool // of *[copyBytes]byte
}

// New is an Invoker without connections.
func New() *Invoker {
	i := &Invoker{copies: sync.Pool{New: func() any { return new([copyBytes]byte) }}}
	i.client = &http.Client{Transport: &http.Transport{
		DialContext:         i.dial,
		MaxIdleConnsPerHost: 256,
		IdleConnTimeout:     time.Minute,
		DisableCompression:  true,
		WriteBufferSize:     64 << 10,
	}}
	return i
}

// Close drops idle connections.
func (i *Invoker) Close() { i.client.CloseIdleConnections() }

// host carries network and address through net/http's connection pool, which
// knows hosts alone: letters and digits only, so that it is a valid one.
func host(instance coldstart.Instance) string {
	return instance.Network + "." + hex.EncodeToString([]byte(instance.Address))
}

func (i *Invoker) dial(ctx context.Context, _, hostport string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		return nil, err
	}
	network, encoded, _ := bytes.Cut([]byte(host), []byte("."))
	address, err := hex.DecodeString(string(encoded))
	if err != nil {
		return nil, err
	}
	conn, err := dialer.DialContext(ctx, string(network), string(address))
	if err != nil {
		return nil, err
	}
	return copyingConn{conn, &i.copies}, nil
}

// Detect sends picture to the instance and returns its answer. Once it returns nobody
// reads the picture any more.
func (i *Invoker) Detect(ctx context.Context, instance coldstart.Instance, picture []byte, params functions.Parameters) (functions.Answer, error) {
	var answer functions.Answer
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+host(instance)+"/v1/detect?"+query(params), nil)
	if err != nil {
		return answer, fmt.Errorf("invoking %s: %w", instance.Name, err)
	}
	sent := show(picture, req)
	defer sent.Wait()
	req.Header.Set("Content-Type", "application/octet-stream")
	// A detection changes nothing: a kept-alive connection that turns out to be
	// closed may be replaced silently. The key itself is not sent.
	req.Header["Idempotency-Key"] = nil
	address(instance, req)
	hand(ctx, instance, req)
	if deadline, is := ctx.Deadline(); is {
		// From now on, and no time of day: the two clocks need not agree.
		req.Header.Set("Request-Timeout", max(time.Millisecond, time.Until(deadline)).String())
	}

	resp, err := i.client.Do(req)
	if err != nil {
		return answer, lost(ctx, instance, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return answer, refused(instance, resp)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return answer, lost(ctx, instance, err)
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return answer, fmt.Errorf("reading the answer of %s: %w", instance.Name, err)
	}
	return answer, nil
}

// hand gives the instance the trace the request is in, the caller's own where
// there is no other.
func hand(ctx context.Context, instance coldstart.Instance, req *http.Request) {
	propagation.TraceContext{}.Inject(ctx, propagation.HeaderCarrier(req.Header))
	if span := trace.SpanFromContext(ctx); span.IsRecording() {
		span.SetAttributes(attribute.String("saccade.instance", instance.Name), attribute.Bool("saccade.cold_start", !instance.Ready))
	}
}

// lost tells an instance that went away from a caller that did.
func lost(ctx context.Context, instance coldstart.Instance, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("invoking %s: %w", instance.Name, context.Cause(ctx))
	}
	if instance.Lost != nil {
		instance.Lost(how(err))
	}
	return functions.Errorf(functions.Unavailable, "the function's instance stopped while it worked on the picture").
		Because(fmt.Errorf("invoking %s: %w: %w", instance.Name, ErrLost, err))
}

func query(params functions.Parameters) string {
	q := url.Values{}
	if params.MinScore != nil {
		q.Set("min_score", strconv.FormatFloat(*params.MinScore, 'g', -1, 64))
	}
	if params.Draw != "" {
		q.Set("draw", params.Draw)
	}
	return q.Encode()
}
