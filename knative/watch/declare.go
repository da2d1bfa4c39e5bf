package watch

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"knative.dev/serving/pkg/apis/autoscaling"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/functions/catalog"
	"github.com/seed45885407/saccade/knative/scaling"
)

// declared is the function that a revision serves, as it says itself. Where Knative has
// a setting of its own, what Knative has counts.
func declared(rev *servingv1.Revision) (functions.Function, error) {
	text := rev.Annotations[DeclarationAnnotation]
	if text == "" {
		return functions.Function{}, fmt.Errorf("it has no annotation %s", DeclarationAnnotation)
	}
	f, err := catalog.Read(oneFile(text), ".")
	if err != nil {
		return functions.Function{}, fmt.Errorf("in its annotation %s: %w", DeclarationAnnotation, err)
	}
	if name := rev.Labels[FunctionLabel]; f.Metadata.Name != name {
		return functions.Function{}, fmt.Errorf("its label %s says %q, its annotation %s %q",
			FunctionLabel, name, DeclarationAnnotation, f.Metadata.Name)
	}
	f = f.WithDefaults()
	if n := rev.Spec.GetContainerConcurrency(); n > 0 {
		f.Spec.Scaling.ContainerConcurrency = int(n)
	}
	return f, nil
}

// manyAtOnce is how many requests a pod without a bound gets at a time.
const manyAtOnce = 1000

// capacity is how many requests a pod of rev takes at a time.
func capacity(rev *servingv1.Revision) int {
	if n := rev.Spec.GetContainerConcurrency(); n > 0 {
		return int(n)
	}
	return manyAtOnce
}

// The defaults of Knative's config-autoscaler.
const (
	defaultTarget      = 100 // requests at a time, where a pod has no bound
	defaultUtilisation = 70  // percent
)

// countedOf is how many requests at a time Knative's autoscaler wants of each pod of rev: it
// wants as many pods as there are such portions, rounded up. 0 where it does not go by
// requests at a time. It is what knative.dev/serving's ResolveMetricTarget computes,
// with the cluster's own defaults taken to be Knative's.
func countedOf(rev *servingv1.Revision) float64 {
	a := rev.Annotations
	if class := a[autoscaling.ClassAnnotationKey]; class != "" && class != autoscaling.KPA {
		return 0
	}
	if metric := a[autoscaling.MetricAnnotationKey]; metric != "" && metric != autoscaling.Concurrency {
		return 0
	}
	bound := float64(rev.Spec.GetContainerConcurrency())
	total := bound
	if total == 0 {
		total = defaultTarget
	}
	if target, err := strconv.ParseFloat(a[autoscaling.TargetAnnotationKey], 64); err == nil && target > 0 {
		if total = target; bound > 0 {
			total = min(target, bound)
		}
	}
	utilisation := float64(defaultUtilisation)
	if u, err := strconv.ParseFloat(a[autoscaling.TargetUtilizationPercentageKey], 64); err == nil && u > 0 {
		utilisation = u
	}
	return max(autoscaling.TargetMin, total*utilisation/100)
}

// unseen says that Knative's autoscaler counts only what passes its activator, so that
// requests straight to pods would not keep them.
func unseen(rev *servingv1.Revision) bool {
	return rev.Annotations[autoscaling.TargetBurstCapacityKey] == "-1"
}

// expected is what the revision's annotation says of times that are not measured yet.
func expected(rev *servingv1.Revision) (m scaling.Memory, given bool, err error) {
	text := rev.Annotations[MeasuredAnnotation]
	if text == "" {
		return m, false, nil
	}
	for pair := range strings.SplitSeq(text, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
		took, err := time.ParseDuration(value)
		if err == nil && took <= 0 {
			err = errors.New("is not more than nothing")
		}
		if err != nil {
			return m, false, fmt.Errorf("its annotation %s: %.40s: %w", MeasuredAnnotation, pair, err)
		}
		switch estimate := (scaling.Estimate{Seconds: took.Seconds(), Samples: 1}); name {
		case "load":
			m.Load = estimate
		case "service":
			m.Service = estimate
		default:
			return m, false, fmt.Errorf("its annotation %s: %.40s is neither load nor service", MeasuredAnnotation, name)
		}
	}
	return m, true, nil
}

// oneFile is a folder with a function.yaml and nothing else.
type oneFile string

// Open is part of fs.FS.
func (f oneFile) Open(name string) (fs.File, error) {
	if name != catalog.FileName {
		return nil, &fs.PathError{Op: "open", Path: name, Err: errors.New("a declaration holds everything itself, no file is beside it")}
	}
	return openFile{bytes.NewReader([]byte(f))}, nil
}

type openFile struct{ *bytes.Reader }

// Stat is part of fs.File, and nobody asks.
func (openFile) Stat() (fs.FileInfo, error) { return nil, errors.ErrUnsupported }

// Close is part of fs.File.
func (openFile) Close() error { return nil }
