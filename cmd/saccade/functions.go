package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/seed45885407/saccade/client"
	"github.com/seed45885407/saccade/client/render"
	"github.com/seed45885407/saccade/config"
)

// functionsCommand is saccade functions, and the parent of add.
func functionsCommand(cfg *config.Saccade) *cobra.Command {
	var format, gateway string
	cmd := &cobra.Command{
		Use:   "functions",
		Short: "List the functions: model, family, state, instances, last cold start",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			f, err := render.ParseFormat(format)
			if err != nil {
				return err
			}
			return withGateway(cmd, *cfg, gateway, func(ctx context.Context, c *client.Client) error {
				list, err := c.Functions(ctx)
				if err != nil {
					return err
				}
				return render.Functions(cmd.OutOrStdout(), list, render.Options{Format: f, Color: colors(cmd)})
			})
		},
	}
	platformFlags(cmd, cfg)
	cmd.Flags().StringVarP(&format, "output", "o", string(render.Table), "table, json or ndjson")
	cmd.Flags().StringVar(&gateway, "gateway", "", "the gateway's `URL` ("+config.EnvGateway+")")
	cmd.AddCommand(addCommand(cfg), whyCommand())
	return cmd
}
