package stories

import (
	"fmt"
	"math"
	"time"
)

// fortyAtOnceFromZero compares the pods that the gateway's hold-back has Knative start
// with those that it starts by itself, for the same function and the same burst.
func fortyAtOnceFromZero(s *Story) {
	const burst = 40
	s.deploy("held", Quick)
	s.deploy("plain", Small+"scaling: {containerConcurrency: 1, window: 6s}", "--allow-namespace", "kingress-system")
	s.sleeps("held")
	s.sleeps("plain")

	// The gateways learn how long a start and a picture take, as they do in a minute of
	// ordinary use.
	caller := s.caller("held")
	cold := s.mustDetect(caller)
	var service []time.Duration
	for range 12 {
		service = append(service, s.mustDetect(caller).Took)
	}
	s.mustDetect(s.ingress("plain"))
	s.sleeps("held")
	s.sleeps("plain")
	// So many pods have answered all by the time that another pod would have started.
	need := int(math.Ceil(burst * median(service).Seconds() / cold.Took.Seconds()))

	starts := s.watchStarts()
	defer starts.end()
	held := caller.together(s.Context(), burst)
	s.noneLost(held)
	s.sleeps("held")
	pods := len(starts.of("held"))
	plain := s.ingress("plain").together(s.Context(), burst)
	s.noneLost(plain)
	s.sleeps("plain")
	s.Table.Add("40 at once from zero, one at a time in a pod: through the gateway", fmt.Sprintf("%d pods, %s", pods, held), fmt.Sprintf("<= %d pods, none lost", 2*need))
	s.Table.Add("... what they need", fmt.Sprintf("%d pods: 40 x %s within a start of %s", need, short(median(service)), short(cold.Took)), "")
	s.Table.Add("... through ingress and activator, plain Knative", fmt.Sprintf("%d pods, %s", len(starts.of("plain")), plain), "")
	if pods > 2*need {
		s.Errorf("%d pods were started, and %d would have done", pods, need)
	}
}

// ingress asks a function of the story past the gateway: through the cluster's ingress
// and Knative's activator.
func (s *Story) ingress(function string) Caller {
	c := s.caller(function)
	c.Asks = false
	c.URL = "http://10.96.0.81/v1/detect"
	c.Host = function + "." + s.Space + ".svc.cluster.local"
	return c
}

// rushHour is ten times as many requests within a minute, and back. A pod has a little
// of a core, so that it takes several of them before the node's cores are the bound.
func rushHour(s *Story) {
	const low, high = 0.8, 8.0
	const up, stay, down = time.Minute, 8 * time.Second, 15 * time.Second
	const atLeast = 3
	s.deploy("eye", Small+"scaling: {autoscaler: startup-aware, containerConcurrency: 1, window: 6s, maxScale: 8}\nresources: {cpu: 0.07}")
	s.mustDetect(s.caller("eye"))
	starts := s.watchStarts()
	defer starts.end()
	before := len(s.pods("eye"))
	stream := s.caller("eye").stream(s.Context(), func(since time.Duration) float64 {
		switch {
		case since < up:
			return low + (high-low)*since.Seconds()/up.Seconds()
		case since < up+stay:
			return high
		}
		return max(low, high-(high-low)*(since-up-stay).Seconds()/down.Seconds())
	})
	most, ends := 0, time.Now().Add(up+stay+down)
	s.until(up+stay+down+5*time.Second, "the rush hour ends", func() (bool, string) {
		most = max(most, len(s.pods("eye")))
		return time.Now().After(ends), ""
	})
	back := s.until(90*time.Second, "the pods go again", func() (bool, string) {
		now := len(s.pods("eye"))
		return now <= 1, fmt.Sprintf("%d pods", now)
	})
	all := stream.finish()
	s.noneLost(all)
	s.Table.Add(fmt.Sprintf("rush hour, %g to %g requests a second in a minute, 7 %% of a core a pod", low, high),
		fmt.Sprintf("%s; %d to %d pods, %d started", all, before, most, len(starts.of("eye"))), fmt.Sprintf("none lost, >= %d pods", atLeast))
	s.Table.Add("... and back to one pod, after its end", short(back), "")
	if most < atLeast {
		s.Errorf("no more than %d pods: it was no rush", most)
	}
}
