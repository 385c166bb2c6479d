package allactive

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// ErrClaiming is the error of Change for a session whose login is claiming at the same time.
var ErrClaiming = errors.New("the user is logging in")

// changeTimeouts is how many times Timing.Timeout Change may take: who asks for it waits for a few seconds.
const changeTimeouts = 2

// Change claims what a session is to have in addition to what it has: its policy is about to change. Unlike Claim it
// takes nothing from others, this machine's sessions included, and claims nothing later: the error, an InUseError, ErrAway,
// ErrClaiming or ErrEnded (wrapped), is why the policy must not change, and then nothing is claimed. If the policy does
// not change after all, GiveBack undoes it.
func (m *Member) Change(ctx context.Context, session uint64, w Want) error {
	ctx, cancel := context.WithTimeout(ctx, changeTimeouts*m.cfg.Timing.Timeout)
	defer cancel()
	for _, p := range w.Fixed {
		if _, err := m.leaseFixed(ctx, p); err != nil {
			return err
		}
	}
	keys, err := m.missing(session, w)
	if err != nil {
		return err
	}
	c := &claiming{Member: m, session: session, atOnce: true}
	for _, key := range keys {
		if err := c.claimKey(ctx, key); err != nil {
			c.undo()
			return explain(key, err)
		}
	}
	return nil
}

// explain adds to an error what could not be claimed.
func explain(key string, err error) error {
	if errors.Is(err, ErrAway) {
		return fmt.Errorf("%s cannot be claimed: %w", whatIs(key), err)
	}
	return err
}

// missing returns the keys that a session wants and does not have.
func (m *Member) missing(session uint64, w Want) (keys []string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.claims.sessions[session]
	switch {
	case s == nil:
		return nil, ErrEnded
	case s.claiming > 0:
		return nil, ErrClaiming
	}
	for _, key := range m.keysOf(w) {
		if !m.claims.holds(session, key) {
			keys = append(keys, key)
		}
	}
	return keys, nil
}

// Has reports whether a session has claimed what it wants, apart from its user.
func (m *Member) Has(session uint64, w Want) bool {
	keys, err := m.missing(session, w)
	return err == nil && len(keys) == 0
}

// GiveBack releases what a session has claimed of one Want, and not of another. While a login of the session is
// claiming, that decides instead.
func (m *Member) GiveBack(session uint64, of, except Want) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s := m.claims.sessions[session]; s == nil || s.claiming > 0 {
		return
	}
	kept := m.keysOf(except)
	for _, key := range m.keysOf(of) {
		if !slices.Contains(kept, key) && m.claims.holds(session, key) {
			m.release(session, key)
		}
	}
}
