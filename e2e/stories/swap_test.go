package stories

import (
	"net/http"
	"strings"
	"time"
)

// revisionsChangePlacesOnOneGPU: a new revision of a function that holds the only card
// has it when the old one has let it go, while requests wait; and one that does not come
// up gives it back.
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
	said, took, all := s.rollout("eye", 0)
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
	s.Table.Add("one GPU: the new revision has it instead of the old one", short(took)+"; "+all.String(), "nobody waits beyond 20 s")

	bad := s.declare("eye", kept+gpu)
	replace(s, bad, "family: centernet", "family: detr")
	s.saccade("deploy", bad, "--image", Image)
	s.waitsForGPU("eye-00003")
	said, took, all = s.rollout("eye", 2)
	if !strings.Contains(said, "all requests go to eye-00002") {
		s.Errorf("rollout did not say that it went back:\n%s", said)
	}
	if split := s.shares("eye"); split["eye-00002"] != 100 {
		s.Errorf("the requests are not back: %v", split)
	}
	if a := s.mustDetect(s.caller("eye")); a.Revision != "eye-00002" {
		s.Errorf("%s answered", a.Revision)
	}
	s.Table.Add("... a revision that does not load, until the old one has it again", short(took)+"; "+all.String(), "goes back")
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

// rollout rolls the newest revision out under requests, and wants that exit code. While
// nobody has the card a request waits, and is told so when its own time is over; or it
// was turned away before it was taken, and told when to come again.
func (s *Story) rollout(function string, code int) (said string, took time.Duration, all Tally) {
	s.Helper()
	stream := s.caller(function).stream(s.Context(), steady(2))
	s.answers(stream, 4)
	began := time.Now()
	said, err := s.try("saccade", "rollout", function, "-n", s.Space, "--every", "5s", "--idle", "go")
	took = time.Since(began)
	s.answers(stream, 8)
	all = stream.finish()
	s.Logf("rollout said:\n%s", said)
	if got := exitCode(err); got != code {
		s.Fatalf("rollout ends with %d, want %d:\n%s", got, code, said)
	}
	for _, a := range all.lost() {
		away := a.Status == http.StatusServiceUnavailable && a.RetryAfter != ""
		waited := a.Status == http.StatusGatewayTimeout && a.At.Before(began.Add(took)) && a.Took < 25*time.Second
		if a.Err != nil || !away && !waited {
			s.Errorf("lost, sent at %s: %s", a.At.Format("15:04:05.000"), a)
		}
	}
	return said, took, all
}
