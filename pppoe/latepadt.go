package pppoe

import (
	"slices"
	"time"

	"upppoe/pppoe/wire"
)

// latePADTWaits are the times after which late PADTs are repeated, each counted from the time
// before. The bridge port that leads to the clients may forward only after up to 30 s, twice the
// default forward delay of STP (IEEE 802.1D-1998), and no answer to a PADT reports that it has
// arrived (RFC 2516 section 5.5).
var latePADTWaits = [...]time.Duration{3 * time.Second, 7 * time.Second, 25 * time.Second}

// latePADTs are the PADTs of sessions that an earlier loop of the interface could not end.
type latePADTs struct {
	frames []wire.DiscoveryFrame // those that are yet to be sent or repeated
	sent   int                   // how often they were sent
	next   time.Time             // when they are repeated; zero: never
}

// startLatePADTs ends the sessions of an earlier loop that could not, unless that was done already.
func (l *serverLoop) startLatePADTs(now time.Time) {
	if l.latePADTs.sent == 0 && !l.stopped {
		l.sendLatePADTs(now)
	}
}

// repeatLatePADTs repeats the late PADTs if that is due.
func (l *serverLoop) repeatLatePADTs(now time.Time) {
	if at := l.latePADTs.next; !at.IsZero() && !at.After(now) {
		l.sendLatePADTs(now)
	}
}

// sendLatePADTs sends the late PADTs, but for those of sessions that exist again.
func (l *serverLoop) sendLatePADTs(now time.Time) {
	late := &l.latePADTs
	late.frames = slices.DeleteFunc(late.frames, l.sessionExists)
	l.loop.sendDeferredPADTs(late.frames)
	if len(late.frames) == 0 || late.sent == len(latePADTWaits) {
		late.frames, late.next = nil, time.Time{}
		return
	}
	late.next = now.Add(latePADTWaits[late.sent])
	late.sent++
}

// sessionExists reports whether there is a session that a PADT of ours would end. RFC 2516 section 6:
// session ID and both addresses identify it.
func (l *serverLoop) sessionExists(padt wire.DiscoveryFrame) bool {
	s := l.loop.sessions[padt.SessionID]
	return s != nil && s.Peer == padt.Dst && s.Local == padt.Src
}

// latestPADTs returns one PADT for each session, and of more than limit the latest: they must not
// grow in number while an interface comes and goes before the last repetition.
func latestPADTs(padts []wire.DiscoveryFrame, limit int) (kept []wire.DiscoveryFrame) {
	type id struct {
		session     uint16
		peer, local wire.Addr
	}
	seen := make(map[id]bool)
	for _, f := range slices.Backward(padts) {
		if of := (id{f.SessionID, f.Dst, f.Src}); !seen[of] && len(kept) < limit {
			seen[of] = true
			kept = append(kept, f)
		}
	}
	slices.Reverse(kept)
	return kept
}
