package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"strings"
	"time"

	"github.com/nats-io/nuid"
	"github.com/spf13/cobra"

	"github.com/seed45885407/saccade/config"
	"github.com/seed45885407/saccade/gateway/events"
	"github.com/seed45885407/saccade/gateway/jobs"
	"github.com/seed45885407/saccade/samples"
)

// emitTimeout is how long a camera has to show a picture, and a sink to take it.
const emitTimeout = 10 * time.Second

// emitOptions are the flags of saccade emit.
type emitOptions struct {
	sink, source, subject, function string
	every                           time.Duration
	maxBytes                        int64
	overrides                       map[string]string
}

// emitCommand is saccade emit: a camera that knows where events go and nothing else.
func emitCommand(cfg *config.Saccade) *cobra.Command {
	var o emitOptions
	cmd := &cobra.Command{
		Use:   "emit [PICTURE...]",
		Short: "Send pictures as events to a sink, as a camera would: files, http(s) URLs, or the samples",
		Long: "Emit sends each picture as a CloudEvent of the type dev.saccade.detect.v1 to --sink or " + config.EnvSink + ", once, or\n" +
			"with --every one after the other until it is interrupted; a picture that is not sent then is told of, and not\n" +
			"sent again: the next one counts. Knative's SinkBinding sets " + config.EnvSink + " and " + config.EnvOverrides + ".",
		RunE: func(cmd *cobra.Command, pictures []string) (err error) {
			if !strings.HasPrefix(o.sink, "http://") && !strings.HasPrefix(o.sink, "https://") {
				return fmt.Errorf("%q is no address to send to: name one with --sink or %s", o.sink, config.EnvSink)
			}
			if o.overrides, err = jobs.ParseOverrides(os.Getenv(config.EnvOverrides)); err != nil {
				return fmt.Errorf("reading %s: %w", config.EnvOverrides, err)
			}
			o.maxBytes = cfg.MaxPictureBytes
			return emit(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr(), pictures, o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.sink, "sink", os.Getenv(config.EnvSink), "the `URL` that events are sent to ("+config.EnvSink+")")
	f.StringVar(&o.source, "source", "/cameras/saccade", "the events' source, a `URI reference`")
	f.StringVar(&o.subject, "subject", "", "the events' `subject` (default: none)")
	f.StringVarP(&o.function, "function", "f", "", "the `function` that is asked (default: what routes say)")
	f.DurationVar(&o.every, "every", 0, "send one picture each such `time` until interrupted (0: each picture once)")
	return cmd
}

// emit sends pictures, the samples where none is named.
func emit(ctx context.Context, stdout, stderr io.Writer, pictures []string, o emitOptions) error {
	read := func(name string) ([]byte, error) { return readPicture(ctx, name, o.maxBytes) }
	if len(pictures) == 0 {
		entries, err := samples.Pictures.ReadDir(".")
		if err != nil {
			return err
		}
		for _, e := range entries {
			pictures = append(pictures, e.Name())
		}
		read = samples.Pictures.ReadFile
	}
	one := func(name string) error {
		picture, err := read(name)
		if err != nil {
			return fmt.Errorf("reading %s: %w", name, err)
		}
		id, err := sendPicture(ctx, picture, o)
		if err != nil {
			return fmt.Errorf("sending %s: %w", path.Base(name), err)
		}
		fmt.Fprintf(stdout, "%s sent as %s\n", path.Base(name), id)
		return nil
	}
	if o.every <= 0 {
		var errs []error
		for _, name := range pictures {
			errs = append(errs, one(name))
		}
		return errors.Join(errs...)
	}
	tick := time.NewTicker(o.every)
	defer tick.Stop()
	for i := 0; ; i++ {
		if err := one(pictures[i%len(pictures)]); err != nil && ctx.Err() == nil {
			fmt.Fprintln(stderr, "saccade:", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// readPicture reads a file, or what an address shows now.
func readPicture(ctx context.Context, name string, most int64) ([]byte, error) {
	var body io.Reader
	if strings.HasPrefix(name, "http://") || strings.HasPrefix(name, "https://") {
		ctx, cancel := context.WithTimeout(ctx, emitTimeout)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, name, nil)
		if err != nil {
			return nil, err
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return nil, err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return nil, fmt.Errorf("the answer is %s", resp.Status)
		}
		body = resp.Body
	} else {
		file, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		body = file
	}
	picture, err := io.ReadAll(io.LimitReader(body, most+1))
	switch {
	case err != nil:
		return nil, err
	case int64(len(picture)) > most:
		return nil, fmt.Errorf("it has more than %d bytes", most)
	}
	return picture, nil
}

// sendPicture posts one event in binary mode and says its id.
func sendPicture(ctx context.Context, picture []byte, o emitOptions) (string, error) {
	media := http.DetectContentType(picture)
	if !strings.HasPrefix(media, "image/") {
		media = "application/octet-stream" // the gateway knows more kinds of pictures
	}
	event := events.Event{
		ID: nuid.Next(), Source: o.source, Type: "dev.saccade.detect.v1", Subject: o.subject,
		DataContentType: media, Time: time.Now().UTC(), Extensions: map[string]any{},
	}
	if o.function != "" {
		event.Extensions["function"] = o.function
	}
	for name, value := range o.overrides {
		event.Extensions[name] = value
	}
	ctx, cancel := context.WithTimeout(ctx, emitTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, o.sink, bytes.NewReader(picture))
	if err != nil {
		return "", err
	}
	event.SetHeader(req.Header)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		return "", fmt.Errorf("the sink answers %s", resp.Status)
	}
	return event.ID, nil
}
