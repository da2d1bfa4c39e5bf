package stories

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// aCanaryGetsItsTenth: 90 to 10 is 90 to 10, and a tag has an address of its own.
func aCanaryGetsItsTenth(s *Story) {
	const requests = 200
	s.deploy("eye", Quick)
	s.saccade("traffic", "eye", "stable=100") // stays where it is when the next one comes
	s.deploy("eye", strings.Replace(Quick, "window: 6s", "window: 7s", 1))
	if split := s.shares("eye"); split["eye-00001"] != 100 {
		s.Fatalf("a new revision got requests by itself: %v", split)
	}
	s.saccade("traffic", "eye", "stable=90", "canary=10", "--tag", "next=canary")
	s.until(20*time.Second, "the split holds", func() (bool, string) {
		split := s.shares("eye")
		return split["eye-00001"] == 90 && split["eye-00002"] == 10, fmt.Sprint(split)
	})
	s.until(20*time.Second, "the gateways know the tag", func() (bool, string) {
		a := s.tagged("eye", "next").detect(s.Context())
		return a.ok() && a.Revision == "eye-00002", a.String()
	})
	s.mustDetect(s.caller("eye"))
	var all Tally
	for range requests / 4 {
		all = append(all, s.caller("eye").together(s.Context(), 4)...)
	}
	s.noneLost(all)
	canary := all.revisions()["eye-00002"]
	s.Table.Add("canary 90/10: requests of 200 that the canary had", fmt.Sprint(canary), "20")
	if canary < 12 || canary > 28 {
		s.Errorf("the canary had %d of %d requests", canary, requests)
	}
	said := s.saccade("rollback", "eye", "--to", "eye-00001")
	if !strings.Contains(said, "eye-00001") {
		s.Error(said)
	}
	s.until(20*time.Second, "all requests go to the revision before", func() (bool, string) {
		split := s.shares("eye")
		return split["eye-00001"] == 100, fmt.Sprint(split)
	})
}

// shares are the percentages that hold.
func (s *Story) shares(function string) map[string]int {
	s.Helper()
	var lines []struct {
		Revision string
		Percent  int
	}
	said := s.saccade("traffic", function, "-o", "json")
	if err := json.Unmarshal([]byte(said), &lines); err != nil {
		s.Fatalf("%v: %s", err, said)
	}
	split := map[string]int{}
	for _, l := range lines {
		split[l.Revision] += l.Percent
	}
	return split
}

// aBadRevisionGoesBack: a revision that is ready and slow gets a share of the requests,
// is seen to be slow, and loses it again, while every request is answered.
func aBadRevisionGoesBack(s *Story) {
	s.deploy("eye", Kept)
	s.saccade("traffic", "eye", "stable=100")
	s.deploy("eye", Kept+"\nresources: {cpu: 0.05}") // a twentieth of a core: it starts, and crawls
	stream := s.caller("eye").stream(s.Context(), steady(4))
	began := time.Now()
	said, err := s.try("saccade", "rollout", "eye", "-n", s.Space, "--steps", "25,100", "--every", "6s", "--samples", "5", "--guard", "p99<=2x,errors=1%")
	took := time.Since(began)
	all := stream.finish()
	s.noneLost(all)
	if code := exitCode(err); code != 2 {
		s.Fatalf("rollout ends with %d, want 2:\n%s", code, said)
	}
	s.until(20*time.Second, "the requests are back", func() (bool, string) {
		split := s.shares("eye")
		return split["eye-00001"] == 100, fmt.Sprint(split)
	})
	if bad := all.revisions()["eye-00002"]; bad == 0 {
		s.Error("the bad revision was never tried")
	}
	status, err := s.kubectlValue("get", "ksvc", "eye", "-o", `jsonpath={.metadata.annotations.saccade\.dev/rollout-status}`)
	if err != nil || !strings.Contains(status, "p99") {
		s.Errorf("the reason is not written down: %v: %q", err, status)
	}
	s.Table.Add("guarded rollout of a slow revision, until it has gone back", short(took)+"; "+all.String(), "goes back, none lost")
	s.Logf("rollout said:\n%s", said)
}

// aModelThatDoesNotLoad: the revision before serves on, and status has the reason.
func aModelThatDoesNotLoad(s *Story) {
	s.deploy("eye", Quick)
	folder := s.declare("eye", Quick)
	replace(s, folder, "family: centernet", "family: detr")
	said, err := s.try("saccade", "deploy", folder, "-n", s.Space, "--image", Image, "--wait", "--timeout", "60s")
	if code := exitCode(err); code != 2 {
		s.Fatalf("deploy ends with %d, want 2:\n%s", code, said)
	}
	s.Logf("deploy said:\n%s", said)
	status := s.saccade("status", "eye")
	s.Logf("status:\n%s", status)
	if !strings.Contains(status, "00001 -> 00002") || !strings.Contains(status, "family detr") {
		s.Errorf("status does not say why:\n%s", status)
	}
	if a := s.mustDetect(s.caller("eye")); a.Revision != "eye-00001" {
		s.Errorf("%s answered", a.Revision)
	}
}
