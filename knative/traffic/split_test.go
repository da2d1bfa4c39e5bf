package traffic

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/functions"
)

func TestASplitIsMadeOfNames(t *testing.T) {
	tagged := Target{Revision: "eye-00001", Tag: "old", URL: "http://old-eye.vision.example"}
	kept := Target{Revision: "eye-00001", Tag: "old"}
	for _, tt := range []struct {
		name    string
		change  func(*State)
		wish    Wish
		want    []Target
		refused string
	}{
		{
			"stable and canary are the one with most requests and the newest", nil,
			Wish{Shares: []Share{{"stable", 90}, {"canary", 10}}},
			[]Target{{Revision: "eye-00001", Percent: 90}, {Revision: "eye-00002", Percent: 10}},
			"",
		},
		{"revisions by name", nil, Wish{Shares: []Share{{"eye-00002", 100}}}, []Target{{Revision: "eye-00002", Percent: 100}}, ""},
		{
			"a revision by its tag, and the tag stays", func(s *State) { s.Wanted, s.Targets = append(s.Wanted, tagged), append(s.Targets, tagged) },
			Wish{Shares: []Share{{"old", 30}, {"canary", 70}}},
			[]Target{{Revision: "eye-00001", Percent: 30}, {Revision: "eye-00002", Percent: 70}, kept},
			"",
		},
		{"the latest stays the latest", nil, Wish{Shares: []Share{{"latest", 100}}}, []Target{{Latest: true, Percent: 100}}, ""},
		{"a share of nothing is no target", nil, Wish{Shares: []Share{{"stable", 100}, {"canary", 0}}}, []Target{{Revision: "eye-00001", Percent: 100}}, ""},
		{
			"a tag leaves the shares as they are", nil,
			Wish{Tags: []Tag{{"next", "canary"}}},
			[]Target{{Revision: "eye-00001", Percent: 100}, {Revision: "eye-00002", Tag: "next"}},
			"",
		},
		{
			"a tag moves", func(s *State) { s.Wanted = append(s.Wanted, kept) },
			Wish{Tags: []Tag{{"old", "eye-00002"}}},
			[]Target{{Revision: "eye-00001", Percent: 100}, {Revision: "eye-00002", Tag: "old"}},
			"",
		},
		{
			"a tag is taken away", func(s *State) { s.Wanted = append(s.Wanted, kept) },
			Wish{Untag: []string{"old"}},
			[]Target{{Revision: "eye-00001", Percent: 100}},
			"",
		},
		{
			"a tag on what has a share too", func(s *State) { s.Wanted = []Target{{Revision: "eye-00001", Percent: 100, Tag: "old"}} },
			Wish{},
			[]Target{{Revision: "eye-00001", Percent: 100}, kept},
			"",
		},
		{
			"a split that was never asked for is Knative's own", func(s *State) { s.Wanted = nil },
			Wish{Tags: []Tag{{"old", "stable"}}},
			[]Target{{Latest: true, Percent: 100}, kept},
			"",
		},
		{"too little", nil, Wish{Shares: []Share{{"stable", 90}, {"canary", 5}}}, nil, "sum to 95"},
		{"nobody", nil, Wish{Shares: []Share{{"eye-00009", 100}}}, nil, "its revisions are eye-00002, eye-00001"},
		{"twice the same", nil, Wish{Shares: []Share{{"stable", 50}, {"eye-00001", 50}}}, nil, "has a share already"},
		{"no canary", func(s *State) { s.LatestReady = "eye-00001" }, Wish{Shares: []Share{{"canary", 100}}}, nil, "has no canary"},
		{
			"not ready", func(s *State) { s.Revisions[0].Ready, s.Revisions[0].Reason = false, "The image is not there." },
			Wish{Shares: []Share{{"eye-00002", 100}}},
			nil, "eye-00002 is not ready and can get no requests: The image is not there",
		},
		{"a tag that is not there", nil, Wish{Untag: []string{"old"}}, nil, "has no tag"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := two(t).state
			if tt.change != nil {
				tt.change(&s)
			}
			got, err := Split(s, tt.wish)
			if tt.refused != "" {
				if err == nil || !strings.Contains(err.Error(), tt.refused) || functions.KindOf(err) == functions.Internal {
					t.Fatalf("got %+v, %v; want %q", got, err, tt.refused)
				}
				return
			}
			if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
				t.Errorf("%v\n%s", err, diff)
			}
		})
	}
}

func TestStableIsTheNewerOfTwoThatGetAsMany(t *testing.T) {
	s := two(t).state
	s.Targets = []Target{{Revision: "eye-00001", Percent: 50}, {Revision: "eye-00002", Percent: 50}}
	if got := s.Stable(); got != "eye-00002" {
		t.Errorf("stable is %s", got)
	}
}

func TestWhatIsNoShareOrTagIsRefused(t *testing.T) {
	for _, text := range []string{"", "stable", "stable=", "=5", "stable=101", "stable=-1", "stable=1.5", "stable=x"} {
		if share, err := ParseShare(text); err == nil {
			t.Errorf("%q is the share %+v", text, share)
		}
	}
	for _, text := range []string{"", "next", "next=", "canary=eye-1", "Next=eye-1", "1st=eye-1", "a_b=eye-1", strings.Repeat("a", 41) + "=eye-1"} {
		if tag, err := ParseTag(text); err == nil {
			t.Errorf("%q is the tag %+v", text, tag)
		}
	}
	if share, err := ParseShare("eye-00001=10%"); err != nil || share != (Share{"eye-00001", 10}) {
		t.Errorf("%+v, %v", share, err)
	}
}

func TestTheStrategyIsTheCardsUnlessItIsSaid(t *testing.T) {
	for _, tt := range []struct {
		gpu        bool
		said, want string
	}{{false, "", StrategySteps}, {true, "", StrategySwap}, {true, StrategySteps, StrategySteps}, {false, StrategySwap, StrategySwap}} {
		s := State{GPU: tt.gpu, Annotations: map[string]string{StrategyAnnotation: tt.said}}
		if got := s.Strategy(); got != tt.want {
			t.Errorf("%+v: %s", tt, got)
		}
	}
}
