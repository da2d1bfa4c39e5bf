package deploy

import (
	"cmp"
	"context"
	"slices"

	"knative.dev/serving/pkg/apis/serving"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"
)

// Status is what a function on the cluster is doing.
type Status struct {
	Function  string `json:"function"`
	Namespace string `json:"namespace"`
	Ready     bool   `json:"ready"`
	// LatestReady and LatestCreated are revisions: where they differ the newest is not
	// ready, or not yet.
	LatestReady   string `json:"latestReady,omitempty"`
	LatestCreated string `json:"latestCreated,omitempty"`
	// Traffic is the split that holds.
	Traffic []Share `json:"traffic"`
	// Pods are those of every revision: ready, and wanted by Knative's autoscaler.
	PodsReady  int `json:"podsReady"`
	PodsWanted int `json:"podsWanted"`
	// URL is Knative's address of the function, and Local the one inside the cluster.
	URL   string `json:"url,omitempty"`
	Local string `json:"local,omitempty"`
	// Reason is why the function, or its newest revision, is not ready, a sentence.
	Reason string `json:"reason,omitempty"`
}

// Share is what a revision gets of a function's requests.
type Share struct {
	Revision string `json:"revision"`
	Percent  int64  `json:"percent"`
	Tag      string `json:"tag,omitempty"`
}

// Status tells of every function in c's namespace (all of them, see [Cluster.Everywhere]),
// or of the one that is named, by namespace and name. It returns an error of kind
// functions.NotFound where the one named is not there.
func (c *Cluster) Status(ctx context.Context, name string) ([]Status, error) {
	if name != "" {
		if _, err := c.service(ctx, name); err != nil {
			return nil, err
		}
	}
	var all []held
	for i, s := range sourcesOf(name) {
		if name == "" {
			s.keep = nil
			if i == 0 {
				s.options = ofFunction("")
			}
		}
		one, err := c.list(ctx, s)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	whole, err := functionsIn(all)
	if err != nil {
		return nil, err
	}
	list := make([]Status, 0, len(whole))
	for _, s := range whole {
		list = append(list, StatusOf(s))
	}
	slices.SortFunc(list, func(a, b Status) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Function, b.Function))
	})
	return list, nil
}

// functionsIn tells the functions apart.
func functionsIn(all []held) ([]State, error) {
	parts := map[string][]held{}
	for name, o := range all[0] {
		if refuseForeign(o) == nil {
			parts[name] = []held{{name: o}, {}, {}, {}}
		}
	}
	for i := 1; i <= 2; i++ {
		for name, o := range all[i] {
			if part, ok := parts[o.GetNamespace()+"/"+o.GetLabels()[LabelFunction]]; ok {
				part[i][name] = o
			}
		}
	}
	var list []State
	for _, part := range parts {
		part[3] = all[3] // about pods, whose names are unique in a namespace
		s, err := stateOf(part)
		if err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list, nil
}

// StatusOf is what a State says in short. It is a pure function of s, whose Service is
// there.
func StatusOf(s State) Status {
	status := s.Service.Status
	out := Status{
		Function:      s.Service.Name,
		Namespace:     s.Service.Namespace,
		Ready:         s.ready(),
		LatestReady:   status.LatestReadyRevisionName,
		LatestCreated: status.LatestCreatedRevisionName,
		Traffic:       []Share{},
		Reason:        Diagnose(s).Text,
	}
	for _, t := range status.Traffic {
		share := Share{Revision: t.RevisionName, Tag: t.Tag}
		if t.Percent != nil {
			share.Percent = *t.Percent
		}
		out.Traffic = append(out.Traffic, share)
		if out.Reason == "" && share.Percent > 0 && t.RevisionName != s.newest() {
			out.Reason = DiagnoseRevision(s, t.RevisionName).Text
		}
	}
	if status.URL != nil {
		out.URL = status.URL.String()
	}
	if status.Address != nil && status.Address.URL != nil {
		out.Local = status.Address.URL.String()
	}
	for _, r := range s.Revisions {
		ready, wanted := podCount(s, r)
		out.PodsReady += ready
		out.PodsWanted += wanted
	}
	return out
}

// podCount is how many pods of r are ready, and how many its autoscaler wants; where it
// has not said, those that there are.
func podCount(s State, r servingv1.Revision) (ready, wanted int) {
	for _, p := range s.podsOf(r.Name) {
		if p.Labels[serving.RevisionLabelKey] == r.Name {
			wanted++
		}
		if isReady(p) {
			ready++
		}
	}
	if r.Status.DesiredReplicas != nil {
		wanted = int(*r.Status.DesiredReplicas)
	}
	return ready, wanted
}
