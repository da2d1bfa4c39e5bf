package deploy

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Line is a line of progress.
type Line struct {
	// After is the time since the deployment began.
	After time.Duration
	Text  string
}

// Options say how a function is deployed.
type Options struct {
	ApplyOptions
	// Wait waits until the function is ready, or cannot become so.
	Wait bool
	// Timeout bounds the waiting; 0: [DefaultTimeout].
	Timeout time.Duration
	// Tell is given each line of progress, one at a time.
	Tell func(Line)
}

// DefaultTimeout is how long a deployment is waited for.
const DefaultTimeout = 5 * time.Minute

// Deploy applies a function's objects, its Knative Service among them, removes those of
// an earlier deployment that are there no more, and, where asked to, waits until the
// function is ready. It returns a [NotReady] where it does not become so, and an
// [Unreachable] where the cluster does not answer. The old revision serves on meanwhile,
// for that is Knative's way.
func (c *Cluster) Deploy(ctx context.Context, objects []*unstructured.Unstructured, o Options) error {
	name, err := serviceIn(objects)
	if err != nil {
		return err
	}
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	d := &deployment{cluster: c, name: name, objects: objects, o: o, started: time.Now(), told: map[string]bool{}}
	if !o.Wait || o.DryRun {
		return d.apply(ctx)
	}
	// Applied first: what is refused or cannot be reached is told before anything is
	// watched. What was true before is learnt from one more read.
	before, err := c.State(ctx, name)
	if err != nil {
		return err
	}
	for _, f := range factsOf(before) {
		d.told[f.key] = true
	}
	if err := d.apply(ctx); err != nil {
		return err
	}
	return d.wait(ctx)
}

// serviceIn is the name of the Knative Service, and so of the function.
func serviceIn(objects []*unstructured.Unstructured) (string, error) {
	for _, o := range objects {
		if isService(o) {
			return o.GetName(), nil
		}
	}
	return "", errors.New("there is no Knative Service among the objects")
}

func isService(o *unstructured.Unstructured) bool {
	return o.GetKind() == "Service" && o.GroupVersionKind().Group == services.Group
}

// State reads what the cluster says of a function now.
func (c *Cluster) State(ctx context.Context, name string) (State, error) {
	var all []held
	for _, source := range sourcesOf(name) {
		one, err := c.list(ctx, source)
		if err != nil {
			return State{}, err
		}
		all = append(all, one)
	}
	return stateOf(all)
}

// deployment is one on its way.
type deployment struct {
	cluster    *Cluster
	name       string
	objects    []*unstructured.Unstructured
	o          Options
	started    time.Time
	generation int64 // of the Service that was applied

	mu       sync.Mutex      // a model's log tells from its own goroutine
	told     map[string]bool // by the key of a fact, or the text of a trouble
	followed string          // the container whose log is told
}

func (d *deployment) tell(format string, args ...any) {
	if d.o.Tell == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.o.Tell(Line{After: time.Since(d.started), Text: fmt.Sprintf(format, args...)})
}

func (d *deployment) apply(ctx context.Context) error {
	all, err := d.cluster.Apply(ctx, d.objects, d.o.ApplyOptions)
	would := ""
	if d.o.DryRun {
		would = " (dry run)"
	}
	for i, a := range all {
		d.tell("%s %s %s%s", kindOf(d.objects[i]), a.Name, a.Change, would)
		if isService(d.objects[i]) {
			d.generation = a.Generation
		}
	}
	if err != nil {
		return err
	}
	return d.cluster.prune(ctx, d.name, d.objects, d.o.ApplyOptions, func(what string) { d.tell("%s removed%s: it is no longer asked for", what, would) })
}

