package stories

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// onlyTheGatewayReachesAFunction: policies are tried from pods that may and may not, and
// what a container may do is read off its process.
func onlyTheGatewayReachesAFunction(s *Story) {
	s.deploy("eye", Kept)
	s.mustDetect(s.caller("eye"))
	pod := s.pods("eye")[0]

	id := s.process(string(pod.UID), "saccade-runtime")
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", id))
	if err != nil {
		s.Fatal(err)
	}
	for _, line := range []string{
		"Uid:\t65532\t65532\t65532\t65532", "Gid:\t65532\t65532\t65532\t65532", "CapEff:\t0000000000000000",
		"CapBnd:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2",
	} {
		if !strings.Contains(string(status), line) {
			s.Errorf("the function's process lacks %q:\n%s", line, status)
		}
	}
	root := filepath.Join("/proc", fmt.Sprint(id), "root")
	if err := os.WriteFile(filepath.Join(root, "written"), nil, 0o644); err == nil {
		os.Remove(filepath.Join(root, "written"))
		s.Error("the container's root can be written, by root even")
	}
	if token := filepath.Join(root, "var/run/secrets/kubernetes.io/serviceaccount/token"); exists(token) {
		s.Error("the container has a token")
	}

	// Three pods that ask: a stranger, one with the function's label, so that the
	// function's policy is its own, and one that the gateway lets in.
	s.run("kubectl", "create", "namespace", s.Space+"-client")
	defer s.run("kubectl", "delete", "namespace", s.Space+"-client", "--wait=false")
	s.run("kubectl", "label", "namespace", s.Space+"-client", "saccade.dev/client=true")
	stranger, twin, client := s.asker(s.Space, "stranger", ""), s.asker(s.Space, "twin", "saccade.dev/function: eye"), s.asker(s.Space+"-client", "client", "")
	gateway, err := s.kubectlValue("-n", GatewaySpace, "get", "pods", "-l", "app.kubernetes.io/name=saccade-gateway", "-o", "jsonpath={.items[0].status.podIP}")
	if err != nil {
		s.Fatal(err)
	}
	for _, try := range []struct {
		sentence, from, to string
		may                bool
	}{
		{"a stranger reaches the API server, or the others would prove nothing", stranger, "10.96.0.1:443", true},
		{"a stranger reaches the function's program", stranger, pod.Status.PodIP + ":8080", false},
		{"a stranger reaches the function's queue-proxy", stranger, pod.Status.PodIP + ":8012", false},
		{"a stranger reaches the gateway", stranger, gateway + ":8080", false},
		{"a client reaches the gateway", client, gateway + ":8080", true},
		{"a client reaches the function", client, pod.Status.PodIP + ":8012", false},
		{"the function reaches the API server", twin, "10.96.0.1:443", false},
		{"the function reaches the gateway", twin, gateway + ":8080", false},
	} {
		s.until(10*time.Second, fmt.Sprintf("%s: that is to be %v", try.sentence, try.may), func() (bool, string) {
			got, what := dials(try.from, try.to)
			return got == try.may, what
		})
	}
	s.Table.Add("network policies and the container's rights, tried from inside", "in force", "")
}

func exists(file string) bool {
	_, err := os.Lstat(file)
	return err == nil
}

// asker starts a pod that dials where it is told; it is its address.
func (s *Story) asker(space, name, label string) string {
	s.Helper()
	in := Story{T: s.T, World: s.World, Space: space}
	in.apply(fmt.Sprintf(`
apiVersion: v1
kind: Pod
metadata: {name: %s, labels: {app: asker, %s}}
spec:
  terminationGracePeriodSeconds: 0
  containers: [{name: hello, image: "dev.local/hello:v1"}]
`, name, label))
	s.run("kubectl", "-n", space, "wait", "--for=condition=Ready", "--timeout=30s", "pod/"+name)
	ip, err := s.kubectlValue("-n", space, "get", "pod", name, "-o", "jsonpath={.status.podIP}")
	if err != nil {
		s.Fatal(err)
	}
	return ip
}

// dials says whether the pod reaches an address.
func dials(from, to string) (bool, string) {
	resp, err := (&http.Client{Timeout: 5 * time.Second}).Get("http://" + from + ":8080/?dial=" + url.QueryEscape(to))
	if err != nil {
		return false, err.Error()
	}
	defer resp.Body.Close()
	said, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<10)) // for people
	return resp.StatusCode == http.StatusOK, resp.Status + " " + string(said)
}

// twoFunctionsAndOneGPU: the first has the card, the second waits and says so.
func twoFunctionsAndOneGPU(s *Story) {
	s.gpus(1)
	defer s.gpus(0)
	const gpu = "\nresources: {gpu: 1}"
	s.deploy("first", Kept+gpu)
	s.mustDetect(s.caller("first"))
	said, err := s.try("saccade", "deploy", s.declare("second", Quick+gpu), "-n", s.Space, "--image", Image, "--wait", "--timeout", "15s")
	if code := exitCode(err); code != 2 || !strings.Contains(said, "Insufficient nvidia.com/gpu") {
		s.Errorf("deploy ends with %d and says\n%s", code, said)
	}
	if status := s.saccade("status", "second"); !strings.Contains(status, "Insufficient nvidia.com/gpu") {
		s.Errorf("status does not say why it waits:\n%s", status)
	}
	s.saccade("delete", "first")
	s.until(90*time.Second, "the second has the card of the first", func() (bool, string) {
		status := s.saccade("status", "second")
		return strings.Contains(status, "yes"), status
	})
	s.Table.Add("two functions and one GPU", "the second waits, says so, and has it when the first is gone", "")
}

// gpus pretends that the node has so many.
func (s *Story) gpus(n int) {
	s.Helper()
	var patch []string
	for _, field := range []string{"capacity", "allocatable"} {
		patch = append(patch, fmt.Sprintf(`{"op":"add","path":"/status/%s/nvidia.com~1gpu","value":"%d"}`, field, n))
	}
	s.run("kubectl", "patch", "node", Home, "--subresource=status", "--type=json", "-p", "["+strings.Join(patch, ",")+"]")
}
