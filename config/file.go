package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"go.yaml.in/yaml/v3"
)

// maxFile bounds the configuration file.
const maxFile = 4 << 20

// Load reads the file at path over c: what the file does not name stays as it is.
// A field that does not exist is an error.
func (c *Saccade) Load(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("reading the configuration: %w", err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	switch {
	case err != nil:
		return fmt.Errorf("reading the configuration: %w", err)
	case len(text) > maxFile:
		return fmt.Errorf("reading the configuration: %s has more than %d bytes", path, maxFile)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(c); err != nil && !errors.Is(err, io.EOF) { // an empty file says nothing
		return fmt.Errorf("reading %s: %w", path, err)
	}
	if err := decoder.Decode(&struct{}{}); !errors.Is(err, io.EOF) {
		return fmt.Errorf("reading %s: there is more than one document", path)
	}
	return nil
}
