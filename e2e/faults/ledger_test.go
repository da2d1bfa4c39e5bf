package main

import (
	"errors"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

func after(seconds int) time.Time { return noon.Add(time.Duration(seconds) * time.Second) }

func TestWhatTheLedgerCounts(t *testing.T) {
	detected, failed := answer{"a", typeDetected}, answer{"a", typeFailed}
	tests := []struct {
		name     string
		events   func(l *ledger)
		reasoned map[string]bool
		want     counts
	}{
		{"an event that is accepted and answered is done", func(l *ledger) {
			l.send("1", noon)
			l.accept("1", "/jobs/1", after(1))
			l.outcome("1", detected, after(4))
		}, nil, counts{Sent: 1, Accepted: 1, Done: 1, Slowest: 3 * time.Second}},
		{"an event that is accepted and never heard of again is lost", func(l *ledger) {
			l.send("1", noon)
			l.accept("1", "/jobs/1", noon)
		}, nil, counts{Sent: 1, Accepted: 1, Lost: 1}},
		{"an event whose status says why it failed is not lost", func(l *ledger) {
			l.send("1", noon)
			l.accept("1", "/jobs/1", noon)
		}, map[string]bool{"1": true}, counts{Sent: 1, Accepted: 1, Failed: 1}},
		{"a failure that the sink got is no answer", func(l *ledger) {
			l.send("1", noon)
			l.accept("1", "/jobs/1", noon)
			l.outcome("1", failed, noon)
		}, nil, counts{Sent: 1, Accepted: 1, Failed: 1}},
		{"an event that nobody accepted is none of the gateway's", func(l *ledger) {
			l.send("1", noon)
			l.refuse(true)
			l.refuse(false)
			l.cut()
		}, nil, counts{Sent: 1, Refused: 2, Bare: 1, Cut: 1}},
		{"an event may be accepted twice as one job", func(l *ledger) {
			l.send("1", noon)
			l.accept("1", "/jobs/1", noon)
			l.accept("1", "/jobs/1", noon)
			l.outcome("1", detected, noon)
		}, nil, counts{Sent: 1, Accepted: 1, Done: 1}},
		{"an event must not become two jobs", func(l *ledger) {
			l.send("1", noon)
			l.accept("1", "/jobs/1", noon)
			l.accept("1", "/jobs/2", noon)
			l.outcome("1", detected, noon)
		}, nil, counts{Sent: 1, Accepted: 1, Done: 1, Other: 1}},
		{"the same outcome may come again", func(l *ledger) {
			l.send("1", noon)
			l.accept("1", "/jobs/1", noon)
			for range 3 {
				l.outcome("1", detected, noon)
			}
		}, nil, counts{Sent: 1, Accepted: 1, Done: 1, Again: 2}},
		{"an outcome under another id is another outcome", func(l *ledger) {
			l.send("1", noon)
			l.accept("1", "/jobs/1", noon)
			l.outcome("1", detected, noon)
			l.outcome("1", answer{"b", typeDetected}, noon)
		}, nil, counts{Sent: 1, Accepted: 1, Done: 1, Other: 1}},
		{"an answer and a failure are two outcomes, under whatever id", func(l *ledger) {
			l.send("1", noon)
			l.accept("1", "/jobs/1", noon)
			l.outcome("1", failed, noon)
			l.outcome("1", detected, noon)
		}, nil, counts{Sent: 1, Accepted: 1, Done: 1, Other: 1}},
		{"recovery takes until events are accepted and answered again", func(l *ledger) {
			l.send("1", noon)
			l.mark(after(10))
			l.accept("1", "/jobs/1", after(12))
			l.mark(after(13))
			l.outcome("1", detected, after(15))
		}, nil, counts{Sent: 1, Accepted: 1, Done: 1, Recovery: 5 * time.Second, Slowest: 3 * time.Second}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l := newLedger()
			test.events(l)
			if got := l.close(test.reasoned); got != test.want {
				t.Errorf("the ledger counts %+v; want %+v", got, test.want)
			}
		})
	}
}

func TestWhatMayNotBe(t *testing.T) {
	good := counts{Sent: 10, Accepted: 10, Done: 10}
	with := func(change func(*counts)) counts {
		c := good
		change(&c)
		return c
	}
	tests := []struct {
		name    string
		row     row
		atLeast int
		says    string // "" for nothing
	}{
		{"a run in which all is done is good", row{counts: good}, 10, ""},
		{"what is done twice under one id is good", row{counts: with(func(c *counts) { c.Again = 3 })}, 10, ""},
		{"a lost event is not", row{counts: with(func(c *counts) { c.Done, c.Lost = 9, 1 })}, 10, "1 accepted events are lost"},
		{"two outcomes are not", row{counts: with(func(c *counts) { c.Other = 1 })}, 10, "two outcomes"},
		{"a refusal without Retry-After is not", row{counts: with(func(c *counts) { c.Refused, c.Bare = 2, 1 })}, 10, "when to come back"},
		{"an event that is never accepted is not", row{counts: with(func(c *counts) { c.Sent = 11 })}, 10, "1 of 11 events"},
		{"a run with too few events is not", row{counts: good}, 11, "want at least 11"},
		{"a run that broke is not", row{counts: good, err: errors.New("no gateway")}, 10, "no gateway"},
		{"a scenario that cannot be played here is no fault", row{skipped: errNoDisk}, 0, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := verdict([]row{test.row}, test.atLeast)
			if test.says == "" && err != nil || test.says != "" && (err == nil || !strings.Contains(err.Error(), test.says)) {
				t.Errorf("the verdict is %v; want %q", err, test.says)
			}
		})
	}
}
