package catalog_test

import (
	"testing"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/seed45885407/saccade/functions/catalog"
)

func TestParseCPU(t *testing.T) {
	for text, want := range map[string]float64{
		"2": 2, "500m": 0.5, "0.5": 0.5, "1.25": 1.25, "1500m": 1.5, "1m": 0.001, "0.001": 0.001, "1024": 1024,
	} {
		got, err := catalog.ParseCPU(text)
		if err != nil || got != want {
			t.Errorf("%s: got %v, %v", text, got, err)
		}
	}
	for _, text := range []string{
		"", "0", "0m", "-1", "+1", "1025", "2000000m", "0.0001", "0.5m", "1.", ".5", "1e2", "2 ", "2k", "2Mi", "١",
		"99999999999999999999999999", "1.0000000000000000000001", "NaN", "1n",
	} {
		if got, err := catalog.ParseCPU(text); err == nil {
			t.Errorf("%q was taken as %v", text, got)
		}
	}
}

func TestParseMemory(t *testing.T) {
	for text, want := range map[string]int64{
		"512Mi": 512 << 20, "1G": 1e9, "2Gi": 2 << 30, "1.5Gi": 3 << 29, "1073741824": 1 << 30, "64k": 64e3, "1Ti": 1 << 40,
		"1.5": 2, "0.1Ki": 103, "9223372036854775807": 1<<63 - 1,
	} {
		got, err := catalog.ParseMemory(text)
		if err != nil || got != want {
			t.Errorf("%s: got %v, %v", text, got, err)
		}
	}
	for _, text := range []string{
		"", "0", "0Gi", "-1Gi", "1GB", "1gi", "1K", "512 Mi", "500m", "1e9", "9223372036854775808", "9999999999Ti", "0.0",
	} {
		if got, err := catalog.ParseMemory(text); err == nil {
			t.Errorf("%q was taken as %v", text, got)
		}
	}
}

// FuzzQuantity holds our reading against Kubernetes' own: what we take, a cluster
// takes, as the same amount.
func FuzzQuantity(f *testing.F) {
	for _, text := range []string{"2", "0.5", "500m", "1.5Gi", "512Mi", "1G", "0.1Ki", "64k", "999.999999999T"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if cores, err := catalog.ParseCPU(text); err == nil {
			theirs, err := resource.ParseQuantity(text)
			if err != nil || float64(theirs.MilliValue())/1000 != cores {
				t.Errorf("%q is %v cores to us, %v (%v) to Kubernetes", text, cores, theirs.MilliValue(), err)
			}
		}
		if bytes, err := catalog.ParseMemory(text); err == nil {
			theirs, err := resource.ParseQuantity(text)
			if err != nil || theirs.Value() != bytes {
				t.Errorf("%q is %d bytes to us, %d (%v) to Kubernetes", text, bytes, theirs.Value(), err)
			}
		}
	})
}
