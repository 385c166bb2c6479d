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

// Event is something that happened to a Line: one of the types below, or a session.Event, and of
// no other package. What a peer said in it is as it came, and escape it before printing.
type Event interface{ event.Event }

var _ Event = session.Event(nil)

// sealed makes the struct that embeds it an Event.
type sealed struct{ event.Mark }

// Events, beside those of package session.
type (
	// DiscoverySent and DiscoveryReceived are told of each discovery packet of
	// a client, if Trace asks for it.
	DiscoverySent struct {
		sealed
		Packet wire.DiscoveryFrame
	}
	DiscoveryReceived struct {
		sealed
		Packet wire.DiscoveryFrame
	}
	// FrameSent and FrameReceived are told of each control frame, from its
	// Protocol field on, if Trace asks for it. The frame is valid during the call.
	FrameSent struct {
		sealed
		Frame []byte
	}
	FrameReceived struct {
		sealed
		Frame []byte
	}
	// DiscoveryTimeout reports that discovery has given up, and for what it waited: PADO or
	// PADS; and who has answered our PADI without being wanted.
	DiscoveryTimeout struct {
		sealed
		Missing   wire.Code
		Unmatched []discovery.Unmatched
	}
	// Searching reports that a PADI has had no answer that will do for a while, and that the
	// client goes on asking.
	Searching struct {
		sealed
		Elapsed   time.Duration
		Unmatched []discovery.Unmatched
	}
	// Rejected reports that a concentrator would not have us.
	Rejected struct {
		sealed
		discovery.Rejection
	}
	// SessionEstablished reports that discovery is done.
	SessionEstablished struct {
		sealed
		discovery.Grant
	}
	// NoFreeSlots reports that a server had no slot left for a client: at most five times a second,
	// and then how many more clients were refused since the one before.
	NoFreeSlots struct {
		sealed
		Suppressed int
	}
	// AddressTakenOver reports that a newer session, By, has negotiated the peer's IPv4 address: this
	// one ends. AddressInUse reports that this one ends instead, as an older one has it.
	AddressTakenOver struct {
		sealed
		Addr netip.Addr
		By   SessionInfo
	}
	AddressInUse struct {
		sealed
		Addr netip.Addr
		By   SessionInfo
	}
	// DeviceOpened reports that the line has its network device.
	DeviceOpened struct {
		sealed
		Name string
	}
	// Connected reports that PPP begins.
	Connected struct{ sealed }
	// RemoteDefaulted reports that the peer has no IPv4 address of its own, and which stands in
	// for it.
	RemoteDefaulted struct {
		sealed
		Addr netip.Addr
	}
	// Configured reports that the host's network is as the addresses want it, and
	// that packets flow.
	Configured struct {
		sealed
		Addressing
		Previous Addressing // what held until now
	}
	// NetworkLost reports that the packets of a family, which had flowed, do so no
	// more: the session ends, or the peer negotiates anew.
	NetworkLost struct {
		sealed
		Protocol ppp.Protocol // of the control protocol: IPCP or IPv6CP
		Previous Addressing
		Counters datapath.Counters
		Uptime   time.Duration // since the first Configured
	}
	// Announced tells what a concentrator has to say: a PADM or PADN, whose tags
	// are valid during the call.
	Announced struct {
		sealed
		Packet wire.DiscoveryFrame
	}
	// StaleTerminated reports that a session was ended which an earlier run has left, or, if it has
	// a Local, an earlier dial that had lost the interface.
	StaleTerminated struct {
		sealed
		StaleSession
	}
	// LinkChanged tells how the Ethernet interface now is.
	LinkChanged struct {
		sealed
		State LinkState
	}
	// AddressChanged reports that the Ethernet interface has another address. What was under
	// way under the one before ends.
	AddressChanged struct {
		sealed
		From, To wire.Addr
	}
	// ListenerLost reports that a server listens on an interface no longer, and why: it does so
	// again as soon as it can. ListenerRestored reports that it does, and by which address.
	ListenerLost struct {
		sealed
		Err error
	}
	ListenerRestored struct {
		sealed
		Addr wire.Addr
	}
	// AwaitingLink and AwaitingTraffic tell that a client will dial once its
	// interface is up again, or there is something to be carried.
	AwaitingLink    struct{ sealed }
	AwaitingTraffic struct{ sealed }
	// Offloaded reports that an Accelerator has taken up a session, and how it says that
	// it moves packets.
	Offloaded struct {
		sealed
		Description string
	}
	// NotOffloaded tells why a session's packets, or those that Err names, are moved by
	// the Path alone, though there is an Accelerator.
	NotOffloaded struct {
		sealed
		Err error
	}
	// HostNetworkFailed reports that the host's network could not be made so. The
	// session closes.
	HostNetworkFailed struct {
		sealed
		Err error
	}
	// AwaitingRedial reports that a client will dial again, and after how long.
	AwaitingRedial struct {
		sealed
		Delay time.Duration
		Err   error // of the dial before
	}
	// Ended reports that a session is over, its device gone and its peer told.
	// It is the last event of a session.
	Ended struct {
		sealed
		Reason   session.Reason
		Counters datapath.Counters
		Uptime   time.Duration // since the first Configured; 0: there was none
		SentPADT bool          // by us; else by the peer, or to nobody
	}
)
