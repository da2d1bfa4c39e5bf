package traffic

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestASwapGoesOnByWhatItSees(t *testing.T) {
	ready, broken := Revision{Name: "new", Ready: true, Pods: 1}, Revision{Name: "new", Failed: true, Pods: 1, Reason: "It crashes."}
	givenUp := Revision{Name: "new", Failed: true, Reason: "No pod can be scheduled."}
	waits := Revision{Name: "new", Pods: 1, Unschedulable: "Insufficient nvidia.com/gpu"}
	old, gone := Revision{Name: "old", Ready: true, Pods: 1}, Revision{Name: "old", Ready: true}
	for _, tt := range []struct {
		name  string
		phase SwapPhase
		seen  SwapSeen
		next  SwapPhase
		act   Act
	}{
		{"requests are held, then pods go", Holding, SwapSeen{Old: old, New: waits}, Emptying, ActRest},
		{"it waits for the last pod", Emptying, SwapSeen{Old: old, New: waits}, Emptying, ActNone},
		{"the card is free", Emptying, SwapSeen{Old: gone, New: waits}, Starting, ActNone},
		{"there was another card", Emptying, SwapSeen{Old: old, New: ready}, Moving, ActMove},
		{"the old one does not go", Emptying, SwapSeen{Old: old, New: waits, Held: maxEmptying + 1}, SwappedIn, ActRestore},
		{"it waits for the new one", Starting, SwapSeen{Old: gone, New: waits, Held: time.Minute}, Starting, ActNone},
		{"one that was given up for want of the card is made once more", Starting, SwapSeen{Old: gone, New: givenUp}, Starting, ActRenew},
		{"one that crashes at once has the card, and is given a moment", Starting, SwapSeen{Old: gone, New: broken, Held: time.Second}, Starting, ActNone},
		{"the new one is up", Starting, SwapSeen{Old: gone, New: ready}, Moving, ActMove},
		{"the new one crashes", Starting, SwapSeen{Old: gone, New: broken, Held: time.Minute}, Leaving, ActEvict},
		{"the new one takes too long", Starting, SwapSeen{Old: gone, New: waits, Held: maxStarting + 1}, Leaving, ActEvict},
		{"it waits for the split", Moving, SwapSeen{Old: gone, New: ready}, Moving, ActNone},
		{"the split holds", Moving, SwapSeen{Old: gone, New: ready, Moved: true}, SwapDone, ActFlow},
		{"it waits for the new one to go", Leaving, SwapSeen{Old: gone, New: broken}, Leaving, ActNone},
		{"the new one is gone", Leaving, SwapSeen{Old: gone, New: Revision{Name: "new"}}, SwappedIn, ActRestore},
	} {
		t.Run(tt.name, func(t *testing.T) {
			next, act := Swap{Phase: tt.phase}.Next(tt.seen)
			if next.Phase != tt.next || act != tt.act {
				t.Errorf("%s, %s; want %s, %s", next.Phase, act, tt.next, tt.act)
			}
		})
	}
}

// card is a cluster with one GPU: a revision that may rest gives it up after a while,
// and one that waits for it starts when it is free.
type card struct {
	*cluster
	bad     bool // the new revision does not come up
	given   bool // Knative has given it up before the card is free
	resting map[string]time.Time
	since   time.Time // the card is free
}

func oneCard(t *testing.T) *card {
	c := &card{cluster: two(t), resting: map[string]time.Time{}}
	c.state.GPU, c.state.LatestReady = true, "eye-00001"
	*c.revision("eye-00002") = Revision{Name: "eye-00002", Pods: 1, WantedPods: 1, Unschedulable: "0/1 nodes are available: 1 Insufficient nvidia.com/gpu."}
	c.onRead = func(*cluster) { c.pass() }
	return c
}

// pass is what has happened meanwhile. The cluster is locked.
func (c *card) pass() {
	for name, at := range c.resting {
		if r := c.revision(name); time.Since(at) > 12*time.Second {
			r.Pods, r.ReadyPods = 0, 0
		}
	}
	newest := c.revision(c.state.LatestCreated)
	free := !slices.ContainsFunc(c.state.Revisions, func(r Revision) bool { return r.Name != newest.Name && r.ReadyPods > 0 })
	if _, rests := c.resting[newest.Name]; !free || rests || newest.Ready {
		c.since = time.Time{}
		return
	}
	if c.since.IsZero() {
		c.since = time.Now()
	}
	newest.Unschedulable = ""
	switch up := time.Since(c.since) > 15*time.Second; {
	case up && c.bad:
		newest.Failed, newest.Reason = true, "The model cannot be read."
	case up && !newest.Failed:
		newest.Ready, newest.Pods, newest.ReadyPods = true, 1, 1
		c.state.LatestReady = newest.Name
	}
}

