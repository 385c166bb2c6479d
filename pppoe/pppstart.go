package pppoe

import "time"

// maxStartQueue is how many frames of a session wait for PPP to begin. If the peer's first request
// were dropped, it would be repeated only after its Restart period.
const maxStartQueue = 4

// pppStart is what a session keeps until PPP begins.
type pppStart struct {
	at    time.Time // when it begins at the latest; zero: no timer
	queue [][]byte  // frames received before
}

// startPPP begins PPP, unless it has begun, and handles the frames that waited for it.
func (l *loop) startPPP(now time.Time, s *sessionState) {
	if s.start == nil {
		return
	}
	waiting := s.start.queue
	s.start = nil
	s.ppp.Up(now, l.output(s))
	l.flush(now, s)
	for _, frame := range waiting {
		l.receiveSession(now, frame)
	}
}

// startPPPAfter begins PPP after a delay, or as soon as the peer does.
func (l *loop) startPPPAfter(now time.Time, s *sessionState, delay time.Duration) {
	if delay <= 0 || s.start != nil && len(s.start.queue) > 0 {
		l.startPPP(now, s)
		return
	}
	s.start.at = now.Add(delay)
	l.setTimer(now, s)
}
