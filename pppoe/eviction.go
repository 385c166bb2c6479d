package pppoe

import (
	"time"

	"upppoe/ppp/session"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/limit"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// A client that has all its slots, or finds none free, may have sessions that it no longer knows,
// as after a power cut, or one that is about to end. Its request then waits until the server has
// checked them; a client repeats a PADR that is not answered.
const (
	// peerCheckTimeout is more than session.CheckPeer takes to find a peer dead.
	peerCheckTimeout = 4 * time.Second
	// slotWaitTimeout is how long a request waits for a session that is about to end, as while its
	// device is removed. Clients repeat their PADR no longer (RFC 2516 section 8).
	slotWaitTimeout = 35 * time.Second
	// maxPeerChecks is how many sessions of a client are checked at a time.
	maxPeerChecks = 8
)

// waitingRequest is a request that waits for a session of the same client to end.
type waitingRequest struct {
	owner    *serverLoop
	request  discovery.Request
	origin   limit.Origin
	key      discovery.RequestKey
	deadline time.Time
	ending   bool // a session of the client is about to end; guarded by the slots' lock
}

// clientAt is a client in a VLAN.
type clientAt struct {
	vlan vlan.Stack
	addr wire.Addr
}

func clientOf(r discovery.Request) clientAt { return clientAt{r.VLAN, r.Client} }

// heldSlot is the session of a slot in use, and its loop.
type heldSlot struct {
	session *sessionState
	owner   *serverLoop
}

// addWait makes a request wait for a slot of its client, and returns at most maxPeerChecks slots
// that the client has, the oldest first. ok is false if the client has none, or if another request
// of it waits at another interface.
func (s *slots) addWait(w *waitingRequest, now time.Time) (old []heldSlot, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	client := w.request.Client
	before := s.waiting[client]
	if s.count(client) == 0 || before != nil && now.Before(before.deadline) {
		return nil, false
	}
	s.waiting[client] = w
	for i := range s.of(client) {
		if old = append(old, heldSlot{s.all[i].session, s.all[i].owner}); len(old) == maxPeerChecks {
			break
		}
	}
	return old, true
}

// markEnding records that a session of a client is about to end.
func (s *slots) markEnding(client wire.Addr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if w := s.waiting[client]; w != nil {
		w.ending = true
	}
}

// expireWait ends a wait, with a slot if err is nil. more reports that the wait goes on, for a
// session that is about to end.
func (s *slots) expireWait(w *waitingRequest, now time.Time) (slot int, more bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting[w.request.Client] != w { // a slot was assigned; openWaiting follows
		return 0, true, nil
	}
	slot, err = s.takeLocked(w.origin, w.owner)
	if more = err != nil && w.ending && now.Before(w.deadline); !more {
		delete(s.waiting, w.request.Client)
	}
	return slot, more, err
}

// removeWait removes a wait.
func (s *slots) removeWait(w *waitingRequest) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting[w.request.Client] == w {
		delete(s.waiting, w.request.Client)
	}
}

// waitForSlot makes a request wait for a session of its client to end, and reports whether there is
// one.
func (l *serverLoop) waitForSlot(now time.Time, o limit.Origin, r discovery.Request, key discovery.RequestKey) bool {
	if w := l.waiting[clientOf(r)]; w != nil {
		w.request, w.key = r.Clone(), key // it replaces the client's earlier request
		return true
	}
	w := &waitingRequest{owner: l, origin: o, request: r.Clone(), key: key, deadline: now.Add(slotWaitTimeout)}
	old, ok := l.server.slots.addWait(w, now)
	if !ok {
		return false
	}
	l.waiting[clientOf(r)] = w
	l.waitTimers.Set(w, now.Add(peerCheckTimeout))
	// Ends when these sessions' loops have answered or ended. A loop must not wait for another.
	go func() {
		for _, h := range old {
			if h.owner.requestEviction(h.session) {
				l.server.slots.markEnding(r.Client)
				return
			}
		}
	}()
	return true
}

