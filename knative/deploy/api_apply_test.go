package deploy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// How the api of the tests writes: by merge patch and by server-side apply.

// merge is a JSON merge patch with a check of the version.
func (a *api) merge(r *http.Request, found *stored, body []byte) (int, any) {
	var patch map[string]any
	if err := unmarshal(body, &patch); err != nil {
		return 400, status(400, metav1.StatusReasonBadRequest, err.Error())
	}
	if v, ok, _ := unstructured.NestedString(patch, "metadata", "resourceVersion"); ok && v != found.GetResourceVersion() {
		return 409, status(409, metav1.StatusReasonConflict, "the object has been modified")
	}
	o := found.DeepCopy()
	owners := maps.Clone(found.owners)
	for _, path := range leaves(patch, "") {
		owners[path] = r.URL.Query().Get("fieldManager")
	}
	mergeInto(o.Object, patch)
	a.store(r.URL.Path, o, owners)
	return 200, o.Object
}

func mergeInto(into, patch map[string]any) {
	for key, value := range patch {
		switch v := value.(type) {
		case nil:
			delete(into, key)
		case map[string]any:
			inner, ok := into[key].(map[string]any)
			if !ok {
				inner = map[string]any{}
				into[key] = inner
			}
			mergeInto(inner, v)
		default:
			into[key] = v
		}
	}
}

// between separates the keys of a path: a dot would not, for labels have dots.
const between = "\x00"

// leaves are the paths of what is no object, lists being atomic.
func leaves(content map[string]any, under string) []string {
	var paths []string
	for key, value := range content {
		path := under + between + key
		if inner, ok := value.(map[string]any); ok {
			paths = append(paths, leaves(inner, path)...)
			continue
		}
		paths = append(paths, path)
	}
	return paths
}

func leaf(content map[string]any, path string) (any, bool) {
	var at any = content
	for key := range strings.SplitSeq(strings.TrimPrefix(path, between), between) {
		m, ok := at.(map[string]any)
		if !ok {
			return nil, false
		}
		if at, ok = m[key]; !ok {
			return nil, false
		}
	}
	return at, true
}

// apply is server-side apply with a manager for each field.
func (a *api) apply(r *http.Request, found *stored, body []byte) (int, any) {
	q := r.URL.Query()
	manager, force := q.Get("fieldManager"), q.Get("force") == "true"
	var wanted map[string]any
	if err := unmarshal(body, &wanted); err != nil {
		return 400, status(400, metav1.StatusReasonBadRequest, err.Error())
	}
	o := &unstructured.Unstructured{Object: map[string]any{}}
	owners := map[string]string{}
	if found != nil {
		o, owners = found.DeepCopy(), maps.Clone(found.owners)
	}
	paths := leaves(wanted, "")
	var causes []metav1.StatusCause
	for _, path := range paths {
		value, _ := leaf(wanted, path)
		has, there := leaf(o.Object, path)
		if owner := owners[path]; there && owner != "" && owner != manager && !reflect.DeepEqual(has, value) {
			causes = append(causes, metav1.StatusCause{
				Type: metav1.CauseTypeFieldManagerConflict, Field: strings.ReplaceAll(path, between, "."),
				Message: fmt.Sprintf("conflict with %q using %s", owner, o.GetAPIVersion()),
			})
		}
	}
	if len(causes) > 0 && !force {
		slices.SortFunc(causes, func(a, b metav1.StatusCause) int { return strings.Compare(a.Field, b.Field) })
		return 409, status(409, metav1.StatusReasonConflict, fmt.Sprintf("Apply failed with %d conflicts", len(causes)), causes...)
	}
	for path, owner := range owners { // what it applied before and does no more
		if _, still := leaf(wanted, path); owner == manager && !still {
			keys := strings.Split(strings.TrimPrefix(path, between), between)
			unstructured.RemoveNestedField(o.Object, keys...)
			delete(owners, path)
		}
	}
	for _, path := range paths {
		owners[path] = manager
	}
	mergeInto(o.Object, wanted)
	o.SetNamespace("team")
	if a.refuse != nil {
		if s := a.refuse(o); s != nil {
			return int(s.Code), *s
		}
	}
	if q.Get("dryRun") == "All" {
		return 200, o.Object
	}
	if found != nil && reflect.DeepEqual(found.Object, o.Object) {
		return 200, o.Object
	}
	a.store(r.URL.Path, o, owners)
	return 200, o.Object
}

func unmarshal(body []byte, into *map[string]any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	if err := d.Decode(into); err != nil {
		return err
	}
	numbers(*into)
	return nil
}

// numbers makes whole numbers int64, as unstructured objects have them.
func numbers(content map[string]any) {
	for key, value := range content {
		switch v := value.(type) {
		case float64:
			content[key] = int64(v)
		case map[string]any:
			numbers(v)
		case []any:
			for _, item := range v {
				if m, ok := item.(map[string]any); ok {
					numbers(m)
				}
			}
		}
	}
}
