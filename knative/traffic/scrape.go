package traffic

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// The gateway's metrics that tell revisions apart.
const (
	invocations = "saccade_invocations_total"
	durations   = "saccade_invocation_duration_seconds"
)

// Scraper is a Meter that reads the gateways' own metrics.
type Scraper struct {
	Gateways Gateways
	// Namespace is the functions'. A gateway of several namespaces calls a revision
	// REVISION.NAMESPACE where it has to tell two of one name apart.
	Namespace string
	// Key is the gateways' API key; empty: none.
	Key string
}

// Samples are what the gateways have counted of the function's revisions. A page that
// cannot be read is one gateway that has not answered.
func (s Scraper) Samples(ctx context.Context, function string) (map[string]Sample, error) {
	pages, err := s.Gateways.Metrics(ctx, s.Key)
	if err != nil {
		return nil, err
	}
	samples := map[string]Sample{}
	var failures []error
	for gateway, page := range pages {
		sample, err := s.read(page, function)
		if err != nil {
			failures = append(failures, fmt.Errorf("reading the metrics of %s: %w", gateway, err))
			continue
		}
		samples[gateway] = sample
	}
	if len(samples) == 0 {
		return nil, errors.Join(append(failures, errors.New("no gateway has told its metrics"))...)
	}
	return samples, nil
}

// read takes a function's revisions from a page.
func (s Scraper) read(page []byte, function string) (Sample, error) {
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(lines(page)))
	if err != nil {
		return nil, err
	}
	sample := Sample{}
	for _, m := range families[invocations].GetMetric() {
		if labels := labelsOf(m); s.means(labels["function"], function) {
			revision := labels["revision"]
			counts, n := sample[revision], whole(m.GetCounter().GetValue())
			switch labels["outcome"] {
			case "ok":
				counts.OK += n
			case "failed":
				counts.Failed += n
			case "refused":
				counts.Refused += n
			}
			sample[revision] = counts
		}
	}
	for _, m := range families[durations].GetMetric() {
		if labels := labelsOf(m); s.means(labels["function"], function) {
			revision := labels["revision"]
			counts := sample[revision]
			into := &counts.Warm
			if labels["start"] == "cold" {
				into = &counts.Cold
			}
			*into = into.plus(histogram(m.GetHistogram()))
			sample[revision] = counts
		}
	}
	for name, counts := range sample { // of two of one name this is ours
		if short, is := strings.CutSuffix(name, "."+s.Namespace); is && s.Namespace != "" {
			delete(sample, name)
			sample[short] = counts
		}
	}
	return sample, nil
}

// means says that a gateway means the function by name.
func (s Scraper) means(name, function string) bool {
	return name == function || s.Namespace != "" && name == function+"."+s.Namespace
}

// lines are those of the two metrics, so that the others cost nothing.
func lines(page []byte) []byte {
	var kept bytes.Buffer
	for line := range bytes.Lines(page) {
		about := bytes.TrimPrefix(line, []byte("# TYPE "))
		if bytes.HasPrefix(about, []byte(invocations)) || bytes.HasPrefix(about, []byte(durations)) {
			kept.Write(line)
		}
	}
	if n := kept.Len(); n > 0 && kept.Bytes()[n-1] != '\n' {
		kept.WriteByte('\n')
	}
	return kept.Bytes()
}

func labelsOf(m *dto.Metric) map[string]string {
	labels := make(map[string]string, len(m.GetLabel()))
	for _, l := range m.GetLabel() {
		labels[l.GetName()] = l.GetValue()
	}
	return labels
}

// whole is a counter's value, 0 for what is none.
func whole(v float64) uint64 {
	if !(v >= 0 && v < 1<<53) {
		return 0
	}
	return uint64(v)
}

// histogram is h with its buckets in ascending order; what is no histogram is empty.
func histogram(h *dto.Histogram) Histogram {
	var out Histogram
	for i, b := range h.GetBucket() {
		if i > 0 && (!(b.GetUpperBound() > out.Bounds[i-1]) || b.GetCumulativeCount() < out.Cumulative[i-1]) {
			return Histogram{}
		}
		out.Bounds = append(out.Bounds, b.GetUpperBound())
		out.Cumulative = append(out.Cumulative, b.GetCumulativeCount())
	}
	return out
}

// Addresses are gateways that are reached by their URLs.
type Addresses struct {
	URLs []string
	// Client sends the requests. Default: [http.DefaultClient].
	Client *http.Client
}

// scrapeTimeout is how long one gateway may take to answer.
const scrapeTimeout = 10 * time.Second

// Metrics are the pages of all that answer.
func (a Addresses) Metrics(ctx context.Context, key string) (map[string][]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, scrapeTimeout)
	defer cancel()
	var mu sync.Mutex
	pages, failures := map[string][]byte{}, []error(nil)
	var group sync.WaitGroup
	for _, url := range a.URLs {
		group.Go(func() {
			page, err := a.get(ctx, url, key)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failures = append(failures, err)
			} else {
				pages[url] = page
			}
		})
	}
	group.Wait()
	if len(pages) == 0 {
		return nil, errors.Join(failures...)
	}
	return pages, nil
}

func (a Addresses) get(ctx context.Context, url, key string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(url, "/")+"/metrics", nil)
	if err != nil {
		return nil, fmt.Errorf("asking a gateway: %w", err)
	}
	req.Header.Set("Accept", "text/plain")
	if key != "" {
		req.Header.Set("X-API-Key", key)
	}
	client := a.Client
	if client == nil {
		client = http.DefaultClient
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("asking a gateway: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("asking a gateway: %s answers %s", url, resp.Status)
	}
	page, err := io.ReadAll(io.LimitReader(resp.Body, MaxMetricsBytes+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("asking a gateway: %w", err)
	case len(page) > MaxMetricsBytes:
		return nil, fmt.Errorf("asking a gateway: the page of %s has more than %d bytes", url, MaxMetricsBytes)
	}
	return page, nil
}
