package gateway

import (
	"bufio"
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/gateway/access"
	"github.com/seed45885407/saccade/gateway/fetch"
)

// request is a detection that is asked for, in whatever form it came.
type request struct {
	began    time.Time
	function string
	// caller is who asks, payer the account that the cost goes to.
	caller access.Caller
	payer  string
	params *functions.Parameters
	// size is how many bytes the picture may need, before it is known; negative where
	// nobody says, and its bytes are held as they come.
	size int64
	// url is where the picture is, where the request says so instead of having it.
	url string
	// picture gets the bytes, and reads those that are still to come through held. It may
	// complete params on the way.
	picture func(ctx context.Context, held fetch.Held) ([]byte, error)
	// lent says that the bytes are to be given back to the gateway's buffers.
	lent bool
	// deadline is the caller's own, zero for none.
	deadline time.Time
	// conditions are the caller's; nil where there can be none.
	conditions *conditions
	// unkept says that nothing of the request is to be kept.
	unkept bool
	// annotated is set where the reply is to be a picture: png or jpeg.
	annotated string
}

// maxJSONOverhead is what a JSON body may be longer than its picture in base64.
const maxJSONOverhead = 64 << 10

// read understands the head of a request, and of its body as much as is cheap: a
// JSON body whole, of an upload the picture's first bytes. What it refuses has not
// woken anything.
func (g *Gateway) read(c echo.Context) (request, error) {
	r := c.Request()
	req := request{began: time.Now(), function: c.Param("name"), caller: callerOf(c), payer: callerOf(c).ID()}
	if err := req.caller.MayUse(req.function); err != nil { // before it is told whether there is one
		return req, err
	}
	params, err := readQuery(r.URL.Query())
	if err != nil {
		return req, err
	}
	req.params = &params
	if req.deadline, err = readDeadline(r.Header, req.began); err != nil {
		return req, err
	}
	req.conditions, req.unkept = &conditions{header: r.Header}, asksNotToKeep(r.Header)
	if req.annotated = wantsPicture(r.Header.Get("Accept")); req.annotated != "" {
		params.Draw = req.annotated
	}
	if _, err := g.Routes.Route(req.function); err != nil {
		return req, err
	}
	if err := plainBody(r); err != nil {
		return req, err
	}
	media, mediaParams, err := mime.ParseMediaType(r.Header.Get(echo.HeaderContentType))
	if err != nil && r.Header.Get(echo.HeaderContentType) != "" {
		return req, functions.Errorf(functions.Unsupported, "the content type cannot be understood")
	}
	switch {
	case media == "application/json":
		err = g.readJSON(r, &req)
	case media == "multipart/form-data":
		err = g.readForm(r, mediaParams["boundary"], &req)
	case isPicture(media):
		err = g.readRaw(r, &req)
	default:
		err = functions.Errorf(functions.Unsupported, "send a picture as image/*, application/octet-stream, "+
			"multipart/form-data (field image) or application/json")
	}
	return req, err
}

// plainBody refuses a compressed body: pictures are compressed already, and what
// unfolds must not unfold here.
func plainBody(r *http.Request) error {
	if coding := r.Header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		return functions.Errorf(functions.Unsupported, "bodies are taken without a content encoding")
	}
	return nil
}

// isPicture tells the media types of a body that is the picture itself.
func isPicture(media string) bool {
	return strings.HasPrefix(media, "image/") || media == "application/octet-stream"
}

// readQuery reads the parameters that every form takes in the URL.
func readQuery(q url.Values) (params functions.Parameters, err error) {
	for name, values := range q {
		if err := params.Set(name, values[len(values)-1]); err != nil {
			return params, err
		}
	}
	return params, nil
}

// wantsPicture is png or jpeg where the caller accepts a picture before JSON.
func wantsPicture(accept string) string {
	for part := range strings.SplitSeq(accept, ",") {
		media, _, err := mime.ParseMediaType(part)
		if err != nil {
			continue
		}
		switch media {
		case "image/png", "image/jpeg":
			return strings.TrimPrefix(media, "image/")
		case "application/json", "*/*":
			return ""
		}
	}
	return ""
}

// readRaw takes the body itself as the picture.
func (g *Gateway) readRaw(r *http.Request, req *request) error {
	body, err := g.peek(r.Body, r.ContentLength)
	if err != nil {
		return err
	}
	req.size, req.lent = r.ContentLength, true // negative where it comes in chunks
	req.picture = func(_ context.Context, held fetch.Held) ([]byte, error) {
		return g.pictures.ReadAll(held.Reader(body), r.ContentLength, g.opts.MaxBytes)
	}
	return nil
}

