// Command saccade is the gateway, the local platform and the command line to
// both. It receives a command and its flags; each command is a file beside this
// one. It is pure Go: what needs ONNX Runtime is the saccade-runtime program that
// it starts.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/seed45885407/saccade/config"
)

// version is set by the build.
var version = "devel"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	if err != nil {
		if !errors.Is(err, errSaid) {
			fmt.Fprintln(os.Stderr, "saccade:", err)
		}
		os.Exit(exitCode(err))
	}
}

// errSaid is a failure that has been told to the user already.
var errSaid = errors.New("failed")

// run is the program without its process.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	cfg, err := configuration(args)
	if err != nil {
		return err
	}
	root := &cobra.Command{
		Use:           "saccade",
		Short:         "Serverless object detection: functions that sleep at zero and wake in tens of milliseconds",
		Version:       version,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
	}
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.PersistentFlags().String("config", "", "configuration `file`; flags count before it ("+config.EnvConfig+")") // see configuration
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(upCommand(&cfg), demoCommand(&cfg), detectCommand(&cfg), emitCommand(&cfg), explainCommand(&cfg),
		functionsCommand(&cfg), modelsCommand(&cfg), configCommand(), keysCommand(), costsCommand(),
		contrastCommand(&cfg), tracesCommand(&cfg),
		gatewayCommand(&cfg), renderCommand(&cfg), deployCommand(&cfg), statusCommand(), logsCommand(), deleteCommand(),
		trafficCommand(), rolloutCommand(), rollbackCommand())
	return root.ExecuteContext(ctx)
}

// configuration is what environment and file say, before the flags do: they are
// declared with it as their defaults.
func configuration(args []string) (config.Saccade, error) {
	cfg := config.Default()
	flags := pflag.NewFlagSet("configuration", pflag.ContinueOnError)
	flags.ParseErrorsAllowlist.UnknownFlags = true
	flags.Usage = func() {}
	flags.SetOutput(io.Discard)
	file := flags.String("config", os.Getenv(config.EnvConfig), "")
	_ = flags.Parse(args) // what is wrong is said by the command
	if *file == "" {
		return cfg, nil
	}
	return cfg, cfg.Load(*file)
}

// platformFlags are the flags of every command that may bring the platform up.
func platformFlags(cmd *cobra.Command, cfg *config.Saccade) {
	f := cmd.Flags()
	f.StringArrayVar(&cfg.Functions, "functions", cfg.Functions, "`folder` with one folder a function, beside the shipped ones (repeatable; "+config.EnvFunctions+")")
	f.StringVar(&cfg.Cache, "cache", cfg.Cache, "`folder` for models and optimised graphs ("+config.EnvCache+")")
	f.StringVar(&cfg.Runtime, "runtime", cfg.Runtime, "the saccade-runtime `program` (default: beside this one, or in PATH; "+config.EnvRuntime+")")
	f.StringVar(&cfg.ModelMirror, "model-mirror", cfg.ModelMirror, "`folder or URL` where model files are looked for first ("+config.EnvModelMirror+")")
	f.IntVar(&cfg.MaxInstances, "max-instances", cfg.MaxInstances, "most `instances` of one function (0: as many as keep every CPU busy)")
	f.StringArrayVar(&cfg.FetchAllow, "fetch-allow", cfg.FetchAllow, "private `host, address or network` that pictures may be fetched from (repeatable)")
	f.StringArrayVar(&cfg.FetchDeny, "fetch-deny", cfg.FetchDeny, "`host, address or network` that pictures are never fetched from (repeatable)")
}
