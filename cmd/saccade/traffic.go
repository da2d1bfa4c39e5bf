package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed45885407/saccade/client/render"
	"github.com/seed45885407/saccade/knative/deploy"
	"github.com/seed45885407/saccade/knative/traffic"
)

// trafficCommand is saccade traffic.
func trafficCommand() *cobra.Command {
	var cluster clusterFlags
	var format string
	var tags, untag []string
	cmd := &cobra.Command{
		Use:   "traffic NAME [REVISION=PERCENT ...]",
		Short: "Show or change how a function's requests on a cluster are shared between its revisions",
		Long: "Traffic without shares shows the revisions: what each gets, and its tags with their addresses.\n" +
			"With shares, which sum to 100, it changes the split. A revision is its name, a tag, or a word:\n" +
			"stable, the one that most requests go to now; canary, the newest that is ready, where that is\n" +
			"another; latest, whichever is the newest that is ready, now and later.\n\n" +
			"Exit codes: 0 shown or changed, 1 used wrongly or refused, 3 the cluster cannot be reached.",
		Example: "  saccade traffic yolo11n stable=90 canary=10\n" +
			"  saccade traffic yolo11n --tag next=canary        # POST /v1/functions/yolo11n@next/detect",
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			f, err := render.ParseFormat(format)
			if err != nil {
				return err
			}
			wish, err := wishOf(args[1:], tags, untag)
			if err != nil {
				return err
			}
			c, err := cluster.connect(cmd)
			if err != nil {
				return err
			}
			if len(wish.Shares)+len(wish.Tags)+len(wish.Untag) > 0 {
				if err := (&traffic.Runner{Cluster: c}).Set(cmd.Context(), args[0], wish); err != nil {
					return err
				}
			}
			s, err := c.Traffic(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return writeTraffic(cmd.OutOrStdout(), s, f, time.Now())
		},
	}
	cluster.add(cmd)
	flags := cmd.Flags()
	flags.StringArrayVar(&tags, "tag", nil, "give a revision an address of its own, NAME@TAG: `TAG=REVISION` (repeatable)")
	flags.StringArrayVar(&untag, "untag", nil, "take a `tag` away (repeatable)")
	flags.StringVarP(&format, "output", "o", string(render.Table), "table, json or ndjson")
	return cmd
}

// wishOf reads what is asked for.
func wishOf(shares, tags, untag []string) (wish traffic.Wish, err error) {
	wish.Untag = untag
	sum := 0
	for _, text := range shares {
		share, err := traffic.ParseShare(text)
		if err != nil {
			return wish, err
		}
		sum += share.Percent
		wish.Shares = append(wish.Shares, share)
	}
	if len(shares) > 0 && sum != 100 {
		return wish, fmt.Errorf("the shares sum to %d %%; they have to sum to 100", sum)
	}
	for _, text := range tags {
		tag, err := traffic.ParseTag(text)
		if err != nil {
			return wish, err
		}
		wish.Tags = append(wish.Tags, tag)
	}
	return wish, nil
}

// trafficLine is one target of the split as it is told.
type trafficLine struct {
	Revision string `json:"revision"`
	Percent  int    `json:"percent"`
	// Wanted is the percentage that was asked for, where the split does not hold yet.
	Wanted int    `json:"wanted_percent"`
	Tag    string `json:"tag,omitempty"`
	// Gateway is the tag's name in the gateway's addresses, URL its address in Knative.
	Gateway    string    `json:"gateway,omitempty"`
	URL        string    `json:"url,omitempty"`
	Created    time.Time `json:"created"`
	Ready      bool      `json:"ready"`
	Reason     string    `json:"reason,omitempty"`
	PodsReady  int       `json:"pods_ready"`
	PodsWanted int       `json:"pods_wanted"`
}

// trafficLines are the targets, by revision, the newest first; revisions that get nothing
// and have no tag too.
func trafficLines(s traffic.State) []trafficLine {
	var lines []trafficLine
	for _, r := range s.Revisions {
		line := trafficLine{
			Revision: r.Name, Percent: s.Percent(r.Name), Wanted: s.WantedPercent(r.Name), Created: r.Created,
			Ready: r.Ready, Reason: r.Reason, PodsReady: r.ReadyPods, PodsWanted: r.WantedPods,
		}
		tagged := false
		for _, t := range s.Targets {
			if t.Revision != r.Name || t.Tag == "" {
				continue
			}
			line.Tag, line.Gateway, line.URL = t.Tag, s.Function+"@"+t.Tag, t.URL
			lines = append(lines, line)
			line.Percent, line.Wanted, tagged = 0, 0, true // told once
		}
		if !tagged {
			lines = append(lines, line)
		}
	}
	return lines
}

func writeTraffic(w io.Writer, s traffic.State, f render.Format, now time.Time) error {
	lines := trafficLines(s)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	switch f {
	case render.JSON:
		e.SetIndent("", "  ")
		return e.Encode(lines)
	case render.NDJSON:
		for _, line := range lines {
			if err := e.Encode(line); err != nil {
				return err
			}
		}
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(t, "REVISION\tTRAFFIC\tTAG\tGATEWAY\tURL\tAGE\tREADY\tPODS\n")
	for _, l := range lines {
		share := fmt.Sprintf("%d %%", l.Percent)
		if l.Wanted != l.Percent {
			share += fmt.Sprintf(" -> %d %%", l.Wanted)
		}
		ready := "yes"
		if !l.Ready {
			ready = "no: " + strings.TrimSuffix(cmp.Or(l.Reason, "it starts"), ".")
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d/%d\n", l.Revision, share, orNone(l.Tag), orNone(l.Gateway), orNone(l.URL),
			age(now.Sub(l.Created)), ready, l.PodsReady, l.PodsWanted)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if r, is := s.Rollout(); is {
		fmt.Fprintf(w, "\nrollout of %s: %s", r.Canary, r.Phase)
		if r.Phase == traffic.Running {
			fmt.Fprintf(w, " at %d %%", r.Percent())
		}
		if r.Reason != "" {
			fmt.Fprintf(w, " (%s)", r.Reason)
		}
		fmt.Fprintln(w)
	}
	return nil
}

// age is how long something has been there, roughly.
func age(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%dd", int(d.Hours()/24))
	case d >= time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	case d >= time.Minute:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	}
	return fmt.Sprintf("%ds", int(max(0, d).Seconds()))
}

// runner carries rollouts out on a cluster, and tells of it.
func newRunner(cmd *cobra.Command, c *deploy.Cluster, gateways traffic.Gateways, namespace, key string) *traffic.Runner {
	began := time.Now()
	return &traffic.Runner{
		Cluster: c, Pods: c, Meter: traffic.Scraper{Gateways: gateways, Namespace: namespace, Key: key},
		Tell: func(line string) {
			fmt.Fprintln(cmd.OutOrStdout(), elapsed(time.Since(began)), "", line)
		},
	}
}
