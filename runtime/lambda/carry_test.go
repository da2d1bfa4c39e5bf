package lambda

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"mime/multipart"
	"net/http"
	"testing"

	awsevents "github.com/aws/aws-lambda-go/events"
)

// carry puts an HTTP request into the event of each proxy, in AWS's own types.
var carry = map[string]func(method, path string, query, header map[string]string, body string, in64 bool) any{
	"API Gateway REST": func(method, path string, query, header map[string]string, body string, in64 bool) any {
		return awsevents.APIGatewayProxyRequest{
			HTTPMethod: method, Path: path, QueryStringParameters: query, Headers: header, Body: body, IsBase64Encoded: in64,
			RequestContext: awsevents.APIGatewayProxyRequestContext{Stage: "prod"},
		}
	},
	"API Gateway HTTP": func(method, path string, query, header map[string]string, body string, in64 bool) any {
		e := awsevents.APIGatewayV2HTTPRequest{
			Version: "2.0", RawPath: "/prod" + path, RawQueryString: encoded(query), QueryStringParameters: query,
			Headers: header, Body: body, IsBase64Encoded: in64,
		}
		e.RequestContext.Stage = "prod"
		e.RequestContext.HTTP.Method = method
		return e
	},
	"Function URL": func(method, path string, query, header map[string]string, body string, in64 bool) any {
		e := awsevents.LambdaFunctionURLRequest{
			Version: "2.0", RawPath: path, RawQueryString: encoded(query), Headers: header, Body: body, IsBase64Encoded: in64,
		}
		e.RequestContext.HTTP.Method = method
		return e
	},
	"load balancer": func(method, path string, query, header map[string]string, body string, in64 bool) any {
		e := awsevents.ALBTargetGroupRequest{HTTPMethod: method, Path: path, QueryStringParameters: query, Headers: header, Body: body, IsBase64Encoded: in64}
		e.RequestContext.ELB.TargetGroupArn = "arn"
		return e
	},
	"load balancer, many values": func(method, path string, query, header map[string]string, body string, in64 bool) any {
		e := awsevents.ALBTargetGroupRequest{
			HTTPMethod: method, Path: path, Body: body, IsBase64Encoded: in64,
			MultiValueHeaders: many(header), MultiValueQueryStringParameters: many(query),
		}
		e.RequestContext.ELB.TargetGroupArn = "arn"
		return e
	},
}

func encoded(query map[string]string) string { return values(query, nil).Encode() }

func many(one map[string]string) map[string][]string { return values(one, nil) }

// read undoes carriedAnswer as a proxy does.
func (a carriedAnswer) read(t *testing.T) (http.Header, []byte) {
	t.Helper()
	header := http.Header{}
	for name, list := range values(a.Headers, a.MultiHeaders) {
		header[name] = list
	}
	body := []byte(a.Body)
	if a.In64 {
		var err error
		if body, err = decode64(a.Body); err != nil {
			t.Fatal(err)
		}
	}
	return header, body
}

func form(t *testing.T, fields map[string]string) (contentType string, body []byte) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for name, value := range fields {
		part, err := w.CreateFormFile(name, name)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(part, value)
	}
	w.Close()
	return w.FormDataContentType(), b.Bytes()
}

func encode64(s string) string {
	return base64.StdEncoding.EncodeToString([]byte(s))
}
