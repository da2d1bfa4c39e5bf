package deploy

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"knative.dev/serving/pkg/apis/serving"
)

// LogOptions say what is read of a function's logs.
type LogOptions struct {
	// Container is runtime (default), model or queue-proxy.
	Container string
	// Revision restricts to the pods of one; empty: all.
	Revision string
	// Follow goes on with what comes, and with the pods that come.
	Follow bool
	// Tail is how many lines of each pod are shown at first; negative: all.
	Tail int
	// Since leaves out what is older; 0: nothing.
	Since time.Duration
}

// logOptions are the parameters of one request for a log.
type logOptions struct {
	container  string
	follow     bool
	previous   bool
	timestamps bool
	tail       int // negative: all
	since      time.Duration
	sinceTime  time.Time
}

func (o logOptions) parameters() map[string]string {
	p := map[string]string{"container": o.container}
	for name, set := range map[string]bool{"follow": o.follow, "previous": o.previous, "timestamps": o.timestamps} {
		if set {
			p[name] = "true"
		}
	}
	if o.tail >= 0 {
		p["tailLines"] = strconv.Itoa(o.tail)
	}
	switch {
	case !o.sinceTime.IsZero():
		p["sinceTime"] = o.sinceTime.UTC().Format(time.RFC3339)
	case o.since > 0:
		p["sinceSeconds"] = strconv.Itoa(max(1, int(o.since.Seconds())))
	}
	return p
}

// log opens the log of a pod's container.
func (c *Cluster) log(ctx context.Context, namespace, pod string, o logOptions) (io.ReadCloser, error) {
	return c.get(ctx, []string{"namespaces", namespace, "pods", pod, "log"}, o.parameters(), nil)
}

// maxLogLine bounds a line, in bytes; a longer one comes in parts.
const maxLogLine = 64 << 10

// Logs writes what the function's containers log, each line after its pod's name. With
// Follow it returns when ctx ends, without it when all is written. It returns the number
// of pods that were there.
func (c *Cluster) Logs(ctx context.Context, name string, w io.Writer, o LogOptions) (pods int, err error) {
	if o.Container == "" {
		o.Container = ContainerRuntime
	}
	if _, err := c.service(ctx, name); err != nil {
		return 0, err
	}
	t := &tailer{cluster: c, o: o, w: w, seen: map[string]bool{}, alive: map[string]bool{}}
	if o.Follow {
		return 0, t.followAll(ctx, name)
	}
	all, err := c.list(ctx, sourcesOf(name)[2])
	if err != nil {
		return 0, err
	}
	list, err := t.podsIn(all)
	if err != nil {
		return 0, err
	}
	for _, p := range list {
		if err := t.show(ctx, p); err != nil {
			return len(list), err
		}
	}
	return len(list), t.failed()
}

// started is the id of the container's newest start, empty while it has had none, and
// whether it runs: a restart is another start.
func started(p corev1.Pod, container string) (id string, running bool) {
	for _, list := range [][]corev1.ContainerStatus{p.Status.InitContainerStatuses, p.Status.ContainerStatuses} {
		for _, c := range list {
			if c.Name == container && (c.State.Running != nil || c.State.Terminated != nil) {
				return p.Name + "#" + strconv.Itoa(int(c.RestartCount)), c.State.Running != nil
			}
		}
	}
	return "", false
}

// tailer writes the logs of many pods to one place.
type tailer struct {
	cluster *Cluster
	o       LogOptions
	seen    map[string]bool // what is or was followed, by pod and start
	stop    context.CancelFunc

	mu    sync.Mutex
	alive map[string]bool // the starts that run, as far as is known
	w     io.Writer
	err   error // of w
}

// podsIn are those asked for, the oldest first.
func (t *tailer) podsIn(all held) ([]corev1.Pod, error) {
	list, err := readAll[corev1.Pod](all)
	if err != nil {
		return nil, err
	}
	s := State{Pods: list}
	s.sort()
	return slices.DeleteFunc(s.Pods, func(p corev1.Pod) bool {
		return t.o.Revision != "" && p.Labels[serving.RevisionLabelKey] != t.o.Revision
	}), nil
}

