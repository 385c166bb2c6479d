package allactive

import (
	"errors"
	"fmt"
	"slices"
)

// admit tells the server whether sessions may begin.
func (m *Member) admit() {
	m.mu.Lock()
	var why error
	switch {
	case m.expired:
		why = fmt.Errorf("cluster: %w, and the blocks of addresses are not held any more", ErrAway)
	case m.isAway() && m.cfg.RefuseAway:
		why = fmt.Errorf("cluster: %w", ErrAway)
	case !m.hasBlocks():
		why = errNoBlocks
	}
	changed := (why == nil) != (m.refused == nil)
	sessions := m.sessions
	if sessions != nil {
		m.refused = why
	}
	m.mu.Unlock()
	if changed && sessions != nil {
		if why != nil {
			m.cfg.Log.Warn(fmt.Sprintf("%v: no session can begin", why))
		} else {
			m.cfg.Log.Info("cluster: sessions can begin")
		}
		sessions.Refuse(why)
	}
}

// errNoBlocks is why no session can begin at first.
var errNoBlocks = errors.New("cluster: the first blocks of each pool are not leased yet")

// hasBlocks reports whether there is a block of each pool, or there has been since the machine joined: a session that
// begins before has no addresses. m.mu is held.
func (m *Member) hasBlocks() bool {
	if !m.ready {
		m.ready = !slices.ContainsFunc(m.pools, func(p *poolState) bool { return len(p.own) == 0 && !p.said })
	}
	return m.ready
}
