package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/seed45885407/saccade/config"
)

// configCommand is saccade config.
func configCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "config", Short: "Check a configuration file", Args: cobra.NoArgs}
	cmd.AddCommand(&cobra.Command{
		Use:   "check FILE",
		Short: "Say all that is wrong with a configuration file",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg := config.Default()
			if err := cfg.Load(args[0]); err != nil {
				return err
			}
			if err := cfg.Validate(); err != nil {
				return fmt.Errorf("in %s:\n%w", args[0], err)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s is sound\n", args[0])
			return nil
		},
	})
	return cmd
}
