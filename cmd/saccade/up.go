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
			tuneMemory()
			listener, err := net.Listen("tcp", cfg.Listen)
			if err != nil {
				return fmt.Errorf("listening: %w", err)
			}
			s, err := upStack(*cfg, slog.New(handler))
			if err != nil {
				listener.Close()
				return err
			}
			scheme := "http"
			if cfg.Access.TLS.CertFile != "" {
				scheme = "https"
			}
			fmt.Fprintf(cmd.OutOrStdout(), "saccade is up at %s://%s; interrupt to stop\n", scheme, listener.Addr())
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
	f.StringVar(&cfg.Jobs.Dir, "jobs-dir", cfg.Jobs.Dir, "`folder` where accepted requests are kept until they are done (default: saccade/jobs in the folder for state)")
	f.BoolVar(&cfg.Jobs.Off, "no-jobs", cfg.Jobs.Off, "take no requests to be done later")
	f.StringVar(&cfg.Record, "record", cfg.Record, "add a line for each request to this `file`: when it arrived, for which function, how long it was worked on")
	f.BoolVar(&logJSON, "log-json", false, "log as JSON")
	f.BoolVar(&verbose, "verbose", false, "log health checks and connection faults too")
	return cmd
}

// upStack is a stack that keeps jobs, also where nobody said where. A second gateway
// of the same user has no such place: it says so and goes without, since nobody has
// asked for it.
func upStack(cfg config.Saccade, log *slog.Logger) (*stack, error) {
	byDefault := cfg.Jobs.Dir == "" && cfg.Jobs.URL == "" && !cfg.Jobs.Off
	if byDefault {
		cfg.Jobs.Dir = config.JobsFolder()
	}
	s, err := newStack(cfg, log, nil)
	if byDefault && len(cfg.Sources) == 0 && isTaken(err) {
		log.Warn("requests are not taken to be done later: another gateway has the folder; give this one its own with --jobs-dir",
			"folder", cfg.Jobs.Dir)
		cfg.Jobs.Off = true
		s, err = newStack(cfg, log, nil)
	}
	return s, err
}
