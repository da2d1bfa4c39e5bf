package stories

import (
	"net/http"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// inTime is how long a request of this story may take: what its function says.
const inTime = 20 * time.Second

// How long after a swap the last of those who waited has its answer: one pod works off
// what has come within inTime; it has to start first where the swap goes back, for that
// begins at zero.
const (
	workedOff = 5 * time.Second
	startedUp = 12 * time.Second
)

// revisionsChangePlacesOnOneGPU: a new revision of a function that holds the only card
// has it when the old one has let it go, while requests wait for whoever has it next; and
// one that does not come up gives it back.
func revisionsChangePlacesOnOneGPU(s *Story) {
	s.gpus(1)
	defer s.gpus(0)
	const gpu = "\nresources: {gpu: 1}"
	kept := strings.Replace(Kept, "window: 6s", "window: 6s, timeout: 20s", 1)
	s.deploy("eye", kept+gpu)
	s.mustDetect(s.caller("eye"))
	s.saccade("traffic", "eye", "stable=100")

	s.saccade("deploy", s.declare("eye", strings.Replace(kept, "window: 6s", "window: 7s", 1)+gpu), "--image", Image)
	s.waitsForGPU("eye-00002")
	said, took, all := s.rollout("eye", "eye-00002", 0, workedOff)
	for _, sentence := range []string{"do not fit beside each other", "the pods of eye-00001 finish what they have, and go", "done: eye-00002 has all requests"} {
		if !strings.Contains(said, sentence) {
			s.Errorf("rollout did not say %q:\n%s", sentence, said)
		}
	}
	if split := s.shares("eye"); split["eye-00002"] != 100 {
		s.Errorf("the new revision has not all requests: %v", split)
	}
	by := all.revisions()
	if by["eye-00001"] == 0 || by["eye-00002"] == 0 {
		s.Errorf("answers came of %v", by)
	}
	s.Table.Add("one GPU: the new revision has it instead of the old one", short(took)+"; "+all.String(), "all whose 20 s allow")

	bad := s.declare("eye", kept+gpu)
	replace(s, bad, "family: centernet", "family: detr")
	s.saccade("deploy", bad, "--image", Image)
	s.waitsForGPU("eye-00003")
	said, took, all = s.rollout("eye", "eye-00002", 2, workedOff+startedUp)
	if !strings.Contains(said, "all requests go to eye-00002") {
		s.Errorf("rollout did not say that it went back:\n%s", said)
	}
	if split := s.shares("eye"); split["eye-00002"] != 100 {
		s.Errorf("the requests are not back: %v", split)
	}
	if a := s.mustDetect(s.caller("eye")); a.Revision != "eye-00002" {
		s.Errorf("%s answered", a.Revision)
	}
	s.Table.Add("... a revision that does not load, until the old one has it again", short(took)+"; "+all.String(), "goes back; all whose 20 s allow")
}

// waitsForGPU waits until the scheduler has said that there is no card for the
// revision.
func (s *Story) waitsForGPU(revision string) {
	s.Helper()
	s.until(30*time.Second, revision+" finds no card", func() (bool, string) {
		said, _ := s.try("saccade", "status", "eye", "-n", s.Space) // what it says is looked at
		return strings.Contains(said, "Insufficient nvidia.com/gpu"), said
	})
}

// rollout rolls the newest revision out under requests, and wants that exit code. winner has
// the requests when it is over. Each request is answered, or turned away at once and told
// when to come again, but for those whose own time was over before those who waited had
// been answered. Once the winner is ready nobody is turned away either.
func (s *Story) rollout(function, winner string, code int, after time.Duration) (said string, took time.Duration, all Tally) {
	s.Helper()
	stream := s.caller(function).stream(s.Context(), steady(2))
	s.answers(stream, 4)
	began := time.Now()
	said, err := s.try("saccade", "rollout", function, "-n", s.Space, "--every", "5s", "--idle", "go")
	ended := time.Now()
	s.answers(stream, 8)
	all = stream.finish()
	s.Logf("rollout said:\n%s", said)
	if got := exitCode(err); got != code {
		s.Fatalf("rollout ends with %d, want %d:\n%s", got, code, said)
	}
	ready := s.readySince(function, winner)
	s.Logf("it began at %s, %s was ready at %s, it ended at %s", clock(began), winner, clock(ready), clock(ended))
	for _, a := range all.lost() {
		away := a.Status == http.StatusServiceUnavailable && a.RetryAfter != "" && a.Took < 2*time.Second
		// Its time was over while it was held, or in the queue that the hold has left.
		inVain := a.Status == http.StatusGatewayTimeout || a.Status == http.StatusTooManyRequests
		late := inVain && a.Took < inTime+5*time.Second && a.At.Add(inTime).Before(ended.Add(after))
		if a.Err != nil || !away && !late || a.At.After(ready) {
			s.Errorf("lost, sent at %s: %s", clock(a.At), a)
		}
	}
	return said, ended.Sub(began), all
}

// readySince is when the pod of a revision became ready, to the second.
func (s *Story) readySince(function, revision string) (since time.Time) {
	s.Helper()
	for _, pod := range s.pods(function) {
		if pod.Labels["serving.knative.dev/revision"] != revision {
			continue
		}
		for _, c := range pod.Status.Conditions {
			if c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue && (since.IsZero() || c.LastTransitionTime.Time.Before(since)) {
				since = c.LastTransitionTime.Time
			}
		}
	}
	if since.IsZero() {
		s.Fatalf("%s has no ready pod", revision)
	}
	return since
}

// clock is a moment as the log has it.
func clock(at time.Time) string { return at.Format("15:04:05.000") }
