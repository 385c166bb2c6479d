package pppoe

import (
	"context"
	"time"
)

// Crash ends a server that runs as kill -9 does: nothing more is sent or written.
func Crash(s *Server) {
	for _, l := range s.loops() {
		l.loop.call(func(time.Time) { l.loop.suspend = func(context.Context) bool { return false } })
		<-l.loop.ended
	}
	s.leave()
}
