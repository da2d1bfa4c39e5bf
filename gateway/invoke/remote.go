package invoke

import (
	"errors"
	"fmt"
	"mime"
	"net"
	"net/http"
	"time"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/functions/problem"
	"github.com/seed45885407/saccade/gateway/coldstart"
)

// dialer gives up on a machine that is gone, and notices soon when one goes while it
// has a request: nothing is sent then, and nothing comes, until somebody asks.
var dialer = net.Dialer{
	Timeout:         3 * time.Second,
	KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 5 * time.Second, Interval: 2 * time.Second, Count: 3},
}

// address names the instance to those between here and there.
func address(instance coldstart.Instance, req *http.Request) {
	if instance.Host != "" {
		req.Host = instance.Host
	}
	for name, value := range instance.Header {
		req.Header.Set(name, value)
	}
}

// how tells a request that never came to its instance from one that lost it.
func how(err error) coldstart.Loss {
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return coldstart.Unreached
	}
	return coldstart.Broken
}

// refused is an answer that is no success as an error. Of a remote instance one that is
// no problem of ours comes from those in between: Knative's queue-proxy and activator,
// an ingress. They say that they did not reach the function, or lost it.
func refused(instance coldstart.Instance, resp *http.Response) error {
	if media, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); instance.Lost == nil || media == problem.ContentType {
		return problem.Read(resp)
	}
	loss := coldstart.Unreached // full, not known there yet, or nobody behind it
	switch resp.StatusCode {
	case http.StatusGatewayTimeout:
		return functions.Errorf(functions.Timeout, "the function did not answer in the time its revision gives it").
			Because(fmt.Errorf("invoking %s: %s", instance.Name, resp.Status))
	case http.StatusBadGateway: // the queue-proxy's word for a program that went away
		loss = coldstart.Crashed
	case http.StatusNotFound, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusServiceUnavailable:
	default:
		return problem.Read(resp)
	}
	instance.Lost(loss)
	return functions.Errorf(functions.Unavailable, "the function's instance could not take the picture").
		Because(fmt.Errorf("invoking %s: %w: %s", instance.Name, ErrLost, resp.Status))
}
