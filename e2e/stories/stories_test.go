package stories

import (
	"os"
	"testing"
)

var world World

func TestMain(m *testing.M) { os.Exit(Main(m, &world)) }

// TestStories tells them in this order: what a user meets first, first; then what is
// measured, while the cluster is still whole; then what breaks. The last one takes the
// gateway away.
func TestStories(t *testing.T) {
	stories := []struct {
		space string
		tell  func(*Story)
		smoke bool
	}{
		{"deploy", aFunctionIsDeployedAndReady, true},
		{"detection", aPictureIsAnsweredFromZeroAndWarm, true},
		{"event", anEventComesBackFromAFunctionAtZero, true},
		{"zero", anIdleFunctionGoesBackToZero, true},
		{"burst", fortyAtOnceFromZero, false},
		{"warm", aWarmDetectionByEachWay, false},
		{"cold", aColdStartComparedWithHello, false},
		{"rush", rushHour, false},
		{"canary", aCanaryGetsItsTenth, false},
		{"rollout", aBadRevisionGoesBack, false},
		{"model", aModelThatDoesNotLoad, false},
		{"gpu", twoFunctionsAndOneGPU, false},
		{"policy", onlyTheGatewayReachesAFunction, false},
		{"prometheus", prometheusScrapesItAll, false},
		{"pod", aPodIsKilled, false},
		{"crash", theRuntimeCrashes, false},
		{"activator", theActivatorRestarts, false},
		{"replica", aGatewayEnds, false},
		{"node", aNodeIsDrained, false},
		{"apiserver", theAPIServerIsAway, false},
		{"helm", helmInstallsUpgradesAndLeaves, false},
	}
	world.install(t)
	for _, story := range stories {
		if world.Smoke && !story.smoke {
			continue
		}
		t.Run(story.space, func(t *testing.T) { world.Tell(t, story.space, story.tell) })
	}
}
