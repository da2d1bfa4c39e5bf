package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// get is the answer to a GET, at most limit bytes of it.
func get(ctx context.Context, url string, limit int64) (status int, body []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(io.LimitReader(resp.Body, limit))
	return resp.StatusCode, body, err
}

// status is what the gateway says of a job.
type status struct {
	State    string `json:"state"`
	Attempts int    `json:"attempts"`
	Problem  *struct {
		Type   string `json:"type"`
		Detail string `json:"detail"`
	} `json:"problem"`
	Deliveries []struct {
		Attempts int    `json:"attempts"`
		Problem  string `json:"problem"`
	} `json:"deliveries"`
}

// final tells whether the state is a job's last.
func (s status) final() bool {
	return s.State == "done" || s.State == "failed" || s.State == "cancelled"
}

// reasoned tells whether the job failed and says why.
func (s status) reasoned() bool {
	if s.State != "failed" {
		return false
	}
	for _, d := range s.Deliveries {
		if d.Problem != "" {
			return true
		}
	}
	return s.Problem != nil && s.Problem.Type != ""
}

// ask reads a job's status.
func ask(ctx context.Context, gateway, job string) (status, []byte, error) {
	code, body, err := get(ctx, gateway+job, 1<<20)
	if err != nil {
		return status{}, nil, fmt.Errorf("asking for %s: %w", job, err)
	}
	var s status
	if code != http.StatusOK {
		return s, body, fmt.Errorf("asking for %s: the gateway answered %d", job, code)
	}
	return s, body, json.Unmarshal(body, &s)
}
