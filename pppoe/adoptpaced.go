package pppoe

import (
	"time"

	"upppoe/pppoe/wire"
)

// A server that adopts thousands of sessions must send each peer a packet. It sends pacedChunk of a kind
// each timerSlack: 6,400 in a second, which a switch carries, and the answers do not overrun the queues.
const pacedChunk = 32

// pacedPackets are the packets that are sent a few at a time after an adoption.
type pacedPackets struct {
	padts  []pacedPADT
	checks []*sessionState // whose peers are checked
	next   time.Time       // when to go on; zero: there are none
}

// pacedPADT is the PADT of a session that was not adopted.
type pacedPADT struct {
	frame      wire.DiscoveryFrame
	generation uint64
}

func (p *pacedPackets) addPADT(now time.Time, a *adoption) {
	p.padts = append(p.padts, pacedPADT{a.record.padt(), a.generation})
	p.start(now)
}

// padt returns the PADT that ends the session.
func (r *SessionRecord) padt() wire.DiscoveryFrame {
	f := wire.NewPADT(r.Peer, r.Local, r.SessionID, "")
	f.VLAN = r.vlan
	return f
}

// addCheck has the peer of a session checked.
func (p *pacedPackets) addCheck(now time.Time, s *sessionState) {
	p.checks = append(p.checks, s)
	p.start(now)
}

func (p *pacedPackets) start(now time.Time) {
	if p.next.IsZero() {
		p.next = now
	}
}

// sendPaced sends the next packets if that is due.
func (l *serverLoop) sendPaced(now time.Time) {
	p := &l.paced
	if p.next.IsZero() || now.Before(p.next) {
		return
	}
	n := min(len(p.padts), pacedChunk)
	for _, padt := range p.padts[:n] {
		l.sendNotAdopted(padt)
	}
	m := min(len(p.checks), pacedChunk)
	for _, s := range p.checks[:m] {
		if s.endReason == nil {
			l.checkPeer(now, s)
		}
	}
	p.padts, p.checks = p.padts[n:], p.checks[m:]
	if p.next = now.Add(timerSlack); len(p.padts)+len(p.checks) == 0 {
		*p = pacedPackets{}
	}
}

// sendNotAdopted sends the PADT of a session that was not adopted, unless its ID is in use again, and
// deletes its record.
func (l *serverLoop) sendNotAdopted(padt pacedPADT) {
	if !l.sessionExists(padt.frame) {
		l.loop.sendDeferredPADTs([]wire.DiscoveryFrame{padt.frame})
	}
	if store := l.records.store; store != nil {
		store.DeleteSession(padt.generation)
	}
}
