package lambda

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/functions/problem"
)

// look sends the picture through the instance's door, without a socket.
func (r *Runtime) look(ctx context.Context, picture []byte, ask functions.Parameters, trace string) (functions.Answer, error) {
	var answer functions.Answer
	query := url.Values{}
	if ask.MinScore != nil {
		query.Set("min_score", strconv.FormatFloat(*ask.MinScore, 'g', -1, 64))
	}
	if ask.Draw != "" {
		query.Set("draw", ask.Draw)
	}
	target := url.URL{Path: "/v1/detect", RawQuery: query.Encode()}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, target.String(), bytes.NewReader(picture))
	if err != nil {
		return answer, fmt.Errorf("asking the instance: %w", err)
	}
	request.Header.Set("Content-Type", "application/octet-stream")
	if trace != "" {
		request.Header.Set("Traceparent", trace)
	}
	said := newRecord()
	r.options.Instance.ServeHTTP(said, request)
	if said.status != http.StatusOK {
		return answer, problem.Read(said.response())
	}
	if err := json.Unmarshal(said.body.Bytes(), &answer); err != nil {
		return answer, fmt.Errorf("reading the instance's answer: %w", err)
	}
	return answer, nil
}

// probe asks the instance how it is.
func (r *Runtime) probe(ctx context.Context, w *web) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, w.probes(), nil)
	if err != nil {
		return nil, fmt.Errorf("asking the instance: %w", err)
	}
	said := newRecord()
	r.options.Instance.ServeHTTP(said, request)
	return w.write(said)
}

// record is an HTTP answer in memory.
type record struct {
	status int
	header http.Header
	body   bytes.Buffer
}

func newRecord() *record { return &record{status: http.StatusOK, header: http.Header{}} }

// Header satisfies http.ResponseWriter, as the other two do.
func (r *record) Header() http.Header { return r.header }

func (r *record) WriteHeader(status int) { r.status = status }

func (r *record) Write(p []byte) (int, error) { return r.body.Write(p) }

func (r *record) response() *http.Response {
	return &http.Response{
		StatusCode: r.status, Status: strconv.Itoa(r.status) + " " + http.StatusText(r.status),
		Header: r.header, Body: io.NopCloser(&r.body),
	}
}
