package deploy

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"net"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"
)

// api is an API server without a network, so that it lives in a synctest bubble: it
// keeps objects, applies and merges with the owners of fields in mind, lists, watches,
// deletes, and shows logs.
type api struct {
	mu       sync.Mutex
	objects  map[string]*stored // by path
	version  int
	watchers map[chan event]string // the path of the collection each watches
	down     bool
	breaks   context.CancelFunc // ends every open stream
	open     context.Context
	logs     map[string]string // by pod/container, what its log is
	// refuse is an admission webhook.
	refuse func(*unstructured.Unstructured) *metav1.Status
	// forbidden are resources that may not be read.
	forbidden map[string]bool
	requests  []string
	bodies    []string
}

// stored is an object with the owner of each of its fields.
type stored struct {
	*unstructured.Unstructured
	owners map[string]string
}

type event struct {
	Type   string         `json:"type"`
	Object map[string]any `json:"object"`
}

func newAPI() *api {
	a := &api{objects: map[string]*stored{}, watchers: map[chan event]string{}, logs: map[string]string{}, forbidden: map[string]bool{}}
	a.open, a.breaks = context.WithCancel(context.Background())
	return a
}

// cluster is a Cluster of namespace team at a, and what it said.
func (a *api) cluster(t *testing.T) (*Cluster, func() []string) {
	t.Helper()
	c, err := newCluster(&rest.Config{Host: "http://cluster.test", Transport: a}, "team")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var said []string
	c.Say(func(text string) {
		mu.Lock()
		defer mu.Unlock()
		said = append(said, text)
	})
	return c, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(said)
	}
}

// away takes the server down, or brings it up again.
func (a *api) away(down bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.down = down
	if down {
		a.breaks()
		a.open, a.breaks = context.WithCancel(context.Background())
	}
}

// put writes objects as a controller does.
func (a *api) put(t *testing.T, text string) {
	t.Helper()
	for doc := range strings.SplitSeq(text, "\n---\n") {
		var content map[string]any
		if err := yaml.Unmarshal([]byte(doc), &content); err != nil {
			t.Fatalf("%v in\n%s", err, doc)
		}
		numbers(content)
		o := &unstructured.Unstructured{Object: content}
		if o.GetNamespace() == "" {
			o.SetNamespace("team")
		}
		a.mu.Lock()
		path := pathOf(o)
		owners := map[string]string{}
		if s := a.objects[path]; s != nil {
			owners = s.owners
		}
		a.store(path, o, owners)
		a.mu.Unlock()
	}
}

func (a *api) remove(path string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if s := a.objects[path]; s != nil {
		delete(a.objects, path)
		a.notify("DELETED", path, s.Object)
	}
}

func pathOf(o *unstructured.Unstructured) string {
	prefix := "/apis/"
	if !strings.Contains(o.GetAPIVersion(), "/") {
		prefix = "/api/"
	}
	plural := strings.ToLower(o.GetKind()) + "s"
	if o.GetKind() == "NetworkPolicy" {
		plural = "networkpolicies"
	}
	return prefix + o.GetAPIVersion() + "/namespaces/" + o.GetNamespace() + "/" + plural + "/" + o.GetName()
}

func (a *api) store(path string, o *unstructured.Unstructured, owners map[string]string) {
	a.version++
	kind := "ADDED"
	before := a.objects[path]
	if before != nil {
		kind = "MODIFIED"
		o.SetUID(before.GetUID())
		if o.GetGeneration() == 0 {
			o.SetGeneration(before.GetGeneration())
		}
		if !reflect.DeepEqual(before.Object["spec"], o.Object["spec"]) && o.GetGeneration() == before.GetGeneration() {
			o.SetGeneration(before.GetGeneration() + 1)
		}
	} else {
		o.SetUID(types.UID("uid of " + path))
		if o.GetGeneration() == 0 {
			o.SetGeneration(1)
		}
	}
	o.SetResourceVersion(strconv.Itoa(a.version))
	a.objects[path] = &stored{o, owners}
	a.notify(kind, path, o.Object)
}

func (a *api) notify(kind, path string, content map[string]any) {
	for w, collection := range a.watchers {
		if strings.HasPrefix(path, collection+"/") {
			w <- event{kind, runtimeCopy(content)}
		}
	}
}

func runtimeCopy(content map[string]any) map[string]any {
	return (&unstructured.Unstructured{Object: content}).DeepCopy().Object
}

// RoundTrip answers a request in the bubble.
func (a *api) RoundTrip(r *http.Request) (*http.Response, error) {
	a.mu.Lock()
	down, open := a.down, a.open
	a.requests = append(a.requests, r.Method+" "+r.URL.RequestURI())
	a.mu.Unlock()
	if down {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	}
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
		r.Body.Close()
	}
	a.mu.Lock()
	a.bodies = append(a.bodies, string(body))
	a.mu.Unlock()
	q := r.URL.Query()
	if q.Get("watch") != "" && q.Get("watch") != "false" {
		return a.watch(r, open), nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	code, answer := a.answer(r, body)
	text, isText := answer.(string)
	if !isText {
		encoded, _ := json.Marshal(answer)
		text = string(encoded)
	}
	return response(r, code, io.NopCloser(strings.NewReader(text))), nil
}