// wait follows the function until it is ready or in vain.
func (d *deployment) wait(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, d.o.Timeout)
	var group sync.WaitGroup
	defer group.Wait()
	defer cancel()

	var last State
	err := d.cluster.watch(ctx, sourcesOf(d.name), func(all []held) (bool, error) {
		s, err := stateOf(all)
		if err != nil {
			return false, err
		}
		last = s
		return d.look(ctx, &group, s)
	})
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() != nil {
		return d.tooLate(last)
	}
	return err
}

// look tells what is new in s, and whether the waiting is over.
func (d *deployment) look(ctx context.Context, group *sync.WaitGroup, s State) (done bool, err error) {
	switch {
	case s.Service == nil:
		return false, &NotReady{Text: fmt.Sprintf("%s was deleted meanwhile", d.name)}
	case s.Service.Generation < d.generation:
		return false, nil // not yet what was applied
	case !s.observed():
		return false, nil // what it says is of the revision before
	}
	for _, f := range factsOf(s) {
		if !d.told[f.key] {
			d.told[f.key] = true
			d.tell("%s", f.text)
		}
	}
	d.followModel(ctx, group, s)
	if s.ready() {
		if serving := s.Serving(); !strings.Contains(serving, s.newest()+" ") && serving != "" {
			d.tell("%s gets no requests: the split stays as it was set, %s (saccade traffic and rollout change it)", s.newest(), serving)
		}
		d.tell("%s is ready%s", d.name, at(s))
		return true, nil
	}
	t := Diagnose(s)
	if t.Final {
		return false, d.failed(ctx, s, t)
	}
	// What is merely on its way is told as facts; it is named where the time runs out.
	if t.Reason != "" && t.Reason != "NotReady" && t.Reason != "Pulling" && !d.told[t.Text] {
		d.told[t.Text] = true
		d.tell("waiting: %s", t.Text)
	}
	return false, nil
}

func at(s State) string {
	if url := s.Service.Status.URL; url != nil {
		return ", at " + url.String()
	}
	return ""
}

// failed is the end of a deployment that waiting longer would not help.
func (d *deployment) failed(ctx context.Context, s State, t Trouble) error {
	e := &NotReady{Text: d.sentence(s, t.Text)}
	if t.Ended {
		e.Log = d.cluster.lastLines(ctx, t)
	}
	return e
}

func (d *deployment) tooLate(s State) error {
	why := "its pods are still starting"
	if t := Diagnose(s); t.Reason != "" {
		why = t.Text
	} else if s.newest() == "" {
		why = "Knative has made no revision yet"
	}
	return &NotReady{Text: d.sentence(s, fmt.Sprintf("not ready after %s: %s", d.o.Timeout, why))}
}

// sentence is what is wrong, and who serves meanwhile.
func (d *deployment) sentence(s State, what string) string {
	newest := s.newest()
	text := newest + ": " + what
	if newest == "" {
		text = d.name + ": " + what
	}
	serving := s.Serving()
	switch {
	case serving == "":
		return text + "\nnothing serves " + d.name + " yet"
	case serving == newest+" 100%":
		return text
	}
	return text + "\nserving on as before: " + serving
}

// lastLines are the end of what the container said before it ended. Where they cannot
// be had the sentence has to do.
func (c *Cluster) lastLines(ctx context.Context, t Trouble) []string {
	const most = 5
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	var lines []string
	for _, previous := range []bool{false, true} {
		stream, err := c.log(ctx, c.namespace, t.Pod, logOptions{container: t.Container, tail: most, previous: previous})
		if err != nil {
			continue
		}
		lines = lines[:0]
		for scanner := bufio.NewScanner(stream); scanner.Scan() && len(lines) < most; {
			if text := clean(scanner.Text()); text != "" {
				lines = append(lines, text)
			}
		}
		stream.Close()
		if len(lines) > 0 {
			return lines
		}
	}
	return nil
}

// message is the part for people of a log line: of one in JSON its msg and attributes.
func message(line string) string {
	line = strings.TrimSpace(line)
	if !strings.HasPrefix(line, "{") {
		return clean(line)
	}
	return clean(fromJSON(line))
}
