package web

import (
	"strings"
	"sync"
	"time"

	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
)

// octets are those of IP packets, from clients and to them.
type octets struct{ up, down uint64 }

func octetsOf(c datapath.Counters) octets { return octets{c.ReceivedBytes, c.SentBytes} }

func (o octets) plus(p octets) octets { return octets{o.up + p.up, o.down + p.down} }

// since returns what was added to an earlier number; zero if there is less, as of another device.
func (o octets) since(p octets) octets {
	return octets{o.up - min(o.up, p.up), o.down - min(o.down, p.down)}
}

// meter adds up the traffic of sessions, of all and by interface. A session that ends is counted to its end, and of one
// that was adopted only what it has carried since. It needs about 40 octets for each session. Its methods may be
// called concurrently.
type meter struct {
	interfaces map[string]bool // that are counted; not changed

	mu       sync.Mutex
	began    time.Time // of the last pass; zero: there was none
	pass     uint32
	sessions map[uint64]reading // by generation
	totals   map[string]octets  // since the first pass, by interface; all: ""
}

// reading is what a session had in a pass.
type reading struct {
	octets
	pass uint32
}

// begin begins a pass over all sessions.
func (m *meter) begin() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.sessions == nil {
		m.sessions, m.totals = make(map[uint64]reading), make(map[string]octets)
	}
	m.pass++
}

// add counts what a session has carried since the last pass.
func (m *meter) add(s *pppoe.SessionStatus) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := octetsOf(s.Counters)
	was, known := m.sessions[s.Generation]
	if !known && (m.began.IsZero() || !s.Opened.After(m.began)) {
		was.octets = now // it was adopted
	}
	m.count(s.SessionInfo.Interface, now.since(was.octets))
	m.sessions[s.Generation] = reading{now, m.pass}
}

// end ends a pass that has begun at a time and seen n sessions, and returns the totals.
func (m *meter) end(began time.Time, n int) map[string]octets {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.began = began
	if len(m.sessions) > n { // some have ended unnoticed
		for id, r := range m.sessions {
			if r.pass != m.pass {
				delete(m.sessions, id)
			}
		}
	}
	totals := make(map[string]octets, len(m.totals))
	for name, o := range m.totals {
		totals[name] = o
	}
	return totals
}

// ended counts what a session that has ended at a time has carried since the last pass.
func (m *meter) ended(l pppoe.SessionInfo, e pppoe.Ended, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	was, known := m.sessions[l.Generation]
	delete(m.sessions, l.Generation)
	if known || !m.began.IsZero() && e.Uptime < now.Sub(m.began) {
		m.count(l.Interface, octetsOf(e.Counters).since(was.octets))
	}
}

// count adds to the totals. The meter must be locked.
func (m *meter) count(attachment string, n octets) {
	if n == (octets{}) {
		return
	}
	m.totals[""] = m.totals[""].plus(n)
	if name := m.interfaceOf(attachment); name != "" {
		m.totals[name] = m.totals[name].plus(n)
	}
}

// interfaceOf returns the interface that is counted of an interface with VLAN tags, like eth1.100.7; empty: none.
func (m *meter) interfaceOf(attachment string) string {
	for name := attachment; name != ""; {
		if m.interfaces[name] {
			return name
		}
		name = name[:max(0, strings.LastIndexByte(name, '.'))]
	}
	return ""
}
