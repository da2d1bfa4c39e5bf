package oip

import (
	"compress/gzip"
	"compress/zlib"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// serveInfer is the walk of an inference over HTTP: the model -> a place -> the
// body -> what it says -> infer -> the answer.
func (d *Door) serveInfer(w http.ResponseWriter, r *http.Request) error {
	to, release, err := d.models.take(r.PathValue("model"), r.PathValue("version"))
	if err != nil {
		return err
	}
	defer release()
	most, encoded := d.options.MaxBytes, r.Header.Get("Content-Encoding") != ""
	size := r.ContentLength
	if size > most {
		return tooLarge(most)
	}
	if size < 0 || encoded {
		size = most
	}
	ctx, leave, err := to.Server.Enter(r.Context(), r.Header, size)
	if err != nil {
		return err
	}
	defer leave()
	body, err := d.read(w, r, most)
	if err != nil {
		return err
	}
	asked, err := d.understand(to, r.Header, body)
	if err != nil {
		return err
	}
	outputs, err := d.infer(ctx, r.Header, to, asked)
	if err != nil {
		return err
	}
	return answerInfer(w, to, asked, outputs)
}

// understand tells the three forms of a body apart: JSON; JSON with bytes after it;
// and, with a header of length 0, the one input's bytes alone.
func (d *Door) understand(to called, header http.Header, body []byte) (*request, error) {
	said := header.Get(headerLength)
	if said == "" {
		return parse(body, nil)
	}
	length, err := strconv.Atoi(said)
	if err != nil || length < 0 || length > len(body) {
		return nil, functions.Errorf(functions.Invalid, "%s is a number of bytes, at most those of the request", headerLength)
	}
	if length == 0 {
		return bare(to, header, body)
	}
	return parse(body[:length], body[length:])
}

// bare is the request that a body of values alone stands for. Its outputs come as
// bytes too, unless JSON is asked for.
func bare(to called, header http.Header, body []byte) (*request, error) {
	r := &request{parameters: parameters{"binary_data_output": !strings.HasPrefix(header.Get("Accept"), "application/json")}}
	in := input{tensorHead: pictureInput, values: single(body)}
	if to.raw {
		if err := to.Server.Ready(); err != nil { // the form needs the network's shape
			return nil, err
		}
		inputs := inputHeads(to.Graph().Inputs)
		if len(inputs) != 1 {
			return nil, functions.Errorf(functions.Invalid, "the model takes %d inputs; a body of values alone is for one", len(inputs))
		}
		in = input{tensorHead: inputs[0], values: raw(body)}
	}
	r.inputs = []input{in}
	return r, nil
}

// single is one value of BYTES, without its length.
type single []byte

func (s single) floats(n int) ([]float32, error) { return raw(s).floats(n) }
func (s single) ints(n int) ([]int64, error)     { return raw(s).ints(n) }
func (s single) texts(int) ([][]byte, error)     { return [][]byte{s}, nil }

// read reads a body of at most so many bytes, unpacked where it comes packed. A
// client that sends slowly keeps nothing but its own place.
func (d *Door) read(w http.ResponseWriter, r *http.Request, most int64) ([]byte, error) {
	deadline := http.NewResponseController(w)
	// Not every ResponseWriter has a connection: those of tests have none.
	_ = deadline.SetReadDeadline(time.Now().Add(d.options.Upload))
	defer func() { _ = deadline.SetReadDeadline(time.Time{}) }()

	source, err := unpacked(r)
	var body []byte
	switch {
	case err != nil:
	case r.ContentLength > most:
		return nil, tooLarge(most)
	case r.ContentLength >= 0 && source == r.Body:
		body = make([]byte, r.ContentLength)
		_, err = io.ReadFull(source, body)
	default:
		body, err = io.ReadAll(io.LimitReader(source, most+1))
	}
	timeout, isTimeout := errors.AsType[interface {
		error
		Timeout() bool
	}](err)
	switch {
	case isTimeout && timeout.Timeout():
		return nil, functions.Errorf(functions.UploadTimeout, "the request did not arrive in time").Because(err)
	case err != nil && r.Context().Err() != nil:
		return nil, fmt.Errorf("reading request: %w", context.Cause(r.Context()))
	case err != nil:
		return nil, malformed("the request ended before its body, or is not packed as it says", err)
	case int64(len(body)) > most:
		return nil, tooLarge(most)
	}
	return body, nil
}

// unpacked is the body without its Content-Encoding.
func unpacked(r *http.Request) (io.Reader, error) {
	switch coding := r.Header.Get("Content-Encoding"); coding {
	case "", "identity":
		return r.Body, nil
	case "gzip":
		return gzip.NewReader(r.Body)
	case "deflate":
		return zlib.NewReader(r.Body)
	default:
		return nil, functions.Errorf(functions.Unsupported, "the content encoding %.32q is not read; gzip and deflate are", coding)
	}
}

func tooLarge(most int64) error {
	return functions.Errorf(functions.TooLarge, "the request has more than %d bytes", most)
}
