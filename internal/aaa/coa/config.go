package coa

import (
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net/netip"
	"time"

	"upppoe/internal/aaa/radius"
	"upppoe/ppp/session"
	"upppoe/pppoe"
)

// Client may send requests.
type Client struct {
	Prefix netip.Prefix // its addresses
	Secret []byte
}

// Sessions is the part of a *pppoe.Server that requests need.
type Sessions interface {
	Sessions() iter.Seq[pppoe.SessionStatus]
	// Lookup returns the key of the session with a generation.
	Lookup(generation uint64) (pppoe.SessionKey, bool)
	Session(pppoe.SessionKey) (pppoe.SessionStatus, error)
	ChangePolicy(pppoe.SessionKey, func(*pppoe.SessionPolicy)) error
	Disconnect(pppoe.SessionKey, pppoe.DisconnectMode, session.Reason) error
}

// Config configures a Server. Clients, NAS, Policies and Sessions must be set.
type Config struct {
	Clients  []Client
	NAS      *radius.NAS
	Policies *radius.Policies
	Sessions Sessions
	// Window is by how much Event-Timestamp may differ from our clock, and how long a request is
	// remembered; default 5 min (RFC 5176 section 6.3).
	Window time.Duration
	// RequireTimestamp and RequireMessageAuthenticator drop requests without Event-Timestamp and
	// without Message-Authenticator, which RFC 5176 does not require.
	RequireTimestamp, RequireMessageAuthenticator bool
	Log                                           *slog.Logger
}

// ErrConfig reports an invalid Config (wrapped).
var ErrConfig = errors.New("RADIUS CoA")

const defaultWindow = 5 * time.Minute

func (c Config) withDefaults() (Config, error) {
	if len(c.Clients) == 0 {
		return c, fmt.Errorf("%w: Clients: give at least one", ErrConfig)
	}
	for _, one := range c.Clients {
		if !one.Prefix.IsValid() || len(one.Secret) == 0 {
			return c, fmt.Errorf("%w: Clients: %v: an address and a secret are needed", ErrConfig, one.Prefix)
		}
	}
	if c.Window == 0 {
		c.Window = defaultWindow
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c, nil
}