// peek refuses what is too long by its own account, empty or no picture.
func (g *Gateway) peek(body io.Reader, declared int64) (io.Reader, error) {
	if declared > g.opts.MaxBytes {
		return nil, functions.Errorf(functions.TooLarge, "the picture has %d bytes; at most %d are taken",
			declared, g.opts.MaxBytes)
	}
	b := bufio.NewReaderSize(body, 4<<10)
	head, err := b.Peek(functions.ForeignBytes)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, brokeOff(err, "the upload broke off")
	}
	return b, checkFormat(head)
}

// brokeOff is what a body is that could not be read: what its bounds say, else a
// fault of the sender's.
func brokeOff(err error, detail string) error {
	if _, told := errors.AsType[*functions.Error](err); told {
		return err
	}
	return functions.Errorf(functions.Invalid, "%s", detail).Because(err)
}

// checkFormat refuses what is empty or begins like no picture we read.
func checkFormat(head []byte) error {
	if len(head) == 0 {
		return functions.Errorf(functions.Unreadable, "the picture is empty")
	}
	if functions.FormatOf(head) == "" {
		if name := functions.ForeignFormat(head); name != "" {
			return functions.Errorf(functions.Unsupported, "this is %s, which is not read; %s are", name, functions.Formats)
		}
		return functions.Errorf(functions.Unsupported, "these bytes are no picture in a format that is read: %s",
			functions.Formats)
	}
	return nil
}

// body is the JSON form of a request.
type body struct {
	Image *struct {
		// URL is an http, https or data URL.
		URL string `json:"url"`
		// Base64 is the picture itself.
		Base64 string `json:"base64"`
	} `json:"image"`
	MinScore *float64 `json:"min_score"`
	Draw     *string  `json:"draw"`
}

// readJSON takes {"image":{"url":…}|{"base64":…},"min_score":…,"draw":…}.
func (g *Gateway) readJSON(r *http.Request, req *request) error {
	text, err := g.readText(r, g.maxText())
	if err != nil {
		return err
	}
	return g.understand(text, req)
}

// maxText is the most bytes of a body that has its picture in base64.
func (g *Gateway) maxText() int64 { return g.opts.MaxBytes*4/3 + maxJSONOverhead }

// readText is a body of JSON of at most limit bytes.
func (g *Gateway) readText(r *http.Request, limit int64) ([]byte, error) {
	text, err := fetch.ReadAll(r.Body, r.ContentLength, limit)
	switch {
	case r.ContentLength == 0, functions.KindOf(err) == functions.Unreadable:
		return nil, functions.Errorf(functions.Invalid, "the body is empty")
	case functions.KindOf(err) == functions.TooLarge:
		return nil, functions.Errorf(functions.TooLarge, "the body has more than %d bytes; a picture of at most %d is taken",
			limit, g.opts.MaxBytes).Because(err)
	}
	return text, err
}

// understand takes the JSON form of a request from its text.
func (g *Gateway) understand(text []byte, req *request) error {
	var b body
	if err := functions.DecodeJSON(text, &b); err != nil {
		return err
	}
	if b.MinScore != nil {
		if err := req.params.SetMinScore(*b.MinScore); err != nil {
			return err
		}
	}
	if b.Draw != nil && req.annotated == "" {
		if err := req.params.SetDraw(*b.Draw); err != nil {
			return err
		}
	}
	switch {
	case b.Image == nil, (b.Image.URL == "") == (b.Image.Base64 == ""):
		return functions.Errorf(functions.Invalid, `image must have either a "url" or a "base64"`)
	case b.Image.URL != "":
		req.size, req.url = fetch.Size(b.Image.URL, g.opts.MaxBytes), b.Image.URL
		req.picture = func(ctx context.Context, held fetch.Held) ([]byte, error) {
			return g.Fetch.FetchHeld(ctx, b.Image.URL, held)
		}
	default:
		return g.takeBase64(b.Image.Base64, req)
	}
	return nil
}

// takeBase64 takes text as the picture in base64.
func (g *Gateway) takeBase64(text string, req *request) error {
	picture, err := fetch.Base64(text, g.opts.MaxBytes)
	if err != nil {
		return err
	}
	if err := checkFormat(picture); err != nil {
		return err
	}
	req.size = int64(len(picture))
	req.picture = func(context.Context, fetch.Held) ([]byte, error) { return picture, nil }
	return nil
}
