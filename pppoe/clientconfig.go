package pppoe

import (
	"context"
	"errors"
	"time"

	"upppoe/ppp/session"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/discovery"
)

// ClientConfig is what a Client needs.
type ClientConfig struct {
	// Interface is the name of the Ethernet interface, for messages.
	Interface string
	// Listen opens the ports, anew for each dial: an interface may have gone
	// and come back. It must be set.
	Listen func() (Ports, error)
	// Discovery is which concentrator is wanted.
	Discovery discovery.ClientConfig
	// Session is what we want of PPP.
	Session session.Config
	// RemoteIDByAddr gives the peer the interface identifier of its Ethernet address
	// (Addr.InterfaceID) in place of Session.IPv6.Remote.
	RemoteIDByAddr bool
	// Authenticator judges the concentrator's proof; it must be set if
	// Session.LCP.Demand is.
	Authenticator Authenticator
	// Network is the network of this machine. It must be set.
	Network HostNetwork
	// MSS bounds the maximum segment size that TCP announces in either direction: a
	// larger one is lowered. Zero: to what fits the agreed MTU, which is 40 octets less
	// for IPv4 and 60 for IPv6. Positive: likewise, and to no more than this for IPv4,
	// and 20 less for IPv6, which makes packets of the same length. Negative: TCP is
	// left as it is.
	MSS int
	// NoRemoteAddress leaves a peer that tells no address of its own without one: 0.0.0.0 in
	// Configured. Else it is given one, of no meaning beyond the device, and
	// RemoteDefaulted tells so. It matters if Session.IPv4.Unnumbered is set.
	NoRemoteAddress bool
	// DataPath is how packets are moved. What a Host opens should go with it.
	DataPath datapath.Kind
	// Limits end a session by themselves.
	Limits Limits
	// ConnectDelay is how long PPP waits after discovery for the peer to begin;
	// zero: not at all.
	ConnectDelay time.Duration
	// Attach is a session that discovery has found already, somewhere else; nil: it is
	// to be found. It is for the first dial.
	Attach *StaleSession
	// Stale are sessions that an earlier run has left: each gets a PADT before the
	// first dial.
	Stale []StaleSession
	// Previous is what an earlier session had: the same addresses are asked for. The
	// zero value: any.
	Previous Addressing
	// AwaitTraffic waits until there is something to be carried: each dial comes after
	// it. It returns early when the context ends. Nil: dials are not waited for.
	AwaitTraffic func(context.Context)
	// Redial is what happens after a session has ended. The zero value: nothing.
	Redial Redial
	// Notify is told everything that happens, in order, from one goroutine. It
	// must not block, nor keep what it is given beyond the call. Nil: nobody is.
	Notify func(SessionInfo, Event)
	// Trace has Notify told of every control packet too.
	Trace bool
}

// check names the first field that is wrong, or must be set and is not.
func (c *ClientConfig) check() error {
	switch {
	case c.Listen == nil:
		return errors.New("pppoe: ClientConfig.Listen is not set: it opens the ports")
	case c.Network == nil:
		return errors.New("pppoe: ClientConfig.Host is not set: it opens the devices of sessions")
	case len(c.Session.LCP.AllowAuth) > 0 && c.Session.Credentials.Secret == nil:
		return errors.New("pppoe: ClientConfig.Session.LCP.Answer is set, and no Credentials.Secret to answer with")
	case len(c.Session.LCP.RequireAuth) > 0 && c.Authenticator == nil:
		return errors.New("pppoe: ClientConfig.Session.LCP.Demand is set, and no Authority to judge")
	}
	return c.Discovery.Check("ClientConfig.Discovery")
}
