package pppoe

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"upppoe/ppp/session"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/vlan"
)

// Listener is an attachment on which a Server answers.
type Listener struct {
	Interface string // for events and errors; may have VLAN tags appended
	Ports     Ports
	// Reopen opens the ports again after the interface was gone, or its Ethernet address has
	// changed. Nil: the server ends when the ports are lost.
	Reopen func() (Ports, error)
	// VLANs are the VLANs that are served; frames of others are dropped. They need the Ports of a
	// trunk (afpacket.OpenTrunkQueues). Empty: the Ports have one VLAN.
	VLANs vlan.Set
	// Device is the Ethernet interface's name in calls of Server.SetInterfaceState; empty: the same
	// as Interface.
	Device string
}

// isTrunk reports whether the frames of the ports have their tags.
func (l Listener) isTrunk() bool { return l.Ports.PayloadMTU != nil }

func (l Listener) isMismatched() bool { return l.isTrunk() == l.VLANs.IsEmpty() }

// serves reports whether frames of a VLAN, given by the tags in band, are served.
func (l Listener) serves(in vlan.Stack) bool {
	if l.VLANs.IsEmpty() {
		return in == vlan.Stack{}
	}
	return l.VLANs.Contains(in)
}

// ServerConfig configures a Server.
type ServerConfig struct {
	// Concentrator configures discovery. Its MaxPayload is overwritten with each port's, and CookieKey with a key
	// that is derived from it for each Listener.Interface. A successor with the same CookieKey accepts a PADR that
	// answers a PADO of this server.
	Concentrator discovery.ConcentratorConfig
	// Session configures PPP. IPv4.Remote is set for each session from Pool. A SetupTimeout of zero
	// is 3 minutes, or more if LCP and authentication may take longer; negative: none.
	Session session.Config
	// RemoteIDByAddr: see ClientConfig.RemoteIDByAddr.
	RemoteIDByAddr bool
	// MSS: see ClientConfig.MSS.
	MSS int
	// Limits end sessions by timeout or volume.
	Limits SessionLimits
	// Access limits which clients are answered, and how many sessions they may have.
	Access AccessConfig
	// Policy returns the policy of a session whose AuthResult has none. It is called before the session is
	// assigned an address, and each time the network phase begins, when SessionInfo.User is set, also
	// concurrently; it must not block. Sessions may share the result, which must not be changed later. Nil,
	// of either: the zero policy.
	Policy func(SessionInfo) *SessionPolicy
	// Pool limits the number of sessions and may assign each an address.
	Pool Pool
	// Pools are further pools of IPv4 addresses. DefaultPool names the one of sessions whose
	// SessionPolicy.AddressPool names none; empty: FirstPool. Without one, the Authenticator assigns
	// addresses, or peers request their own. A session without authentication has an address from when it
	// begins, others when they are authenticated.
	Pools       []AddressPool
	DefaultPool string
	SessionIDs  SessionIDs
	// Withhold withholds the addresses of all pools until Server.Provide provides some, as where several
	// servers have the same pools. Then no peer chooses its own address.
	Withhold bool
	// LocalPerSession gives the session with SessionInfo.Unit n the n-th address from Session.IPv4.Local,
	// with devices of its own.
	LocalPerSession bool
	// KeepOlder rejects a session whose peer negotiates an IPv4 address that another session of the
	// server has. By default the newer session replaces the older, whose peer is usually gone, as
	// after a power cut.
	KeepOlder bool
	// Duplicates is what becomes of the login of a user, by the name, who has a session at any interface.
	// Sessions that began while all were allowed do not count.
	Duplicates Duplicates
	// Authenticator authenticates clients. It must be set if Session.LCP.RequireAuth is.
	Authenticator Authenticator
	// Network configures the host's network with a device for each session; or Shared is one device
	// for all of them. One of the two must be set.
	Network HostNetwork
	Shared  *SharedNetwork
	// DataPath selects the engine; datapath.KindKernel also requires Ports.Offload. The devices
	// that Network opens must match it.
	DataPath datapath.Kind
	// Notify is called with each event: by one goroutine for each Listener, and in order for each
	// session. It must not block, nor keep what it is given after it returns. Nil: events are
	// discarded.
	Notify func(SessionInfo, Event)
	// Trace makes every control packet an event.
	Trace bool
	// Store keeps what a successor needs to adopt the sessions: see Server.Adopt. Nil: nothing is kept.
	Store SessionStore
	// CountersInterval is the time between two records of what a session has carried, if that has
	// changed; zero: DefaultCountersInterval; negative: there are none.
	CountersInterval time.Duration
	// Delayed is for a successor of a server that is suspended, and goes on with the packets of sessions:
	// until ReadPorts no port is read; control frames come by Receive. Adopt returns when the loops have the
	// sessions, and what they have of the host's network follows after Run has begun, a few in each turn of a
	// loop, as the event Adopted reports.
	Delayed bool
	// CheckAdoption is called by Server.Adopt with each session that it could adopt; its error is why it
	// does not. conflict is what of the session contradicts the configuration: it wraps ErrPoolChanged;
	// nil: nothing does. Nil: sessions with a conflict are not adopted.
	CheckAdoption func(r *SessionRecord, conflict error) error
	// LastGeneration is the SessionInfo.Generation that all new sessions have a larger one than. Servers
	// that adopt each other's sessions need ranges of their own.
	LastGeneration uint64
}

