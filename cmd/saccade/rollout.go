package main

import (
	"errors"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed45885407/saccade/config"
	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/knative/traffic"
)

// rolloutCommand is saccade rollout.
func rolloutCommand() *cobra.Command {
	var cluster clusterFlags
	var plan traffic.Plan
	var guard, gatewayNamespace string
	var gateways []string
	var every, patience time.Duration
	var resume, abort bool
	cmd := &cobra.Command{
		Use:   "rollout NAME",
		Short: "Roll a function's newest revision out in steps, forward or back by what the gateways measure",
		Long: "Rollout gives the newest revision a growing share of the requests and looks at each step by the\n" +
			"gateways' own metrics. Where a guard is broken all requests go back to the stable revision. Keep\n" +
			"the split where it is before you deploy what is to be rolled out: saccade traffic NAME stable=100.\n" +
			"Where the new revision finds no GPU beside the old one, requests wait while they change places.\n\n" +
			"Ctrl-C leaves the split as it is; --resume goes on from there and --abort ends it.\n\n" +
			"Exit codes: 0 rolled out or aborted, 1 used wrongly, refused or interrupted, 2 it went back,\n" +
			"3 the cluster cannot be reached.",
		Example: "  saccade rollout yolo11n --steps 5,25,50,100 --every 60s --guard 'p99=300ms,errors=1%,p99<=1.2x'",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if plan.Guards, err = traffic.ParseGuards(guard); err != nil {
				return err
			}
			plan.Every, plan.Patience = functions.Duration(every), functions.Duration(patience)
			if plan, err = plan.WithDefaults(); err != nil {
				return err
			}
			c, err := cluster.connect(cmd)
			if err != nil {
				return err
			}
			s, err := c.Traffic(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			var pages traffic.Gateways = c.Gateways(gatewayNamespace)
			if len(gateways) > 0 {
				pages = traffic.Addresses{URLs: gateways}
			}
			r := newRunner(cmd, c, pages, s.Namespace, os.Getenv(config.EnvAPIKey))
			switch {
			case abort:
				err = r.Abort(cmd.Context(), args[0])
			case resume:
				err = r.Resume(cmd.Context(), args[0])
			default:
				err = r.Start(cmd.Context(), args[0], plan)
			}
			if _, back := errors.AsType[*traffic.Returned](err); back {
				return &exit{exitNotReady, err}
			}
			return err
		},
	}
	cluster.add(cmd)
	flags := cmd.Flags()
	flags.IntSliceVar(&plan.Steps, "steps", []int{5, 25, 50, 100}, "the new revision's `percentages`, the last 100")
	flags.DurationVar(&every, "every", time.Minute, "how long each step is looked at")
	flags.StringVar(&guard, "guard", "", "what it has to keep: `p99=300ms,errors=1%,cold=4s,refused=5%`, or p99<=1.2x for so many times the stable revision's")
	flags.Uint64Var(&plan.Samples, "samples", 20, "the fewest `requests` to judge by")
	flags.DurationVar(&patience, "patience", 0, "how long a step may last that has fewer (default: 5 times --every)")
	flags.StringVar(&plan.Idle, "idle", traffic.IdleStop, "what happens then: `go` on to the next step, or stop and go back")
	flags.BoolVar(&resume, "resume", false, "go on with a rollout that was interrupted")
	flags.BoolVar(&abort, "abort", false, "end a rollout: all requests go to the stable revision")
	flags.StringArrayVar(&gateways, "gateway", nil, "ask the gateway at that `URL` (repeatable; default: those on the cluster, through the API server)")
	flags.StringVar(&gatewayNamespace, "gateway-namespace", "", "the `namespace` of the gateways (default: saccade-system)")
	cmd.MarkFlagsMutuallyExclusive("resume", "abort")
	return cmd
}
