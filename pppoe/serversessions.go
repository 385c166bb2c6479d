package pppoe

import (
	"iter"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"upppoe/ppp/session"
	"upppoe/pppoe/datapath"
)

// SessionStatus describes a session of a Server at one moment.
type SessionStatus struct {
	SessionInfo
	Ethernet string // the interface of its Listener (Listener.Device)
	VLAN     string // its tags, like 100 or 100.5; empty: untagged
	Phase    SessionPhase
	Addressing
	// Prefixes are those of Server.SetSourcePrefixes; without a shared device, only if its policy has
	// CheckSource.
	Prefixes  []netip.Prefix
	Policy    *SessionPolicy // in force; it must not be changed
	Opened    time.Time      // when packets first flowed; zero: they have not
	Counters  datapath.Counters
	RoundTrip time.Duration // of the last LCP echo: see lcp.Link.RoundTrip; 0: not measured
}

// SessionPhase is the phase of a session of a Server: one of RFC 1661 section 3.2, or online.
type SessionPhase uint8

// Phases.
const (
	PhaseEstablish SessionPhase = iota
	PhaseAuthenticate
	PhaseNetwork
	PhaseOnline // packets flow
	PhaseTerminate
	sessionPhases
)

// String returns the name of the phase. Scripts rely on it.
func (p SessionPhase) String() string {
	return [sessionPhases]string{"establish", "authenticate", "network", "online", "terminate"}[p]
}

// sessionChunk is how many sessions are read in one step of a loop, so that it is never held for long:
// each takes about a microsecond.
const sessionChunk = 128

// Sessions yields the sessions of all listeners, in no order. One that begins or ends meanwhile may be
// yielded or not; none is yielded twice. It asks the loops for a few sessions at a time, between
// which they do their other work. It may be called at any time, from any goroutine but Notify.
func (s *Server) Sessions() iter.Seq[SessionStatus] {
	return func(yield func(SessionStatus) bool) {
		var r sessionReader
		for owner, sessions := range s.slots.byOwner() {
			for chunk := range slices.Chunk(sessions, sessionChunk) {
				for _, status := range r.read(owner, chunk) {
					if !yield(status) {
						return
					}
				}
			}
		}
	}
}

// Session describes one session. The error is ErrNoSession. It must not be called from Notify.
func (s *Server) Session(key SessionKey) (status SessionStatus, err error) {
	var path datapath.Session
	err = s.callSession(key, func(l *serverLoop, _ time.Time, of *sessionState) { status, path = l.describe(of) })
	if path != nil {
		status.Counters = path.Counters()
	}
	return status, err
}

// byOwner returns the sessions of all slots, by loop.
func (s *slots) byOwner() iter.Seq2[*serverLoop, []*sessionState] {
	by := make(map[*serverLoop][]*sessionState)
	for from := 0; from < len(s.all); from += sessionChunk {
		s.addByOwner(by, from, min(from+sessionChunk, len(s.all)))
	}
	return maps.All(by)
}

func (s *slots) addByOwner(by map[*serverLoop][]*sessionState, from, to int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, slot := range s.all[from:to] {
		if slot.session != nil {
			by[slot.owner] = append(by[slot.owner], slot.session)
		}
	}
}

// sessionReader describes sessions, a few at a time, in memory that it uses again: a server with many
// sessions and little memory collects garbage often, and each time looks at all of them.
type sessionReader struct {
	all   []SessionStatus
	paths []datapath.Session // of them; nil: it has no counters
}

// read describes sessions of a loop that have not ended, until the next call. Their counters are read by
// the caller's goroutine, because the kernel may have them.
func (r *sessionReader) read(l *serverLoop, sessions []*sessionState) []SessionStatus {
	r.all, r.paths = r.all[:0], r.paths[:0]
	done := make(chan struct{})
	if !l.loop.tryCall(func(time.Time) { r.describe(l, sessions); close(done) }) {
		return nil
	}
	<-done
	for i, path := range r.paths {
		if path != nil {
			r.all[i].Counters = path.Counters()
		}
	}
	return r.all
}

// describe runs in the loop's goroutine.
func (r *sessionReader) describe(l *serverLoop, sessions []*sessionState) {
	for _, s := range sessions {
		if l.loop.sessions.Get(s.frameKey()) == s {
			status, path := l.describe(s)
			r.all, r.paths = append(r.all, status), append(r.paths, path)
		}
	}
}

// describe describes a session without its counters, which are those of the path; nil: there are none.
func (l *serverLoop) describe(s *sessionState) (SessionStatus, datapath.Session) {
	ethernet := l.listener.Device
	if ethernet == "" {
		ethernet = l.listener.Interface
	}
	tags, _ := strings.CutPrefix(s.Interface, ethernet)
	status := SessionStatus{
		SessionInfo: s.info(), Ethernet: ethernet, VLAN: strings.TrimPrefix(tags, "."), Phase: s.phase(),
		Policy: s.policy, Opened: s.firstConfigured.time(), RoundTrip: s.ppp.RoundTrip(), Prefixes: l.loop.dynamicPrefixesOf(s),
	}
	if s.configured.ipv4 || s.configured.ipv6 {
		status.Addressing = s.configuredAddressing()
	}
	return status, s.path
}

// phase returns the phase of a session.
func (s *sessionState) phase() SessionPhase {
	switch phase := s.ppp.Phase(); {
	case s.endReason != nil || phase == session.PhaseTerminate:
		return PhaseTerminate
	case s.configured.ipv4 || s.configured.ipv6:
		return PhaseOnline
	case phase == session.PhaseNetwork:
		return PhaseNetwork
	case phase == session.PhaseAuthenticate:
		return PhaseAuthenticate
	}
	return PhaseEstablish
}

// dynamicPrefixesOf returns the prefixes of a session that SetSourcePrefixes has set.
func (l *loop) dynamicPrefixesOf(s *sessionState) []netip.Prefix {
	if l.shared != nil {
		return s.dynamic()
	}
	return l.sourceFilters.dynamicOf(s.Generation)
}

// Lookup returns the key of the session with a generation; ok is false if there is none. It may be
// called at any time, from any goroutine.
func (s *Server) Lookup(generation uint64) (key SessionKey, ok bool) {
	s.slots.mu.Lock()
	defer s.slots.mu.Unlock()
	for i := range s.slots.all {
		if of := s.slots.all[i].session; of != nil && of.Generation == generation {
			return of.key(), true
		}
	}
	return key, false
}
