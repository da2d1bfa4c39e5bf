package stories

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"
)

// during does something to the cluster under a stream of requests, waits until it has
// had its effect on a few seconds of them, and sees that none was lost.
func (s *Story) during(what string, c Caller, break_ func()) {
	s.Helper()
	s.mustDetect(c)
	stream := c.stream(s.Context(), steady(4))
	s.answers(stream, 8)
	break_()
	s.answers(stream, 24)
	all := stream.finish()
	s.noneLost(all)
	s.Table.Add(what+", under 4 requests a second", all.String(), "none lost")
}

// answers waits until the stream has had so many more.
func (s *Story) answers(stream *Stream, more int) {
	s.Helper()
	wanted := stream.answered() + more
	s.until(90*time.Second, fmt.Sprintf("%d more answers", more), func() (bool, string) {
		return stream.answered() >= wanted, fmt.Sprintf("%d of %d", stream.answered(), wanted)
	})
}

func aPodIsKilled(s *Story) {
	s.deploy("eye", Quick)
	s.during("a function's pod is killed", s.caller("eye"), func() {
		for _, pod := range s.pods("eye") {
			s.kube("delete", "pod", pod.Name, "--force", "--grace-period=0")
		}
	})
}

func theRuntimeCrashes(s *Story) {
	s.deploy("eye", Quick)
	s.during("a function's program is killed", s.caller("eye"), func() {
		for _, pod := range s.pods("eye") {
			if err := syscall.Kill(s.process(string(pod.UID), "saccade-runtime"), syscall.SIGKILL); err != nil {
				s.Fatal(err)
			}
		}
	})
}

// theActivatorRestarts while it holds requests for a function at zero.
func theActivatorRestarts(s *Story) {
	s.deploy("eye", Quick)
	s.sleeps("eye")
	stream := s.caller("eye").stream(s.Context(), steady(4))
	s.until(20*time.Second, "a pod is on its way", func() (bool, string) { return len(s.pods("eye")) > 0, "none" })
	s.run("kubectl", "-n", "knative-serving", "delete", "pod", "-l", "app=activator", "--force", "--grace-period=0")
	s.answers(stream, 24)
	all := stream.finish()
	s.noneLost(all)
	s.Table.Add("the activator is killed while a function starts from zero", all.String(), "none lost")
	s.run("kubectl", "-n", "knative-serving", "rollout", "status", "deployment/activator", "--timeout=60s")
}

// aGatewayEnds: what it has accepted it finishes, and the other one takes the rest.
func aGatewayEnds(s *Story) {
	s.deploy("eye", Quick)
	s.during("a gateway ends", s.caller("eye"), func() {
		pods, err := s.kubectlValue("-n", GatewaySpace, "get", "pods", "-l", "app.kubernetes.io/name=saccade-gateway", "-o", "jsonpath={.items[0].metadata.name}")
		if err != nil {
			s.Fatal(err)
		}
		s.run("kubectl", "-n", GatewaySpace, "delete", "pod", strings.Fields(pods)[0], "--wait=false")
	})
	s.run("kubectl", "-n", GatewaySpace, "rollout", "status", "deployment/saccade-gateway", "--timeout=60s")
}

// theAPIServerIsAway for half a minute: nobody learns of anything, and requests are
// answered.
func theAPIServerIsAway(s *Story) {
	s.deploy("eye", Quick)
	c := s.caller("eye")
	s.mustDetect(c)
	s.during("the API server is away for 30 s", c, func() {
		// The node starts it again when this file is gone.
		const hold = "/run/node/hold/apiserver"
		if err := os.WriteFile(hold, nil, 0o644); err != nil {
			s.Fatal(err)
		}
		defer os.Remove(hold)
		id, err := os.ReadFile("/run/node/pid/apiserver")
		if err != nil {
			s.Fatal(err)
		}
		s.run("kill", "-KILL", strings.TrimSpace(string(id)))
		away := time.Now()
		s.until(40*time.Second, "half a minute passes", func() (bool, string) { return time.Since(away) > 30*time.Second, "" })
		if said, err := s.try("kubectl", "get", "--raw", "/readyz", "--request-timeout=1s"); err == nil {
			s.Errorf("the API server was not away: %s", said)
		}
	})
	s.until(60*time.Second, "the API server is back", func() (bool, string) {
		said, err := s.try("kubectl", "get", "--raw", "/readyz", "--request-timeout=2s")
		return err == nil, said
	})
	s.until(60*time.Second, "the node is ready", func() (bool, string) {
		said, err := s.try("kubectl", "get", "node", Home, "--no-headers")
		return err == nil && strings.Contains(said, " Ready"), said
	})
	for _, part := range []string{"webhook", "controller", "autoscaler", "activator"} { // some have begun anew
		s.run("kubectl", "-n", "knative-serving", "rollout", "status", "deployment/"+part, "--timeout=90s")
	}
	well := time.Now()
	s.until(2*time.Minute, "Knative's webhook has answered for twenty seconds", func() (bool, string) { // it may end only now
		said, err := s.try("kubectl", "-n", "knative-serving", "annotate", "configmap", "config-features", "saccade.dev/asked=yes",
			"--overwrite", "--dry-run=server", "--request-timeout=5s")
		if err != nil {
			well = time.Now()
		}
		return time.Since(well) > 20*time.Second, said
	})
}

// aNodeIsDrained with the function's only pod on it.
func aNodeIsDrained(s *Story) {
	const other = "n2"
	if _, err := s.try("kubectl", "get", "node", other); err != nil {
		s.Skip("the cluster has one node")
	}
	s.run("kubectl", "cordon", Home)
	s.run("kubectl", "uncordon", other)
	defer s.run("kubectl", "cordon", other)
	s.deploy("eye", Quick)
	s.run("kubectl", "uncordon", Home)
	for _, pod := range s.pods("eye") {
		if pod.Spec.NodeName != other {
			s.Errorf("a pod is on %s already", pod.Spec.NodeName)
		}
	}
	s.during("the function's node is drained", s.caller("eye"), func() {
		s.run("kubectl", "drain", other, "--ignore-daemonsets", "--delete-emptydir-data", "--force", "--timeout=90s",
			"--pod-selector=serving.knative.dev/service=eye")
	})
	for _, pod := range s.pods("eye") {
		if pod.Spec.NodeName != Home {
			s.Errorf("a pod is on %s", pod.Spec.NodeName)
		}
	}
}
