package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/seed45885407/saccade/functions"
)

// Source is a picture: its bytes, or where the gateway can fetch it.
type Source struct {
	// Data are the picture's bytes. They are sent where URL is empty.
	Data []byte
	// URL is an http, https or data URL. The gateway fetches it, not the client.
	URL string
}

// Detect asks function for what is in the picture. An error of the gateway's is
// in the chain as a functions.Error.
func (c *Client) Detect(ctx context.Context, function string, picture Source, p functions.Parameters) (functions.Reply, error) {
	var reply functions.Reply
	req, err := c.request(ctx, function, picture, p)
	if err != nil {
		return reply, err
	}
	if err := c.do(req, &reply); err != nil {
		return functions.Reply{}, fmt.Errorf("asking %s: %w", function, err)
	}
	return reply, nil
}

func (c *Client) request(ctx context.Context, function string, picture Source, p functions.Parameters) (*http.Request, error) {
	if err := checkName(function); err != nil {
		return nil, err
	}
	u := c.base.JoinPath("v1", "functions", url.PathEscape(function), "detect")
	body, media := picture.Data, contentType(picture.Data)
	if picture.URL != "" {
		var err error
		if body, err = byURL(picture.URL, p); err != nil {
			return nil, fmt.Errorf("writing the request: %w", err)
		}
		media = "application/json"
	} else {
		u.RawQuery = query(p).Encode()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("making the request: %w", err)
	}
	req.Header.Set("Content-Type", media)
	return req, nil
}

// contentType is what picture begins as. The gateway looks for itself; what is
// not recognised goes as plain bytes, so that the refusal speaks of the picture
// and not of its type.
func contentType(picture []byte) string {
	format := functions.FormatOf(picture)
	if format == "" {
		return "application/octet-stream"
	}
	return "image/" + format
}

func query(p functions.Parameters) url.Values {
	q := url.Values{}
	if p.MinScore != nil {
		q.Set("min_score", strconv.FormatFloat(*p.MinScore, 'g', -1, 64))
	}
	if p.Draw != "" {
		q.Set("draw", p.Draw)
	}
	return q
}

func byURL(at string, p functions.Parameters) ([]byte, error) {
	type image struct {
		URL string `json:"url"`
	}
	return json.Marshal(struct {
		Image    image    `json:"image"`
		MinScore *float64 `json:"min_score,omitempty"`
		Draw     string   `json:"draw,omitempty"`
	}{image{at}, p.MinScore, p.Draw})
}
