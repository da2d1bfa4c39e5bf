package lambda

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// carriedAnswer is an HTTP answer as every proxy takes it. Format 2.0 ignores
// statusDescription and multiValueHeaders, format 1.0 the former.
type carriedAnswer struct {
	Status       int                 `json:"statusCode"`
	Description  string              `json:"statusDescription,omitempty"`
	Headers      map[string]string   `json:"headers,omitempty"`
	MultiHeaders map[string][]string `json:"multiValueHeaders,omitempty"`
	Body         string              `json:"body"`
	In64         bool                `json:"isBase64Encoded"`
}

// write is said as the payload of the invocation. A body that is no text goes in
// base64.
func (m message) write(said *record) ([]byte, error) {
	a := carriedAnswer{Status: said.status}
	if m.by == "alb" {
		a.Description = strconv.Itoa(said.status) + " " + http.StatusText(said.status)
	}
	if m.multi { // a load balancer that sends them reads no others
		a.MultiHeaders = said.header
	} else {
		a.Headers = map[string]string{}
		for name, values := range said.header {
			a.Headers[name] = strings.Join(values, ", ")
		}
	}
	if a.In64 = strings.HasPrefix(said.header.Get("Content-Type"), "image/"); a.In64 {
		a.Body = base64.StdEncoding.EncodeToString(said.body.Bytes())
	} else {
		a.Body = said.body.String()
	}
	text, err := json.Marshal(a)
	if err != nil {
		return nil, fmt.Errorf("writing the answer: %w", err)
	}
	return text, nil
}
