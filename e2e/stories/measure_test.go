package stories

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// aColdStartComparedWithHello starts our function and a Go program that says hello from
// zero by turns, in the same minutes on the same node.
func aColdStartComparedWithHello(s *Story) {
	const rounds, goal = 10, 1.35
	s.deploy("eye", Quick, "--delivery", "runtime", "--cache-claim", "saccade-models")
	if said := s.deploy("init", Quick, "--delivery", "init"); !strings.Contains(said, "the model is there") {
		s.Errorf("deploy says nothing of the init container:\n%s", said)
	}
	s.apply(`
apiVersion: serving.knative.dev/v1
kind: Service
metadata: {name: hello}
spec:
  template:
    metadata: {annotations: {autoscaling.knative.dev/window: 6s}}
    spec: {containers: [{image: "dev.local/hello:v1", ports: [{containerPort: 8080}]}]}
`)
	s.kube("wait", "--for=condition=Ready", "--timeout=60s", "ksvc/hello")
	starts, containers := s.watchStarts(), s.watchContainers()
	defer starts.end()
	defer containers.end()
	runners := []*runner{
		{name: "hello in Go", service: "hello", ask: func() Answer { return s.hello("hello") }},
		{name: "a function", service: "eye", promised: true, ask: func() Answer { return s.mustDetect(s.caller("eye")) }},
		{name: "a function with an init container (--delivery init)", service: "init", ask: func() Answer { return s.mustDetect(s.caller("init")) }},
	}
	for range rounds {
		for _, r := range runners {
			s.sleeps(r.service)
			answer := r.ask()
			pod := s.phases(r, starts.of(r.service), containers, answer)
			if r.service != "hello" {
				s.runtimePhases(r, pod)
			}
		}
	}
	hello := runners[0]
	for _, r := range runners {
		all := r.took["all"]
		measured := fmt.Sprintf("p50 %s (%s to %s)", short(median(all)), short(at(all, 0)), short(at(all, 1)))
		wanted := ""
		if r != hello {
			ratio := median(all).Seconds() / median(hello.took["all"]).Seconds()
			measured += fmt.Sprintf(", %.2f of hello's", ratio)
			if r.promised {
				wanted = fmt.Sprintf("<= %.2f", goal)
				if ratio > goal {
					s.Errorf("the cold start of %s takes %.2f times as long as hello's", r.name, ratio)
				}
			}
		}
		s.Table.Add(fmt.Sprintf("cold start of %s, %d times by turns", r.name, rounds), measured, wanted)
		for _, phase := range slices.Concat(stages, told) {
			if took := r.took[phase]; len(took) > 0 {
				s.Table.Add("... "+phase, short(median(took)), "")
			}
		}
	}
}

// runner is one of those whose cold starts are compared.
type runner struct {
	name, service string
	ask           func() Answer
	// promised says that it has to keep to the goal. With an init container the kubelet
	// decides: it looks once a second whether that has ended.
	promised bool
	took     map[string][]time.Duration // by phase
}

func (r *runner) add(phase string, took time.Duration) {
	if r.took == nil {
		r.took = map[string][]time.Duration{}
	}
	r.took[phase] = append(r.took[phase], took)
}

// stages of a cold start, each from the end of the one before: until there is a pod, a
// node for it, its sandbox, its program (after the init container), and the answer.
var stages = []string{"activator", "schedule", "sandbox", "container", "load, warm-up, answer"}

// told is what of the last stage the function tells itself.
var told = []string{"start", "load", "warmup"}

// phases adds where the time of one cold start went; pod is the first that started for it.
func (s *Story) phases(r *runner, all []Start, containers *Containers, a Answer) (pod Start) {
	for _, start := range all {
		if start.Created.After(a.At) && (pod.Created.IsZero() || start.Created.Before(pod.Created)) {
			pod = start
		}
	}
	s.Helper()
	r.add("all", a.Took)
	if pod.Created.IsZero() {
		s.Errorf("%s answered without a new pod", r.service)
		return pod
	}
	// A stage that was seen after the answer, or not by itself, took no time that one
	// could tell from the next one's.
	before, answered := a.At, a.At.Add(a.Took)
	sandbox, program := containers.between(a.At, answered)
	for i, end := range []time.Time{pod.Created, pod.Scheduled, sandbox, program, answered} {
		if end.IsZero() || end.Before(before) || end.After(answered) {
			end = before
		}
		r.add(stages[i], end.Sub(before))
		before = end
	}
	return pod
}

// runtimePhases adds what the function says of its own start.
func (s *Story) runtimePhases(r *runner, pod Start) {
	s.Helper()
	if pod.IP == "" {
		return
	}
	said := s.get("http://" + pod.IP + ":8080/v1/start")
	for _, phase := range told {
		ms, _ := said[phase].(float64) // 0 where it is not said
		r.add(phase, time.Duration(ms*float64(time.Millisecond)))
	}
}

