package pppoe

import (
	"time"

	"upppoe/ppp"
	"upppoe/ppp/session"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/wire"
)

// sessionState is a session in its loop, with what binds it to the Ethernet on one side
// and to the host's network on the other.
type sessionState struct {
	SessionInfo
	ppp             *session.Session
	out             session.Output
	reconcile       reconcileState
	desired         desired
	configured      Addressing     // as last told by Configured
	authPolicy      *SessionPolicy // by the last Decision
	policy          SessionPolicy  // what the session is held to
	rateLimited     bool           // the path has been told of rates
	networkUser     string         // the User for whom the network phase last began
	firstConfigured time.Time      // since when packets flow; zero: they never did
	limits          limitState
	needsCounters   bool             // what it carries matters to its limits, or to its echo
	lastReceived    uint64           // packets received, when last asked
	pppPending      bool             // PPP has yet to begin
	pppStart        time.Time        // when it does at the latest; zero: not by the clock
	startQueue      [][]byte         // frames that came before that
	deviceQueue     [][]byte         // frames with packets, for which the device is not ready yet
	endReason       *session.Reason  // why PPP is over; nil: it is not
	networkFailed   bool             // the host's network would not fit, and PPP is about to be over
	noPADT          bool             // the peer has sent a PADT, or must not be sent one
	authPending     bool             // an Authority is asked
	authUser        string           // who that is about, as the peer says
	nextAuth        ppp.AuthResponse // nil, or what it is to be asked next

	requestKey discovery.RequestKey // a server's: the PADR that made it
	claims     claims               // likewise
	padtTags   wire.Tags            // a client's: see Grant.Ending
}

// addSession takes up a session. PPP begins with Up.
func (l *loop) addSession(line SessionInfo, cfg *session.Config, limits Limits) *sessionState {
	line.Interface, line.Local = l.iface, l.ports.Session.Addr()
	s := &sessionState{SessionInfo: line, ppp: session.New(cfg), pppPending: true, limits: limitState{Limits: limits}, needsCounters: limits.needsCounters() || cfg.LCP.Echo.Adaptive}
	l.sessions[s.SessionID] = s
	return s
}

// advanceSession does what is due for a session.
func (l *loop) advanceSession(now time.Time, s *sessionState) {
	if !s.pppStart.IsZero() && !s.pppStart.After(now) {
		l.startPPP(now, s)
		return
	}
	var carried datapath.Counters
	if s.needsCounters {
		carried = l.path.Counters(s.SessionID)
		if carried.ReceivedPackets != s.lastReceived {
			s.lastReceived = carried.ReceivedPackets
			s.ppp.NoteTraffic()
		}
	}
	if reason, over := s.limits.check(now, carried); over && s.endReason == nil {
		l.closeSession(now, s, reason)
		return
	}
	s.ppp.Advance(now, &s.out)
	l.flush(now, s)
}

// setTimer has the session looked at when that is next due.
func (l *loop) setTimer(now time.Time, s *sessionState) {
	at := ppp.Earliest(s.ppp.Deadline(), s.pppStart)
	if s.endReason == nil {
		at = ppp.Earliest(at, s.limits.deadline(now))
	}
	l.timers.Set(s, at)
}
