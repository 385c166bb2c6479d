package status

import (
	"sync"
	"time"

	"upppoe/ppp"
	"upppoe/ppp/session"
	"upppoe/pppoe"
	"upppoe/pppoe/wire"
)

// Tracker keeps a Status up to date from events. Its methods may be called concurrently.
type Tracker struct {
	exitCode func(error) int
	mu       sync.Mutex
	status   Status
}

// NewTracker returns a Tracker of a session that is about to be dialled. ExitCode maps an error to
// the program's exit code.
func NewTracker(is Status, exitCode func(error) int) *Tracker {
	t := &Tracker{status: is, exitCode: exitCode}
	t.setState(Dialling, time.Now())
	return t
}

// Status returns the current status.
func (t *Tracker) Status() Status {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.status
}

// EndOf converts an error into the end of a dial.
func (t *Tracker) EndOf(err error) *End {
	if err == nil {
		return nil
	}
	return &End{Reason: reason(err), Text: wire.EscapeText(err.Error()), ExitCode: t.exitCode(err)}
}

// Notify updates the status from an event, and returns the event for programs; nil: it is not
// reported to them.
func (t *Tracker) Notify(l pppoe.SessionInfo, event pppoe.Event) *Event {
	t.mu.Lock()
	defer t.mu.Unlock()
	at := time.Now()
	out := t.handleEvent(l, event, at)
	if out != nil {
		out.Time, out.Attachment, out.Device = at, t.status.Attachment, l.Device
	}
	return out
}

// IPv6 updates what Router Advertisements and DHCPv6 have configured, and returns the event for
// programs.
func (t *Tracker) IPv6(l pppoe.SessionInfo, addresses, delegated, servers []string, services Services) *Event {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.status.IPv6 == nil {
		return nil // the session has ended meanwhile
	}
	is := *t.status.IPv6
	is.Addresses, is.Delegated, is.DNS, is.Services = addresses, delegated, servers, services
	t.status.IPv6 = &is
	return &Event{Time: time.Now(), Event: "ipv6", Attachment: t.status.Attachment, Device: l.Device, IPv6: &is}
}

func (t *Tracker) handleEvent(l pppoe.SessionInfo, event pppoe.Event, at time.Time) *Event {
	switch e := event.(type) {
	case pppoe.DiscoverySent:
		if e.Packet.Code == wire.PADI {
			t.setState(Dialling, at)
		}
	case pppoe.SessionEstablished:
		return t.established(l, at)
	case pppoe.DeviceOpened:
		t.status.Device = e.Name
		return &Event{Event: "device"}
	case session.Authenticated:
		return &Event{Event: "authenticated", Method: e.Method.Name(), Peer: e.Peer, Text: wire.EscapeText(e.Message)}
	case session.AuthFailed:
		return &Event{Event: "auth-failed", Method: e.Method.Name(), Peer: e.Peer, Text: wire.EscapeText(e.Message)}
	case pppoe.Configured:
		return t.configured(e, at)
	case pppoe.Adopted:
		return t.adopted(l, e, at)
	case pppoe.Continued:
		return &Event{Event: "continued", SessionID: l.SessionID, AC: l.Peer.String()}
	case pppoe.NetworkLost:
		return t.networkLost(e)
	case pppoe.Ended:
		return t.ended(e, at)
	case pppoe.AwaitingRedial:
		return t.waiting(e, at)
	case pppoe.AwaitingInterface:
		t.setState(Waiting, at)
		t.status.WaitingFor = "interface"
		return &Event{Event: "waiting", For: "interface"}
	case pppoe.AwaitingTraffic:
		t.setState(Waiting, at)
		t.status.WaitingFor = "traffic"
		return &Event{Event: "waiting", For: "traffic"}
	}
	return t.handleLinkEvent(l, event)
}

// handleLinkEvent handles events of the Ethernet interface and of concentrators.
func (t *Tracker) handleLinkEvent(l pppoe.SessionInfo, event pppoe.Event) *Event {
	switch e := event.(type) {
	case pppoe.Offloaded:
		t.status.DataPath = "kernel: " + e.Description
		return &Event{Event: "data-path", Text: t.status.DataPath}
	case pppoe.NotOffloaded:
		t.status.DataPath = "user space: " + e.Err.Error()
		return &Event{Event: "data-path", Text: t.status.DataPath}
	case pppoe.InterfaceChanged:
		t.status.Carrier = e.State.String()
		return &Event{Event: "interface", Text: e.State.String()}
	case pppoe.Rejected:
		return &Event{Event: "refused", AC: e.AC.String(), Text: wire.EscapeText(e.Text)}
	case pppoe.AdoptionFailed:
		return &Event{Event: "not-adopted", AC: e.AC.String(), SessionID: e.SessionID, Text: wire.EscapeText(e.Err.Error())}
	case pppoe.StaleTerminated:
		return &Event{Event: "stale-ended", AC: e.AC.String(), SessionID: e.SessionID}
	case pppoe.Announced:
		return &Event{Event: "announced", AC: l.Peer.String(), Text: announcement(e)}
	case pppoe.HostNetworkFailed:
		return &Event{Event: "host-failed", Text: e.Err.Error()}
	case session.EchoTimeout:
		return &Event{Event: "silent", Requests: e.Requests}
	case session.PeerClosed:
		return &Event{Event: "peer-closed", Text: wire.EscapeText(e.Text)}
	}
	return nil
}

