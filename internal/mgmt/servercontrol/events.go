package servercontrol

import (
	"time"

	"upppoe/internal/mgmt/status"
	"upppoe/ppp/session"
	"upppoe/pppoe"
	"upppoe/pppoe/wire"
)

// Event is an event of a server as a line of JSON. Fields that a client's events have too have the same
// names; id, mac and user are those of Session.
type Event struct {
	status.Event
	ID        uint64 `json:"id,omitempty"`
	MAC       string `json:"mac,omitempty"`
	User      string `json:"user,omitempty"`
	Service   string `json:"service,omitempty"`
	CircuitID string `json:"circuit_id,omitempty"`
	RemoteID  string `json:"remote_id,omitempty"`
}

// DroppedEvents returns the event, in JSON, that stands for n dropped ones.
func (p *Program) DroppedEvents(n int) []byte { return object(status.Missed(n)) }

// EventLine returns an event as a line of JSON, with its newline; nil: it is not reported.
func EventLine(l pppoe.SessionInfo, event pppoe.Event) []byte {
	e := NewEvent(l, event)
	if e == nil {
		return nil
	}
	return e.JSON()
}

// JSON returns an event as a line of JSON, with its newline.
func (e *Event) JSON() []byte { return append(object(e), '\n') }

// NewEvent converts an event, which happens now; nil: it is not reported.
func NewEvent(l pppoe.SessionInfo, event pppoe.Event) *Event {
	what := sessionEvent(event)
	if what == nil {
		what = serverEvent(event)
	}
	if what == nil {
		return nil
	}
	what.Time, what.Attachment, what.Device, what.SessionID = time.Now(), l.Interface, l.Device, l.SessionID
	e := &Event{Event: *what, ID: l.Generation, User: wire.Escape(l.User), Service: wire.Escape(l.Service)}
	if l.Peer != (wire.Addr{}) {
		e.MAC = l.Peer.String()
	}
	if a := l.AccessLine; a != nil {
		e.CircuitID, e.RemoteID = wire.Escape(a.CircuitID), wire.Escape(a.RemoteID)
	}
	return e
}

// sessionEvent converts an event of a session; nil: it is none, or not reported.
func sessionEvent(event pppoe.Event) *status.Event {
	switch e := event.(type) {
	case pppoe.SessionEstablished:
		return &status.Event{Event: "session"}
	case session.Authenticated:
		return &status.Event{Event: "authenticated", Method: e.Method.Name(), Peer: e.Peer}
	case session.AuthFailed:
		return &status.Event{Event: "auth-failed", Method: e.Method.Name(), Peer: e.Peer, Text: wire.EscapeText(e.Name)}
	case pppoe.Configured:
		return configuredEvent("online", e.Addressing)
	case pppoe.Adopted:
		adopted := configuredEvent("adopted", e.Addressing)
		adopted.Seconds, adopted.Traffic = e.Uptime.Seconds(), status.TrafficOf(e.Counters)
		return adopted
	case pppoe.NetworkLost:
		return &status.Event{Event: "network-lost", Protocol: e.Protocol.String(), Traffic: status.TrafficOf(e.Counters)}
	case session.EchoTimeout:
		return &status.Event{Event: "silent", Requests: e.Requests}
	case session.PeerClosed:
		return &status.Event{Event: "peer-closed", Text: wire.EscapeText(e.Text)}
	case pppoe.AddressTakenOver:
		return &status.Event{Event: "replaced", Text: e.Addr.String()}
	case pppoe.AddressInUse:
		return &status.Event{Event: "address-in-use", Text: e.Addr.String()}
	case pppoe.HostNetworkFailed:
		return &status.Event{Event: "host-failed", Text: e.Err.Error()}
	case pppoe.Ended:
		return &status.Event{Event: "ended", Seconds: e.Uptime.Seconds(), Traffic: status.TrafficOf(e.Counters),
			End: &status.End{Reason: e.Reason.Cause.String(), Text: wire.EscapeText(e.Reason.Text)}}
	}
	return nil
}

// configuredEvent says which addresses a session has.
func configuredEvent(name string, e pppoe.Addressing) *status.Event {
	online := &status.Event{Event: name, MTU: e.MTU}
	if e.HasIPv4() {
		online.IPv4 = &status.IPv4{Local: e.IPv4.Local.String(), Remote: e.IPv4.Remote.String()}
	}
	if e.HasIPv6() {
		online.IPv6 = &status.IPv6{Local: e.IPv6.Local.LinkLocal().String(), Remote: e.IPv6.Remote.LinkLocal().String()}
	}
	return online
}

// serverEvent converts an event that is not of a session; nil: it is not reported.
func serverEvent(event pppoe.Event) *status.Event {
	switch e := event.(type) {
	case pppoe.NoFreeSlots:
		return &status.Event{Event: "refused", Text: e.Reason.Error(), Missed: e.Suppressed}
	case pppoe.ListenerLost:
		return &status.Event{Event: "interface", Text: "lost: " + e.Err.Error()}
	case pppoe.ListenerRestored:
		return &status.Event{Event: "interface", Text: "restored"}
	}
	return nil
}
