package stories

import (
	"cmp"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"
)

func aFunctionIsDeployedAndReady(s *Story) {
	began := time.Now()
	said := s.saccade("deploy", "centernet", "--image", Image, "--wait", "--timeout", "90s")
	took := time.Since(began)
	for _, sentence := range []string{"revision centernet-00001 created", "centernet is ready, at"} {
		if !strings.Contains(said, sentence) {
			s.Errorf("deploy did not say %q:\n%s", sentence, said)
		}
	}
	s.Table.Add("saccade deploy centernet, until it is ready", short(took), "")
	if status := s.saccade("status", "centernet"); !strings.Contains(status, "centernet  yes") {
		s.Errorf("status:\n%s", status)
	}
	logs := s.saccade("logs", "centernet")
	if !strings.Contains(logs, "ready") {
		s.Errorf("logs say nothing of its being ready:\n%s", logs)
	}
	s.saccade("delete", "centernet")
	s.until(time.Minute, "centernet is gone", func() (bool, string) {
		status := s.saccade("status")
		return strings.Contains(status, "no functions"), status
	})
}

func aPictureIsAnsweredFromZeroAndWarm(s *Story) {
	s.deploy("eye", Quick)
	s.sleeps("eye")
	caller, local := s.caller("eye"), s.locally("astronaut.png")

	cold := s.mustDetect(caller)
	if !cold.ColdStart {
		s.Error("the answer from zero does not say that it was a cold start")
	}
	s.same(cold.Detections, local)
	s.Table.Add("first detection, from zero", short(cold.Took), "")

	var warm Answer
	s.until(5*time.Second, "every gateway knows the pod", func() (bool, string) {
		warm = s.mustDetect(caller)
		return !warm.ColdStart, "an answer says that it was a cold start"
	})
	s.same(warm.Detections, local)
	s.Table.Add("next detection, warm", short(warm.Took), "")

	bus := filepath.Join(cmp.Or(os.Getenv("SACCADE_TESTDATA"), filepath.Join(s.Root, "..", "shared", "data")), "images", "bus.jpg")
	picture, err := os.ReadFile(bus)
	if err != nil {
		s.Logf("bus.jpg is left out: %v", err)
		return
	}
	caller.Picture = picture
	s.same(s.mustDetect(caller).Detections, s.locally(bus))
}

// locally is what the same function says of a picture on one machine, without a cluster.
func (s *Story) locally(picture string) []Detection {
	s.Helper()
	if !filepath.IsAbs(picture) {
		picture = filepath.Join(s.Root, "samples", picture)
	}
	cmd := s.command(s.Context(), "saccade", "detect", "-f", "centernet", "-o", "json", "--cache", s.TempDir(), picture)
	said, err := cmd.Output()
	if err != nil {
		s.Fatalf("detecting locally: %v", err)
	}
	var replies []struct{ Reply Reply }
	if err := json.Unmarshal(said, &replies); err != nil || len(replies) != 1 {
		s.Fatalf("detecting locally: %v: %s", err, said)
	}
	return replies[0].Reply.Detections
}

// same compares detections: the same classes in the same order, scores and boxes but for
// rounding.
func (s *Story) same(got, want []Detection) {
	s.Helper()
	if len(want) == 0 {
		s.Fatal("nothing was found locally")
	}
	if len(got) != len(want) {
		s.Errorf("%d detections, locally %d:\n%v\n%v", len(got), len(want), got, want)
		return
	}
	near := func(a, b, tolerance float64) bool { return math.Abs(a-b) <= tolerance }
	for i, g := range got {
		w := want[i]
		if g.Class != w.Class || !near(g.Score, w.Score, .001) || !near(g.Box.X1, w.Box.X1, .5) || !near(g.Box.Y1, w.Box.Y1, .5) ||
			!near(g.Box.X2, w.Box.X2, .5) || !near(g.Box.Y2, w.Box.Y2, .5) {
			s.Errorf("detection %d is %+v, locally %+v", i, g, w)
		}
	}
}

func anIdleFunctionGoesBackToZero(s *Story) {
	s.deploy("eye", Quick)
	s.sleeps("eye") // nobody has asked yet
	s.mustDetect(s.caller("eye"))
	if len(s.pods("eye")) == 0 {
		s.Fatal("it has answered without a pod")
	}
	took := s.sleeps("eye")
	s.Table.Add("idle until at zero (window 6 s, grace period 6 s)", short(took), "")
	if status := s.saccade("status", "eye"); !strings.Contains(status, "eye       yes") || !strings.Contains(status, "0/0") {
		s.Errorf("at zero it is ready all the same:\n%s", status)
	}
}
