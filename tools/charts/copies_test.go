package charts

import (
	"bytes"
	"flag"
	"os"
	"testing"

	"sigs.k8s.io/yaml"
)

var update = flag.Bool("update", false, "write the copies of alerts and dashboard anew")

// A chart reads no file outside of its folder, and kustomize makes no object of one,
// so that the alerts and the dashboard are there twice; they say the same.
func TestTheCopiesOfAlertsAndDashboardAreThose(t *testing.T) {
	alerts := read(t, root+"/config/prometheus/alerts.yaml")
	for name, want := range map[string][]byte{
		chartDir + "/files/alerts.yaml":                 alerts,
		chartDir + "/files/saccade.json":                read(t, root+"/config/grafana/saccade.json"),
		root + "/config/monitoring/prometheusrule.yaml": rule(t, alerts),
	} {
		if *update {
			if err := os.WriteFile(name, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if has, err := os.ReadFile(name); err != nil || !bytes.Equal(has, want) {
			t.Errorf("%s is not what it is made from (%v): go test -C tools/charts -count=1 -run Copies -update writes it", name, err)
		}
	}
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// rule is the PrometheusRule that has the alerts.
func rule(t *testing.T, alerts []byte) []byte {
	t.Helper()
	var groups map[string]any
	if err := yaml.UnmarshalStrict(alerts, &groups); err != nil {
		t.Fatal(err)
	}
	text, err := yaml.Marshal(map[string]any{
		"apiVersion": "monitoring.coreos.com/v1",
		"kind":       "PrometheusRule",
		"metadata": map[string]any{
			"name": "saccade", "namespace": "saccade-system",
			"labels": map[string]any{"app.kubernetes.io/name": "saccade-gateway", "app.kubernetes.io/part-of": "saccade"},
		},
		"spec": groups,
	})
	if err != nil {
		t.Fatal(err)
	}
	return append([]byte("# Made from config/prometheus/alerts.yaml: go test -C tools/charts -count=1 -run Copies -update\n"), text...)
}
