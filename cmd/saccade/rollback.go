package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/seed45885407/saccade/knative/traffic"
)

// rollbackCommand is saccade rollback.
func rollbackCommand() *cobra.Command {
	var cluster clusterFlags
	var to string
	cmd := &cobra.Command{
		Use:   "rollback NAME",
		Short: "Give all of a function's requests on a cluster back to an earlier revision, at once",
		Long: "Rollback goes to the revision that the newest rollout began from, or else to the newest one that\n" +
			"is ready before the one that has most requests now. A rollout that is under way ends with it.\n\n" +
			"Exit codes: 0 rolled back, 1 used wrongly or refused, 3 the cluster cannot be reached.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := cluster.connect(cmd)
			if err != nil {
				return err
			}
			r := &traffic.Runner{Cluster: c, Pods: c}
			revision, err := r.Rollback(cmd.Context(), args[0], to)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "all requests of %s go to %s\n", args[0], revision)
			return err
		},
	}
	cluster.add(cmd)
	cmd.Flags().StringVar(&to, "to", "", "that `revision`, or the one of that tag")
	return cmd
}