// check returns an error that names the first field that is wrong, or must be set and is not.
func (c *ServerConfig) check(listeners []Listener) error {
	switch {
	case len(listeners) == 0:
		return errors.New("pppoe: NewServer needs at least one Listener")
	case slices.ContainsFunc(listeners, Listener.isMismatched):
		i := slices.IndexFunc(listeners, Listener.isMismatched)
		return fmt.Errorf("pppoe: Listener %d (%s): VLANs and Ports.PayloadMTU go together: a trunk needs both, other Ports neither", i, listeners[i].Interface)
	case c.Pool.Max < 0 || c.Pool.Max > MaxSlots:
		return fmt.Errorf("pppoe: ServerConfig.Pool.Max is %d, not within 0 and %d", c.Pool.Max, MaxSlots)
	case c.Pool.MaxPerClient < 0:
		return fmt.Errorf("pppoe: ServerConfig.Pool.MaxPerClient is %d, below 0", c.Pool.MaxPerClient)
	case c.SessionIDs.Offset < 0 || c.SessionIDs.Offset >= maxSessions:
		return fmt.Errorf("pppoe: ServerConfig.SessionIDs.Offset is %d, not within 0 and %d", c.SessionIDs.Offset, maxSessions-1)
	case c.LocalPerSession && c.Shared != nil:
		return errors.New("pppoe: ServerConfig.LocalPerSession is set, but Shared is one device, with one address")
	case c.Concentrator.ACName == "":
		return errors.New("pppoe: ServerConfig.Concentrator.ACName is not set: each PADO needs it (RFC 2516 section 5.2)")
	case len(c.Concentrator.CookieKey) > 0 && len(c.Concentrator.CookieKey) != discovery.CookieKeyLen:
		return fmt.Errorf("pppoe: ServerConfig.Concentrator.CookieKey has %d octets, not %d", len(c.Concentrator.CookieKey), discovery.CookieKeyLen)
	case c.Network == nil && c.Shared == nil:
		return errors.New("pppoe: ServerConfig.Network is not set: it opens the devices of sessions; nor is Shared")
	case c.Network != nil && c.Shared != nil:
		return errors.New("pppoe: ServerConfig.Network and Shared are both set: a session has one device")
	case c.Shared != nil && c.Shared.Device == nil:
		return errors.New("pppoe: ServerConfig.Shared.Device is not set")
	}
	return c.checkSessions()
}

// checkSessions is check for the fields that Reconfigure replaces.
func (c *ServerConfig) checkSessions() error {
	if err := c.checkPools(); err != nil {
		return err
	}
	switch n := discovery.ServicesLen(c.Concentrator.Services); {
	case n > discovery.MaxServices:
		return fmt.Errorf("pppoe: the names of ServerConfig.Concentrator.Services take %d octets of a PADO, more than %d: name fewer, or shorter ones", n, discovery.MaxServices)
	case len(c.Session.LCP.AllowAuth) > 0 && c.Session.Credentials.Secret == nil:
		return errors.New("pppoe: ServerConfig.Session.LCP.AllowAuth is set, but Session.Credentials.Secret is not")
	case len(c.Session.LCP.RequireAuth) > 0 && c.Authenticator == nil:
		return errors.New("pppoe: ServerConfig.Session.LCP.RequireAuth is set, but Authenticator is not")
	}
	return nil
}