func (c *card) Rest(ctx context.Context, function, revision string) error {
	c.mu.Lock()
	if _, rests := c.resting[revision]; !rests {
		c.resting[revision] = time.Now()
	}
	c.mu.Unlock()
	return c.cluster.Rest(ctx, function, revision)
}

func (c *card) Rouse(ctx context.Context, function, revision string) error {
	c.mu.Lock()
	delete(c.resting, revision)
	c.mu.Unlock()
	return c.cluster.Rouse(ctx, function, revision)
}

func (c *card) Renew(ctx context.Context, function, attempt string) error {
	c.mu.Lock()
	c.state.Revisions = append([]Revision{{Name: "eye-00003", Pods: 1, WantedPods: 1}}, c.state.Revisions...)
	c.revision("eye-00002").Pods = 0
	c.state.LatestCreated, c.since = "eye-00003", time.Time{}
	c.mu.Unlock()
	return c.cluster.Renew(ctx, function, attempt)
}

func TestOnOneCardTheRevisionsChangePlaces(t *testing.T) {
	for _, tt := range []struct {
		name  string
		with  func(*card)
		owner string
		calls []string
		says  string // of a swap that went back
	}{
		{"the new one takes the card", func(*card) {}, "eye-00002", []string{"rest eye-00001", "rouse eye-00001"}, ""},
		{
			"the new one does not come up", func(c *card) { c.bad = true }, "eye-00001",
			[]string{"rest eye-00001", "rest eye-00002", "rouse eye-00001"},
			"eye-00002 does not come up: The model cannot be read",
		},
		{
			"the new one had been given up", func(c *card) { c.given = true }, "eye-00003",
			[]string{"rest eye-00001", "renew eye-00002", "rouse eye-00001"},
			"",
		},
		{"a third comes in between", func(c *card) {
			at := time.Now()
			c.onRead = func(*cluster) {
				if c.pass(); time.Since(at) > 5*time.Second && len(c.state.Revisions) == 2 {
					c.state.Revisions = append([]Revision{{Name: "eye-00003", Unschedulable: "Insufficient"}}, c.state.Revisions...)
					c.state.LatestCreated = "eye-00003"
				}
			}
		}, "eye-00001", []string{"rest eye-00001", "rest eye-00002", "rouse eye-00001"}, "eye-00003 was deployed in the middle of the swap"},
		{"the cluster is away now and then", func(c *card) {
			n := 0
			c.onRead = func(*cluster) {
				c.pass()
				if n++; n%5 == 0 {
					c.away = 2
				}
			}
		}, "eye-00002", []string{"rest eye-00001", "rouse eye-00001"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := oneCard(t)
				tt.with(c)
				if c.given {
					pass := c.onRead
					c.onRead = func(k *cluster) {
						pass(k)
						if old := c.revision("eye-00002"); c.state.LatestCreated == old.Name && c.revision("eye-00001").Pods == 0 {
							old.Failed, old.Ready, old.Unschedulable, old.Reason = true, false, "", "It was not ready in time."
							old.Pods = 0 // Knative lets go of it
						}
					}
				}
				err := (&Runner{Cluster: c, Pods: c}).Start(t.Context(), "eye", Plan{})
				back, returned := errors.AsType[*Returned](err)
				if returned != (tt.says != "") || !returned && err != nil {
					t.Fatalf("it ended with %v; told %q", err, c.calls)
				}
				if returned && !strings.Contains(back.Error(), tt.says) {
					t.Errorf("it says %v; want %q", back, tt.says)
				}
				if diff := cmp.Diff(tt.calls, c.calls); diff != "" {
					t.Error(diff)
				}
				if got := c.state.Percent(tt.owner); got != 100 {
					t.Errorf("%s has %d %%: %+v", tt.owner, got, c.state.Targets)
				}
				for _, name := range []string{DrainAnnotation, RenewedAnnotation} {
					if drain, is := c.state.Annotations[name]; is {
						t.Errorf("requests are held still: %s is %q", name, drain)
					}
				}
				if _, rests := c.resting[tt.owner]; rests {
					t.Errorf("%s is to go to zero", tt.owner)
				}
				phase := map[bool]Phase{true: Back, false: Done}[returned]
				if r := c.rollout(); r.Phase != phase || r.Canary != map[bool]string{true: "eye-00002", false: tt.owner}[returned] {
					t.Errorf("kept: %+v", r)
				}
			})
		})
	}
}