// hello asks a hello program through the ingress.
func (s *Story) hello(service string) (a Answer) {
	s.Helper()
	a.At = time.Now()
	req, err := http.NewRequestWithContext(s.Context(), http.MethodGet, "http://10.96.0.80/", nil)
	if err != nil {
		s.Fatal(err)
	}
	req.Host = service + "." + s.Space + ".e2e.test"
	resp, err := (&http.Client{Timeout: time.Minute, Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		s.Fatal(err)
	}
	defer resp.Body.Close()
	a.Took, a.Status = time.Since(a.At), resp.StatusCode
	if a.Status != http.StatusOK {
		s.Fatalf("hello answers %s", resp.Status)
	}
	return a
}

// aWarmDetectionByEachWay asks the same warm pod inside its own network, and by each way
// to it, in turns.
func aWarmDetectionByEachWay(s *Story) {
	const rounds, goal = 120, 1.05
	s.deploy("eye", Small+"scaling: {autoscaler: startup-aware, containerConcurrency: 1, window: 6s, minScale: 1, maxScale: 1}",
		"--allow-namespace", "kingress-system", "--allow-namespace", GatewaySpace)
	byService := s.gatewayByService()
	s.mustDetect(s.caller("eye"))
	pod := s.pods("eye")[0]
	process := s.process(string(pod.UID), "saccade-runtime")
	picture := s.photograph("astronaut.png")
	way := func(url, host string, transport *http.Transport) Caller {
		c := s.caller("eye")
		c.Picture, c.Asks = picture, false
		c.URL, c.Host, c.Client = url, host, &http.Client{Timeout: 30 * time.Second, Transport: transport}
		return c
	}
	ways := []struct {
		name   string
		caller Caller
		goal   bool
		took   []time.Duration
		way    []time.Duration
	}{
		{name: "inside the pod", caller: way("http://127.0.0.1:8080/v1/detect", "", &http.Transport{DialContext: dialInside(process)})},
		{name: "from the node, past the queue-proxy", caller: way("http://"+pod.Status.PodIP+":8080/v1/detect", "", &http.Transport{})},
		{name: "straight to the pod, by its queue-proxy", caller: way("http://"+pod.Status.PodIP+":8012/v1/detect", "", &http.Transport{}), goal: true},
		{name: "by the gateway (--pods=direct)", caller: way(s.caller("eye").URL, "", &http.Transport{})},
		{name: "by a gateway with --pods=service", caller: way(byService+"/v1/functions/eye."+s.Space+"/detect", "", &http.Transport{})},
		{name: "by ingress and activator", caller: way(s.ingress("eye").URL, s.ingress("eye").Host, &http.Transport{})},
	}
	for range 10 { // connections, caches
		for _, w := range ways {
			s.mustDetect(w.caller)
		}
	}
	for range rounds {
		for _, i := range rand.Perm(len(ways)) { // none comes always after the same other one
			a := s.mustDetect(ways[i].caller)
			ways[i].took = append(ways[i].took, a.Took)
			// What lies beside the function's own work is the way's.
			work := a.Timing["decode"] + a.Timing["preprocess"] + a.Timing["infer"] + a.Timing["postprocess"]
			ways[i].way = append(ways[i].way, a.Took-time.Duration(work*float64(time.Millisecond)))
		}
	}
	base := median(ways[0].took)
	for _, w := range ways {
		ratio, wanted := median(w.took).Seconds()/base.Seconds(), ""
		if w.goal {
			wanted = fmt.Sprintf("<= %.2f", goal)
			if ratio > goal {
				s.Errorf("%s: %.3f of a call inside the pod", w.name, ratio)
			}
		}
		s.Table.Add("warm detection "+w.name, fmt.Sprintf("p50 %s, %.3f of inside; of it outside of the function %s", short(median(w.took)), ratio, short(median(w.way))), wanted)
	}
}

// process is the id of a pod's process of that name, as the node sees it.
func (s *Story) process(uid, name string) int {
	s.Helper()
	found, _ := filepath.Glob("/proc/[0-9]*/comm") // the pattern is good
	for _, file := range found {
		comm, _ := os.ReadFile(file) // it may have ended
		groups, _ := os.ReadFile(filepath.Join(filepath.Dir(file), "cgroup"))
		// The kernel cuts names after 15 bytes.
		if is := strings.TrimSpace(string(comm)); is != "" && strings.HasPrefix(name, is) && strings.Contains(string(groups), uid) {
			id, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
			return id
		}
	}
	s.Fatalf("the pod %s has no process %s on this node", uid, name)
	return 0
}

// dialInside connects in the network of another process.
func dialInside(process int) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		own, err := os.Open("/proc/self/ns/net")
		if err != nil {
			return nil, err
		}
		defer own.Close()
		theirs, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", process))
		if err != nil {
			return nil, err
		}
		defer theirs.Close()
		runtime.LockOSThread() // what is done to a thread is for this goroutine alone
		if err := unix.Setns(int(theirs.Fd()), unix.CLONE_NEWNET); err != nil {
			runtime.UnlockOSThread()
			return nil, err
		}
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		if back := unix.Setns(int(own.Fd()), unix.CLONE_NEWNET); back != nil {
			return nil, fmt.Errorf("leaving a pod's network: %w", back) // the thread ends with its goroutine
		}
		runtime.UnlockOSThread()
		return conn, err
	}
}
