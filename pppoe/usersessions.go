package pppoe

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"time"

	"upppoe/pppoe/wire"
)

// Duplicates is what becomes of the login of a user who has a session already.
type Duplicates uint8

// What becomes of it.
const (
	AllowDuplicates  Duplicates = iota // it has a further session, or as many as SessionPolicy.MaxSessions
	ReplaceDuplicate                   // the older session ends
	RefuseDuplicate                    // the login is refused
)

// userSessions has the sessions of users whose number is limited, on all interfaces of a server. It may be
// used concurrently.
type userSessions struct {
	mu     sync.Mutex
	by     map[string][]userSession // the oldest first
	bySlot map[int]string
}

type userSession struct {
	slot int
	sessionRef
}

func newUserSessions() *userSessions {
	return &userSessions{by: make(map[string][]userSession), bySlot: make(map[int]string)}
}

// add adds the session of a slot to those of a user, of which there may be limit. If there are more, it
// returns the oldest, which are no longer counted; unless replace is false: then it adds none, ok is false,
// and it returns all. Sessions that are ending do not count.
func (u *userSessions) add(user string, slot int, ref sessionRef, limit int, replace bool) (older []sessionRef, ok bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if name, has := u.bySlot[slot]; has && name != user {
		u.removeLocked(slot)
	} else if has {
		return nil, true
	}
	all := u.by[user]
	live := slices.DeleteFunc(slices.Clone(all), func(s userSession) bool { return s.state.ending.Load() })
	excess := len(live) + 1 - limit
	if excess > 0 && !replace {
		for _, s := range live {
			older = append(older, s.sessionRef)
		}
		return older, false
	}
	for _, s := range live[:max(excess, 0)] {
		older = append(older, s.sessionRef)
		delete(u.bySlot, s.slot)
		all = slices.DeleteFunc(all, func(o userSession) bool { return o.slot == s.slot })
	}
	u.by[user] = append(all, userSession{slot, ref})
	u.bySlot[slot] = user
	return older, true
}

// adopt adds the session of a slot to those of a user, however many there are.
func (u *userSessions) adopt(user string, slot int, ref sessionRef) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.by[user] = append(u.by[user], userSession{slot, ref})
	u.bySlot[slot] = user
}

// remove removes the session of a slot.
func (u *userSessions) remove(slot int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.removeLocked(slot)
}

func (u *userSessions) removeLocked(slot int) {
	user, has := u.bySlot[slot]
	if !has {
		return
	}
	delete(u.bySlot, slot)
	left := slices.DeleteFunc(u.by[user], func(s userSession) bool { return s.slot == slot })
	if u.by[user] = left; len(left) == 0 {
		delete(u.by, user)
	}
}

// admitUser reports whether a user who was authenticated may have a session more; if so, it ends older ones
// where they are replaced. Otherwise their peers are checked, as after a power cut they are gone.
func (l *serverLoop) admitUser(s *sessionState, user string, policy *SessionPolicy) error {
	duplicates := l.server.current.Load().Duplicates
	user, limit := CountedUser(user, policy, duplicates)
	if limit == 0 {
		l.server.users.remove(s.Unit)
		return nil
	}
	older, ok := l.server.users.add(user, s.Unit, sessionRef{l, s, user}, limit, duplicates == ReplaceDuplicate)
	if !ok {
		for _, ref := range older {
			ref.call(func(now time.Time) { ref.owner.checkPeer(now, ref.state) })
		}
		return fmt.Errorf("user %q has %d sessions already, and may have %d", wire.EscapeName(user), len(older), limit)
	}
	for _, ref := range older {
		ref.state.ending.Store(true) // so that this session can have its address
		ref.call(func(now time.Time) {
			ref.owner.loop.replaceSession(now, ref.state, "user has logged in again")
		})
	}
	return nil
}

// CountedUser returns the name by which a user's sessions are counted, and how many there may be; 0: they
// are not counted. It is for several servers that count the sessions of a user together.
func CountedUser(user string, policy *SessionPolicy, duplicates Duplicates) (name string, limit int) {
	if duplicates != AllowDuplicates {
		limit = 1
	}
	if policy.MaxSessions > 0 {
		limit = policy.MaxSessions
	}
	if name = cmp.Or(policy.Account, user); name == "" {
		limit = 0
	}
	return name, limit
}
