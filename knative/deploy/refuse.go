package deploy

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// NotReady says that what was asked for has not come true, in time or at all.
type NotReady struct {
	// Text tells why, and what serves meanwhile.
	Text string
	// Log has the last lines of the container that failed, where one did.
	Log []string
}

func (e *NotReady) Error() string {
	if len(e.Log) == 0 {
		return e.Text
	}
	return e.Text + "\nits last lines:\n  " + strings.Join(e.Log, "\n  ")
}

// Unreachable says that no API server answers.
type Unreachable struct {
	Server string
	Err    error
}

func (e *Unreachable) Error() string {
	return fmt.Sprintf("the cluster at %s cannot be reached: %s", e.Server, brief(e.Err))
}

// Unwrap returns the cause.
func (e *Unreachable) Unwrap() error { return e.Err }

// How long a request is tried again while the API server does not answer: little
// before it has ever answered, for then the address is likely to be wrong.
const (
	patienceAtFirst = 5 * time.Second
	patience        = 60 * time.Second
	attemptTimeout  = 20 * time.Second
)

// backoff is the wait before attempt n (from 0), half of it by chance.
func backoff(n int) time.Duration {
	most := min(5*time.Second, 400*time.Millisecond<<min(n, 8))
	return most/2 + rand.N(most/2)
}

// try calls do until it succeeds or fails for a reason that trying again does not
// cure. It says when the server goes away and when it is back.
func (c *Cluster) try(ctx context.Context, do func(context.Context) error) error {
	started := time.Now()
	for n := 0; ; n++ {
		attempt, cancel := context.WithTimeout(ctx, attemptTimeout)
		err := do(attempt)
		cancel()
		switch {
		case err == nil || !passes(err):
			if n > 0 && err == nil {
				c.say("the API server is back")
			}
			if err == nil || answered(err) {
				c.reached.Store(true)
			}
			return c.explain(err)
		case ctx.Err() != nil:
			return ctx.Err()
		}
		limit := patienceAtFirst
		if answered(err) {
			c.reached.Store(true)
		}
		if c.reached.Load() {
			limit = patience
		}
		if time.Since(started) >= limit {
			return c.explain(err)
		}
		if n == 0 {
			c.say("the API server does not answer (" + brief(err) + "): trying again")
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(backoff(n)):
		}
	}
}

// answered says that err came from the API server.
func answered(err error) bool {
	_, ok := errors.AsType[*apierrors.StatusError](err)
	return ok
}

// passes says that err may be gone in a moment.
func passes(err error) bool {
	if s, ok := errors.AsType[*apierrors.StatusError](err); ok {
		code := s.Status().Code
		return code == http.StatusTooManyRequests || code >= 500
	}
	return away(err)
}

// away says that err is of the way to the API server.
func away(err error) bool {
	if errors.Is(err, context.Canceled) {
		return false
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, syscall.ECONNREFUSED) ||
		strings.Contains(err.Error(), "EOF") || strings.Contains(err.Error(), "connection reset") ||
		strings.Contains(err.Error(), "http2:")
}

// explain is err as the command line tells it.
func (c *Cluster) explain(err error) error {
	s, ok := errors.AsType[*apierrors.StatusError](err)
	switch {
	case err == nil:
		return nil
	case !ok && away(err):
		return &Unreachable{Server: c.server, Err: err}
	case !ok:
		return err
	case isUnknownKind(err):
		return fmt.Errorf("this cluster has no such kind of object: is Knative Serving installed? (%w)", err)
	case s.Status().Code == http.StatusUnauthorized:
		return fmt.Errorf("the cluster at %s does not accept the credentials of this context (%w)", c.server, err)
	case s.Status().Code >= 500:
		return &Unreachable{Server: c.server, Err: err}
	}
	return err
}

// isUnknownKind tells a kind the API server does not serve from an object that is
// not there.
func isUnknownKind(err error) bool {
	s, ok := errors.AsType[*apierrors.StatusError](err)
	if !ok || s.Status().Code != http.StatusNotFound {
		return false
	}
	d := s.Status().Details
	if d == nil || d.Name == "" {
		return true
	}
	for _, cause := range d.Causes {
		if cause.Type == metav1.CauseTypeUnexpectedServerResponse {
			return true
		}
	}
	return false
}

// brief is the innermost cause of a failed request: the rest tells the request.
func brief(err error) string {
	text := clean(err.Error())
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Err != nil {
		text = op.Err.Error()
		if inner := errors.Unwrap(op.Err); inner != nil {
			text = inner.Error()
		}
	} else if errors.Is(err, context.DeadlineExceeded) {
		text = "no answer in time"
	}
	return text
}
