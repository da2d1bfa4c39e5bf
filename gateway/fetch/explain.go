package fetch

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"syscall"

	"github.com/seed45885407/saccade/functions"
)

// cutOff marks an error of an answer's body: the far side had begun to answer.
type cutOff struct{ error }

func (c cutOff) Unwrap() error { return c.error }

// explain words err, which ended the fetch of at, for the caller. caller is the
// caller's context and limited the one bounded by the fetch's own timeout.
func (f *Fetcher) explain(caller, limited context.Context, at target, err error) error {
	if caller.Err() != nil {
		return fmt.Errorf("fetching the picture: %w", context.Cause(caller))
	}
	if limited.Err() != nil {
		return functions.Errorf(functions.SourceTimeout, "%s did not hand over the picture within %v", at.asked, f.timeout).Because(err)
	}
	_, cut := errors.AsType[cutOff](err)
	if e, ok := errors.AsType[*functions.Error](err); ok && !cut {
		return e
	}
	kind, what := reason(err)
	if cut && kind == functions.SourceFailed {
		what = "the answer of %s could not be read to its end"
	}
	return functions.Errorf(kind, what, at.who()).Because(err)
}

// reason is what kind of failure of the far side err is, and a sentence about it
// with a place for the host.
func reason(err error) (functions.Kind, string) {
	if failed, ok := errors.AsType[net.Error](err); ok && failed.Timeout() {
		return functions.SourceTimeout, "%s did not answer in time"
	}
	if lookup, ok := errors.AsType[*net.DNSError](err); ok {
		if lookup.IsNotFound {
			return functions.SourceFailed, "%s is not known: the DNS has no such name"
		}
		return functions.SourceFailed, "%s could not be looked up in the DNS"
	}
	if errors.Is(err, syscall.ECONNREFUSED) {
		return functions.SourceFailed, "%s refused the connection"
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return functions.SourceFailed, "%s has no certificate that can be trusted"
	}
	if isTLS(err) {
		return functions.SourceFailed, "%s did not let a secure connection be made"
	}
	return functions.SourceFailed, "%s did not answer as a web server does"
}

func isTLS(err error) bool {
	if _, ok := errors.AsType[tls.AlertError](err); ok {
		return true
	}
	_, ok := errors.AsType[tls.RecordHeaderError](err)
	return ok
}
