package lambda

import (
	"encoding/json"
	"errors"

	"github.com/aws/aws-lambda-go/lambda/messages"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/functions/problem"
)

// Bounds of an event and of its answer, each as JSON with all that is around the
// picture. Sources, under docs.aws.amazon.com: lambda/latest/dg/gettingstarted-limits.html,
// elasticloadbalancing/latest/application/lambda-functions.html.
const (
	mostBytes    = functions.LambdaMaxPayload
	mostBytesALB = 1 << 20
)

// door is the way an event has come, and its answer goes.
type door interface {
	// kind names the way for the log.
	kind() string
	// most is how many bytes the event and the answer may have.
	most() int
	// read understands what is asked; it fetches nothing.
	read() (ask, error)
	// answer is the payload that says reply.
	answer(reply functions.Reply) ([]byte, error)
	// refuse says err: in a payload, or as what the invocation fails of.
	refuse(err error) ([]byte, error)
}

// sortEvent finds the door an event has come by. Where it is none that is taken, the
// door is the direct one, which tells so.
func sortEvent(payload []byte, function string) (door, error) {
	d := direct{payload: payload}
	var c carried
	var fault error
	if err := json.Unmarshal(payload, &c); err != nil {
		wrong, is := errors.AsType[*json.UnmarshalTypeError](err)
		if is && wrong.Field == "" {
			return d, functions.Errorf(functions.Invalid, "an event is a JSON object").Because(err)
		}
		fault = functions.Errorf(functions.Invalid, "the event cannot be understood").Because(err)
		if !is {
			return d, fault
		}
		// What is of another type than it should be is left out; the rest tells the door.
	}
	var read func(carried) (message, error)
	switch {
	case c.SpecVersion != nil:
		return cloud{payload: payload, function: function}, fault
	case c.Context.ELB != nil:
		read = readALB
	case c.Context.HTTP != nil:
		read = readV2
	case c.Method != "":
		read = readV1
	case fault != nil, c.Image != nil:
		return d, fault
	case c.Records != nil:
		return d, functions.Errorf(functions.Unsupported, "records (of S3, SQS, SNS and their like) are not taken; "+
			`send {"image":{"url":...}} with a presigned URL`)
	default:
		return d, functions.Errorf(functions.Invalid, "this is no event that is taken: an HTTP request (API Gateway, "+
			`Function URL, load balancer), a CloudEvent in JSON, or {"image":{"url":...}} or {"image":{"base64":...}}`)
	}
	m, err := read(c)
	if fault == nil {
		fault = err
	}
	return &web{message: m, function: function}, fault
}

// direct is an event that is the body of the HTTP API.
type direct struct{ payload []byte }

func (direct) kind() string { return "direct" }

func (direct) most() int { return mostBytes }

func (d direct) read() (ask, error) {
	var a ask
	err := a.readJSON(d.payload)
	return a, err
}

func (direct) answer(reply functions.Reply) ([]byte, error) { return json.Marshal(reply) }

func (direct) refuse(err error) ([]byte, error) { return nil, failure(err, false) }

// failure is err as what an invocation fails of. It tells what the caller may read.
func failure(err error, exit bool) messages.InvokeResponse_Error {
	p := problem.Of(err)
	said := p.Detail
	if said == "" {
		said = p.Title
	}
	return messages.InvokeResponse_Error{Type: errorType(err), Message: said, ShouldExit: exit}
}

// errorType is the name by which a caller (a Step Functions retry, an alarm) tells
// errors apart.
func errorType(err error) string { return "saccade." + string(functions.KindOf(err)) }

// fits refuses what Lambda would not carry.
func fits(what string, size, most int) error {
	if size > most {
		return functions.Errorf(functions.TooLarge, "%s has %d bytes; at most %d go through Lambda this way", what, size, most)
	}
	return nil
}
