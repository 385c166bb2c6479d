package pppoe

import (
	"time"

	"upppoe/ppp/session"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/wire"
)

// A client that has its full number of sessions, or finds all slots taken, may have one that it
// knows nothing of any more: after a power cut, or because that is just about to end. Its request
// then waits, for as long as it takes to find that out; a PADR that is not answered is repeated.
const (
	// roomPatience is more than session.Probe takes to find a peer silent.
	roomPatience = 4 * time.Second
	// endPatience is how long a session may take that is about to end, as while its device is
	// taken away. After it clients have ceased to repeat their PADR (RFC 2516 section 8).
	endPatience = 35 * time.Second
	// mostAsked bounds the sessions of a client that are asked for a sign of life at a time.
	mostAsked = 8
)

// waiter is a request that waits until a session of its client's has ended.
type waiter struct {
	at      *serverLoop
	request discovery.Request
	key     discovery.RequestKey
	latest  time.Time
	ending  bool // a session of the client's is about to end; guarded by the slots' lock
}

// held is a slot that a session of an interface has.
type held struct {
	slot int
	at   *serverLoop
}

// wait has a request wait for a slot of its client's, and returns those that the client has, the
// oldest first, and not more than are to be asked. It reports no if the client has none, or
// another request of its waits at another interface.
func (s *slots) wait(w *waiter, now time.Time) (old []held, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	client := w.request.Client
	of, before := s.clients[client], s.waiting[client]
	if of == nil || before != nil && now.Before(before.latest) {
		return nil, false
	}
	s.waiting[client] = w
	for i := of.oldest; i >= 0 && len(old) < mostAsked; i = s.all[i].newer {
		old = append(old, held{i, s.all[i].at})
	}
	return old, true
}

// end notes that a session of a client's is about to end.
func (s *slots) end(client wire.Addr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if w := s.waiting[client]; w != nil {
		w.ending = true
	}
}

// expire ends a wait: a slot is taken, if one can be had, or there is none; or, as more says, the
// wait goes on for a session that is about to end.
func (s *slots) expire(w *waiter, now time.Time) (slot int, ok, more bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting[w.request.Client] != w { // it was served, and is about to be told
		return 0, false, true
	}
	slot, ok = s.takeLocked(w.request.Client, w.at)
	if more = !ok && w.ending && now.Before(w.latest); !more {
		delete(s.waiting, w.request.Client)
	}
	return slot, ok, more
}

// forget ends a wait.
func (s *slots) forget(w *waiter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting[w.request.Client] == w {
		delete(s.waiting, w.request.Client)
	}
}

// makeRoom has a request wait for a session of its client's to end, and reports whether there is
// one.
func (o *serverLoop) makeRoom(now time.Time, r discovery.Request, key discovery.RequestKey) bool {
	if w := o.waiting[r.Client]; w != nil {
		w.request, w.key = r, key // the client has given up the one before
		return true
	}
	w := &waiter{at: o, request: r, key: key, latest: now.Add(endPatience)}
	old, ok := o.server.slots.wait(w, now)
	if !ok {
		return false
	}
	o.waiting[r.Client] = w
	o.expiring.Set(w, now.Add(roomPatience))
	// Ends when the loops of these sessions have answered, or have ended. A loop must not wait
	// for another.
	go func() {
		for _, h := range old {
			if h.at.askForRoom(h.slot, r.Client) {
				o.server.slots.end(r.Client)
				return
			}
		}
	}()
	return true
}

// askForRoom has a session's own loop make room for a newer one of the same client's, and reports
// whether it ends.
func (o *serverLoop) askForRoom(slot int, client wire.Addr) bool {
	ends := make(chan bool, 1)
	taken := o.loop.tryCall(func(now time.Time) { ends <- o.yield(now, o.loop.tunnels[uint16(slot+1)], client) })
	return !taken || <-ends
}

// yield ends a session whose link is not open, and asks another for a sign of life, so that it
// ends if there is none.
func (o *serverLoop) yield(now time.Time, t *tunnel, client wire.Addr) (ends bool) {
	switch {
	case t == nil || t.Peer != client || t.reason != nil:
		return true
	case t.session.Phase() == session.Network:
		o.probe(now, t)
		return false
	}
	o.loop.end(now, t, session.Reason{Cause: session.Replaced, Text: "Client has begun another session"})
	return true
}

// free gives back a slot. If a request of its client's has waited for one, it is served.
func (o *serverLoop) free(slot int) {
	w, next := o.server.slots.release(slot)
	if w == nil {
		return
	}
	// Ends when the loop has taken the call, or has ended.
	go func() {
		if !w.at.loop.tryCall(func(now time.Time) { w.at.serve(now, w, next) }) {
			o.free(next)
		}
	}()
}

// serve opens the session of a request that has waited for its slot.
func (o *serverLoop) serve(now time.Time, w *waiter, slot int) {
	if o.waiting[w.request.Client] != w { // the loop ends, or the client has been served
		o.free(slot)
		return
	}
	o.unwait(w)
	o.open(now, slot, w.request, w.key)
}

// expire answers the requests that have waited long enough.
func (o *serverLoop) expire(now time.Time) {
	for w, ok := o.expiring.Pop(now); ok; w, ok = o.expiring.Pop(now) {
		switch slot, ok, more := o.server.slots.expire(w, now); {
		case more:
			o.expiring.Set(w, now.Add(time.Second))
		case ok:
			o.serve(now, w, slot)
		default:
			o.unwait(w)
			o.refuse(now, w.request)
		}
	}
}

// unwait ends a wait.
func (o *serverLoop) unwait(w *waiter) {
	o.server.slots.forget(w)
	o.expiring.Set(w, time.Time{})
	delete(o.waiting, w.request.Client)
}

// stopWaiting ends all waits, since the loop ends.
func (o *serverLoop) stopWaiting() {
	for _, w := range o.waiting {
		o.unwait(w)
	}
}

// refuse answers a request that gets no session.
func (o *serverLoop) refuse(now time.Time, r discovery.Request) {
	line := SessionInfo{Interface: o.loop.iface, Local: o.loop.ports.Discovery.Addr(), Peer: r.Client, Service: r.Service}
	o.concentrator.Reject(r, wire.TagACSystemError, "no client slots available", &o.queue)
	o.loop.sendDiscovery(line, &o.queue)
	if ok, _ := o.full.Allow(now); ok {
		o.loop.notify(line, NoFreeSlots{Suppressed: o.full.TakeSuppressed()})
	}
}