func (t *tailer) failed() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.err
}

func (t *tailer) write(pod, line string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err != nil {
		return
	}
	if _, t.err = fmt.Fprintf(t.w, "[%s] %s\n", pod, printable(strings.TrimRight(line, "\r\n"))); t.err != nil && t.stop != nil {
		t.stop()
	}
}

// show writes what there is of a pod's log.
func (t *tailer) show(ctx context.Context, p corev1.Pod) error {
	if id, _ := started(p, t.o.Container); id == "" {
		return nil
	}
	var stream io.ReadCloser
	err := t.cluster.try(ctx, func(context.Context) (err error) { // the stream outlives the attempt
		stream, err = t.cluster.log(ctx, p.Namespace, p.Name, logOptions{container: t.o.Container, tail: t.o.Tail, since: t.o.Since})
		return err
	})
	if apierrors.IsNotFound(err) || apierrors.IsBadRequest(err) {
		return nil // the pod, or the container's log, is gone meanwhile
	}
	if err != nil {
		return fmt.Errorf("reading the log of %s: %w", p.Name, err)
	}
	defer stream.Close()
	return eachLine(stream, func(line string) { t.write(p.Name, line) })
}

// followAll follows every pod that is there or comes.
func (t *tailer) followAll(ctx context.Context, name string) error {
	ctx, t.stop = context.WithCancel(ctx)
	var group sync.WaitGroup
	defer group.Wait()
	defer t.stop()
	first := true
	err := t.cluster.watch(ctx, []source{sourcesOf(name)[2]}, func(all []held) (bool, error) {
		list, err := t.podsIn(all[0])
		if err != nil {
			return false, err
		}
		alive := map[string]bool{}
		o := logOptions{container: t.o.Container, follow: true, timestamps: true, tail: -1}
		if first {
			o.tail, o.since = t.o.Tail, t.o.Since // what comes later is shown whole
		}
		first = false
		for _, p := range list {
			id, running := started(p, t.o.Container)
			alive[id] = alive[id] || running
		}
		t.mu.Lock()
		t.alive = alive
		t.mu.Unlock()
		for _, p := range list {
			if id, _ := started(p, t.o.Container); id != "" && !t.seen[id] {
				t.seen[id] = true
				group.Go(func() { t.follow(ctx, p, id, o) })
			}
		}
		return false, nil
	})
	if err := t.failed(); err != nil {
		return err
	}
	if errors.Is(err, context.Canceled) {
		return nil // as asked for
	}
	return err
}

// follow writes a start's log until the container ends. Where the stream breaks before
// it goes on after the last line that was written.
func (t *tailer) follow(ctx context.Context, p corev1.Pod, id string, o logOptions) {
	var last time.Time
	for n := 0; ctx.Err() == nil; n++ {
		stream, err := t.cluster.log(ctx, p.Namespace, p.Name, o)
		if err == nil {
			err = eachLine(stream, func(line string) {
				stamp, text, _ := strings.Cut(line, " ")
				at, parsing := time.Parse(time.RFC3339Nano, stamp)
				switch {
				case parsing != nil:
					text = line // the rest of a line too long
				case !o.sinceTime.IsZero() && !at.After(o.sinceTime):
					return // it was written before the stream broke
				default:
					last, n = at, 0
				}
				t.write(p.Name, text)
			})
			stream.Close()
		}
		if err != nil && !passes(err) || err == nil && !t.runs(id) {
			return // its pod is gone, or the container has ended
		}
		if !last.IsZero() {
			o.tail, o.since, o.sinceTime = -1, 0, last
		}
		select {
		case <-ctx.Done():
		case <-time.After(backoff(n)):
		}
	}
}

func (t *tailer) runs(id string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.alive[id]
}

// eachLine hands on the lines of a stream.
func eachLine(stream io.Reader, line func(string)) error {
	r := bufio.NewReaderSize(stream, maxLogLine)
	for {
		text, err := r.ReadSlice('\n')
		if len(text) > 0 {
			line(string(text))
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil && !errors.Is(err, bufio.ErrBufferFull):
			return err
		}
	}
}
