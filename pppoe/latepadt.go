package pppoe

import (
	"slices"
	"time"

	"upppoe/pppoe/datapath"
	"upppoe/pppoe/wire"
)

// latePADTWaits are the intervals at which late PADTs are repeated. A bridge port towards the
// clients may not forward for up to 30 s, twice the default forward delay of STP (IEEE
// 802.1D-1998), and a PADT is not acknowledged (RFC 2516 section 5.5).
var latePADTWaits = [...]time.Duration{3 * time.Second, 7 * time.Second, 25 * time.Second}

// latePADTs are the PADTs of sessions that an earlier loop of the interface could not end.
type latePADTs struct {
	frames []wire.DiscoveryFrame // to be sent or repeated
	sent   int                   // how many times they were sent
	next   time.Time             // when they are repeated; zero: never
}

// startLatePADTs sends the late PADTs, unless they were sent already.
func (l *serverLoop) startLatePADTs(now time.Time) {
	if l.latePADTs.sent == 0 && !l.stopped {
		l.sendLatePADTs(now)
	}
}

// repeatLatePADTs repeats the late PADTs if they are due.
func (l *serverLoop) repeatLatePADTs(now time.Time) {
	if at := l.latePADTs.next; !at.IsZero() && !at.After(now) {
		l.sendLatePADTs(now)
	}
}

// sendLatePADTs sends the late PADTs, except for sessions that exist again.
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

// sessionExists reports whether a PADT of ours would end an open session. Session ID and both
// addresses identify it (RFC 2516 section 6).
func (l *serverLoop) sessionExists(padt wire.DiscoveryFrame) bool {
	return l.loop.sessions.Get(keyOfPADT(padt)) != nil
}

// keyOfPADT returns the key of the session that a PADT of ours ends.
func keyOfPADT(f wire.DiscoveryFrame) datapath.Key {
	return datapath.Key{VLAN: f.VLAN, Local: f.Src, Peer: f.Dst, SessionID: f.SessionID}
}

// latestPADTs returns one PADT per session, and the latest limit of them: their number must not
// grow while an interface flaps.
func latestPADTs(padts []wire.DiscoveryFrame, limit int) (kept []wire.DiscoveryFrame) {
	seen := make(map[datapath.Key]bool)
	for _, f := range slices.Backward(padts) {
		if key := keyOfPADT(f); !seen[key] && len(kept) < limit {
			seen[key] = true
			kept = append(kept, f)
		}
	}
	slices.Reverse(kept)
	return kept
}
