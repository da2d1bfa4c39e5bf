package main

import (
	"fmt"
	"log/slog"
	"net"

	"github.com/spf13/cobra"

	"github.com/seed45885407/saccade/config"
)

// upCommand is saccade up: gateway and local platform until interrupted.
func upCommand(cfg *config.Saccade) *cobra.Command {
	var logJSON, verbose bool
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Run the gateway with the local platform until interrupted",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			level := slog.LevelInfo
			if verbose {
				level = slog.LevelDebug
			}
			var handler slog.Handler = slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: level})
			if logJSON {
				handler = slog.NewJSONHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: level})
			}
			listener, err := net.Listen("tcp", cfg.Listen)
			if err != nil {
				return fmt.Errorf("listening: %w", err)
			}
			s, err := newStack(*cfg, slog.New(handler), nil)
			if err != nil {
				listener.Close()
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "saccade is up at http://%s; interrupt to stop\n", listener.Addr())
			return s.serve(cmd.Context(), listener, true)
		},
	}
	platformFlags(cmd, cfg)
	f := cmd.Flags()
	f.StringVar(&cfg.Listen, "listen", cfg.Listen, "`address` to listen on")
	f.Int64Var(&cfg.MaxPictureBytes, "max-picture-bytes", cfg.MaxPictureBytes, "most `bytes` of one picture")
	f.IntVar(&cfg.MaxWaiting, "max-waiting", cfg.MaxWaiting, "most `requests` of one function that wait for an instance")
	f.Int64Var(&cfg.MaxWaitingBytes, "max-waiting-bytes", cfg.MaxWaitingBytes, "most `bytes` of pictures held at a time")
	f.DurationVar(&cfg.Drain, "drain", cfg.Drain, "how long requests may take to finish when stopping")
	f.BoolVar(&logJSON, "log-json", false, "log as JSON")
	f.BoolVar(&verbose, "verbose", false, "log health checks and connection faults too")
	return cmd
}
