package pppoe

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"upppoe/ppp"
	"upppoe/ppp/session"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/discovery"
)

// An Authority says who may have a session. It is asked from goroutines of its
// own, so it may block (a RADIUS server's answer), and may be asked for several
// lines at once.
type Authenticator interface {
	Authenticate(ctx context.Context, l SessionInfo, p ppp.AuthResponse) AuthResult
}

// AuthResult is what an Authority says of a proof, and what a server holds the session to if
// it is granted. The Terms come with it, so that they are those of the peer that this very
// proof has authenticated, and of nobody who had the session, or its ID, before.
type AuthResult struct {
	ppp.AuthResult
	// Policy are the account's own; nil: it has none, and ServerConfig.Policy says what holds.
	Policy *SessionPolicy
}

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

// Pool is what sessions are made from: one slot each, taken in turn, so that an
// address rests as long as may be before somebody else has it.
type Pool struct {
	// Max is the number of slots; zero: 64; at most 65,534. The n-th slot has
	// session ID n.
	Max int
	// MaxPerClient is how many of them a client may have at a time, by its Ethernet address; zero:
	// any number.
	MaxPerClient int
	// First is the peer's address in the first slot; the others follow it, but where an
	// account has a slot take the address of another, which is free, for its own is not allowed.
	// Invalid: the Authority gives addresses, or the peer has its own.
	First netip.Addr
}

// DefaultSessions is rp-pppoe's default for the number of sessions.
const DefaultSessions = 64

// maxSessions leaves out the two IDs that RFC 2516 section 4 reserves.
const maxSessions = 0xfffe

// Address is the peer's address in the slot of a session; invalid: it has none.
func (p Pool) Address(sessionID uint16) netip.Addr {
	if !p.First.Is4() || sessionID == 0 {
		return netip.Addr{}
	}
	first := p.First.As4()
	var a [4]byte
	binary.BigEndian.PutUint32(a[:], binary.BigEndian.Uint32(first[:])+uint32(sessionID)-1)
	return netip.AddrFrom4(a)
}

// placeOf is the place in the pool that has an address, if one has.
func (p Pool) placeOf(a netip.Addr) (place int, ok bool) {
	if !p.First.Is4() || !a.Is4() {
		return 0, false
	}
	first, is := p.First.As4(), a.As4()
	n := binary.BigEndian.Uint32(is[:]) - binary.BigEndian.Uint32(first[:])
	return int(n), n < uint32(p.Max)
}

// at is the address of a place in the pool, from 0 on.
func (p Pool) at(place int) netip.Addr { return p.Address(uint16(place + 1)) }

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
