package stories

import (
	"fmt"
	"path/filepath"
	"strings"
)

// theAPIServerTakesWhatIsShipped: every way to install, and what goes with it, as the
// API server and Knative's webhooks see it. Nothing is changed.
func theAPIServerTakesWhatIsShipped(s *Story) {
	definitions, err := filepath.Glob(filepath.Join(s.Root, "out", "e2e", "crds", "*.yaml"))
	if err != nil || len(definitions) == 0 {
		s.Fatalf("there are no definitions of Prometheus' operator: %v; e2e/run brings them", err)
	}
	for _, file := range definitions {
		s.run("kubectl", "apply", "--server-side", "-f", file)
		defer s.delete("-f", file)
	}
	s.run("kubectl", "wait", "--for=condition=Established", "--timeout=30s", "crd", "-l", "!app.kubernetes.io/managed-by")
	// Whatever is in a namespace that the same objects bring can be tried when it is there.
	s.run("kubectl", "create", "namespace", "cameras")
	defer s.delete("namespace", "cameras")

	kustomize := filepath.Join("config", "kustomize")
	places, err := filepath.Glob(filepath.Join(s.Root, kustomize, "overlays", "*"))
	if err != nil || len(places) == 0 {
		s.Fatalf("there are no overlays: %v", err)
	}
	places = append(places, filepath.Join(kustomize, "base"), filepath.Join("config", "monitoring"),
		filepath.Join("config", "eventing"), filepath.Join("config", "eventing", "example"))
	objects := 0
	try := func(flag, place string) {
		said, err := s.try("kubectl", "apply", "--server-side", "--force-conflicts", "--dry-run=server", flag, place)
		if err != nil {
			s.Errorf("%s: %v\n%s", place, err, said)
		}
		objects += strings.Count(said, "serverside-applied")
	}
	for _, place := range places {
		try("-k", place)
	}
	try("-f", filepath.Join(kustomize, "knative", "config-features.yaml")) // a patch, where kustomize is used
	s.Table.Add("what config/ ships, tried on the API server", fmt.Sprintf("%d objects of %d folders", objects, len(places)+1), "all taken")
}