func announcement(e pppoe.Announced) string {
	var text []byte
	for tag := range e.Packet.Tags.All() {
		text = append(tag.AppendTruncated(append(text, '[')), ']')
	}
	return string(text)
}

func (t *Tracker) setState(s State, at time.Time) {
	if t.status.State != s {
		t.status.State, t.status.Since = s, at
	}
	t.status.WaitingFor, t.status.RedialAt = "", nil
}

func (t *Tracker) established(l pppoe.SessionInfo, at time.Time) *Event {
	t.setState(Dialling, at)
	t.status.Dials++
	t.status.SessionID, t.status.AC = l.SessionID, l.Peer.String()
	t.status.ACName, t.status.Service = wire.Escape(l.ACName), wire.Escape(l.Service)
	return &Event{Event: "session", SessionID: l.SessionID, AC: t.status.AC, ACName: t.status.ACName}
}

// adopted is the state of a session that an earlier client has begun.
func (t *Tracker) adopted(l pppoe.SessionInfo, e pppoe.Adopted, at time.Time) *Event {
	t.established(l, at)
	t.status.Dials-- // there was none
	t.status.Device = l.Device
	opened := at.Add(-e.Uptime)
	t.status.OnlineAt = &opened
	return t.configured(pppoe.Configured{Addressing: e.Addressing}, at)
}

func (t *Tracker) configured(e pppoe.Configured, at time.Time) *Event {
	t.setState(Online, at)
	if t.status.OnlineAt == nil {
		t.status.OnlineAt = &at
	}
	before := t.status.IPv6
	t.status.MTU, t.status.IPv4, t.status.IPv6 = e.MTU, nil, nil
	if e.HasIPv4() {
		t.status.IPv4 = &IPv4{Local: e.IPv4.Local.String(), Remote: e.IPv4.Remote.String()}
		for _, server := range e.IPv4.DNS {
			if server.IsValid() {
				t.status.IPv4.DNS = append(t.status.IPv4.DNS, server.String())
			}
		}
	}
	if e.HasIPv6() {
		t.status.IPv6 = &IPv6{Local: e.IPv6.Local.LinkLocal().String(), Remote: e.IPv6.Remote.LinkLocal().String()}
		if before != nil && before.Local == t.status.IPv6.Local {
			t.status.IPv6 = before // with what has been configured since
		}
	}
	return &Event{Event: "online", MTU: e.MTU, IPv4: t.status.IPv4, IPv6: t.status.IPv6}
}

func (t *Tracker) networkLost(e pppoe.NetworkLost) *Event {
	lost := &Event{Event: "network-lost", Protocol: e.Protocol.String(), Traffic: TrafficOf(e.Counters)}
	if e.Protocol == ppp.IPCP {
		t.status.IPv4 = nil
	} else {
		t.status.IPv6 = nil
	}
	return lost
}

func (t *Tracker) ended(e pppoe.Ended, at time.Time) *Event {
	t.setState(Closing, at)
	end := &End{Reason: e.Reason.Cause.String(), Text: wire.EscapeText(e.Reason.Text), ExitCode: t.exitCode(&pppoe.EndError{Reason: e.Reason})}
	t.status.LastEnd = end
	t.status.Device, t.status.SessionID, t.status.MTU, t.status.IPv4, t.status.IPv6, t.status.OnlineAt = "", 0, 0, nil, nil, nil
	t.status.DataPath = ""
	return &Event{Event: "ended", End: end, Traffic: TrafficOf(e.Counters), Seconds: e.Uptime.Seconds()}
}

func (t *Tracker) waiting(e pppoe.AwaitingRedial, at time.Time) *Event {
	t.setState(Waiting, at)
	t.status.WaitingFor = "hold-off"
	redial := at.Add(e.Delay)
	t.status.RedialAt = &redial
	t.status.LastEnd = t.EndOf(e.Err)
	return &Event{Event: "waiting", For: "hold-off", Seconds: e.Delay.Seconds(), End: t.status.LastEnd}
}

// Exit returns the last event of a program.
func (t *Tracker) Exit(err error) *Event {
	t.mu.Lock()
	defer t.mu.Unlock()
	at := time.Now()
	t.setState(Ended, at)
	return &Event{Time: at, Event: "exit", Attachment: t.status.Attachment, End: t.EndOf(err)}
}
