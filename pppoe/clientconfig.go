package pppoe

import (
	"context"
	"errors"
	"time"

	"upppoe/ppp/session"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/wire"
)

// ClientConfig configures a Client.
type ClientConfig struct {
	// Interface is the name of the Ethernet interface, for events and errors.
	Interface string
	// OpenPorts opens the ports. It is called for each dial, as the interface may have gone and
	// come back. It must be set.
	OpenPorts func() (Ports, error)
	// Discovery selects the concentrator and the service.
	Discovery discovery.ClientConfig
	// Session configures PPP: LCP, authentication, IPCP, IPv6CP.
	Session session.Config
	// RemoteIDByAddr assigns the peer the interface identifier of its Ethernet address
	// (wire.Addr.InterfaceID) instead of Session.IPv6.Remote.
	RemoteIDByAddr bool
	// Authenticator authenticates the concentrator. It must be set if Session.LCP.RequireAuth is.
	Authenticator Authenticator
	// Network configures the host's network. It must be set.
	Network HostNetwork
	// MSS limits the maximum segment size that TCP announces in either direction, in octets. Zero:
	// the agreed MTU minus 40 (IPv4) or 60 (IPv6). Positive: at most this for IPv4, and 20 less for
	// IPv6, and at most what fits the MTU. Negative: TCP segments are not changed.
	MSS int
	// NoRemoteAddress: a peer that negotiates no IPv4 address gets none, which is 0.0.0.0 in
	// Configured. By default it gets a placeholder, which RemoteDefaulted reports. It matters only
	// if Session.IPv4.Unnumbered is set.
	NoRemoteAddress bool
	// DataPath selects the engine; datapath.KindKernel also requires Ports.Offload. The devices
	// that Network opens must match it.
	DataPath datapath.Kind
	// Limits end a session by timeout or volume.
	Limits SessionLimits
	// ConnectDelay is how long PPP waits after discovery for the peer to begin; zero: it begins at
	// once.
	ConnectDelay time.Duration
	// Attach is a session that another program has discovered: the first dial uses it, without
	// discovery. Nil: none.
	Attach *AttachedSession
	// Record is called with the session each time that packets of an address family begin to flow, and with
	// nil when the session cannot be adopted until the next such call. It must not block. Nil: sessions
	// are not recorded.
	Record func(*AdoptableSession)
	// Adopt is a session of an earlier client that was killed: the first dial continues it, without
	// discovery and without a negotiation. If that is not possible, or the concentrator does not answer
	// an Echo-Request, the session gets a PADT, and the dial begins with discovery. Nil: none.
	Adopt *AdoptableSession
	// Stale are sessions that an earlier run has left open: each gets a PADT before the first dial.
	Stale []StaleSession
	// Previous is the addressing of an earlier session: the client requests the same addresses. The
	// zero value: any.
	Previous Addressing
	// AwaitTraffic blocks until there is traffic to be carried, or the context ends; it is called
	// before each dial (dial on demand). Nil: the client dials at once.
	AwaitTraffic func(context.Context)
	// Redial is what follows the end of a session or of a dial. The zero value: no redial.
	Redial Redial
	// Notify is called with each event, in order, by one goroutine at a time. It must not block,
	// nor keep what it is given after it returns. Nil: events are discarded.
	Notify func(SessionInfo, Event)
	// Trace makes every control packet an event.
	Trace bool
}

// AttachedSession identifies a session that exists at a concentrator.
type AttachedSession struct {
	SessionID uint16
	AC        wire.Addr
}

// check returns an error that names the first field that is wrong, or must be set and is not.
func (c *ClientConfig) check() error {
	switch {
	case c.OpenPorts == nil:
		return errors.New("pppoe: ClientConfig.OpenPorts is not set: it opens the ports")
	case c.Network == nil:
		return errors.New("pppoe: ClientConfig.Network is not set: it opens the devices of sessions")
	case len(c.Session.LCP.AllowAuth) > 0 && c.Session.Credentials.Secret == nil:
		return errors.New("pppoe: ClientConfig.Session.LCP.AllowAuth is set, but Session.Credentials.Secret is not")
	case len(c.Session.LCP.RequireAuth) > 0 && c.Authenticator == nil:
		return errors.New("pppoe: ClientConfig.Session.LCP.RequireAuth is set, but Authenticator is not")
	}
	return c.Discovery.Check("ClientConfig.Discovery")
}
