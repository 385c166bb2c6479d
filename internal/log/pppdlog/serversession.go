package pppdlog

import (
	"fmt"
	"sync"

	"upppoe/ppp"
	"upppoe/ppp/session"
	"upppoe/pppoe"
	"upppoe/pppoe/wire"
)

// accounting tells of the opening and the end of each of a server's sessions by one line, in
// rp-pppoe's words, with the user after them. The zero value is ready.
type accounting struct {
	mu       sync.Mutex
	sessions map[key]*sessionRecord // of those whose packets flow, or flowed
}

// sessionRecord is what is known of a session that has not been told yet, or was.
type sessionRecord struct {
	address string // the peer's: of IPv4, or else of IPv6
	logged  bool
}

// configured is told what a session's packets have. opened reports that its opening is to be told:
// once, when IPv4 is there; of one with IPv6 alone, when IPv4 has failed, or is not wanted.
func (a *accounting) configured(l pppoe.SessionInfo, e pppoe.Configured, noIPv4 bool) (address string, opened bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.sessions == nil {
		a.sessions = make(map[key]*sessionRecord)
	}
	o := a.sessions[keyOf(l)]
	if o == nil {
		o = &sessionRecord{}
		a.sessions[keyOf(l)] = o
	}
	switch {
	case e.HasIPv4():
		o.address = e.IPv4.Remote.String()
	case o.address == "":
		o.address = linkLocal(e.IPv6.Remote)
	}
	opened = !o.logged && (e.HasIPv4() || noIPv4)
	o.logged = o.logged || opened
	return o.address, opened
}

// ipv4Failed is told that IPv4 is not to be expected: then a session with IPv6 is open.
func (a *accounting) ipv4Failed(l pppoe.SessionInfo) (address string, opened bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	o := a.sessions[keyOf(l)]
	if o == nil || o.logged {
		return "", false
	}
	o.logged = true
	return o.address, true
}

// ended forgets a session, and returns the address that it had last; empty: none.
func (a *accounting) ended(l pppoe.SessionInfo) (address string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if o := a.sessions[keyOf(l)]; o != nil {
		address = o.address
		delete(a.sessions, keyOf(l))
	}
	return address
}

func (el *EventLogger) created(l pppoe.SessionInfo, address string) {
	el.info(l, "Session %d created for client %v (%s) on %s using Service-Name '%s'%s",
		l.SessionID, l.Peer, address, l.Interface, wire.EscapeName(l.Service), userOf(l))
}

func (el *EventLogger) closed(l pppoe.SessionInfo, e pppoe.Ended) {
	at := ""
	if address := el.accounting.ended(l); address != "" {
		at = " (" + address + ")"
	}
	el.info(l, "Session %d closed for client %v%s on %s: %v%s", l.SessionID, l.Peer, at, l.Interface, e.Reason.Cause, userOf(l))
}

// userOf names a session's user, if the peer has proved who it is.
func userOf(l pppoe.SessionInfo) string {
	if l.User == "" {
		return ""
	}
	return fmt.Sprintf(`, user "%s"`, wire.EscapeName(l.User))
}

// serverSession tells of the opening of a session, as far as the event is one.
func (el *EventLogger) serverSession(l pppoe.SessionInfo, event pppoe.Event) {
	address, opened := "", false
	switch e := event.(type) {
	case pppoe.Configured:
		address, opened = el.accounting.configured(l, e, el.NoIPv4)
	case session.NetworkFailed:
		if e.Protocol == ppp.IPCP {
			address, opened = el.accounting.ipv4Failed(l)
		}
	}
	if opened {
		el.created(l, address)
	}
}

// unauthenticatedKind is what an event of a server is that anybody can cause without an account; empty: no
// such one. Events of sessions whose packets flow are always logged.
func unauthenticatedKind(l pppoe.SessionInfo, event pppoe.Event) string {
	switch e := event.(type) {
	case session.AuthFailed:
		return "refused logins"
	case pppoe.AddressInUse:
		return "sessions refused for their address"
	case pppoe.Ended:
		if e.Uptime == 0 {
			return "ends of sessions that did not come up"
		}
	case session.PeerClosed, session.NetworkFailed, session.EchoTimeout, session.NetworkPhase, pppoe.HostNetworkFailed, pppoe.DeviceOpened, pppoe.Connected:
		if l.User == "" {
			return "events of sessions without a user"
		}
	}
	return ""
}
