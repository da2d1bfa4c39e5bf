package lambda

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/seed45885407/saccade/functions"
)

// message is an HTTP request as it lies in an event.
type message struct {
	by, method, path string
	query            url.Values
	header           http.Header
	// body is as the event has it, in base64 where in64 is set.
	body string
	in64 bool
	// multi says that the answer's header goes into multiValueHeaders.
	multi bool
	most  int
}

// carried is what the events of API Gateway, Function URLs and load balancers have of
// a request, and by what other events are told from them: all that an event of six
// megabytes is read for once. Source: docs.aws.amazon.com, apigateway/latest/developerguide/
// http-api-develop-integrations-lambda.html (formats 1.0 and 2.0), lambda/latest/dg/
// urls-invocation.html, elasticloadbalancing/latest/application/lambda-functions.html.
type carried struct {
	// Formats 1.0 and the load balancer's.
	Method       string              `json:"httpMethod"`
	Path         string              `json:"path"`
	MultiHeaders map[string][]string `json:"multiValueHeaders"`
	Query        map[string]string   `json:"queryStringParameters"`
	MultiQuery   map[string][]string `json:"multiValueQueryStringParameters"`
	// Format 2.0.
	RawPath  string `json:"rawPath"`
	RawQuery string `json:"rawQueryString"`
	Context  struct {
		Stage string `json:"stage"`
		HTTP  *struct {
			Method string `json:"method"`
		} `json:"http"`
		ELB json.RawMessage `json:"elb"`
	} `json:"requestContext"`
	// All.
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"`
	In64    bool              `json:"isBase64Encoded"`
	// Other events.
	SpecVersion json.RawMessage `json:"specversion"`
	Image       json.RawMessage `json:"image"`
	Records     json.RawMessage `json:"Records"`
}

func (c carried) message(by, method, path string) message {
	m := message{
		by: by, method: method, path: path, query: values(c.Query, c.MultiQuery), header: http.Header{},
		body: c.Body, in64: c.In64, most: mostBytes,
	}
	for name, list := range values(c.Headers, c.MultiHeaders) {
		for _, value := range list {
			m.header.Add(name, value)
		}
	}
	return m
}

// values are those of many, and of one where a name is in it alone.
func values(one map[string]string, many map[string][]string) url.Values {
	all := url.Values{}
	for name, value := range one {
		all[name] = []string{value}
	}
	for name, list := range many {
		if len(list) > 0 {
			all[name] = list
		}
	}
	return all
}

// readV1 reads format 1.0: REST APIs, and HTTP APIs that ask for it.
func readV1(c carried) (message, error) {
	return c.message("apigateway-v1", c.Method, c.Path), nil
}

// readV2 reads format 2.0: HTTP APIs and Function URLs. The path begins with the
// stage, unless that is the default one.
func readV2(c carried) (message, error) {
	path := c.RawPath
	if rest, is := strings.CutPrefix(path, "/"+c.Context.Stage); is && c.Context.Stage != "" && (rest == "" || rest[0] == '/') {
		path = rest
	}
	m := c.message("http-v2", c.Context.HTTP.Method, path)
	var err error
	if m.query, err = url.ParseQuery(c.RawQuery); err != nil {
		return m, functions.Errorf(functions.Invalid, "the query cannot be understood").Because(err)
	}
	return m, nil
}

// readALB reads the event of an Application Load Balancer, which leaves the query as
// the client has escaped it.
func readALB(c carried) (message, error) {
	m := c.message("alb", c.Method, c.Path)
	m.multi, m.most = len(c.MultiHeaders) > 0, mostBytesALB
	plain := url.Values{}
	for name, list := range m.query {
		for _, value := range list {
			key, keyErr := url.QueryUnescape(name)
			text, textErr := url.QueryUnescape(value)
			if keyErr != nil || textErr != nil {
				return m, functions.Errorf(functions.Invalid, "the query cannot be understood")
			}
			plain.Add(key, text)
		}
	}
	m.query = plain
	return m, nil
}

// bytes is the body.
func (m message) bytes() ([]byte, error) {
	if m.in64 {
		return decode64(m.body)
	}
	return []byte(m.body), nil
}
