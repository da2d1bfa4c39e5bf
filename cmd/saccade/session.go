package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"

	"github.com/spf13/cobra"

	"github.com/seed45885407/saccade/client"
	"github.com/seed45885407/saccade/config"
	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/gateway/access"
)

// withGateway calls use with a client of the gateway that runs: the one named by
// flag or environment, or the one at the default address. Where neither was named
// and none runs, it brings gateway and platform up for the time of the call.
func withGateway(cmd *cobra.Command, cfg config.Saccade, named string, use func(ctx context.Context, c *client.Client) error) error {
	ctx := cmd.Context()
	if named == "" {
		named = os.Getenv(config.EnvGateway)
	}
	base := named
	if base == "" {
		base = "http://" + config.DefaultListen
	}
	c, err := client.New(base, client.Options{Key: os.Getenv(config.EnvAPIKey)})
	if err != nil {
		return err
	}
	defer c.Close()
	switch _, err := c.Functions(ctx); {
	case err == nil:
		return use(ctx, c)
	case named != "":
		return err
	case !errors.Is(err, client.ErrNoGateway) && ctx.Err() == nil:
		return fmt.Errorf("what listens at %s is no gateway (name yours with --gateway): %w", base, err)
	}
	return withOwn(ctx, cfg, quiet(cmd), nil, func(ctx context.Context, c *client.Client, _ *stack) error {
		return use(ctx, c)
	})
}

// withOwn brings gateway and platform up on a port of their own, calls use and
// takes them down again.
func withOwn(ctx context.Context, cfg config.Saccade, log *slog.Logger, change func(*functions.Function),
	use func(ctx context.Context, c *client.Client, s *stack) error,
) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	// Nobody else is to come in, and nothing is left for later.
	cfg.Drift = config.Drift{Off: true}
	cfg.Listen, cfg.Access, cfg.Jobs, cfg.Sources, cfg.Sinks, cfg.Record = listener.Addr().String(), access.Options{}, config.Jobs{Off: true}, nil, nil, ""
	s, err := newStack(cfg, log, change)
	if err != nil {
		listener.Close()
		return err
	}
	c, err := client.New("http://"+listener.Addr().String(), client.Options{Key: os.Getenv(config.EnvAPIKey)})
	if err != nil {
		return err
	}
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	served := make(chan error, 1)
	go func() { served <- s.serve(serving, listener, false) }()
	err = use(ctx, c, s)
	c.Close()
	stop()
	return errors.Join(err, <-served)
}

// quiet is the log of a command that is no server: only what a user should know.
func quiet(cmd *cobra.Command) *slog.Logger {
	return slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{
		Level: slog.LevelWarn,
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	}))
}
