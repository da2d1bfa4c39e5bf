package nats

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	natsgo "github.com/nats-io/nats.go"

	"github.com/seed45885407/saccade/sources/intake"
)

// Connection is how to reach NATS.
type Connection struct {
	// URL is nats://HOST:PORT or tls://HOST:PORT, or several of one cluster with commas
	// between. No credentials in it. Required.
	URL string `yaml:"url"`
	// TLS is of use with tls:// and where the server asks for TLS.
	TLS intake.TLS `yaml:"tls"`
	// Credentials is a .creds file with a user's JWT and key. Default: none.
	Credentials string `yaml:"credentials"`
	// User and Password, or Token alone. Default: none.
	User     string        `yaml:"user"`
	Password intake.Secret `yaml:"password"`
	Token    intake.Secret `yaml:"token"`
}

// Check finds all that is wrong.
func (c Connection) Check() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	for text := range strings.SplitSeq(c.URL, ",") {
		u, err := url.Parse(text)
		switch {
		case err != nil:
			fault("url: not a URL")
		case u.Scheme != "nats" && u.Scheme != "tls" || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "":
			fault("url: %q is not nats://HOST:PORT or tls://HOST:PORT", u.Redacted())
		case u.User != nil:
			fault("url: credentials do not belong in it; there are credentials, user with password, and token")
		}
	}
	ways := 0
	for _, set := range []bool{c.Credentials != "", c.User != "" || c.Password.IsSet(), c.Token.IsSet()} {
		if set {
			ways++
		}
	}
	if ways > 1 {
		fault("credentials, user and token: one of them")
	}
	if c.Password.IsSet() && c.User == "" {
		fault("password: of no user")
	}
	for name, err := range map[string]error{"tls": c.TLS.Check(), "password": c.Password.Check(), "token": c.Token.Check()} {
		if err != nil {
			fault("%s: %w", name, err)
		}
	}
	return errors.Join(faults...)
}

// host is the broker as the sources of events name it: the first of the cluster.
func (c Connection) host() string {
	first, _, _ := strings.Cut(c.URL, ",")
	u, err := url.Parse(first)
	if err != nil {
		return ""
	}
	return u.Host
}

// connect returns at once; the connection comes when it comes, and again whenever it
// is lost. name is whom the hooks hear of.
func (c Connection) connect(name string, hooks intake.Hooks) (*natsgo.Conn, error) {
	config, err := c.TLS.Config()
	if err != nil {
		return nil, err
	}
	options := []natsgo.Option{
		natsgo.Name("saccade " + name),
		natsgo.RetryOnFailedConnect(true),
		natsgo.MaxReconnects(-1),
		natsgo.IgnoreAuthErrorAbort(), // secrets may be renewed under us
		natsgo.CustomReconnectDelay(func(attempts int) time.Duration { return min(intake.Wait(attempts), 10*time.Second) }),
		natsgo.ConnectHandler(func(*natsgo.Conn) { hooks.Change(name, intake.Connected, nil) }),
		natsgo.ReconnectHandler(func(*natsgo.Conn) { hooks.Change(name, intake.Connected, nil) }),
		natsgo.ReconnectErrHandler(func(_ *natsgo.Conn, err error) { hooks.Change(name, intake.Disconnected, err) }),
		natsgo.DisconnectErrHandler(func(_ *natsgo.Conn, err error) {
			if err != nil { // nil: we closed it
				hooks.Change(name, intake.Disconnected, err)
			}
		}),
		natsgo.ErrorHandler(func(_ *natsgo.Conn, _ *natsgo.Subscription, err error) { hooks.Change(name, intake.Failing, err) }),
	}
	if c.TLS != (intake.TLS{}) {
		options = append(options, natsgo.Secure(config))
	}
	switch {
	case c.Credentials != "":
		if _, err := os.Stat(c.Credentials); err != nil {
			return nil, fmt.Errorf("reading credentials: %w", err)
		}
		options = append(options, natsgo.UserCredentials(c.Credentials))
	case c.User != "":
		if _, err := c.Password.Read(); err != nil {
			return nil, err
		}
		options = append(options, natsgo.UserInfoHandler(func() (string, string) {
			return c.User, readAgain(c.Password, name, hooks)
		}))
	case c.Token.IsSet():
		if _, err := c.Token.Read(); err != nil {
			return nil, err
		}
		options = append(options, natsgo.TokenHandler(func() string { return readAgain(c.Token, name, hooks) }))
	}
	conn, err := natsgo.Connect(c.URL, options...)
	if err != nil {
		return nil, fmt.Errorf("connecting to NATS: %w", err)
	}
	return conn, nil
}

// readAgain reads a secret for another connection, which fails where there is none.
func readAgain(secret intake.Secret, name string, hooks intake.Hooks) string {
	text, err := secret.Read()
	if err != nil {
		hooks.Change(name, intake.Failing, err)
	}
	return text
}
