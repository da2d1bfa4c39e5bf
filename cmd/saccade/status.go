package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/seed45885407/saccade/client/render"
	"github.com/seed45885407/saccade/knative/deploy"
)

// statusCommand is saccade status.
func statusCommand() *cobra.Command {
	var cluster clusterFlags
	var format string
	var everywhere bool
	cmd := &cobra.Command{
		Use:   "status [NAME]",
		Short: "Show the functions on a cluster: ready, revisions, traffic, pods, address, and why one is not ready",
		Long: "Status tells of every function in a namespace, or of the one named. REVISION is the newest one\n" +
			"that is ready; where a newer one is not, it stands after an arrow, and REASON says what keeps it\n" +
			"from being ready.\n\n" +
			"Exit codes: 0 shown, 1 used wrongly or refused, 3 the cluster cannot be reached.",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			f, err := render.ParseFormat(format)
			if err != nil {
				return err
			}
			c, err := cluster.connect(cmd)
			if err != nil {
				return err
			}
			name := strings.Join(args, "")
			if everywhere {
				if name != "" || cluster.namespace != "" {
					return fmt.Errorf("--all-namespaces takes neither a name nor a namespace")
				}
				c = c.Everywhere()
			}
			list, err := c.Status(cmd.Context(), name)
			if err != nil {
				return err
			}
			return writeStatus(cmd.OutOrStdout(), list, f, everywhere)
		},
	}
	cluster.add(cmd)
	cmd.Flags().StringVarP(&format, "output", "o", string(render.Table), "table, json or ndjson")
	cmd.Flags().BoolVarP(&everywhere, "all-namespaces", "A", false, "the functions of every namespace")
	return cmd
}

func writeStatus(w io.Writer, list []deploy.Status, f render.Format, everywhere bool) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	switch f {
	case render.JSON:
		e.SetIndent("", "  ")
		return e.Encode(list)
	case render.NDJSON:
		for _, s := range list {
			if err := e.Encode(s); err != nil {
				return err
			}
		}
		return nil
	}
	if len(list) == 0 {
		_, err := fmt.Fprintln(w, "no functions")
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	head := "FUNCTION\tREADY\tREVISION\tTRAFFIC\tPODS\tADDRESS\tREASON\n"
	if everywhere {
		head = "NAMESPACE\t" + head
	}
	fmt.Fprint(t, head)
	for _, s := range list {
		if everywhere {
			fmt.Fprint(t, s.Namespace+"\t")
		}
		ready := "no"
		if s.Ready {
			ready = "yes"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%d/%d\t%s\t%s\n",
			s.Function, ready, revisionCell(s), trafficCell(s), s.PodsReady, s.PodsWanted, orNone(s.URL), orNone(s.Reason))
	}
	return t.Flush()
}

// revisionCell is the revision that is ready, and the newer one that is not.
func revisionCell(s deploy.Status) string {
	short := func(revision string) string { return orNone(strings.TrimPrefix(revision, s.Function+"-")) }
	if s.LatestReady == s.LatestCreated {
		return short(s.LatestReady)
	}
	return short(s.LatestReady) + " -> " + short(s.LatestCreated)
}

func trafficCell(s deploy.Status) string {
	var parts []string
	for _, t := range s.Traffic {
		part := strings.TrimPrefix(t.Revision, s.Function+"-")
		if t.Percent > 0 {
			part += fmt.Sprintf("=%d%%", t.Percent)
		}
		if t.Tag != "" {
			part += "@" + t.Tag
		}
		parts = append(parts, part)
	}
	return orNone(strings.Join(parts, " "))
}

func orNone(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
