package main

import (
	"cmp"
	"os"

	"github.com/spf13/cobra"

	"github.com/seed45885407/saccade/client"
	"github.com/seed45885407/saccade/client/render"
	"github.com/seed45885407/saccade/config"
)

// whyCommand is saccade functions why. It asks a gateway that runs: one brought up for
// the question would have decided nothing yet.
func whyCommand() *cobra.Command {
	var format, gateway string
	var asJSON bool
	var last int
	cmd := &cobra.Command{
		Use:   "why NAME",
		Short: "Tell why a function has as many instances as it has: the newest decisions, each with its reason",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if asJSON {
				format = string(render.JSON)
			}
			f, err := render.ParseFormat(format)
			if err != nil {
				return err
			}
			c, err := client.New(cmp.Or(gateway, os.Getenv(config.EnvGateway), "http://"+config.DefaultListen), client.Options{Key: os.Getenv(config.EnvAPIKey)})
			if err != nil {
				return err
			}
			defer c.Close()
			list, err := c.Decisions(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if last > 0 {
				list = list[max(0, len(list)-last):]
			}
			return render.Decisions(cmd.OutOrStdout(), list, render.Options{Format: f, Color: colors(cmd)})
		},
	}
	flags := cmd.Flags()
	flags.IntVarP(&last, "last", "n", 20, "how many `decisions` are shown (0: all that are remembered)")
	flags.StringVarP(&format, "output", "o", string(render.Table), "table, json or ndjson")
	flags.BoolVar(&asJSON, "json", false, "the same as -o json")
	flags.StringVar(&gateway, "gateway", "", "the gateway's `URL` ("+config.EnvGateway+")")
	return cmd
}
