package pppoe

import (
	"net/netip"
	"time"

	"upppoe/internal/event"
	"upppoe/ppp"
	"upppoe/ppp/session"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/wire"
)

// Event is what Notify is called with: one of the types below, or a session.Event. No other package
// can add types. Strings and tags that a peer sent are untrusted: escape them before printing
// (wire.Escape).
type Event interface{ event.Event }

var _ Event = session.Event(nil)

// sealed makes the struct that embeds it an Event.
type sealed struct{ event.Mark }

// Events, in addition to those of package session.
type (
	// DiscoverySent reports a discovery packet that was sent, if Trace is set.
	DiscoverySent struct {
		sealed
		Packet wire.DiscoveryFrame
	}
	// DiscoveryReceived reports a discovery packet that was received, if Trace is set.
	DiscoveryReceived struct {
		sealed
		Packet wire.DiscoveryFrame
	}
	// FrameSent reports a PPP control frame that was sent, from its Protocol field on, if Trace is
	// set. The frame is valid only until the call returns.
	FrameSent struct {
		sealed
		Frame []byte
	}
	// FrameReceived reports a PPP control frame that was received, from its Protocol field on, if
	// Trace is set. The frame is valid only until the call returns.
	FrameReceived struct {
		sealed
		Frame []byte
	}
	// DiscoveryTimeout reports that discovery has timed out: Missing, PADO or PADS, did not arrive.
	// Unmatched are the concentrators whose PADO was not acceptable.
	DiscoveryTimeout struct {
		sealed
		Missing   wire.Code
		Unmatched []discovery.Unmatched
	}
	// Searching reports, once per dial, that no acceptable PADO has arrived for 10 s. The client
	// continues to send PADIs.
	Searching struct {
		sealed
		Elapsed   time.Duration
		Unmatched []discovery.Unmatched
	}
	// Rejected reports that a concentrator has rejected the client.
	Rejected struct {
		sealed
		discovery.Rejection
	}
	// SessionEstablished reports that discovery is done: the session has its ID.
	SessionEstablished struct {
		sealed
		discovery.Grant
	}
	// NoFreeSlots reports that a server has rejected a client because it has no free slot, or because
	// of another limit of sessions: see Reason. It is
	// emitted at most five times per second; Suppressed counts the events not emitted since the
	// last.
	NoFreeSlots struct {
		sealed
		Reason     error // a limit.Exceeded, ErrDraining, or that the server is stopping
		Suppressed int
	}
	// AddressTakenOver reports that a newer session, By, takes over the peer's IPv4 address: this
	// session ends.
	AddressTakenOver struct {
		sealed
		Addr netip.Addr
		By   SessionInfo
	}
	// AddressInUse reports that an older session, By, keeps the peer's IPv4 address: this session
	// ends.
	AddressInUse struct {
		sealed
		Addr netip.Addr
		By   SessionInfo
	}
	// DeviceOpened reports that the session has its network device.
	DeviceOpened struct {
		sealed
		Name string
	}
	// Connected reports that the client's session has its device: PPP begins.
	Connected struct{ sealed }
	// RemoteDefaulted reports that the peer has no IPv4 address of its own: Addr is its placeholder
	// on the device.
	RemoteDefaulted struct {
		sealed
		Addr netip.Addr
	}
	// Configured reports that the host's network has the session's addresses, and that packets
	// flow. It is emitted once per address family that opens or changes; see HasIPv4, HasIPv6.
	Configured struct {
		sealed
		Addressing
		Previous Addressing     // in force until now
		Policy   *SessionPolicy // in force; not nil; must not be changed
	}
	// Adopted reports that a server or a client continues a session of an earlier one: see Server.Adopt
	// and ClientConfig.Adopt. It is the session's first event, except for those of Trace, in place of those
	// from SessionEstablished to the last Configured: the session has its addresses, and packets flow, unless
	// HostNetworkFailed follows at once. What has happened to it meanwhile, as that the peer has ended it, is
	// reported next.
	Adopted struct {
		sealed
		Addressing
		Policy   *SessionPolicy // in force; not nil; must not be changed
		Counters datapath.Counters
		Uptime   time.Duration // since the first Configured
	}
	// Continued reports that the concentrator has answered the Echo-Request of a client that has adopted a
	// session: the session continues.
	Continued struct{ sealed }
	// AdoptionFailed reports that a client cannot continue the session of ClientConfig.Adopt, and why. The
	// session gets a PADT, and a dial follows.
	AdoptionFailed struct {
		sealed
		SessionID uint16
		AC        wire.Addr
		Err       error
	}
	// PolicyChanged reports that Server.Update has replaced the policy of a session that is in the
	// network phase.
	PolicyChanged struct {
		sealed
		Policy *SessionPolicy
	}
	// NetworkLost reports that the packets of an address family no longer flow: the session ends,
	// or the peer renegotiates.
	NetworkLost struct {
		sealed
		Protocol ppp.Protocol // IPCP or IPv6CP
		Previous Addressing
		Prefixes []netip.Prefix // of Server.SetSourcePrefixes, until now; see SessionStatus.Prefixes
		Counters datapath.Counters
		Uptime   time.Duration // since the first Configured
	}
	// Announced reports a PADM or PADN of the session's concentrator. Its tags are valid only until
	// the call returns.
	Announced struct {
		sealed
		Packet wire.DiscoveryFrame
	}
	// StaleTerminated reports that a PADT was sent for a session of an earlier run, or, if Local is
	// set, of an earlier dial that lost its interface.
	StaleTerminated struct {
		sealed
		StaleSession
	}
	// InterfaceChanged reports the state of the client's Ethernet interface after a change.
	InterfaceChanged struct {
		sealed
		State InterfaceState
	}
	// InterfaceAddressChanged reports that the Ethernet address of the client's interface has changed. A
	// dial or a session under the old address ends.
	InterfaceAddressChanged struct {
		sealed
		From, To wire.Addr
	}
	// ListenerLost reports that a server has stopped serving an interface, or could not reopen its
	// ports, and why. It tries again as soon as it can.
	ListenerLost struct {
		sealed
		Err error
	}
	// ListenerRestored reports that a server serves an interface again, and under which address.
	ListenerRestored struct {
		sealed
		Addr wire.Addr
	}
	// AwaitingInterface reports that a client will dial when its interface is up.
	AwaitingInterface struct{ sealed }
	// AwaitingTraffic reports that a client will dial when there is traffic to be carried.
	AwaitingTraffic struct{ sealed }
	// Offloaded reports that the offload carries the session's packets; Description is
	// Offload.Describe's.
	Offloaded struct {
		sealed
		Description string
	}
	// NotOffloaded reports which packets stay in user space although there is an offload: all, or
	// those that Err names.
	NotOffloaded struct {
		sealed
		Err error
	}
	// HostNetworkFailed reports that the host's network could not be configured for the session.
	// The session closes.
	HostNetworkFailed struct {
		sealed
		Err error
	}
	// AwaitingRedial reports that a client will redial after a delay.
	AwaitingRedial struct {
		sealed
		Delay time.Duration
		Err   error // of the last dial
	}
	// Ended reports that a session has ended: its device is closed and, if possible, its peer
	// notified. It is the last event of a session.
	Ended struct {
		sealed
		Reason   session.Reason
		Counters datapath.Counters
		Uptime   time.Duration // since the first Configured; 0: there was none
		SentPADT bool          // we sent a PADT
	}
)
