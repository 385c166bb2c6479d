package pppoe

import (
	"errors"
	"fmt"

	"upppoe/ppp/session"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/discovery"
)

// A Listener is one interface on which a Server answers.
type Listener struct {
	Interface string
	Ports     Ports
	// Reopen opens the ports anew, once the interface has gone and come back, or has another
	// Ethernet address. Nil: the server ends when the ports are lost.
	Reopen func() (Ports, error)
	// Device is the Ethernet interface by the name that Server.SetLinkState has for it; empty:
	// Interface, which may have VLAN tags beside it.
	Device string
}

// ServerConfig is what a Server needs.
type ServerConfig struct {
	// Concentrator is how the server presents itself. MaxPayload is taken from
	// each port.
	Concentrator discovery.ConcentratorConfig
	// Session is what the server wants of PPP. Of IPv4, Remote is set for each
	// session from Pool. A Patience of zero is 3 minutes, or more where LCP and
	// authentication may take more; below zero, clients may take any time.
	Session session.Config
	// RemoteIDByAddr gives each client the interface identifier of its Ethernet address: see
	// ClientConfig.RemoteIDByAddr.
	RemoteIDByAddr bool
	// MSS bounds the MSS of TCP that sessions carry: see ClientConfig.MSS.
	MSS int
	// Limits end sessions by themselves.
	Limits Limits
	// Policy are what a session is held to whose Decision has none. It is asked each time that
	// the network phase begins, with the Line's User; from the goroutine of an interface; it
	// must not block. nil: nothing.
	Policy func(SessionInfo) SessionPolicy
	// Pool has an address for each session, and so bounds their number. It must
	// be set.
	Pool Pool
	// KeepOlder refuses a session whose peer negotiates an IPv4 address that another session of
	// the server has. By default the newer session replaces the older: as after a power cut,
	// where the older one's peer is gone.
	KeepOlder bool
	// Authenticator judges proofs; it must be set if Session.LCP.Demand is.
	Authenticator Authenticator
	// Network is the network of this machine. It must be set.
	Network HostNetwork
	// DataPath is how packets are moved. What a Host opens should go with it.
	DataPath datapath.Kind
	// Notify is told everything that happens, for one line in order, from one
	// goroutine an interface. It must not block, nor keep what it is given beyond
	// the call. Nil: nobody is.
	Notify func(SessionInfo, Event)
	// Trace has Notify told of every control packet too.
	Trace bool
}

// check names the first field that is wrong, or must be set and is not.
func (c *ServerConfig) check(listeners []Listener) error {
	switch {
	case len(listeners) == 0:
		return errors.New("pppoe: a Server needs a Listener")
	case c.Pool.Max < 0 || c.Pool.Max > maxSessions:
		return fmt.Errorf("pppoe: ServerConfig.Pool.Max is %d, not within 0 and %d", c.Pool.Max, maxSessions)
	case c.Pool.MaxPerClient < 0:
		return fmt.Errorf("pppoe: ServerConfig.Pool.Each is %d, below 0", c.Pool.MaxPerClient)
	case c.Concentrator.ACName == "":
		return errors.New("pppoe: ServerConfig.Concentrator.ACName is not set: RFC 2516 wants one in each PADO")
	case c.Network == nil:
		return errors.New("pppoe: ServerConfig.Host is not set: it opens the devices of sessions")
	}
	return c.checkSessions()
}

// checkSessions is check for what Reconfigure may replace.
func (c *ServerConfig) checkSessions() error {
	switch {
	case len(c.Session.LCP.AllowAuth) > 0 && c.Session.Credentials.Secret == nil:
		return errors.New("pppoe: ServerConfig.Session.LCP.Answer is set, and no Credentials.Secret to answer with")
	case len(c.Session.LCP.RequireAuth) > 0 && c.Authenticator == nil:
		return errors.New("pppoe: ServerConfig.Session.LCP.Demand is set, and no Authority to judge")
	}
	return nil
}
