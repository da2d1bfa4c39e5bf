package gateway

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/gateway/recall"
)

// entityTag is the ETag of the answer to a question, in the form that is asked for;
// "" where answers have none. It is weak: two answers to a question have the same
// boxes and different times.
func entityTag(tag recall.Tag, annotated string) string {
	if tag.IsZero() {
		return ""
	}
	form := "json"
	if annotated != "" {
		form = annotated
	}
	return `W/"` + tag.String() + "-" + form + `"`
}

// knows says whether the caller has the answer with this ETag already
// (If-None-Match, RFC 9110, 13.1.2, compared weakly). "*" is no answer that it has.
func knows(h http.Header, etag string) bool {
	if etag == "" {
		return false
	}
	opaque := strings.TrimPrefix(etag, "W/")
	for _, line := range h.Values("If-None-Match") {
		for len(line) > 0 {
			line = strings.TrimPrefix(strings.TrimLeft(line, " \t,"), "W/")
			if !strings.HasPrefix(line, `"`) {
				break // not a list of tags
			}
			end := strings.IndexByte(line[1:], '"')
			if end < 0 {
				break
			}
			if line[:end+2] == opaque {
				return true
			}
			line = line[end+2:]
		}
	}
	return false
}

// setValidators tells the caller how to ask again: with the ETag, and not before the
// answer's age is over. Only the caller itself may keep it.
func setValidators(h http.Header, etag string, age time.Duration) {
	if etag != "" {
		h.Set("ETag", etag)
		h.Set("Cache-Control", fmt.Sprintf("private, max-age=%d", int(age.Seconds())))
	}
}

// asksNotToKeep reads Cache-Control: no-store of a request (RFC 9111, 5.2.1.5). Such a
// request's answer is not kept, nor is it counted among what the function sees.
func asksNotToKeep(h http.Header) bool {
	for _, line := range h.Values("Cache-Control") {
		for directive := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(directive), "no-store") {
				return true
			}
		}
	}
	return false
}

// errNotModified ends the walk where the caller has the answer.
var errNotModified = errors.New("the caller has this answer")

// conditions are what a caller knows, and the ETag it is told.
type conditions struct {
	header http.Header
	etag   string
}

// has notes the question's ETag and says whether the caller has the answer.
func (r *request) has(tag recall.Tag) bool {
	if r.conditions == nil {
		return false
	}
	r.conditions.etag = entityTag(tag, r.annotated)
	return knows(r.conditions.header, r.conditions.etag)
}

// until is when the answer has to be there: the function's timeout, or the caller's
// deadline where that is sooner.
func (r *request) until(revision functions.Revision) time.Time {
	until := r.began.Add(time.Duration(revision.Function.Spec.Scaling.Timeout))
	if !r.deadline.IsZero() && r.deadline.Before(until) {
		return r.deadline
	}
	return until
}
