package deploy

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
)

// source is one kind of object that is watched.
type source struct {
	resource schema.GroupVersionResource
	options  metav1.ListOptions
	// spare is done without where the caller may not read it.
	spare bool
	// keep drops what the selectors let through; nil keeps all.
	keep func(*unstructured.Unstructured) bool
}

// change is news of one source.
type change struct {
	source int
	// reset says that items are all there are; else item was written or removed.
	reset   bool
	items   []unstructured.Unstructured
	item    *unstructured.Unstructured
	removed bool
	// err ends everything.
	err error
}

// held is what a source holds, by name.
type held map[string]*unstructured.Unstructured

// settling is how long news are gathered before they are looked at: those of different
// kinds that belong together come apart by as much.
const settling = 50 * time.Millisecond

// watch calls see with what the sources hold, once all are known and then at every
// change, until it says that it is done, fails, or ctx ends. While the API server is
// away it waits for it; it is [Unreachable] where ctx's time is over before it is back.
func (c *Cluster) watch(ctx context.Context, sources []source, see func([]held) (done bool, err error)) error {
	ctx, cancel := context.WithCancel(ctx)
	var group sync.WaitGroup
	defer group.Wait()
	defer cancel()

	news := make(chan change)
	told := &absence{say: c.say}
	for i, s := range sources {
		group.Go(func() {
			send := func(n change) bool {
				n.source = i
				select {
				case news <- n:
					return true
				case <-ctx.Done():
					return false
				}
			}
			if err := c.feed(ctx, s, told, send); err != nil {
				send(change{err: err})
			}
		})
	}

	all := make([]held, len(sources))
	unknown := len(sources)
	var settled <-chan time.Time
	for {
		var n change
		select {
		case <-settled:
			settled = nil
			if done, err := see(all); done || err != nil {
				return err
			}
			continue
		case <-ctx.Done():
			if away := told.cause(); away != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return &Unreachable{Server: c.server, Err: away}
			}
			return ctx.Err()
		case n = <-news:
		}
		switch {
		case n.err != nil:
			return n.err
		case n.reset:
			if all[n.source] == nil {
				unknown--
			}
			all[n.source] = held{}
			for _, item := range n.items {
				all[n.source][item.GetName()] = &item
			}
		case n.removed:
			delete(all[n.source], n.item.GetName())
		default:
			all[n.source][n.item.GetName()] = n.item
		}
		if unknown == 0 && settled == nil {
			settled = time.After(settling)
		}
	}
}

// feed lists and watches a source, over and over: a watch ends by itself after some
// minutes, and when the API server goes away.
func (c *Cluster) feed(ctx context.Context, s source, told *absence, send func(change) bool) error {
	for failures := 0; ctx.Err() == nil; {
		err := c.once(ctx, s, func(n change) bool {
			if n.reset {
				failures = 0
				told.back()
				c.reached.Store(true)
			}
			return send(n)
		})
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil || apierrors.IsGone(err) || apierrors.IsResourceExpired(err):
		case s.spare && (apierrors.IsForbidden(err) || apierrors.IsMethodNotSupported(err)):
			c.say("may not read " + s.resource.Resource + ": doing without")
			send(change{reset: true})
			return nil
		case !passes(err):
			return fmt.Errorf("watching %s: %w", s.resource.Resource, c.explain(err))
		default:
			told.away(err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(backoff(failures)):
		}
		failures++
	}
	return nil
}

// once lists and watches until the watch ends.
func (c *Cluster) once(ctx context.Context, s source, send func(change) bool) error {
	resource := c.resource(s.resource)
	attempt, cancel := context.WithTimeout(ctx, attemptTimeout)
	list, err := resource.List(attempt, s.options)
	cancel()
	if err != nil {
		return err
	}
	options := s.options
	options.ResourceVersion = list.GetResourceVersion()
	options.AllowWatchBookmarks = true
	w, err := resource.Watch(ctx, options)
	if err != nil {
		return err
	}
	defer w.Stop()
	if !send(change{reset: true, items: s.kept(list.Items)}) {
		return nil
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case e, open := <-w.ResultChan():
			if !open {
				return nil
			}
			if e.Type == watch.Error {
				return apierrors.FromObject(e.Object)
			}
			item, ok := e.Object.(*unstructured.Unstructured)
			if !ok || e.Type == watch.Bookmark || s.keep != nil && !s.keep(item) {
				continue
			}
			if !send(change{item: item, removed: e.Type == watch.Deleted}) {
				return nil
			}
		}
	}
}

func (s source) kept(items []unstructured.Unstructured) []unstructured.Unstructured {
	if s.keep == nil {
		return items
	}
	var kept []unstructured.Unstructured
	for _, item := range items {
		if s.keep(&item) {
			kept = append(kept, item)
		}
	}
	return kept
}

// absence says once that the API server is away, and once that it is back, however
// many sources notice.
type absence struct {
	say func(string)
	mu  sync.Mutex
	err error // why it does not answer; nil while it does
}

func (a *absence) away(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.err == nil {
		a.say("the API server does not answer (" + brief(err) + "): waiting for it")
	}
	a.err = err
}

func (a *absence) back() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.err != nil {
		a.say("the API server is back")
	}
	a.err = nil
}

func (a *absence) cause() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.err
}

// list reads a source once.
func (c *Cluster) list(ctx context.Context, s source) (held, error) {
	var list *unstructured.UnstructuredList
	err := c.try(ctx, func(ctx context.Context) (err error) {
		list, err = c.resource(s.resource).List(ctx, s.options)
		return err
	})
	if err != nil {
		if e, ok := errors.AsType[*apierrors.StatusError](err); ok && s.spare && e.Status().Code == http.StatusForbidden {
			return held{}, nil
		}
		return nil, fmt.Errorf("listing %s: %w", s.resource.Resource, err)
	}
	all := held{}
	for _, item := range s.kept(list.Items) {
		all[item.GetNamespace()+"/"+item.GetName()] = &item
	}
	return all, nil
}
