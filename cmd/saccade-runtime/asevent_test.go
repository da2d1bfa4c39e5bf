package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/seed45885407/saccade/gateway/events"
)

// asEvent are the events of a picture in every form that holds one, and how each is
// answered.
func asEvent(picture []byte) map[string]struct {
	event any
	reply func(answer []byte) ([]byte, error)
} {
	type object = map[string]any
	in64 := base64.StdEncoding.EncodeToString(picture)
	media := object{"content-type": "image/png"}
	query := object{"min_score": "0.4"}
	web := func(answer []byte) ([]byte, error) {
		var a struct {
			StatusCode int
			Body       string
		}
		err := json.Unmarshal(answer, &a)
		if err == nil && a.StatusCode != http.StatusOK {
			err = fmt.Errorf("status %d: %s", a.StatusCode, a.Body)
		}
		return []byte(a.Body), err
	}
	v2 := func(stage string) object {
		return object{
			"version": "2.0", "rawPath": "/" + strings.TrimPrefix(stage, "$default"), "rawQueryString": "min_score=0.4", "headers": media,
			"requestContext": object{"stage": stage, "http": object{"method": "POST"}}, "body": in64, "isBase64Encoded": true,
		}
	}
	v1 := object{
		"httpMethod": "POST", "path": "/v1/functions/centernet/detect", "headers": media, "queryStringParameters": query,
		"requestContext": object{"stage": "prod"}, "body": in64, "isBase64Encoded": true,
	}
	alb := object{
		"httpMethod": "POST", "path": "/v1/detect", "headers": media, "queryStringParameters": query,
		"requestContext": object{"elb": object{"targetGroupArn": "arn"}}, "body": in64, "isBase64Encoded": true,
	}
	return map[string]struct {
		event any
		reply func(answer []byte) ([]byte, error)
	}{
		"API Gateway REST": {v1, web},
		"API Gateway HTTP": {v2("prod"), web},
		"Function URL":     {v2("$default"), web},
		"load balancer":    {alb, web},
		"the plain body": {
			object{"image": object{"base64": in64}, "min_score": 0.4},
			func(answer []byte) ([]byte, error) { return answer, nil },
		},
		"a CloudEvent": {
			object{
				"specversion": "1.0", "id": "1", "source": "/camera", "type": events.TypeDetect,
				"data": object{"image": object{"base64": in64}, "min_score": 0.4},
			},
			func(answer []byte) ([]byte, error) {
				event, err := events.Parse(answer)
				return event.Data, err
			},
		},
	}
}
