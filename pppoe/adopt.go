package pppoe

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// Reasons why Server.Adopt does not adopt a session, in addition to ErrRecord, ErrRecordVersion,
// session.ErrState, a limit.Exceeded, StoredSession.Err, and those of ServerConfig.CheckAdoption.
var (
	ErrNotOpen         = errors.New("its link was being negotiated, or it was ending")
	ErrNoListener      = errors.New("the server does not serve its interface or its VLAN")
	ErrListenerDown    = errors.New("its interface cannot be used now")
	ErrListenerAddress = errors.New("its interface has another Ethernet address")
	ErrSessionIDInUse  = errors.New("its session ID is in use, or beyond those that the server assigns")
	ErrGenerationInUse = errors.New("another session has its generation")
	ErrIPv4InUse       = errors.New("another session has its IPv4 address")
	ErrFramedInUse     = errors.New("another session has one of its framed routes")
	ErrPayload         = errors.New("its packets are longer than its interface carries now")
	ErrPoolChanged     = errors.New("its IPv4 address is in none of the address pools any more")
)

// AdoptReport is what has become of the sessions that Server.Adopt was given.
type AdoptReport struct {
	Adopted    int
	NotAdopted []NotAdopted
}

// NotAdopted is a session that was not adopted, and whose record is deleted.
type NotAdopted struct {
	Session SessionInfo // as far as it is known
	Err     error       // why
	// PADT reports that the session's peer is sent a PADT. Otherwise it is sent one when it next sends a
	// frame, if the server has its interface.
	PADT bool
}

// Adopt continues sessions of an earlier Server as if they had begun in this one, without a packet of
// negotiation: with their session ID, addresses, user, policy, limits, counters and generation. An
// Echo-Request finds out within a few seconds whether each peer is still there. The event Adopted reports
// each. The peers of those that cannot be adopted are sent a PADT, and their records are deleted.
// Generations of later sessions are larger than those of all that were given.
//
// It may be called before Run, or at any time while Run runs, as by a server that takes over from another
// one. It must not be called from Notify, nor twice at a time. Sessions are adopted in a few turns of each
// loop; packets of those that are adopted flow at once, except for the time that devices of their own need.
func (s *Server) Adopt(sessions iter.Seq[StoredSession]) (report AdoptReport) {
	s.adopting.Lock()
	defer s.adopting.Unlock()
	all := s.readStored(sessions)
	s.prepareAll(time.Now(), all)
	rejectTwins(all)
	used := s.slots.generations()
	for _, a := range all {
		if used[a.generation] {
			a.err = cmp.Or(a.err, ErrGenerationInUse)
		}
		if a.err == nil {
			a.err = s.checkStored(a)
		}
	}
	slices.SortFunc(all, func(a, b *adoption) int { return cmp.Compare(a.generation, b.generation) })
	for _, l := range s.listeners {
		var own []*adoption
		for _, a := range all {
			if a.listener == l {
				own = append(own, a)
			}
		}
		s.adoptAt(l, own)
	}
	return s.adoptReport(all)
}

// adoption is a session that is to be adopted.
type adoption struct {
	generation uint64
	stored     StoredSession
	record     SessionRecord
	counters   CounterRecord
	listener   *runningListener // nil: none
	cfg        *ServerConfig    // by which state was made
	state      *sessionState    // nil: it cannot be made, or is in the loop
	stateErr   error            // why it cannot be made
	err        error            // why the session is not adopted; nil: nothing is known yet, or it is
	padt       bool             // its peer is sent a PADT, and then its record deleted
}

// readStored makes generations of later sessions larger than those of the given ones.
func (s *Server) readStored(sessions iter.Seq[StoredSession]) (all []*adoption) {
	largest := uint64(0)
	for stored := range sessions {
		largest = max(largest, stored.Generation)
		all = append(all, &adoption{generation: stored.Generation, stored: stored})
	}
	for {
		is := s.generations.Load()
		if is >= largest || s.generations.CompareAndSwap(is, largest) {
			return all
		}
	}
}

// rejectTwins rejects sessions with a session ID or an IPv4 address that a newer one of the sessions has.
func rejectTwins(all []*adoption) {
	type attached struct {
		listener string
		vlan     vlan.Stack
		id       uint16
	}
	slices.SortFunc(all, func(a, b *adoption) int { return cmp.Compare(b.generation, a.generation) })
	ids, addresses := make(map[attached]bool, len(all)), make(map[addressKey]bool, len(all))
	for i, a := range all {
		key := attached{a.record.Listener, a.record.vlan, a.record.SessionID}
		addr := keyOf(a.record.IPv4.Remote)
		switch {
		case i > 0 && all[i-1].generation == a.generation:
			a.err = cmp.Or(a.err, ErrGenerationInUse)
		case a.err != nil && !a.record.HasKey():
		case ids[key]:
			a.err = cmp.Or(a.err, ErrSessionIDInUse)
			a.record.SessionID = 0 // the PADT would end the newer one
		case a.err == nil && addr != (addressKey{}) && addresses[addr]:
			a.err = ErrIPv4InUse
		case a.err == nil:
			addresses[addr] = true
			fallthrough
		default:
			ids[key] = true
		}
	}
}

// checkStored returns why a session cannot be adopted, as far as that does not depend on other sessions.
func (s *Server) checkStored(a *adoption) error {
	r := &a.record
	switch {
	case a.listener == nil || !a.listener.serves(r.vlan):
		return ErrNoListener
	case !r.Open:
		return ErrNotOpen
	}
	var conflict error
	if r.Leased && !s.addresses.hasPool(r.IPv4.Remote) {
		conflict = fmt.Errorf("%w: %v", ErrPoolChanged, r.IPv4.Remote)
	}
	if check := s.cfg.CheckAdoption; check != nil {
		return check(r, conflict)
	}
	return conflict
}

// adoptChunk is how many sessions are adopted in one step of a loop.
const adoptChunk = 64

// adoptAt adopts the sessions of a listener.
func (s *Server) adoptAt(l *runningListener, all []*adoption) {
	loop := l.currentLoop()
	for chunk := range slices.Chunk(all, adoptChunk) {
		done := make(chan struct{})
		step := func(now time.Time) {
			loop.adoptChunk(now, chunk)
			close(done)
		}
		switch {
		case loop == nil:
		case !s.running:
			step(time.Now())
			continue
		case loop.loop.tryCall(step):
			<-done
			continue
		}
		l.deferAdoption(chunk)
	}
}

// deferAdoption has the peers of sessions sent a PADT when the interface can be used.
func (l *runningListener) deferAdoption(chunk []*adoption) {
	var frames []wire.DiscoveryFrame
	for _, a := range chunk {
		a.err = cmp.Or(a.err, ErrListenerDown)
		if a.record.HasKey() {
			frames = append(frames, a.record.padt())
		}
	}
	l.deferPADTs(frames)
}

// adoptReport reports what has become of sessions, and deletes the records of those that were not adopted
// and whose peers are sent no PADT.
func (s *Server) adoptReport(all []*adoption) (report AdoptReport) {
	for _, a := range all {
		if a.err == nil && a.listener == nil {
			a.err = ErrNoListener
		}
		if a.err == nil {
			report.Adopted++
			continue
		}
		report.NotAdopted = append(report.NotAdopted, NotAdopted{a.record.SessionInfo, a.err, a.padt})
		if !a.padt && s.cfg.Store != nil {
			s.cfg.Store.DeleteSession(a.generation)
		}
	}
	return report
}
