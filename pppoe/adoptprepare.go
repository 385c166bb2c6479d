package pppoe

import (
	"cmp"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"
)

// prepareChunk is how many sessions are prepared in turn by one goroutine.
const prepareChunk = 256

// prepareAll does what adoptions can have done before their turn in a loop, on all processors.
func (s *Server) prepareAll(now time.Time, all []*adoption) {
	chunks := make(chan []*adoption, 1+len(all)/prepareChunk)
	for chunk := range slices.Chunk(all, prepareChunk) {
		chunks <- chunk
	}
	close(chunks)
	cfg := s.current.Load()
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), cap(chunks)) {
		workers.Go(func() {
			policies := make(parsedPolicies)
			for chunk := range chunks {
				for _, a := range chunk {
					s.prepare(now, cfg, a, policies)
				}
			}
		})
	}
	workers.Wait()
}

// prepare reads the record of an adoption, and makes the state of its session.
func (s *Server) prepare(now time.Time, cfg *ServerConfig, a *adoption, policies parsedPolicies) {
	a.read(policies)
	if a.record.ACName == s.cfg.Concentrator.ACName {
		a.record.ACName = s.cfg.Concentrator.ACName // they share its memory
	}
	a.listener = s.findListener(&a.record)
	if a.err == nil && a.record.Open {
		a.cfg = cfg
		a.state, a.stateErr = s.stateOf(now, cfg, a, a.record.Unit)
	}
}

// findListener returns the listener that serves a session's interface and VLAN, or else the interface; nil: none
// does. The record becomes that of a session of the listener: an earlier server may have had ports of one VLAN
// where this one has a trunk, or the other way round.
func (s *Server) findListener(r *SessionRecord) (found *runningListener) {
	for _, l := range s.listeners {
		tags, ok := l.tagsOf(r.Interface)
		if ok && l.serves(tags) {
			r.Listener, r.vlan = l.Interface, tags
			return l
		}
		if l.Interface == r.Listener && found == nil {
			found = l
		}
	}
	return found
}

func (a *adoption) read(policies parsedPolicies) {
	var err error
	a.record, err = parseSessionRecord(a.stored.Session, policies)
	if a.record.Generation != a.generation && err == nil {
		err = fmt.Errorf("%w: it is of another session", ErrRecord)
	}
	a.record.Generation = a.generation
	if err == nil && len(a.stored.Counters) > 0 {
		a.counters, err = ParseCounterRecord(a.stored.Counters)
	}
	a.err = cmp.Or(a.stored.Err, err)
}

// stateOf makes the state of a session, as far as that does not depend on other sessions.
func (s *Server) stateOf(now time.Time, cfg *ServerConfig, a *adoption, slot int) (*sessionState, error) {
	r := &a.record
	info := r.SessionInfo
	info.Unit, info.Device = slot, ""
	state := &sessionState{sessionIdentity: identityOf(&info, nil), policy: r.Policy, requestKey: r.RequestKey, adopted: &adoptedSession{device: r.Device, counters: a.counters.Counters}}
	if err := state.ppp.Restore(s.sessionConfig(cfg, slot), r.PPP, now); err != nil {
		return nil, err
	}
	state.restore(now, cfg, a)
	return state, nil
}
