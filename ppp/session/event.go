package session

import (
	"upppoe/internal/event"
	"upppoe/ipcp"
	"upppoe/lcp"
	"upppoe/ppp"
	"upppoe/ppp/ipv6cp"
)

// Event is something that happened in a session: one of the event types of this package.
// Names and texts that a peer sent are untrusted: escape them before printing.
type Event interface {
	event.Event // so that it is a pppoe.Event as well
	ofSession()
}

// sealed makes the struct that embeds it an Event.
type sealed struct{ event.Mark }

func (sealed) ofSession() {}

// LinkUp reports that LCP has opened.
type LinkUp struct {
	sealed
	// MRU and PeerMRU are the longest information fields that we and the peer can
	// receive, in octets, as negotiated.
	MRU, PeerMRU int
}

// PathLimited reports that packets of the negotiated size do not arrive, while the peer
// answers smaller ones (see lcp.Config.CheckPath).
type PathLimited struct {
	sealed
	lcp.PathLimit
}

// AuthRequest reports that the peer has sent its credentials or the response to a
// challenge. The owner verifies it and calls SetAuthResult.
type AuthRequest struct {
	sealed
	Method   ppp.Method
	Response ppp.AuthResponse
}

// Authenticated reports that one side has been authenticated: the peer, or we.
type Authenticated struct {
	sealed
	Method   ppp.Method
	Peer     bool   // true: the peer; false: we
	Name     string // of the side that was authenticated
	Message  string // the peer's message; set if we were authenticated
	Repeated bool   // by a further challenge in an open link
}

// AuthFailed reports that one side could not be authenticated. The session closes.
type AuthFailed struct {
	sealed
	Method  ppp.Method
	Peer    bool // true: the peer; false: we
	Name    string
	Message string
}

// UnsupportedAuthMethod reports that the session ends because the peer requires an
// authentication method that LCP.AllowAuth does not contain.
type UnsupportedAuthMethod struct {
	sealed
	Requested []byte       // the value of the peer's option
	Allowed   []ppp.Method // LCP.AllowAuth
}

// NetworkPhase reports that authentication is complete: the network protocols begin.
type NetworkPhase struct{ sealed }

// IPv4Up and IPv6Up report that packets of the family may be sent.
type (
	IPv4Up struct {
		sealed
		ipcp.Agreement
	}
	IPv6Up struct {
		sealed
		ipv6cp.Agreement
	}
)

// NetworkDown reports that packets of the family may no longer be sent.
type NetworkDown struct {
	sealed
	Protocol ppp.Protocol
}

// NetworkFailed reports that a network control protocol has failed to open. The link
// stays up (RFC 1661 section 3.7).
type NetworkFailed struct {
	sealed
	Protocol ppp.Protocol
	Err      error
}

// Dropped reports that a frame was silently discarded, as the RFCs require.
type Dropped struct {
	sealed
	Protocol ppp.Protocol
	Err      error
}

// EchoTimeout reports that the peer has not answered this number of Echo-Requests.
type EchoTimeout struct {
	sealed
	Requests int
}

// PeerClosed reports that the peer has sent a Terminate-Request, with its text. It may
// come before the link is up.
type PeerClosed struct {
	sealed
	Text string
}

// Ending reports why the session is about to end. It is emitted once, before the network
// protocols go down.
type Ending struct {
	sealed
	Reason Reason
}

// Closed reports that the session is over. It is the last event.
type Closed struct {
	sealed
	Reason Reason
}
