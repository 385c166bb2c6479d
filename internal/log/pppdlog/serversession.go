package pppdlog

import (
	"net/netip"
	"sync"

	"upppoe/ppp"
	"upppoe/ppp/ipv6cp"
	"upppoe/ppp/session"
	"upppoe/pppoe"
	"upppoe/pppoe/wire"
)

// accounting logs when each session of a server is created and closed, in one line each, in
// rp-pppoe's words followed by the user. The zero value is ready.
type accounting struct {
	mu       sync.Mutex
	sessions map[uint64]sessionRecord // those that are or were configured, by generation
}

// sessionRecord is a session's address, and whether its creation was logged.
type sessionRecord struct {
	address netip.Addr // the peer's IPv4 address, or else IPv6 address
	logged  bool
}

// text formats the address, an IPv6 one as pppd does.
func (o sessionRecord) text() string {
	if o.address.Is6() {
		b := o.address.As16()
		return linkLocal(ipv6cp.ID(b[8:]))
	}
	return o.address.String()
}

// configured records a session's address. opened reports that its creation must be logged: once,
// when it has IPv4; with IPv6 alone, when IPv4 has failed or is disabled.
func (a *accounting) configured(l pppoe.SessionInfo, e pppoe.Configured, noIPv4 bool) (address string, opened bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.sessions == nil {
		a.sessions = make(map[uint64]sessionRecord)
	}
	o := a.sessions[l.Generation]
	switch {
	case e.HasIPv4():
		o.address = e.IPv4.Remote
	case !o.address.IsValid():
		o.address = e.IPv6.Remote.LinkLocal()
	}
	opened = !o.logged && (e.HasIPv4() || noIPv4)
	o.logged = o.logged || opened
	a.sessions[l.Generation] = o
	return o.text(), opened
}

// ipv4Failed is called when IPv4 has failed: a session with IPv6 is created then.
func (a *accounting) ipv4Failed(l pppoe.SessionInfo) (address string, opened bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	o, known := a.sessions[l.Generation]
	if !known || o.logged {
		return "", false
	}
	o.logged = true
	a.sessions[l.Generation] = o
	return o.text(), true
}

// ended deletes a session, and returns its last address; empty: none.
func (a *accounting) ended(l pppoe.SessionInfo) (address string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	o, known := a.sessions[l.Generation]
	if !known {
		return ""
	}
	delete(a.sessions, l.Generation)
	return o.text()
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

// serverSession logs a session's creation, if the event completes it.
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
