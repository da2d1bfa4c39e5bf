package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/seed45885407/saccade/config"
	"github.com/seed45885407/saccade/knative/deploy"
)

// deployCommand is saccade deploy.
func deployCommand(cfg *config.Saccade) *cobra.Command {
	var cluster clusterFlags
	var rendering renderFlags
	var o deploy.Options
	cmd := &cobra.Command{
		Use:   "deploy NAME|DIR",
		Short: "Bring a function to a cluster with Knative, and tell its way until it is ready",
		Long: "Deploy applies what saccade render writes, on the API server's side. With --wait it tells each\n" +
			"change until the function is ready, and where it does not become so, what the failing pod says;\n" +
			"the revision before serves on.\n\n" +
			"Exit codes: 0 applied (with --wait: ready), 1 used wrongly or refused, 2 failed or not ready in\n" +
			"time, 3 the cluster cannot be reached.",
		Example: "  saccade deploy centernet --wait\n  saccade deploy ./birds -n wildlife --dry-run",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := cluster.connect(cmd)
			if err != nil {
				return err
			}
			objects, err := rendering.objects(cmd, *cfg, args[0], c.Namespace())
			if err != nil {
				return err
			}
			o.Tell = func(line deploy.Line) {
				fmt.Fprintln(cmd.OutOrStdout(), elapsed(line.After), "", line.Text)
			}
			return c.Deploy(cmd.Context(), objects, o)
		},
	}
	cluster.add(cmd)
	rendering.add(cmd, cfg)
	f := cmd.Flags()
	f.BoolVar(&o.Wait, "wait", false, "wait until the function is ready, or cannot become so")
	f.DurationVar(&o.Timeout, "timeout", deploy.DefaultTimeout, "how long --wait waits")
	f.BoolVar(&o.DryRun, "dry-run", false, "let the cluster check what would be applied, and change nothing")
	f.BoolVar(&o.ForceConflicts, "force-conflicts", false, "take fields over that another has set on the cluster")
	return cmd
}
