package allactive

import (
	"context"
	"net/netip"
	"slices"
)

// Want is what a session must claim before it begins: other machines have nothing of it.
type Want struct {
	// User is the name by which sessions of a user are counted, and Limit how many there may be; 0: any number.
	User  string
	Limit int
	// Fixed are addresses and prefixes that are the session's, whichever pool they are of.
	Fixed []netip.Prefix
	// Routes are prefixes that are routed to the session, in a VRF.
	Routes []netip.Prefix
	VRF    string
	// Replace ends the sessions that have some of it; else this one does not begin.
	Replace bool
}

// claims are the keys that sessions have claimed. Member.mu guards it.
type claims struct {
	sessions map[uint64]*claimant // by generation: all sessions, from when they begin
	keys     map[string]*claim
	pending  map[string]struct{} // keys that are to be claimed, as etcd was away
}

// claimant is a session.
type claimant struct {
	keys     []string
	claiming int // calls of Claim that have not returned
}

// claim is a key that sessions of this machine have. Several have it where the server decides which of them
// remains.
type claim struct {
	holders  []uint64
	mine     bool  // the key is this machine's
	revision int64 // at which it was written; 0: not known
	// since is the revision that etcd had when the claim was made without it; 0: it was not.
	since   int64
	replace bool // others are asked to end their session
}

func newClaims() claims {
	return claims{make(map[uint64]*claimant), make(map[string]*claim), make(map[string]struct{})}
}

func (c *claims) has(key string) bool { return c.keys[key] != nil }

// hold makes a session a holder of a key, and reports whether the machine has it.
func (c *claims) hold(session uint64, key string, replace bool) (mine bool) {
	of := c.keys[key]
	if of == nil {
		of = &claim{}
		c.keys[key] = of
	}
	of.replace = replace
	if !slices.Contains(of.holders, session) {
		of.holders = append(of.holders, session)
	}
	if s := c.sessions[session]; s != nil && !slices.Contains(s.keys, key) {
		s.keys = append(s.keys, key)
	}
	return of.mine
}

// drop takes a key from a session, and returns the claim if it is nobody's any more.
func (c *claims) drop(session uint64, key string) (freed *claim) {
	if s := c.sessions[session]; s != nil {
		s.keys = slices.DeleteFunc(s.keys, func(k string) bool { return k == key })
	}
	of := c.keys[key]
	if of == nil {
		return nil
	}
	of.holders = slices.DeleteFunc(of.holders, func(s uint64) bool { return s == session })
	if len(of.holders) > 0 {
		c.later(key, of.since) // unless it was written: the session that was to write it may be this one
		return nil
	}
	delete(c.keys, key)
	delete(c.pending, key)
	return of
}

// holds reports whether a session has a key still.
func (c *claims) holds(session uint64, key string) bool {
	of := c.keys[key]
	return of != nil && slices.Contains(of.holders, session)
}

// written is called when a key was written for this machine, and reports whether a session has it still.
func (c *claims) written(key string, revision int64) bool {
	of := c.keys[key]
	if of == nil {
		return false
	}
	of.mine, of.revision, of.since = true, revision, 0
	delete(c.pending, key)
	return true
}

// later makes a key one that is to be claimed when etcd is back.
func (c *claims) later(key string, since int64) {
	if of := c.keys[key]; of != nil && !of.mine {
		of.since = since
		c.pending[key] = struct{}{}
	}
}

// number returns the number by which a session of a user is claimed: one that no session of this machine has,
// from the one that is given on. It is limit if there is none.
func (c *claims) number(user string, from, limit int) int {
	for n := from; n < limit; n++ {
		if !c.has(userOf(user, n)) {
			return n
		}
	}
	return limit
}

// Begin is called when a session begins, before its login.
func (m *Member) Begin(session uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.claims.sessions[session] = &claimant{}
}

// Ended is called when a session has ended: what it has claimed is free.
func (m *Member) Ended(session uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.claims.sessions[session]
	if s == nil {
		return
	}
	for _, key := range slices.Clone(s.keys) {
		m.release(session, key)
	}
	delete(m.claims.sessions, session)
}

// maxStale bounds the keys that are looked up before they are deleted.
const maxStale = 4096

// release takes a key from a session, and deletes it if no other has it. m.mu is held.
func (m *Member) release(session uint64, key string) {
	freed := m.claims.drop(session, key)
	switch {
	case freed == nil:
	case m.isAway() || len(m.stale) >= maxStale:
		m.doubt = true
	case freed.revision != 0:
		m.deleteAt(key, freed.revision)
	default: // it may have been written
		m.stale = append(m.stale, key)
	}
}

// deleteStale deletes keys of sessions that have ended, of which it is not known when they were written.
func (m *Member) deleteStale(ctx context.Context) {
	m.mu.Lock()
	keys := m.stale
	m.stale = nil
	m.mu.Unlock()
	for chunk := range slices.Chunk(keys, maxTxns) {
		if err := m.deleteKeys(ctx, chunk); err != nil {
			m.setDoubt()
			return
		}
	}
}

// Adopt is called with a session of an earlier program that is continued, and what it has claimed there.
func (m *Member) Adopt(session uint64, w Want) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.claims.sessions[session] = &claimant{}
	for _, key := range m.keysOf(w) {
		m.claims.hold(session, key, w.Replace)
		m.claims.later(key, 0)
	}
	if w.isCounted() {
		key := userOf(w.User, min(m.claims.number(w.User, 0, w.Limit), w.Limit-1))
		m.claims.hold(session, key, w.Replace)
		m.claims.later(key, 0)
	}
}

// keysOf returns the keys of what is not counted, and of no block. m.mu is held.
func (m *Member) keysOf(w Want) (keys []string) {
	for _, p := range w.Fixed {
		if !m.isOfPool(p) {
			keys = append(keys, fixedOf(p))
		}
	}
	for _, p := range w.Routes {
		keys = append(keys, routeOf(p, w.VRF))
	}
	return keys
}

func (m *Member) isOfPool(p netip.Prefix) bool {
	return slices.ContainsFunc(m.pools, func(of *poolState) bool { return of.space.overlaps(p) })
}

// Settled is called when no session of an earlier program is being adopted any more: claims of others are free.
func (m *Member) Settled() {
	m.mu.Lock()
	m.settled, m.doubt = true, true
	m.mu.Unlock()
	m.wake()
}

// claimAgain has those claims written again that etcd does not have as this machine's.
func (m *Member) claimAgain(has map[string]bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for key, c := range m.claims.keys {
		switch {
		case has[key]:
			if !c.mine { // it was written by a request without an answer
				c.mine, c.revision = true, 0
			}
			delete(m.claims.pending, key)
		case c.mine:
			c.mine, c.revision = false, 0
			m.claims.later(key, 0)
		}
	}
}
