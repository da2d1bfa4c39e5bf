package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/seed45885407/saccade/knative/deploy"
)

// logsCommand is saccade logs.
func logsCommand() *cobra.Command {
	var cluster clusterFlags
	var o deploy.LogOptions
	cmd := &cobra.Command{
		Use:   "logs NAME",
		Short: "Show what a function's pods log on a cluster, each line after its pod's name",
		Long: "Logs shows the log of every pod of a function. With --follow it goes on with the pods that come,\n" +
			"for a function at zero has none.\n\n" +
			"Exit codes: 0 shown, 1 used wrongly or refused, 3 the cluster cannot be reached.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch o.Container {
			case deploy.ContainerRuntime, deploy.ContainerModel, deploy.ContainerQueue:
			default:
				return fmt.Errorf("there is no container %q; there are %s, %s and %s",
					o.Container, deploy.ContainerRuntime, deploy.ContainerModel, deploy.ContainerQueue)
			}
			c, err := cluster.connect(cmd)
			if err != nil {
				return err
			}
			pods, err := c.Logs(cmd.Context(), args[0], cmd.OutOrStdout(), o)
			if err == nil && pods == 0 && !o.Follow {
				fmt.Fprintf(cmd.ErrOrStderr(), "%s has no pods now\n", args[0])
			}
			return err
		},
	}
	cluster.add(cmd)
	f := cmd.Flags()
	f.BoolVarP(&o.Follow, "follow", "f", false, "go on with what comes, and with the pods that come")
	f.StringVar(&o.Revision, "revision", "", "only the pods of that `revision`")
	f.StringVarP(&o.Container, "container", "c", deploy.ContainerRuntime, "runtime, model (the init container of --delivery init) or queue-proxy")
	f.IntVar(&o.Tail, "tail", 100, "how many `lines` of each pod are shown at first (-1: all)")
	f.DurationVar(&o.Since, "since", 0, "leave out what is older than that `time`, for example 10m (0: nothing)")
	return cmd
}
