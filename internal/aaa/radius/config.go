package radius

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"time"
)

// Server is a RADIUS server.
type Server struct {
	Addr   netip.AddrPort
	Secret []byte // shared with it
}

// ClientConfig configures a Client. A zero field stands for the default. Servers must be set.
type ClientConfig struct {
	// Servers are tried in order, those that answered last before those that did not.
	Servers []Server
	// LoadShare begins with another server for each request, in turn.
	LoadShare bool
	// Timeout is how long to wait for the answer to one transmission; default 1 s,
	// doubled for each retransmission.
	Timeout time.Duration
	// Transmissions is how often a request is sent to one server; default 3.
	Transmissions int
	// DeadTime is how long a server that did not answer gets no requests while another answers; then
	// one request, or a Status-Server request, tests it. Default 30 s.
	DeadTime time.Duration
	// StatusServer tests a server that did not answer by Status-Server (RFC 5997), not by a request.
	StatusServer bool
	// MaxOutstanding is how many requests wait for an answer at a time; default 1024. More wait in a
	// queue of MaxQueued; default 8192.
	MaxOutstanding, MaxQueued int
	// Source is the address to send from; invalid: as the host's routes say.
	Source netip.Addr
	// Log gets a line when a server stops answering, and when it answers again.
	Log *slog.Logger
	// Listen opens a socket; nil: a UDP socket.
	Listen func(local netip.AddrPort) (Socket, error)
}

// ErrConfig reports an invalid configuration (wrapped).
var ErrConfig = errors.New("RADIUS")

// Defaults of a ClientConfig.
const (
	defaultTimeout        = time.Second
	defaultTransmissions  = 3
	defaultDeadTime       = 30 * time.Second
	defaultMaxOutstanding = 1024
	defaultMaxQueued      = 8192
)

// withDefaults returns the configuration with its defaults, or ErrConfig, which names the field.
func (c ClientConfig) withDefaults() (ClientConfig, error) {
	fail := func(format string, args ...any) (ClientConfig, error) {
		return c, fmt.Errorf("%w: %s", ErrConfig, fmt.Sprintf(format, args...))
	}
	if len(c.Servers) == 0 {
		return fail("Servers: give at least one server")
	}
	for _, s := range c.Servers {
		switch {
		case !s.Addr.IsValid() || s.Addr.Port() == 0 || s.Addr.Addr().IsUnspecified():
			return fail("Servers: %v: give an address and a port, like 192.0.2.1:1812", s.Addr)
		case len(s.Secret) == 0:
			return fail("Servers: %v has no secret", s.Addr)
		case c.Source.IsValid() && c.Source.Is4() != s.Addr.Addr().Is4():
			return fail("Source: %v is not of the address family of server %v", c.Source, s.Addr)
		}
	}
	for _, f := range []struct {
		name           string
		value          *int
		standard, most int
	}{
		{"Transmissions", &c.Transmissions, defaultTransmissions, 100},
		{"MaxOutstanding", &c.MaxOutstanding, defaultMaxOutstanding, 1 << 16},
		{"MaxQueued", &c.MaxQueued, defaultMaxQueued, 1 << 20},
	} {
		if *f.value == 0 {
			*f.value = f.standard
		}
		if *f.value < 1 || *f.value > f.most {
			return fail("%s is %d: give 1 to %d", f.name, *f.value, f.most)
		}
	}
	for _, f := range []struct {
		name     string
		value    *time.Duration
		standard time.Duration
	}{{"Timeout", &c.Timeout, defaultTimeout}, {"DeadTime", &c.DeadTime, defaultDeadTime}} {
		if *f.value == 0 {
			*f.value = f.standard
		}
		if *f.value < 0 || *f.value > time.Hour {
			return fail("%s is %v: give up to 1h", f.name, *f.value)
		}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Listen == nil {
		c.Listen = listenUDP
	}
	return c, nil
}
