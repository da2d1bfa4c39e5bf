package functions

import (
	"errors"
	"fmt"
	"time"
)

// Kind is what class of thing went wrong. Rooms choose a Kind; package problem
// alone turns it into an HTTP status.
type Kind string

// The kinds, from the caller's faults to ours.
const (
	// Invalid: the request is malformed, or a parameter is out of range.
	Invalid Kind = "invalid-request"
	// Unreadable: the bytes claim to be a picture and cannot be read as one.
	Unreadable Kind = "unreadable-picture"
	// TooLarge: the picture has too many bytes or pixels.
	TooLarge Kind = "picture-too-large"
	// UploadTimeout: the request's body did not arrive in time.
	UploadTimeout Kind = "upload-timeout"
	// Unsupported: the media type or picture format is not one we read.
	Unsupported Kind = "unsupported-format"
	// NotFound: no function of that name.
	NotFound Kind = "function-not-found"
	// JobNotFound: no job of that id, or none any more.
	JobNotFound Kind = "job-not-found"
	// Conflict: the request does not fit the state that its object is in.
	Conflict Kind = "conflict"
	// Unauthenticated: the caller has not shown who it is.
	Unauthenticated Kind = "not-authenticated"
	// NotPermitted: the caller is known and may not do this.
	NotPermitted Kind = "not-permitted"
	// OverLimit: the caller has used up what it may send for now.
	OverLimit Kind = "over-limit"
	// Forbidden: the picture's address is one we do not fetch from.
	Forbidden Kind = "address-not-allowed"
	// SourceFailed: the far side did not hand over a picture.
	SourceFailed Kind = "picture-source-failed"
	// SourceTimeout: the far side was too slow.
	SourceTimeout Kind = "picture-source-timeout"
	// Busy: the function has as much waiting work as it may hold.
	Busy Kind = "function-busy"
	// TooShort: the request would be answered after the time its caller gives it.
	TooShort Kind = "deadline-too-short"
	// ColdStartTimeout: no instance became ready within the request's time.
	ColdStartTimeout Kind = "cold-start-timeout"
	// Timeout: the request's time was over before the function had answered.
	Timeout Kind = "function-timeout"
	// Unavailable: the function cannot be served for now.
	Unavailable Kind = "function-unavailable"
	// Internal: a fault of ours.
	Internal Kind = "internal-error"
)

// Kinds are all of them, in the order they are documented.
var Kinds = []Kind{
	Invalid, Unreadable, TooLarge, UploadTimeout, Unsupported, NotFound, JobNotFound, Conflict, Unauthenticated, NotPermitted,
	Forbidden, SourceFailed, SourceTimeout, OverLimit, Busy, TooShort, ColdStartTimeout, Timeout, Unavailable, Internal,
}

// Error is a failure with two faces: Detail is for the caller to read and holds
// no internals, Cause is for the log.
type Error struct {
	Kind   Kind
	Detail string
	// RetryAfter is when trying again makes sense; 0 where that is unknown or never.
	RetryAfter time.Duration
	Cause      error
}

// Errorf makes an Error whose detail is the formatted text. Operands are shown
// to the caller: give it no internals.
func Errorf(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Detail: fmt.Sprintf(format, args...)}
}

// Because sets the private cause and returns e.
func (e *Error) Because(cause error) *Error {
	e.Cause = cause
	return e
}

// Error is the text for the log: detail and cause.
func (e *Error) Error() string {
	if e.Cause == nil {
		return e.Detail
	}
	return e.Detail + ": " + e.Cause.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// KindOf is the Kind of the first Error in err's chain, or Internal.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Internal
}
