package main

import (
	"cmp"
	"os"

	"github.com/spf13/cobra"

	"github.com/seed45885407/saccade/client"
	"github.com/seed45885407/saccade/client/render"
	"github.com/seed45885407/saccade/config"
)

// costsCommand is saccade costs. It asks a gateway that runs: one brought up for
// the question would have cost nothing yet.
func costsCommand() *cobra.Command {
	var format, gateway, key string
	var query client.CostQuery
	cmd := &cobra.Command{
		Use:   "costs",
		Short: "Show what functions and callers have cost: billed, idle and wasted time apart",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			f, err := render.ParseFormat(format)
			if err != nil {
				return err
			}
			if cmd.Flags().Changed("key") {
				query.Key = &key
			}
			c, err := client.New(cmp.Or(gateway, os.Getenv(config.EnvGateway), "http://"+config.DefaultListen), client.Options{Key: os.Getenv(config.EnvAPIKey)})
			if err != nil {
				return err
			}
			defer c.Close()
			report, err := c.Costs(cmd.Context(), query)
			if err != nil {
				return err
			}
			return render.Costs(cmd.OutOrStdout(), report, render.Options{Format: f, Color: colors(cmd)})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&query.Since, "since", "", "begin at that `time` (2026-01-31T12:00:00Z) or so long ago (90m); default: since the gateway runs")
	flags.StringVar(&query.Function, "function", "", "only that `function`")
	flags.StringVar(&key, "key", "", "only that caller, by its key's `name`; empty: callers without one")
	flags.StringVarP(&format, "output", "o", string(render.Table), "table, json or ndjson")
	flags.StringVar(&gateway, "gateway", "", "the gateway's `URL` ("+config.EnvGateway+")")
	return cmd
}