func response(r *http.Request, code int, body io.ReadCloser) *http.Response {
	return &http.Response{
		StatusCode: code, Status: http.StatusText(code), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: body, Request: r,
	}
}

func status(code int, reason metav1.StatusReason, message string, causes ...metav1.StatusCause) metav1.Status {
	return metav1.Status{
		TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: "Failure",
		Code: int32(code), Reason: reason, Message: message, Details: &metav1.StatusDetails{Name: "it", Causes: causes},
	}
}

func (a *api) answer(r *http.Request, body []byte) (int, any) {
	path := r.URL.Path
	if pod, isLog := strings.CutSuffix(path, "/log"); isLog {
		text, ok := a.logs[pod[strings.LastIndexByte(pod, '/')+1:]+"/"+r.URL.Query().Get("container")]
		if !ok {
			return 404, status(404, metav1.StatusReasonNotFound, "no log")
		}
		return 200, text
	}
	if strings.Contains(path, "/proxy/") {
		text, ok := a.logs[path+" "+r.Header.Get("X-API-Key")]
		if !ok {
			return 401, status(401, metav1.StatusReasonUnauthorized, "no key")
		}
		return 200, text
	}
	found := a.objects[path]
	collection := path[strings.LastIndexByte(path, '/')+1:]
	switch isCollection := strings.HasSuffix(collection, "s") && found == nil; {
	case a.forbidden[collection]:
		return 403, status(403, metav1.StatusReasonForbidden, collection+" is forbidden")
	case r.Method == http.MethodPatch && strings.Contains(r.Header.Get("Content-Type"), "apply"):
		return a.apply(r, found, body)
	case r.Method == http.MethodGet && isCollection && knownCollection(collection):
		return 200, a.list(r)
	case found == nil:
		return 404, status(404, metav1.StatusReasonNotFound, path+" not found")
	case r.Method == http.MethodGet:
		return 200, found.Object
	case r.Method == http.MethodDelete:
		delete(a.objects, path)
		a.notify("DELETED", path, found.Object)
		return 200, metav1.Status{TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: "Success"}
	case r.Method == http.MethodPatch:
		return a.merge(r, found, body)
	}
	return 405, status(405, metav1.StatusReasonMethodNotAllowed, r.Method)
}

func knownCollection(name string) bool {
	return slices.Contains([]string{"services", "revisions", "pods", "events", "networkpolicies"}, name)
}

func (a *api) selected(r *http.Request, o *unstructured.Unstructured) bool {
	for part := range strings.SplitSeq(r.URL.Query().Get("labelSelector"), ",") {
		name, value, exact := strings.Cut(part, "=")
		got, has := o.GetLabels()[name]
		if name != "" && (!has || exact && got != value) {
			return false
		}
	}
	for part := range strings.SplitSeq(r.URL.Query().Get("fieldSelector"), ",") {
		name, value, _ := strings.Cut(part, "=")
		if name == "" {
			continue
		}
		if got, _, _ := unstructured.NestedString(o.Object, strings.Split(name, ".")...); got != value {
			return false
		}
	}
	return true
}

func (a *api) list(r *http.Request) any {
	items := []any{}
	for _, path := range slices.Sorted(maps.Keys(a.objects)) {
		o := a.objects[path]
		within := path[:strings.LastIndexByte(path, '/')]
		everywhere := within[strings.LastIndexByte(within, '/')+1:] == r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:] && !strings.Contains(r.URL.Path, "/namespaces/")
		if (within == r.URL.Path || everywhere) && a.selected(r, o.Unstructured) {
			items = append(items, runtimeCopy(o.Object))
		}
	}
	return map[string]any{"kind": "List", "apiVersion": "v1", "metadata": map[string]any{"resourceVersion": strconv.Itoa(a.version)}, "items": items}
}

func (a *api) watch(r *http.Request, open context.Context) *http.Response {
	news := make(chan event, 1000)
	since, _ := strconv.Atoi(r.URL.Query().Get("resourceVersion"))
	a.mu.Lock()
	a.watchers[news] = r.URL.Path
	for path, o := range a.objects { // written between the list and this
		if version, _ := strconv.Atoi(o.GetResourceVersion()); version > since && strings.HasPrefix(path, r.URL.Path+"/") {
			news <- event{"MODIFIED", runtimeCopy(o.Object)}
		}
	}
	a.mu.Unlock()
	pr, pw := io.Pipe()
	go func() {
		defer func() {
			a.mu.Lock()
			delete(a.watchers, news)
			a.mu.Unlock()
		}()
		for {
			select {
			case <-r.Context().Done():
				pw.CloseWithError(r.Context().Err())
				return
			case <-open.Done():
				pw.CloseWithError(io.ErrUnexpectedEOF)
				return
			case e := <-news:
				if !a.selected(r, &unstructured.Unstructured{Object: e.Object}) {
					continue
				}
				text, _ := json.Marshal(e)
				if _, err := pw.Write(append(text, '\n')); err != nil {
					return
				}
			}
		}
	}()
	return response(r, 200, pr)
}
