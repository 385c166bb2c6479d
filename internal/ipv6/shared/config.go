package shared

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"upppoe/internal/ipv6/assign"
	"upppoe/ppp/ipv6cp"
)

// DefaultInterval is the default of assign.Config.Interval in a Service, the longest that RFC 4861
// allows: tens of thousands of links have no news.
const DefaultInterval = 30 * time.Minute

// Config configures a Service, which knows sessions by keys. A key must not be used again for another
// session. Send and Log must be set. The functions are called from the goroutine of Service.Run,
// one at a time, and must not block.
type Config[K comparable] struct {
	// Config is what is assigned.
	assign.Config
	// Send sends an IPv6 packet to a session's peer. The packet is valid until Send returns.
	Send func(key K, packet []byte)
	// Assigned is called with what a session's peer has, once after each Up, and before the peer is
	// sent any change. before is what it had at the last call. It is not called after Down, except
	// if that is called at the same time; the caller of Down then takes back what the peer
	// had. nil: not called.
	Assigned func(key K, state, before assign.State)
	// Keep is called with what a successor needs of a session, each time that it changes: see
	// Link.Restored. The octets may be kept. nil: not called.
	Keep func(key K, state []byte)
	Log  *slog.Logger
}

// Link is a session whose IPv6CP is open.
type Link struct {
	// Local and Remote are the negotiated interface identifiers (RFC 5072). They must not be 0.
	Local, Remote ipv6cp.ID
	// MTU is the largest packet that the peer receives, in octets, which is advertised; 0: unknown,
	// not advertised, and nothing larger than 1280 is sent.
	MTU int
	// Subscriber identifies the subscriber, like a user name: the same subscriber gets the same
	// prefixes again if they are free.
	Subscriber string
	// Fixed are assigned instead of prefixes of the pools; nil: none. A prefix that another session
	// has of a pool is not assigned until it is free. Those that are of no pool must not be those of
	// another session.
	Fixed *assign.State
	// Choice names the pools; of one that does not exist nothing is assigned.
	Choice assign.Choice
	// Restored is what Config.Keep was called with in an earlier program, whose session this one continues:
	// the peer keeps its prefixes, its leases, and the advertisements that it had; nil: nothing.
	Restored []byte
}

// fixed returns Fixed, or nothing.
func (l *Link) fixed() assign.State {
	if l.Fixed == nil {
		return assign.State{}
	}
	return *l.Fixed
}

// minMTU is the smallest MTU of an IPv6 link (RFC 8200 section 5).
const minMTU = 1280

var (
	// ErrLink reports an invalid Link (wrapped).
	ErrLink = errors.New("IPv6 link")
	// ErrFunctions reports a Config without Send or Log.
	ErrFunctions = errors.New("IPv6 service: Send and Log must be set")
)

func (c *Config[K]) check() error {
	if c.Send == nil || c.Log == nil {
		return ErrFunctions
	}
	if c.Interval == 0 {
		c.Interval = DefaultInterval
	}
	return c.Config.Check()
}

// check rejects what cannot be served.
func (l *Link) check(cfg *assign.Config) error {
	switch {
	case l.Local == ipv6cp.ID{} || l.Remote == ipv6cp.ID{} || l.Local == l.Remote:
		return fmt.Errorf("%w: interface identifiers %x and %x are not two different ones", ErrLink, l.Local, l.Remote)
	case l.MTU != 0 && (l.MTU < minMTU || l.MTU > 0xffff):
		return fmt.Errorf("%w: MTU %d is not from %d to 65535", ErrLink, l.MTU, minMTU)
	case l.Fixed != nil:
		if err := cfg.CheckFixed(*l.Fixed); err != nil {
			return fmt.Errorf("%w: %w", ErrLink, err)
		}
	}
	return nil
}
