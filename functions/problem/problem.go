// Package problem is the one place that knows HTTP statuses: it turns an error
// of a functions.Kind into an RFC 9457 problem (application/problem+json) and
// back. The gateway and the function server write problems, the gateway's client
// and the invoke room read them.
//
// It hands on only what a caller may read: an error that is not a
// functions.Error becomes a plain internal error, its text kept out of the body.
package problem

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// ContentType is the media type of a problem.
const ContentType = "application/problem+json"

// typeBase is where every problem type is documented, one heading a Kind.
const typeBase = "https://github.com/seed45885407/saccade/blob/main/docs/problems.md#"

// maxBytes bounds a problem read from the far side.
const maxBytes = 64 << 10

// Problem is the body of an RFC 9457 problem.
type Problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`
}

type face struct {
	status int
	title  string
}

var faces = map[functions.Kind]face{
	functions.Invalid:          {http.StatusBadRequest, "The request is not valid"},
	functions.Unreadable:       {http.StatusUnprocessableEntity, "The picture cannot be read"},
	functions.TooLarge:         {http.StatusRequestEntityTooLarge, "The picture is too large"},
	functions.UploadTimeout:    {http.StatusRequestTimeout, "The request did not arrive in time"},
	functions.Unsupported:      {http.StatusUnsupportedMediaType, "This format is not supported"},
	functions.NotFound:         {http.StatusNotFound, "There is no such function"},
	functions.JobNotFound:      {http.StatusNotFound, "There is no such job"},
	functions.Conflict:         {http.StatusConflict, "This cannot be done in the present state"},
	functions.Unauthenticated:  {http.StatusUnauthorized, "Say who you are"},
	functions.NotPermitted:     {http.StatusForbidden, "You may not do this"},
	functions.OverLimit:        {http.StatusTooManyRequests, "You have sent as much as you may for now"},
	functions.TooShort:         {http.StatusServiceUnavailable, "The answer would come too late"},
	functions.Forbidden:        {http.StatusForbidden, "Pictures are not fetched from this address"},
	functions.SourceFailed:     {http.StatusBadGateway, "The picture's address did not return a picture"},
	functions.SourceTimeout:    {http.StatusGatewayTimeout, "The picture's address did not answer in time"},
	functions.Busy:             {http.StatusTooManyRequests, "The function is busy"},
	functions.ColdStartTimeout: {http.StatusGatewayTimeout, "The function did not become ready in time"},
	functions.Timeout:          {http.StatusGatewayTimeout, "The function did not answer in time"},
	functions.Unavailable:      {http.StatusServiceUnavailable, "The function is not available"},
	functions.Internal:         {http.StatusInternalServerError, "Something went wrong on our side"},
}

// Of is the problem that err is.
func Of(err error) Problem {
	kind, detail := functions.Internal, ""
	if e, ok := errors.AsType[*functions.Error](err); ok {
		kind, detail = e.Kind, e.Detail
	}
	return New(kind, detail)
}

// New is a problem of the given kind.
func New(kind functions.Kind, detail string) Problem {
	f := faces[kind]
	return Problem{Type: typeBase + string(kind), Title: f.title, Status: f.status, Detail: detail}
}

// Write answers with the problem that err is, Retry-After included where err
// knows when to come back.
func Write(w http.ResponseWriter, err error) {
	challenge(w, err)
	writeRetryAfter(w, retryAfterOf(err))
	WriteProblem(w, Of(err))
}

// challenge tells a caller that has not shown who it is how to (RFC 9110, 11.6.1).
func challenge(w http.ResponseWriter, err error) {
	if functions.KindOf(err) == functions.Unauthenticated {
		w.Header().Set("WWW-Authenticate", `Bearer realm="saccade"`)
	}
}

// retryAfterOf is when err says that trying again makes sense, 0 for not known.
func retryAfterOf(err error) time.Duration {
	if e, ok := errors.AsType[*functions.Error](err); ok {
		return e.RetryAfter
	}
	return 0
}

func writeRetryAfter(w http.ResponseWriter, after time.Duration) {
	if after > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(Seconds(after)))
	}
}

// WriteProblem answers with p.
func WriteProblem(w http.ResponseWriter, p Problem) {
	w.Header().Set("Content-Type", ContentType)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // the caller is gone if this fails
}

// Read turns a response that is no success back into the error it was. A body
// that is no problem of ours becomes an Internal error with the status as cause.
func Read(resp *http.Response) *functions.Error {
	var p Problem
	media, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBytes))
	if err == nil && media == ContentType {
		err = json.Unmarshal(body, &p)
	}
	kind := functions.Kind(strings.TrimPrefix(p.Type, typeBase))
	if _, known := faces[kind]; !known || err != nil {
		return functions.Errorf(functions.Internal, "unexpected answer").Because(errors.New(resp.Status))
	}
	e := &functions.Error{Kind: kind, Detail: p.Detail}
	if s, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && s > 0 {
		e.RetryAfter = time.Duration(s) * time.Second
	}
	return e
}
