package server

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"

	"upppoe/internal/ipv6/assign"
	"upppoe/internal/ipv6/netif"
)

// Config configures Run for one session. Device, Remote and Log must be set.
type Config struct {
	// Device is the session's interface, like ppp0. It is up and has our link-local address.
	Device string
	// Table is the routing table of the device's VRF, which gets the routes; 0: the main table.
	Table int
	// Remote is the peer's link-local address.
	Remote netip.Addr
	// Key identifies the subscriber, like a user name: the same key gets the same prefixes again if
	// they are free.
	Key string

	// Config is what is assigned.
	assign.Config
	// Fixed are assigned instead of prefixes of the pools; those that are not set are of the pools. One
	// that another session has is not assigned.
	Fixed assign.State
	// MTU is the link's, in octets, to advertise; 0: none.
	MTU int
	// Restored is what Keep was last called with in an earlier program, whose session this one continues; nil:
	// it is a new one. What another session has since is not restored.
	Restored []byte
	// Keep is called with what a successor needs of the session, when it may have changed. The octets may be
	// kept. nil: not called.
	Keep func([]byte)

	Log *slog.Logger
	// Notify is called with every change except of lifetimes alone; nil: not called. Run waits for
	// it to return.
	Notify func(assign.State)
}

// ErrConfig reports an invalid Config (wrapped).
var ErrConfig = assign.ErrConfig

// ErrLinkGone is the cancellation cause of Run's context if the session has ended: no final
// advertisement can be sent.
var ErrLinkGone = netif.ErrLinkGone

// ErrLeft is the cancellation cause of Run's context if a successor goes on with the session: its routes are
// left, and nothing is sent.
var ErrLeft = errors.New("a successor goes on with the session")

func (c *Config) check() error {
	switch {
	case c.Device == "":
		return fmt.Errorf("%w: no device is given", ErrConfig)
	case !c.Remote.Is6() || !c.Remote.IsLinkLocalUnicast():
		return fmt.Errorf("%w on %s: remote address %v is not link-local", ErrConfig, c.Device, c.Remote)
	}
	if err := c.Config.Check(); err != nil {
		return fmt.Errorf("%s: %w", c.Device, err)
	}
	if err := c.CheckFixed(c.Fixed); err != nil {
		return fmt.Errorf("%s: %w", c.Device, err)
	}
	return nil
}
