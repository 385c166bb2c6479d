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

// Rules are who may send requests, and what they mean. They can be replaced. Clients and Policies must be
// set.
type Rules struct {
	Clients  []Client
	Policies *radius.Policies
	// RequireTimestamp and RequireMessageAuthenticator drop requests without Event-Timestamp and
	// without Message-Authenticator, which RFC 5176 does not require.
	RequireTimestamp, RequireMessageAuthenticator bool
}

// Config configures a Server. NAS, Sessions and those of Rules must be set.
type Config struct {
	Rules
	NAS      *radius.NAS
	Sessions Sessions
	// Claim, if there is one, is called before the policy of a session changes, and claims what that is to have: what
	// others could have otherwise. The error says why the session cannot have it; then no session is changed. settle is
	// called when the policy has changed or, if it could not, has not: it gives back what the session does not have.
	Claim func(session pppoe.SessionKey, change func(*pppoe.SessionPolicy)) (settle func(changed bool), err error)
	// Window is by how much Event-Timestamp may differ from our clock, and how long a request is
	// remembered; default 5 min (RFC 5176 section 6.3).
	Window time.Duration
	Log    *slog.Logger
}

// ErrConfig reports an invalid Config (wrapped).
var ErrConfig = errors.New("RADIUS CoA")

const defaultWindow = 5 * time.Minute

func (r Rules) check() error {
	if len(r.Clients) == 0 {
		return fmt.Errorf("%w: Clients: give at least one", ErrConfig)
	}
	for _, one := range r.Clients {
		if !one.Prefix.IsValid() || len(one.Secret) == 0 {
			return fmt.Errorf("%w: Clients: %v: an address and a secret are needed", ErrConfig, one.Prefix)
		}
	}
	return nil
}

func (c Config) withDefaults() (Config, error) {
	if err := c.check(); err != nil {
		return c, err
	}
	if c.Window == 0 {
		c.Window = defaultWindow
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c, nil
}
