package render_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/seed45885407/saccade/knative/render"
)

// The samples in the guide are what is rendered: the first to the byte, the second as
// an excerpt.
func TestTheGuidesSamplesAreRendered(t *testing.T) {
	text, err := os.ReadFile(guide)
	if err != nil {
		t.Fatal(err)
	}
	samples := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	if len(samples) != 2 {
		t.Fatalf("it has %d samples", len(samples))
	}
	golden := func(name string) string {
		content, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		return string(content)
	}
	if samples[0][1] != golden("centernet.yaml") {
		t.Error("the first is not what centernet.yaml is")
	}
	rest := golden("gpu.yaml")
	for line := range strings.Lines(samples[1][1]) {
		_, after, found := strings.Cut(rest, line)
		if !found {
			t.Fatalf("the second has a line that gpu.yaml has not, there: %q", line)
		}
		rest = after
	}
}

// Whoever sets the flags that the guide lists can deploy whatever may be declared.
func TestTheGuideNamesEveryFlag(t *testing.T) {
	text, err := os.ReadFile(guide)
	if err != nil {
		t.Fatal(err)
	}
	for _, delivery := range render.Deliveries {
		for _, flag := range render.Features(shelves(t, everything+"    runtimeClass: nvidia\n"), render.Options{Delivery: delivery, FSGroup: 1, Cache: render.DefaultCacheClaim}) {
			if !strings.Contains(string(text), `"`+flag+`":"enabled"`) {
				t.Errorf("it does not name %s", flag)
			}
		}
	}
}
