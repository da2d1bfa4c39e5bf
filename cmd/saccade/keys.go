package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"github.com/seed45885407/saccade/gateway/access"
)

// keysCommand is saccade keys.
func keysCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "keys",
		Short: "Make API keys, and hashes of keys that are there already",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(keysNewCommand(), keysHashCommand())
	return cmd
}

// keysNewCommand is saccade keys new.
func keysNewCommand() *cobra.Command {
	var grant access.Grant
	var scopes []string
	var expires, file string
	cmd := &cobra.Command{
		Use:   "new NAME",
		Short: "Make an API key: what the gateway keeps of it, and the key itself, shown this once",
		Long: "New makes a key of 256 random bits. The entry for a keys file, which has the key's hash alone, goes to\n" +
			"the standard output, the key itself to the standard error. With --file the entry is added to that file,\n" +
			"and the key goes to the standard output:\n\n" +
			"    KEY=$(saccade keys new camera-7 --functions 'yolo*' --file keys.yaml)\n\n" +
			"A gateway that runs with that file takes the key within a second.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, scope := range scopes {
				grant.Scopes = append(grant.Scopes, access.Scope(scope))
			}
			key, text, err := access.NewKey(args[0], grant)
			if err != nil {
				return err
			}
			if key.NotAfter, err = parseExpiry(expires, time.Now()); err != nil {
				return err
			}
			entry, err := yaml.Marshal([]access.Key{key})
			if err != nil {
				return err
			}
			if file == "" {
				fmt.Fprintf(cmd.ErrOrStderr(), "the key, shown this once: %s\n", text)
				_, err = cmd.OutOrStdout().Write(entry)
				return err
			}
			if err := appendKey(file, entry); err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), text)
			return err
		},
	}
	f := cmd.Flags()
	f.StringSliceVar(&grant.Functions, "functions", nil, "`names` of the functions it may use, with * for any characters (default: all)")
	f.StringSliceVar(&scopes, "scopes", nil, "what it may do: detect, read, admin (default: detect,read)")
	f.Float64Var(&grant.Rate, "rate", 0, "most `requests` a second (0: no limit)")
	f.IntVar(&grant.Burst, "burst", 0, "most `requests` at once under --rate (0: one second's worth)")
	f.Int64Var(&grant.PerDay, "per-day", 0, "most `requests` of a day (0: no limit)")
	f.StringVar(&expires, "expires", "", "when the key ends: in a `time` such as 720h, or at 2027-01-31 or 2027-01-31T12:00:00Z (default: never)")
	f.StringVar(&file, "file", "", "add the entry to this keys `file`")
	return cmd
}

// parseExpiry reads when a key ends; empty is never.
func parseExpiry(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if d, err := time.ParseDuration(text); err == nil {
		if d <= 0 {
			return time.Time{}, fmt.Errorf("expires: %s is no time to come", text)
		}
		return now.Add(d).UTC().Truncate(time.Second), nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if at, err := time.Parse(layout, text); err == nil {
			if at.Before(now) {
				return time.Time{}, fmt.Errorf("expires: %s is over already", text)
			}
			return at.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("expires: %q is neither a time such as 720h nor a date such as 2027-01-31", text)
}

// appendKey adds an entry to a keys file. What is there is left as it is, comments
// included, and must be good together with the entry.
func appendKey(path string, entry []byte) error {
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if len(text) > 0 && !bytes.HasSuffix(text, []byte("\n")) {
		entry = append([]byte("\n"), entry...)
	}
	if _, err := access.ParseKeys(append(text, entry...)); err != nil {
		return fmt.Errorf("adding the key to %s: %w", path, err)
	}
	// One write at the end of the file, so that the gateway sees all of it or nothing.
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(entry)
	return errors.Join(err, f.Close())
}

// maxKeyLine bounds what keys hash reads.
const maxKeyLine = 4 << 10

// keysHashCommand is saccade keys hash.
func keysHashCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "hash",
		Short: "Read a key or a secret from the standard input and write its id and hash",
		Long: "Hash reads one line. Of a key (sk_saccade_ID_SECRET) it writes what the gateway keeps. A secret that a\n" +
			"person chose gets a new id, and a hash that makes guessing it dear (argon2id); its key, to be sent, is\n" +
			"sk_saccade_ID_ followed by the secret.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			line, err := io.ReadAll(io.LimitReader(cmd.InOrStdin(), maxKeyLine))
			if err != nil {
				return fmt.Errorf("reading the key: %w", err)
			}
			id, hash, err := access.HashKey(string(bytes.TrimRight(line, "\r\n")))
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "id: %s\nhash: %s\n", id, hash)
			return err
		},
	}
}
