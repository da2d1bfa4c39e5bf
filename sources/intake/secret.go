package intake

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
)

// Secret says where a secret is kept; it is never in the configuration itself. It is
// read whenever a connection is made, so that a new one counts without a restart.
type Secret struct {
	// File is a file that holds the secret; white space at its end does not count.
	File string `yaml:"file"`
	// Env is an environment variable that holds it.
	Env string `yaml:"env"`
}

// IsSet tells whether there is a secret.
func (s Secret) IsSet() bool { return s != Secret{} }

// Check finds a secret of two minds.
func (s Secret) Check() error {
	if s.File != "" && s.Env != "" {
		return errors.New("either file or env")
	}
	return nil
}

// Read returns the secret, "" where there is none.
func (s Secret) Read() (string, error) {
	switch {
	case s.File != "":
		text, err := os.ReadFile(s.File)
		if err != nil {
			return "", fmt.Errorf("reading a secret: %w", err)
		}
		return strings.TrimRight(string(text), " \t\r\n"), nil
	case s.Env != "":
		text, ok := os.LookupEnv(s.Env)
		if !ok {
			return "", fmt.Errorf("reading a secret: the environment has no %s", s.Env)
		}
		return text, nil
	}
	return "", nil
}

// TLS are the certificates of a connection, files in PEM. The broker's certificate is
// always verified.
type TLS struct {
	// CA are the authorities that the broker's certificate is verified with. Default:
	// the system's.
	CA string `yaml:"ca"`
	// Cert and Key are what the gateway shows the broker. Default: nothing.
	Cert string `yaml:"cert"`
	Key  string `yaml:"key"`
}

// Check finds half a pair.
func (t TLS) Check() error {
	if (t.Cert == "") != (t.Key == "") {
		return errors.New("cert and key come together")
	}
	return nil
}

// Config reads the files.
func (t TLS) Config() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if t.CA != "" {
		text, err := os.ReadFile(t.CA)
		if err != nil {
			return nil, fmt.Errorf("reading the authorities: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("reading the authorities: %s holds no certificate", t.CA)
		}
	}
	if t.Cert != "" {
		pair, err := tls.LoadX509KeyPair(t.Cert, t.Key)
		if err != nil {
			return nil, fmt.Errorf("reading the certificate: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}
