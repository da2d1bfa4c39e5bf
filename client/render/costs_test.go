package render

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/functions"
)

func costReport() functions.CostReport {
	s := func(seconds float64) functions.Seconds { return functions.Seconds(seconds * 1e9) }
	return functions.CostReport{
		Currency: "USD", Since: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		Functions: []functions.FunctionCost{
			{
				Function: "centernet", Requests: 12, ColdStarts: 2,
				Seconds: functions.SecondsCost{Billed: s(0.5), Idle: s(123.4), Wasted: s(1.25), Total: s(125.15)},
				Cost:    functions.MoneyCost{Total: 0.0000225},
			},
			{Function: "yolo11n", Seconds: functions.SecondsCost{Frozen: s(7200)}},
		},
		Keys: []functions.KeyCost{
			{Function: "centernet", Requests: 2},
			{Key: "gate\n7", Function: "centernet", Requests: 10, ColdStarts: 1, Cost: functions.Cost{
				Total: 0.00001, ServingSeconds: s(0.4), ColdStartSeconds: s(0.625),
			}},
		},
	}
}

func TestCostsAsATable(t *testing.T) {
	const want = `since 2026-01-02T03:04:05Z
FUNCTION   REQUESTS  COLD STARTS  BILLED  IDLE   FROZEN  WASTED  USD
centernet  12        2            500 ms  123 s  0       1.2 s   0.0000225
yolo11n    0         0            0       0      7200 s  0       0

CALLER     FUNCTION   REQUESTS  COLD STARTS  BILLED  OF STARTS  USD
(no name)  centernet  2         0            0       0          0
gate\n7    centernet  10        1            400 ms  625 ms     0.00001
`
	var b strings.Builder
	if err := Costs(&b, costReport(), Options{}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
	b.Reset()
	if err := Costs(&b, functions.CostReport{}, Options{}); err != nil || !strings.Contains(b.String(), "nothing has cost anything") {
		t.Errorf("of nothing: %q, %v", b.String(), err)
	}
}

func TestCostsForPrograms(t *testing.T) {
	for _, tt := range []struct {
		format  Format
		oneLine bool
	}{{JSON, false}, {NDJSON, true}} {
		var b strings.Builder
		if err := Costs(&b, costReport(), Options{Format: tt.format}); err != nil {
			t.Fatal(err)
		}
		var back functions.CostReport
		if err := json.Unmarshal([]byte(b.String()), &back); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(costReport(), back); diff != "" {
			t.Errorf("%s: there and back: %s", tt.format, diff)
		}
		if n := strings.Count(b.String(), "\n"); (n == 1) != tt.oneLine {
			t.Errorf("%s: %d lines", tt.format, n)
		}
	}
}
