package stories

import (
	"maps"
	"os"
	"slices"
	"sync"
	"testing"
)

var world World

func TestMain(m *testing.M) { os.Exit(Main(m, &world)) }

// TestStories tells them in this order: what a user meets first, first; then what is
// measured, while the cluster is still whole; then what mostly waits, in lanes beside
// each other; then what breaks. The last one takes the gateway away.
func TestStories(t *testing.T) {
	stories := []telling{
		{space: "deploy", tell: aFunctionIsDeployedAndReady, smoke: true},
		{space: "detection", tell: aPictureIsAnsweredFromZeroAndWarm, smoke: true},
		{space: "event", tell: anEventComesBackFromAFunctionAtZero, smoke: true},
		{space: "zero", tell: anIdleFunctionGoesBackToZero, smoke: true},
		{space: "burst", tell: fortyAtOnceFromZero},
		{space: "warm", tell: aWarmDetectionByEachWay},
		{space: "cold", tell: aColdStartComparedWithHello},
		{space: "rush", tell: rushHour},
		{space: "rollout", tell: aBadRevisionGoesBack},
		{space: "gpu", tell: twoFunctionsAndOneGPU, lane: 1},
		{space: "swap", tell: revisionsChangePlacesOnOneGPU, lane: 1},
		{space: "contrast", tell: stylesAreContrastedOnTheCluster, lane: 2},
		{space: "hpa", tell: kubernetesScalesByCPU, lane: 3},
		{space: "config", tell: theAPIServerTakesWhatIsShipped, lane: 3},
		{space: "canary", tell: aCanaryGetsItsTenth, lane: 3},
		{space: "model", tell: aModelThatDoesNotLoad, lane: 3},
		{space: "policy", tell: onlyTheGatewayReachesAFunction, lane: 3},
		{space: "prometheus", tell: prometheusScrapesItAll, lane: 3},
		{space: "pod", tell: aPodIsKilled},
		{space: "crash", tell: theRuntimeCrashes},
		{space: "activator", tell: theActivatorRestarts},
		{space: "replica", tell: aGatewayEnds},
		{space: "node", tell: aNodeIsDrained},
		{space: "apiserver", tell: theAPIServerIsAway},
		{space: "helm", tell: helmInstallsUpgradesAndLeaves},
	}
	world.install(t)
	for rest := stories; len(rest) > 0; {
		n := 1
		for rest[0].lane != 0 && n < len(rest) && rest[n].lane != 0 {
			n++
		}
		var lanes sync.WaitGroup
		for _, lane := range byLane(rest[:n]) {
			lanes.Go(func() {
				for _, story := range lane {
					if world.Smoke && !story.smoke {
						continue
					}
					t.Run(story.space, func(t *testing.T) { world.Tell(t, story.space, story.tell) })
				}
			})
		}
		lanes.Wait()
		rest = rest[n:]
	}
}

// telling is a story and where it is told.
type telling struct {
	space string
	tell  func(*Story)
	smoke bool
	// lane is not zero where others may be told at the same time: those of other lanes.
	lane int
}

func byLane(stories []telling) [][]telling {
	lanes := map[int][]telling{}
	for _, story := range stories {
		lanes[story.lane] = append(lanes[story.lane], story)
	}
	return slices.Collect(maps.Values(lanes))
}