// requestEviction makes a session's loop evict or check the session for a newer one of the same
// client, and reports whether it ends.
func (l *serverLoop) requestEviction(s *sessionState) bool {
	ends := make(chan bool, 1)
	taken := l.loop.tryCall(func(now time.Time) { ends <- l.evictOrCheck(now, s) })
	return !taken || <-ends
}

// evictOrCheck ends a session that is not in its network phase, and checks another with an
// Echo-Request. It reports whether the session ends.
func (l *serverLoop) evictOrCheck(now time.Time, s *sessionState) (ends bool) {
	switch {
	case s == nil || s.endReason != nil:
		return true
	case s.ppp.Phase() == session.PhaseNetwork:
		l.checkPeer(now, s)
		return false
	}
	l.loop.closeWithoutWaiting(now, s, session.Reason{Cause: session.CauseReplaced, Text: "Client has begun another session"})
	return true
}

// freeSlot frees a slot. A request of the same client that waits for one is served.
func (l *serverLoop) freeSlot(slot int) {
	l.server.addresses.releaseLease(slot)
	l.server.users.remove(slot)
	w, next := l.server.slots.release(slot)
	if w == nil {
		return
	}
	// Ends when the loop has accepted the call or ended.
	go func() {
		if !w.owner.loop.tryCall(func(now time.Time) { w.owner.openWaiting(now, w, next) }) {
			l.freeSlot(next)
		}
	}()
}

// openWaiting opens the session of a request that waited for its slot.
func (l *serverLoop) openWaiting(now time.Time, w *waitingRequest, slot int) {
	if l.waiting[clientOf(w.request)] != w { // the wait was cancelled, or served
		l.freeSlot(slot)
		return
	}
	l.cancelWait(w)
	if l.server.draining.Load() {
		l.freeSlot(slot)
		l.refuse(now, w.request, ErrDraining)
		return
	}
	l.openSession(now, slot, w.request, w.key)
}

// expireWaits serves or rejects the requests whose wait is over.
func (l *serverLoop) expireWaits(now time.Time) {
	for w, ok := l.waitTimers.Pop(now); ok; w, ok = l.waitTimers.Pop(now) {
		switch slot, more, err := l.server.slots.expireWait(w, now); {
		case more:
			l.waitTimers.Set(w, now.Add(time.Second))
		case err == nil:
			l.openWaiting(now, w, slot)
		default:
			l.cancelWait(w)
			l.refuse(now, w.request, err)
		}
	}
}

// cancelWait ends a wait without an answer.
func (l *serverLoop) cancelWait(w *waitingRequest) {
	l.server.slots.removeWait(w)
	l.waitTimers.Set(w, time.Time{})
	delete(l.waiting, clientOf(w.request))
}

// cancelWaits ends all waits when the loop ends.
func (l *serverLoop) cancelWaits() {
	for _, w := range l.waiting {
		l.cancelWait(w)
	}
}

// refuse counts a request that gets no session, and answers it, unless the client may have one soon:
// it repeats its PADR.
func (l *serverLoop) refuse(now time.Time, r discovery.Request, why error) {
	l.loop.drops.count(why)
	if e, ok := why.(limit.Exceeded); ok && e.What == limit.HalfOpen {
		return
	}
	info := l.packetInfo(r.VLAN, l.loop.ports.Discovery.Addr(), r.Client)
	info.Service = r.Service
	l.concentrator.Reject(r, wire.TagACSystemError, refusalText(why), &l.queue)
	l.loop.sendDiscovery(info, &l.queue)
	if ok, _ := l.fullLimiter.Allow(now); ok {
		info.Interface = l.attachments.name(r.VLAN)
		l.loop.notify(info, NoFreeSlots{Reason: why, Suppressed: l.fullLimiter.TakeSuppressed()})
	}
}

// refusalText is what a client that is refused is told.
func refusalText(why error) string {
	if why == ErrDraining || why == errStopping {
		return "no new sessions, try another concentrator"
	}
	return "no client slots available"
}
