package pppdlog

import (
	"fmt"
	"net/netip"
	"sync"
	"time"

	"upppoe/internal/keyed"
	"upppoe/ppp"
	"upppoe/ppp/ipv6cp"
	"upppoe/ppp/session"
	"upppoe/pppoe"
	"upppoe/pppoe/wire"
)

// accounting logs when each session of a server is created and closed, in one line each, in
// rp-pppoe's words followed by what those lack: user, IPv6 address, access line, time and traffic. The
// zero value is ready.
type accounting struct {
	mu       sync.Mutex
	sessions keyed.Table[uint64, *sessionRecord] // those that are or were configured, by generation
	lost     map[uint64]string                   // the prefixes that they had, of those that are about to end
}

// sessionRecord is the peer's addresses, and whether the session's creation was logged. It is kept for
// every session.
type sessionRecord struct {
	generation uint64

	v4         [4]byte
	v6         ipv6cp.ID // of the link-local address
	has4, has6 bool
	logged     bool
}

// TableKey returns the key of accounting.sessions.
func (o *sessionRecord) TableKey() uint64 { return o.generation }

// address formats the IPv4 address, or else the IPv6 address; empty: none.
func (o sessionRecord) address() string {
	if o.has4 {
		return netip.AddrFrom4(o.v4).String()
	}
	return o.ipv6()
}

// ipv6 formats the IPv6 address, as pppd does; empty: none.
func (o sessionRecord) ipv6() string {
	if !o.has6 {
		return ""
	}
	return linkLocal(o.v6)
}

// configured records a session's addresses. opened reports that its creation must be logged: once,
// when it has IPv4; with IPv6 alone, when IPv4 has failed or is disabled.
func (a *accounting) configured(l pppoe.SessionInfo, e pppoe.Configured, noIPv4 bool) (o sessionRecord, opened bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	is := a.record(l)
	is.setAddresses(e.Addressing)
	opened = !is.logged && (e.HasIPv4() || noIPv4)
	is.logged = is.logged || opened
	return *is, opened
}

// adopted records the addresses of a session whose creation an earlier server has logged.
func (a *accounting) adopted(l pppoe.SessionInfo, e pppoe.Adopted) (o sessionRecord) {
	a.mu.Lock()
	defer a.mu.Unlock()
	is := a.record(l)
	is.logged = true
	is.setAddresses(e.Addressing)
	return *is
}

// record returns the record of a session, which is made if there is none. The lock is held.
func (a *accounting) record(l pppoe.SessionInfo) *sessionRecord {
	is := a.sessions.Get(l.Generation)
	if is == nil {
		is = &sessionRecord{generation: l.Generation}
		a.sessions.Put(is)
	}
	return is
}

// setAddresses sets the peer's addresses of the families that are open.
func (o *sessionRecord) setAddresses(a pppoe.Addressing) {
	if a.HasIPv4() && a.IPv4.Remote.Is4() {
		o.v4, o.has4 = a.IPv4.Remote.As4(), true
	}
	if a.HasIPv6() {
		o.v6, o.has6 = a.IPv6.Remote, true
	}
}

// ipv4Failed is called when IPv4 has failed: a session with IPv6 is created then.
func (a *accounting) ipv4Failed(l pppoe.SessionInfo) (o sessionRecord, opened bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	is := a.sessions.Get(l.Generation)
	if is == nil || is.logged {
		return o, false
	}
	is.logged = true
	return *is, true
}

// networkLost records the prefixes that a session had until now.
func (a *accounting) networkLost(l pppoe.SessionInfo, e pppoe.NetworkLost) {
	text := ""
	for _, p := range e.Prefixes {
		if p.IsValid() {
			text += " " + p.String()
		}
	}
	if text == "" {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.lost == nil {
		a.lost = make(map[uint64]string)
	}
	a.lost[l.Generation] = text
}

// ended deletes a session, and returns its last addresses and prefixes.
func (a *accounting) ended(l pppoe.SessionInfo) (o sessionRecord, prefixes string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if is := a.sessions.Get(l.Generation); is != nil {
		o = *is
	}
	prefixes = a.lost[l.Generation]
	a.sessions.Delete(l.Generation)
	delete(a.lost, l.Generation)
	return o, prefixes
}

func (el *EventLogger) created(l pppoe.SessionInfo, o sessionRecord) {
	el.info(l, "Session %d created for client %v (%s) on %s using Service-Name '%s'%s%s%s",
		l.SessionID, l.Peer, o.address(), l.Interface, wire.EscapeName(l.Service), userOf(l), secondAddress(o), circuitOf(l))
}

// adopted logs that a session of an earlier server continues.
func (el *EventLogger) adopted(l pppoe.SessionInfo, e pppoe.Adopted) {
	at := ""
	o := el.accounting.adopted(l, e)
	if address := o.address(); address != "" {
		at = " (" + address + ")"
	}
	el.info(l, "Session %d continues for client %v%s on %s%s%s%s, online for %v", l.SessionID, l.Peer, at, l.Interface, userOf(l), secondAddress(o), circuitOf(l), e.Uptime.Round(time.Second))
}

func (el *EventLogger) closed(l pppoe.SessionInfo, e pppoe.Ended) {
	at, carried := "", ""
	o, prefixes := el.accounting.ended(l)
	if address := o.address(); address != "" {
		at = " (" + address + ")"
	}
	six := secondAddress(o)
	if prefixes != "" {
		six = ", IPv6" + prefixes
	}
	if e.Uptime > 0 {
		carried = fmt.Sprintf(", after %v, sent %d bytes, received %d bytes", e.Uptime.Round(time.Second), e.Counters.SentBytes, e.Counters.ReceivedBytes)
	}
	el.info(l, "Session %d closed for client %v%s on %s: %s%s%s%s%s", l.SessionID, l.Peer, at, l.Interface, whyClosed(e.Reason), userOf(l), six, circuitOf(l), carried)
}

// whyClosed returns the cause of a session's end, and who or what has requested it here.
func whyClosed(r session.Reason) string {
	if r.Cause != session.CauseUserRequest || r.Text == "" {
		return r.Cause.String()
	}
	return fmt.Sprintf("%v (%s)", r.Cause, wire.Escape(r.Text))
}

// secondAddress formats the IPv6 address of a session that has both.
func secondAddress(o sessionRecord) string {
	if !o.has4 || !o.has6 {
		return ""
	}
	return ", IPv6 " + o.ipv6()
}

// circuitOf formats the circuit ID of the session's access line; empty: it is unknown.
func circuitOf(l pppoe.SessionInfo) string {
	if l.AccessLine == nil || l.AccessLine.CircuitID == "" {
		return ""
	}
	return fmt.Sprintf(`, circuit ID "%s"`, wire.EscapeName(l.AccessLine.CircuitID))
}

// serverSession logs a session's creation, if the event completes it.
func (el *EventLogger) serverSession(l pppoe.SessionInfo, event pppoe.Event) {
	var o sessionRecord
	opened := false
	switch e := event.(type) {
	case pppoe.Configured:
		o, opened = el.accounting.configured(l, e, el.NoIPv4)
	case pppoe.NetworkLost:
		el.accounting.networkLost(l, e)
	case session.NetworkFailed:
		if e.Protocol == ppp.IPCP {
			o, opened = el.accounting.ipv4Failed(l)
		}
	}
	if opened {
		el.created(l, o)
	}
}