func TestRequestsAreHeldForAsLongAsNobodyCouldAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := oneCard(t)
		pass := c.onRead
		c.onRead = func(k *cluster) {
			pass(k)
			if c.state.Annotations[DrainAnnotation] != "true" && c.revision("eye-00001").ReadyPods == 0 &&
				(c.revision("eye-00002").ReadyPods == 0 || c.state.Percent("eye-00002") != 100) {
				t.Errorf("requests flow to %s while nobody has the card", k.state.Stable())
			}
		}
		if err := (&Runner{Cluster: c, Pods: c}).Start(t.Context(), "eye", Plan{}); err != nil {
			t.Fatal(err)
		}
	})
}

// Gateways let requests go where nobody says for too long that they are to be held.
func TestAHoldIsRenewedForAsLongAsItLasts(t *testing.T) {
	for _, tt := range []struct {
		name string
		away int // calls that fail of every twenty
	}{{"", 0}, {"while the cluster is away now and then", 5}} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := oneCard(t)
				began, said, changed, longest := time.Now(), "", time.Time{}, time.Duration(0)
				reads := 0
				c.onRead = func(*cluster) {
					if reads++; reads%20 == 0 {
						c.away = tt.away
					}
					if c.pass(); time.Since(began) < 8*time.Minute { // the model is large
						if newest := c.revision(c.state.LatestCreated); newest.Ready {
							newest.Ready, newest.Pods, newest.ReadyPods = false, 1, 0
							c.state.LatestReady = "eye-00001"
						}
					}
					now := c.state.Annotations[RenewedAnnotation]
					if (now == "") != (c.state.Annotations[DrainAnnotation] == "") {
						t.Errorf("one annotation without the other: %q", c.state.Annotations)
					}
					if said != "" {
						longest = max(longest, time.Since(changed))
					}
					if now != said {
						said, changed = now, time.Now()
					}
				}
				if err := (&Runner{Cluster: c, Pods: c}).Start(t.Context(), "eye", Plan{}); err != nil {
					t.Fatal(err)
				}
				if time.Since(began) < 8*time.Minute || longest < renewEvery/2 || longest > drainLease/2 {
					t.Errorf("over after %v, renewed after %v at most; a gateway waits %v", time.Since(began), longest, drainLease)
				}
			})
		})
	}
}

func TestAnInterruptedSwapGoesOnOrBack(t *testing.T) {
	for _, tt := range []struct {
		name  string
		then  func(*Runner, context.Context, string) error
		owner string
	}{
		{"on", (*Runner).Resume, "eye-00002"},
		{"back", (*Runner).Abort, "eye-00001"},
	} {
		for _, after := range []time.Duration{time.Second, 5 * time.Second, 20 * time.Second} {
			synctest.Test(t, func(t *testing.T) {
				c := oneCard(t)
				var lines told
				r := &Runner{Cluster: c, Pods: c, Tell: lines.tell}
				ctx, interrupt := context.WithCancel(t.Context())
				time.AfterFunc(after, interrupt)
				if err := r.Start(ctx, "eye", Plan{}); !errors.Is(err, ErrLeft) || !lines.has("may still be held") {
					t.Fatalf("%v, %q", err, lines.lines)
				}
				if err := tt.then(r, t.Context(), "eye"); err != nil {
					t.Fatalf("%s after %v: %v", tt.name, after, err)
				}
				if c.state.Percent(tt.owner) != 100 || c.state.Annotations[DrainAnnotation] != "" {
					t.Errorf("%s after %v: %+v, %q", tt.name, after, c.state.Targets, c.state.Annotations)
				}
			})
		}
	}
}
