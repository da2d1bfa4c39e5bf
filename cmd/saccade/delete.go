package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed45885407/saccade/knative/deploy"
)

// deleteCommand is saccade delete.
func deleteCommand() *cobra.Command {
	var cluster clusterFlags
	var wait bool
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "delete NAME",
		Short: "Remove a function from a cluster, with its revisions and pods",
		Long: "Delete removes a function that saccade deployed: its Knative Service and its network policy.\n" +
			"Requests that are being answered are finished. A Service of that name which saccade does not\n" +
			"manage is refused and left as it is.\n\n" +
			"Exit codes: 0 deleted, 1 used wrongly or refused, 2 pods are left after --timeout (with --wait),\n" +
			"3 the cluster cannot be reached.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := cluster.connect(cmd)
			if err != nil {
				return err
			}
			return c.Delete(cmd.Context(), args[0], deploy.DeleteOptions{
				Wait: wait, Timeout: timeout,
				Tell: func(text string) { fmt.Fprintln(cmd.OutOrStdout(), text) },
			})
		},
	}
	cluster.add(cmd)
	cmd.Flags().BoolVar(&wait, "wait", false, "wait until no pod is left")
	cmd.Flags().DurationVar(&timeout, "timeout", deploy.DefaultTimeout, "how long --wait waits")
	return cmd
}
