package pppoe

import "time"

// maxStartQueue is how many frames of a session wait for PPP to begin. If the peer's first request
// were dropped, it would be repeated only after its Restart period.
const maxStartQueue = 4

// startPPP begins PPP, unless it has begun, and handles the frames that waited for it.
func (l *loop) startPPP(now time.Time, s *sessionState) {
	if !s.pppPending {
		return
	}
	s.pppPending, s.pppStart = false, time.Time{}
	s.ppp.Up(now, l.output(s))
	l.flush(now, s)
	for _, frame := range s.startQueue {
		l.receiveSession(now, frame)
	}
	s.startQueue = nil
}

// startPPPAfter begins PPP after a delay, or as soon as the peer does.
func (l *loop) startPPPAfter(now time.Time, s *sessionState, delay time.Duration) {
	if delay <= 0 || len(s.startQueue) > 0 {
		l.startPPP(now, s)
		return
	}
	s.pppStart = now.Add(delay)
	l.setTimer(now, s)
}
