package pppoe

import (
	"net/netip"
	"sync/atomic"
	"time"

	"upppoe/internal/deadlines"
	"upppoe/ppp"
	"upppoe/ppp/session"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/discovery"
)

// sessionState is the loop's record of a session: its PPP state machine, and its state in the
// host's network. There are tens of thousands, and for each up to 568 octets the runtime takes 576:
// above 512, it adds 8 to a value with pointers. For more, it takes 640.
type sessionState struct {
	sessionIdentity
	ppp             session.Compact
	reconcile       *reconcileState  // nil: it was never given to the reconciler
	path            datapath.Session // nil: it has no device
	desired         wanted
	dynamicPrefixes *[]netip.Prefix // of a shared device: see Server.SetSourcePrefixes; nil: none
	authPolicy      *SessionPolicy  // of the last AuthResult; nil: it has none
	policy          *SessionPolicy  // in force since the network phase began
	firstConfigured moment          // when packets first flowed; zero: never
	limits          limitState
	timer           deadlines.Timer
	adopted         *adoptedSession // of an adopted session until its device is open; else nil
	start           *pppStart       // nil: PPP has begun
	endReason       *session.Reason // why PPP ended; nil: it has not
	auth            *authInProgress // nil: the Authenticator has no request

	configured    configured  // as last reported by Configured
	lastReceived  uint32      // packets received, when last read, modulo 2^32
	sharedPending bool        // it is in loop.sharedPending
	rateLimited   bool        // the data path has rates for it
	adaptiveEcho  bool        // see lcp.Echo
	needsCounters bool        // its limits or its adaptive echo depend on the counters
	networkFailed bool        // the host's network could not be configured: the session is closing
	otherUser     bool        // User has changed since the network phase last began
	record        recordState // server: in its store
	noPADT        bool        // the peer has sent a PADT, or must not be sent one
	ending        atomic.Bool // it has ended, and its device is being removed; other loops may read it

	requestKey      discovery.RequestKey // server: the PADR that opened the session
	recordedPackets uint32               // server: in the last CounterRecord, modulo 2^32
	claims          claims               // server
}

// dynamic returns the prefixes that Server.SetSourcePrefixes has set, of a shared device.
func (s *sessionState) dynamic() []netip.Prefix {
	if s.dynamicPrefixes == nil {
		return nil
	}
	return *s.dynamicPrefixes
}

// TableKey returns the key of loop.sessions.
func (s *sessionState) TableKey() datapath.Key { return s.frameKey() }

// requested is a session of a server, by the PADR that opened it.
type requested struct{ *sessionState }

// TableKey returns the key of serverLoop.byRequest.
func (r requested) TableKey() discovery.RequestKey { return r.requestKey }

// Timer implements deadlines.Timed.
func (s *sessionState) Timer() *deadlines.Timer { return &s.timer }

// addSession adds a session to the loop. PPP begins with startPPP. The configuration is shared.
func (l *loop) addSession(info SessionInfo, cfg *session.Config, peer session.Peer, limits *SessionLimits) *sessionState {
	info.Local, info.Generation = l.ports.Session.Addr(), l.generations.Add(1)
	if info.Interface == "" {
		info.Interface = l.iface
	}
	identity := identityOf(&info, l.names)
	l.names = identity.sessionNames
	s := &sessionState{
		sessionIdentity: identity, start: &pppStart{}, policy: &noPolicy,
		limits: limitState{SessionLimits: limits}, adaptiveEcho: cfg.LCP.Echo.Adaptive,
	}
	s.ppp.Init(cfg, peer, l.output(s))
	l.outputs = append(l.outputs, l.endStep(s))
	s.needsCounters = s.adaptiveEcho || limits.needsCounters()
	l.sessions.Put(s)
	return s
}

// sessionOf returns the open session that the data path knows by its configuration; nil: it has been
// removed.
func (l *loop) sessionOf(c datapath.SessionConfig) *sessionState {
	if s := l.sessions.Get(c.Key); s != nil && s.Generation == c.Generation {
		return s
	}
	return nil
}

// counters returns the session's counters.
func (s *sessionState) counters() (all datapath.Counters) {
	if s.adopted != nil {
		all = s.adopted.counters
	}
	if s.path != nil {
		all = all.Plus(s.path.Counters())
	}
	return all
}

// advanceSession does what is due for a session at now.
func (l *loop) advanceSession(now time.Time, s *sessionState) {
	if s.isPaused() {
		return
	}
	if s.start != nil && !s.start.at.IsZero() && !s.start.at.After(now) {
		l.startPPP(now, s)
		return
	}
	var carried datapath.Counters
	if s.needsCounters {
		carried = s.counters()
		if received := uint32(carried.ReceivedPackets); received != s.lastReceived {
			s.lastReceived = received
			s.ppp.NoteTraffic()
		}
	}
	if reason, over := s.limits.check(now, carried); over && s.endReason == nil {
		l.closeSession(now, s, reason)
		return
	}
	l.sendLateAcks(now, s)
	s.ppp.Advance(now, l.output(s))
	l.flush(now, s)
}

// setTimer sets the session's timer to its next deadline.
func (l *loop) setTimer(now time.Time, s *sessionState) {
	at := s.ppp.Deadline()
	if s.start != nil {
		at = ppp.Earliest(at, s.start.at)
	}
	if s.endReason == nil {
		at = ppp.Earliest(at, s.limits.deadline(now))
	}
	at = ppp.Earliest(at, l.heldAcks[s].deadline())
	if at.IsZero() {
		l.timers.Remove(s)
		return
	}
	l.timers.Set(s, time.Duration(momentOf(at)))
}
