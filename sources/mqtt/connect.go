package mqtt

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"

	"github.com/seed45885407/saccade/sources/intake"
)

// connectTime bounds one attempt to connect, and one packet's answer.
const connectTime = 10 * time.Second

// Connection is how to reach a broker.
type Connection struct {
	// URL is mqtt://HOST:PORT, or mqtts://HOST:PORT for TLS; the port is 1883 or 8883
	// where none is said. No credentials in it. Required.
	URL string `yaml:"url"`
	// TLS is of use with mqtts.
	TLS intake.TLS `yaml:"tls"`
	// User and Password are what the broker is shown. Default: nothing.
	User     string        `yaml:"user"`
	Password intake.Secret `yaml:"password"`
}

// Check finds all that is wrong.
func (c Connection) Check() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	u, err := url.Parse(c.URL)
	switch {
	case err != nil:
		fault("url: not a URL")
	case u.Scheme != "mqtt" && u.Scheme != "mqtts" || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "":
		fault("url: %q is not mqtt://HOST:PORT or mqtts://HOST:PORT", u.Redacted())
	case u.User != nil:
		fault("url: credentials do not belong in it; there are user and password")
	case u.Scheme == "mqtt" && c.TLS != intake.TLS{}:
		fault("tls: of no use with mqtt://; with TLS it is mqtts://")
	}
	if c.Password.IsSet() && c.User == "" {
		fault("password: of no user")
	}
	if err := c.Password.Check(); err != nil {
		fault("password: %w", err)
	}
	if err := c.TLS.Check(); err != nil {
		fault("tls: %w", err)
	}
	return errors.Join(faults...)
}

// host is the broker as events name it.
func (c Connection) host() string {
	u, err := url.Parse(c.URL)
	if err != nil {
		return ""
	}
	return u.Host
}

// config is what is common to those who read and those who publish. name is whom the
// hooks hear of.
func (c Connection) config(name string, hooks intake.Hooks) (autopaho.ClientConfig, error) {
	u, err := url.Parse(c.URL)
	if err != nil {
		return autopaho.ClientConfig{}, fmt.Errorf("reading the broker's URL: %w", err)
	}
	config, err := c.TLS.Config()
	if err != nil {
		return autopaho.ClientConfig{}, err
	}
	if _, err := c.Password.Read(); err != nil {
		return autopaho.ClientConfig{}, err
	}
	lost := func(err error) { hooks.Change(name, intake.Disconnected, err) }
	client := autopaho.ClientConfig{
		ServerUrls:     []*url.URL{u},
		KeepAlive:      30,
		ConnectTimeout: connectTime,
		ReconnectBackoff: func(attempt int) time.Duration {
			return min(intake.Wait(attempt), connectTime)
		},
		OnConnectError: lost,
		AttemptConnection: func(ctx context.Context, _ autopaho.ClientConfig, u *url.URL) (net.Conn, error) {
			return dial(ctx, u, config)
		},
		ConnectPacketBuilder: func(p *paho.Connect, _ *url.URL) (*paho.Connect, error) {
			if c.User == "" {
				return p, nil
			}
			password, err := c.Password.Read()
			p.UsernameFlag, p.Username = true, c.User
			p.PasswordFlag, p.Password = c.Password.IsSet(), []byte(password)
			return p, err
		},
	}
	client.PacketTimeout = connectTime
	client.OnClientError = lost
	client.OnServerDisconnect = func(d *paho.Disconnect) {
		if d.ReasonCode == packets.DisconnectSessionTakenOver {
			lost(errors.New("another client has come with the same client id"))
			return
		}
		lost(fmt.Errorf("the broker ended the connection, reason 0x%02x", d.ReasonCode))
	}
	return client, nil
}

// dial goes to the broker itself, whatever proxies the environment names.
func dial(ctx context.Context, u *url.URL, config *tls.Config) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTime)
	defer cancel()
	port := u.Port()
	if u.Scheme == "mqtt" {
		if port == "" {
			port = "1883"
		}
		return (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	}
	if port == "" {
		port = "8883"
	}
	conn, err := (&tls.Dialer{Config: config}).DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		return nil, err
	}
	return packets.NewThreadSafeConn(conn), nil
}

// builder makes the packet that opens a connection.
type builder = func(*paho.Connect, *url.URL) (*paho.Connect, error)

// connectWith is a builder that also sets properties.
func connectWith(before builder, set func(*paho.ConnectProperties)) builder {
	return func(p *paho.Connect, u *url.URL) (*paho.Connect, error) {
		p, err := before(p, u)
		if err != nil {
			return nil, err
		}
		if p.Properties == nil {
			p.Properties = &paho.ConnectProperties{}
		}
		set(p.Properties)
		return p, nil
	}
}
