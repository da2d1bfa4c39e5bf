package watch

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	netheader "knative.dev/networking/pkg/http/header"
	"knative.dev/serving/pkg/queue"

	"github.com/seed45885407/saccade/functions"
)

// asks are questions to a pod's queue-proxy.
type asks interface {
	// there is nil where queue-proxy and function are ready.
	there(ctx context.Context, address string) error
	// started is what the function says that its start was spent on.
	started(ctx context.Context, address string) (functions.Start, error)
}

type httpAsks struct{ client *http.Client }

// askTimeout bounds one question, maxSaid what is read of its answer.
const (
	askTimeout = 2 * time.Second
	maxSaid    = 64 << 10
)

func newHTTPAsks() httpAsks {
	return httpAsks{&http.Client{
		Timeout:       askTimeout,
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// there asks as the kubelet and the activator do: the queue-proxy answers for itself
// and, by its container's own readiness probe, for the function.
func (a httpAsks) there(ctx context.Context, address string) error {
	_, err := a.get(ctx, "http://"+address+"/", netheader.ProbeKey, queue.Name)
	return err
}

func (a httpAsks) started(ctx context.Context, address string) (functions.Start, error) {
	said, err := a.get(ctx, "http://"+address+"/v1/start", "", "")
	if err != nil {
		return functions.Start{}, err
	}
	var started functions.Started
	if err := json.Unmarshal(said, &started); err != nil {
		return functions.Start{}, fmt.Errorf("reading what the start was spent on: %w", err)
	}
	return started.Start, nil
}

func (a httpAsks) get(ctx context.Context, url, name, value string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, fmt.Errorf("asking a pod: %w", err)
	}
	if name != "" {
		req.Header.Set(name, value)
	}
	resp, err := a.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("asking a pod: %w", err)
	}
	defer resp.Body.Close()
	said, err := io.ReadAll(io.LimitReader(resp.Body, maxSaid))
	switch {
	case err != nil:
		return nil, fmt.Errorf("asking a pod: %w", err)
	case resp.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("asking a pod: %s", resp.Status)
	}
	return said, nil
}
