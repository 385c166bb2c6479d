package session

import (
	"iter"

	"upppoe/internal/event"
	"upppoe/ipcp"
	"upppoe/lcp"
	"upppoe/ppp"
	"upppoe/ppp/ipv6cp"
)

// Output is what a step of a session wants done: frames to be sent, and events
// that its owner may heed. Reset lets one serve for good.
type Output struct {
	Frames ppp.Queue
	events []Event
	before []int // for each event, how many frames were queued before it
}

// Reset empties the output and keeps its memory.
func (o *Output) Reset() {
	o.Frames.Reset()
	o.events, o.before = o.events[:0], o.before[:0]
}

// All yields frames and events in the order in which they arose: one of the
// two each time. Frames are valid until Reset.
func (o *Output) All() iter.Seq2[[]byte, Event] {
	return func(yield func([]byte, Event) bool) {
		sent := 0
		for i, e := range o.events {
			for ; sent < o.before[i]; sent++ {
				if !yield(o.Frames.At(sent), nil) {
					return
				}
			}
			if !yield(nil, e) {
				return
			}
		}
		for ; sent < o.Frames.Len(); sent++ {
			if !yield(o.Frames.At(sent), nil) {
				return
			}
		}
	}
}

func (o *Output) emit(e Event) {
	o.events = append(o.events, e)
	o.before = append(o.before, o.Frames.Len())
}

// mark is a place in an output: so many events and frames have arisen before it.
type mark struct{ events, frames int }

func (o *Output) mark() mark { return mark{len(o.events), o.Frames.Len()} }

// precede puts the events told since m before the frames queued since m: RFC 1661 section 4.1
// has This-Layer-Down come before the answer to the packet that caused it.
func (o *Output) precede(m mark) {
	for i := m.events; i < len(o.before); i++ {
		o.before[i] = m.frames
	}
}

// Event is something that happened in a session: one of the types below, and of no other
// package. What a peer said in it is as it came, and escape it before printing.
type Event interface {
	event.Event // so that it is a pppoe.Event, too
	ofSession()
}

// sealed makes the struct that embeds it an Event.
type sealed struct{ event.Mark }

func (sealed) ofSession() {}

// PathLimited reports that packets of the size agreed on do not come through, though the peer answers
// smaller ones (see lcp.Config.CheckPath).
type PathLimited struct {
	sealed
	lcp.PathLimit
}

// LinkUp reports that LCP has opened.
type LinkUp struct {
	sealed
	// MRU and PeerMRU are the longest information fields that we and the peer
	// said we receive, in octets.
	MRU, PeerMRU int
}

// AuthRequest reports that the peer offered a proof of who it is, which somebody must
// judge: the answer comes back by Decide.
type AuthRequest struct {
	sealed
	Method   ppp.Method
	Response ppp.AuthResponse
}

// Authenticated reports that one side has proved who it is: the peer, or we.
type Authenticated struct {
	sealed
	Method   ppp.Method
	Peer     bool
	Name     string // of the side that proved it
	Message  string // the peer's words, when it was we
	Repeated bool   // it was a further challenge, in an open link
}

// AuthFailed reports that one side could not prove who it is. The session closes.
type AuthFailed struct {
	sealed
	Method  ppp.Method
	Peer    bool
	Name    string
	Message string
}

// UnsupportedAuthMethod reports that the session ends since the peer wants us to prove who we are by a method
// that LCP.Answer has not.
type UnsupportedAuthMethod struct {
	sealed
	Requested []byte       // the value of the peer's option: valid during the call
	Allowed   []ppp.Method // LCP.Answer
}

// NetworkPhase reports that both sides know as much of each other as they want to: the
// network protocols begin.
type NetworkPhase struct{ sealed }

// IPv4Up and IPv6Up tell that packets of the family may flow.
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

// NetworkDown reports that packets of the family may flow no more.
type NetworkDown struct {
	sealed
	Protocol ppp.Protocol
}

// NetworkFailed reports that a control protocol gave up. The link stays (RFC 1661
// section 3.7).
type NetworkFailed struct {
	sealed
	Protocol ppp.Protocol
	Err      error
}

// Dropped reports that a frame was silently discarded, as the RFCs have it.
type Dropped struct {
	sealed
	Protocol ppp.Protocol
	Err      error
}

// EchoTimeout reports that the peer has not answered so many Echo-Requests.
type EchoTimeout struct {
	sealed
	Requests int
}

// PeerClosed reports that the peer ends the link, in its own words, or wants no link before
// there is one.
type PeerClosed struct {
	sealed
	Text string
}

// Ending tells why the session is about to end, once, before its network protocols go down.
type Ending struct {
	sealed
	Reason Reason
}

// Closed reports that the session is over. It is the last event.
type Closed struct {
	sealed
	Reason Reason
}
