package watch

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/seed45885407/saccade/functions"
)

// counts is where a hundred requests go.
func (w *world) counts(function string) map[string]int {
	w.Helper()
	got := map[string]int{}
	for range 100 {
		r, err := w.routes.Route(function)
		if err != nil {
			return map[string]int{string(functions.KindOf(err)): 100}
		}
		got[r.Name]++
	}
	return got
}

func TestRoutesFollowTheServicesTraffic(t *testing.T) {
	inWorld(t, Options{Namespace: "team"}, func(w *world) {
		check := func(what, function string, want map[string]int) {
			w.Helper()
			w.settle()
			if diff := cmp.Diff(want, w.counts(function)); diff != "" {
				w.Errorf("%s (-want +got):\n%s", what, diff)
			}
		}
		check("nothing is there", "eye", map[string]int{"function-not-found": 100})
		w.deploy("team", "eye")
		check("a function is found by its label", "eye", map[string]int{"eye-00001": 100})
		w.addRevision(revisionOf("team", "eye", "eye-00002"))
		check("a revision without traffic gets none", "eye", map[string]int{"eye-00001": 100})
		w.setService(serviceOn("team", "eye", share("eye-00001", 70), share("eye-00002", 20), share("eye-00001", 10),
			tag("canary", "eye-00002")))
		check("a split, one revision named twice", "eye", map[string]int{"eye-00001": 80, "eye-00002": 20})
		check("a tag", "eye@canary", map[string]int{"eye-00002": 100})
		w.setService(serviceOn("team", "eye", share("eye-00002", 100)))
		check("all to the new one", "eye", map[string]int{"eye-00002": 100})
		check("the tag is gone", "eye@canary", map[string]int{"function-not-found": 100})
		w.must(w.knative.ServingV1().Services("team").Delete(w.Context(), "eye", metav1.DeleteOptions{}))
		check("removed", "eye", map[string]int{"function-not-found": 100})
	})
}

func TestANewFunctionIsWaitedFor(t *testing.T) {
	inWorld(t, Options{Namespace: "team"}, func(w *world) {
		w.addRevision(revisionOf("team", "eye", "eye-00001"))
		svc := serviceOn("team", "eye")
		svc.Status.LatestCreatedRevisionName = "eye-00001"
		w.addService(svc)
		w.settle()
		if diff := cmp.Diff(map[string]int{"eye-00001": 100}, w.counts("eye")); diff != "" {
			w.Error(diff)
		}
	})
}

func TestNamesOfSeveralNamespaces(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		w.deploy("blue", "eye")
		if diff := cmp.Diff(map[string]int{"eye-00001": 100}, w.counts("eye")); diff != "" {
			w.Errorf("a name that one namespace has alone: %s", diff)
		}
		w.deploy("red", "eye")
		w.deploy("red", "ear")
		for _, tt := range []struct {
			name, want string
		}{
			{"eye", "function-not-found"}, {"eye.blue", "eye-00001"}, {"eye.red", "eye-00001.red"}, {"ear", "ear-00001"}, {"ear.red", "ear-00001"},
		} {
			if got := slices.Collect(maps.Keys(w.counts(tt.name))); !slices.Equal(got, []string{tt.want}) {
				w.Errorf("%s goes to %v, want %s", tt.name, got, tt.want)
			}
		}
		var names []string
		for _, f := range w.platform.Functions() {
			names = append(names, f.Name)
		}
		if diff := cmp.Diff([]string{"ear", "eye.blue", "eye.red"}, names); diff != "" {
			w.Error(diff)
		}
		w.must(w.knative.ServingV1().Services("blue").Delete(w.Context(), "eye", metav1.DeleteOptions{}))
		w.settle()
		if diff := cmp.Diff(map[string]int{"eye-00001.red": 100}, w.counts("eye")); diff != "" {
			w.Errorf("the name is unique again: %s", diff)
		}
	})
}

func TestARevisionThatDeclaresNothingIsReportedAndNotServed(t *testing.T) {
	for _, tt := range []struct {
		name, text, says string
	}{
		{"no annotation", "", "has no annotation"},
		{"no YAML", "{", "not valid YAML"},
		{"another function", declaration("ear"), `"eye"`},
		{"a file beside it", strings.Replace(declaration("eye"), "licence: MIT", "labelsFile: labels.txt", 1), "holds everything itself"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, Options{Namespace: "team"}, func(w *world) {
				w.deploy("team", "eye")
				bad := revisionOf("team", "eye", "eye-00002")
				bad.Annotations[DeclarationAnnotation] = tt.text
				w.addRevision(bad)
				w.setService(serviceOn("team", "eye", share("eye-00001", 50), share("eye-00002", 50)))
				w.settle()
				if diff := cmp.Diff(map[string]int{"eye-00001": 100}, w.counts("eye")); diff != "" {
					w.Error(diff)
				}
				got := w.platform.Functions()
				if len(got) != 1 || !strings.Contains(got[0].Error, tt.says) || !strings.Contains(got[0].Error, "eye-00002") {
					w.Errorf("the status is %+v, want it to say %q", got, tt.says)
				}
			})
		})
	}
}

func TestTheMirrorIsRead(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		revision   string
		percent    float64
		fault      bool
	}{
		{"none", "", "", 0, false},
		{"a tenth", "eye-00002=10", "eye-00002", 10, false},
		{"a revision that is not there", "eye-00009=10", "", 0, false},
		{"too much", "eye-00002=101", "", 0, true},
		{"no number", "eye-00002=NaN", "", 0, true},
		{"no revision", "=10", "", 0, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, Options{Namespace: "team"}, func(w *world) {
				w.deploy("team", "eye")
				w.addRevision(revisionOf("team", "eye", "eye-00002"))
				svc := serviceOn("team", "eye", share("eye-00001", 100))
				svc.Annotations[MirrorAnnotation] = tt.text
				w.setService(svc)
				w.settle()
				revision, percent := w.platform.Mirror("eye")
				if revision.Name != tt.revision || percent != tt.percent {
					w.Errorf("%s gets %v", revision.Name, percent)
				}
				if got := w.platform.Functions()[0].Error; (got != "") != tt.fault {
					w.Errorf("the status says %q", got)
				}
			})
		})
	}
}
