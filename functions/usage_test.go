package functions

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestMoneyIsAPlainDecimal(t *testing.T) {
	for _, tt := range []struct {
		name  string
		money Money
		want  string
	}{
		{"nothing", 0, "0"},
		{"less than nothing that shows", -1e-20, "0"},
		{"a request on a core for ten milliseconds", 0.018e-3 * 0.01, "0.00000018"},
		{"the binary fraction's own digits are left out", 0.1 + 0.2, "0.3"},
		{"a sum of many", 1234.5678901234, "1234.56789012"},
		{"whole", 42, "42"},
		{"so large that tens are lost", 123456789012345, "123456789012000"},
		{"owed back", -0.5, "-0.5"},
		{"no number", Money(math.NaN()), "0"},
	} {
		text, err := json.Marshal(tt.money)
		if err != nil || string(text) != tt.want || tt.money.String() != tt.want {
			t.Errorf("%s: %s, %v; want %s", tt.name, text, err, tt.want)
		}
		if !json.Valid(text) {
			t.Errorf("%s: %s is no JSON", tt.name, text)
		}
	}
}

func TestSecondsGoThereAndBackToTheNanosecond(t *testing.T) {
	for _, tt := range []struct {
		seconds Seconds
		want    string
	}{
		{0, "0"},
		{1, "0.000000001"},
		{Seconds(1500 * time.Millisecond), "1.5"},
		{Seconds(10 * time.Second), "10"},
		{Seconds(time.Hour + time.Nanosecond), "3600.000000001"},
		{-Seconds(1500 * time.Millisecond), "-1.5"},
	} {
		text, err := json.Marshal(tt.seconds)
		if err != nil || string(text) != tt.want {
			t.Errorf("%d ns: %s, %v; want %s", tt.seconds, text, err, tt.want)
		}
		var back Seconds
		if err := json.Unmarshal(text, &back); err != nil || back != tt.seconds {
			t.Errorf("%s: %d, %v; want %d", text, back, err, tt.seconds)
		}
	}
	if text, _ := json.Marshal(Seconds(math.MinInt64)); string(text) != "-9223372036.854775808" {
		t.Errorf("the longest ago is %s", text)
	}
	for _, text := range []string{`"1"`, `1e300`, `-9.3e9`, `{}`, `true`} {
		var s Seconds
		if err := json.Unmarshal([]byte(text), &s); err == nil {
			t.Errorf("%s was read as %d", text, s)
		}
	}
}

func TestUsageAddsUpAndBack(t *testing.T) {
	a := Usage{Function: "eye", Held: Held{CPU: 1}, Busy: 1, Idle: 2, Starting: 4, Frozen: 8, Failed: 3, Starts: 5}
	b := Usage{Busy: 10, Idle: 20, Starting: 40, Frozen: 80, Failed: 30, Starts: 50}
	sum := a.Plus(b)
	want := Usage{Function: "eye", Held: Held{CPU: 1}, Busy: 11, Idle: 22, Starting: 44, Frozen: 88, Failed: 33, Starts: 55}
	if diff := cmp.Diff(want, sum); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(a, sum.Minus(b)); diff != "" {
		t.Error(diff)
	}
	if sum.Lived() != 165 {
		t.Errorf("lived %d, want 165: failed lies inside starting", sum.Lived())
	}
}

func TestAReplyHasItsCostWhereThereIsOne(t *testing.T) {
	reply := NewReply("f", "f-00001", Answer{}, 0)
	reply.Cost = &Cost{
		Currency: "USD", Total: 0.00005, Serving: 0.00001, ColdStart: 0.00003, Request: 0.00001,
		ServingSeconds: Seconds(500 * time.Millisecond), ColdStartSeconds: Seconds(1500 * time.Millisecond),
	}
	text, err := json.Marshal(reply)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Cost json.RawMessage `json:"cost"`
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	const want = `{"currency":"USD","total":0.00005,"serving":0.00001,"cold_start":0.00003,"request":0.00001,` +
		`"serving_seconds":0.5,"cold_start_seconds":1.5}`
	if diff := cmp.Diff(want, string(got.Cost)); diff != "" {
		t.Error(diff)
	}
	var back Reply
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(reply, back); diff != "" {
		t.Error(diff)
	}
}
