package explain

import (
	"bytes"
	"container/list"
	"time"

	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// sessionKey identifies a session: its place, the addresses of both ends and the SESSION_ID (RFC 2516
// section 6). The addresses are sorted; they are zero in a cooked capture.
type sessionKey struct {
	place
	low, high wire.Addr
	id        uint16
}

// attemptKey identifies an attempt to get a session: the host, and the hash of its Host-Uniq.
type attemptKey struct {
	place
	host wire.Addr
	uniq uint64
}

// endKey identifies the sessions of one end; in a cooked capture, in which single frames lack their tags, without
// the VLAN.
type endKey struct {
	place
	addr wire.Addr
	id   uint16
}

func (c *conversation) endKey(s side) endKey {
	key := endKey{c.place, c.mac[s], c.id}
	if c.cooked {
		key.vlan = vlan.Stack{}
	}
	return key
}

// table has the conversations, at most max of them.
type table struct {
	max      int
	order    *list.List // of *conversation, by their first packets
	clean    *list.List // those of order that ended without a problem: they make room for others
	sessions map[sessionKey]*conversation
	attempts map[attemptKey]*conversation
	ends     map[endKey]*conversation
}

func newTable(most int) table {
	return table{
		max: most, order: list.New(), clean: list.New(), sessions: make(map[sessionKey]*conversation),
		attempts: make(map[attemptKey]*conversation), ends: make(map[endKey]*conversation),
	}
}

func newSessionKey(p place, cooked bool, a, b wire.Addr, id uint16) sessionKey {
	switch {
	case cooked:
		a, b = wire.Addr{}, wire.Addr{}
	case bytes.Compare(a[:], b[:]) > 0:
		a, b = b, a
	}
	return sessionKey{p, a, b, id}
}

// all returns the conversations in the order of their first packets.
func (t *table) all() (all []*conversation) {
	for e := t.order.Front(); e != nil; e = e.Next() {
		all = append(all, e.Value.(*conversation))
	}
	return all
}

// start adds a conversation that begins with a frame; nil: there is no room.
func (a *Analyzer) start(f *frame) *conversation {
	if a.order.Len() >= a.max && !a.evict() {
		a.report.UnexplainedPackets++
		return nil
	}
	c := newConversation(f)
	c.inOrder = a.order.PushBack(c)
	return c
}

// evict removes the first conversation that ended without a problem, or a host's question for concentrators
// that was answered a while ago.
func (a *Analyzer) evict() bool {
	var c *conversation
	if first := a.clean.Front(); first != nil {
		c = a.clean.Remove(first).(*conversation)
	} else if c = a.oldProbe(); c == nil {
		return false
	}
	a.order.Remove(c.inOrder)
	a.forget(c)
	a.budget += c.text
	a.report.OmittedSessions++
	if a.latest == c {
		a.latest = nil
	}
	return true
}

const (
	probeAge  = 30 * time.Second // after which no PADR is expected
	probeScan = 32               // conversations in which an old probe is searched for
)

// oldProbe returns a conversation of a PADI and PADOs alone; nil: there is none among the first ones.
func (a *Analyzer) oldProbe() *conversation {
	e := a.order.Front()
	for n := 0; e != nil && n < probeScan; n++ {
		c := e.Value.(*conversation)
		if c.disc.offers > 0 && c.disc.padrs == 0 && !c.bound && !c.failed() && a.end.Sub(c.last) >= probeAge {
			return c
		}
		e = e.Next()
	}
	return nil
}

// forget removes a conversation from the maps.
func (t *table) forget(c *conversation) {
	if t.attempts[c.attempt] == c {
		delete(t.attempts, c.attempt)
	}
	if !c.bound {
		return
	}
	if t.sessions[c.key] == c {
		delete(t.sessions, c.key)
	}
	for _, s := range []side{0, 1} {
		if key := c.endKey(s); t.ends[key] == c {
			delete(t.ends, key)
		}
	}
}

// bind makes a conversation the session of its addresses and SESSION_ID, in place of any before.
func (a *Analyzer) bind(c *conversation, id uint16) {
	c.id, c.bound = id, true
	c.key = newSessionKey(c.place, c.cooked, c.mac[0], c.mac[1], id)
	if before := a.sessions[c.key]; before != nil && before != c {
		a.retire(before)
	}
	a.sessions[c.key] = c
	for _, s := range []side{0, 1} {
		if c.known[s] {
			a.ends[c.endKey(s)] = c
		}
	}
}

// retire notes that a conversation has ended: it may make room for others if it had no problem.
func (a *Analyzer) retire(c *conversation) {
	if c.retired {
		return
	}
	c.retired = true
	if c.endsWell() {
		a.clean.PushBack(c)
	}
}
