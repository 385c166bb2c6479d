package pppoe

import (
	"time"

	"upppoe/pppoe/datapath"
)

// callSession calls a function in the loop of an open session, and waits for it: also until a session that is
// being adopted has its device.
func (s *Server) callSession(key SessionKey, do func(*serverLoop, time.Time, *sessionState)) error {
	for _, l := range s.loops() {
		if l.callSession(key, do) {
			return nil
		}
	}
	return ErrNoSession
}

// callSession is that of the Server, and reports whether the session is open and one of this loop.
func (l *serverLoop) callSession(key SessionKey, do func(*serverLoop, time.Time, *sessionState)) bool {
	done := make(chan bool, 1)
	call := func(now time.Time) {
		s := l.loop.sessionByKey(key)
		if s == nil {
			done <- false
			return
		}
		l.loop.afterAdoption(now, s, func(now time.Time) {
			open := s.endReason == nil
			if open {
				do(l, now, s)
			}
			done <- open
		})
	}
	return l.loop.tryCall(call) && l.loop.await(done)
}

// await waits for what a call results in, and returns false if the loop ends before.
func (l *loop) await(done <-chan bool) bool {
	select {
	case is := <-done:
		return is
	case <-l.ended:
	}
	select {
	case is := <-done:
		return is
	default:
		return false
	}
}

// sessionByKey returns a session whose PPP has not ended; nil: it is not in this loop.
func (l *loop) sessionByKey(k SessionKey) *sessionState {
	s := l.sessions.Get(l.frameKeyOf(k))
	if s == nil || s.key() != k || s.endReason != nil {
		return nil
	}
	return s
}

// frameKeyOf returns the key by which the frames of a session of this loop are found.
func (l *loop) frameKeyOf(k SessionKey) datapath.Key {
	return k.frameKey(l.ports.Session.Addr())
}
