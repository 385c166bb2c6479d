package session_test

import (
	"encoding/binary"
	"testing"
	"time"

	"upppoe/chap"
	"upppoe/ppp"
	"upppoe/ppp/session"
)

// TestCodeRejectOfNetwork: a network protocol's Code-Reject is truncated to exactly the peer's MRU
// (RFC 1661 section 5.6).
func TestCodeRejectOfNetwork(t *testing.T) {
	for _, mru := range []int{0, 200, 1400} {
		a := client()
		a.LCP.MRU = mru
		p := newPair(t, a, server())
		var rejected []int
		p.lose = func(from int, frame []byte) bool {
			if from == 1 && frame[0] == 0x80 && frame[2] == byte(ppp.CodeReject) {
				rejected = append(rejected, len(frame)-2)
			}
			return false
		}
		p.up()
		p.pass(time.Minute)
		for _, protocol := range []ppp.Protocol{ppp.IPCP, ppp.IPv6CP} {
			frame := binary.BigEndian.AppendUint16(nil, uint16(protocol))
			frame = ppp.Control{Code: 99, ID: 1, Data: make([]byte, 1480)}.AppendTo(frame)
			p.side[1].Receive(p.now, frame, &p.side[1].out)
			p.pump()
		}
		want := mru
		if mru == 0 {
			want = 4 + 4 + 1480
		}
		if len(rejected) != 2 || rejected[0] != want || rejected[1] != want {
			t.Errorf("MRU %d: Code-Rejects of %v octets, want two of %d", mru, rejected, want)
		}
	}
}

// TestRenegotiationBounds: a session is closed when protocols come up more than thirty times in a
// minute; after a minute the count begins again.
func TestRenegotiationBounds(t *testing.T) {
	for _, c := range []struct {
		what  string
		times int           // that IPCP comes up beyond the first
		pause time.Duration // before the last of them
		want  session.Cause
	}{
		// The network phase and its two protocols count as three at the beginning.
		{"thirty", 27, 0, session.CauseUnknown},
		{"thirty-one", 28, 0, session.CauseNotNegotiated},
		{"thirty-one, a minute after the first", 28, time.Minute, session.CauseUnknown},
		{"thirty-one, just within the minute", 28, time.Minute - time.Millisecond, session.CauseNotNegotiated},
	} {
		p := newPair(t, client(), server())
		p.up()
		for i := range c.times {
			if i == c.times-1 {
				p.pass(c.pause)
			}
			p.side[1].Receive(p.now, []byte{0x80, 0x21, 1, byte(100 + i), 0, 10, 3, 6, 192, 0, 2, 10}, &p.side[1].out)
			p.pump()
		}
		if got := p.side[1].cause(); got != c.want {
			t.Errorf("%s: ended by %v, want %v", c.what, got, c.want)
		}
	}
}

// TestSetupTimeoutBound: a session is closed exactly at its SetupTimeout; the reason names what was
// incomplete.
func TestSetupTimeoutBound(t *testing.T) {
	for _, c := range []struct {
		methods []ppp.Method
		text    string
	}{{[]ppp.Method{chap.MD5}, "Authentication takes too long"}, {nil, "LCP: negotiation takes too long"}} {
		cfg := server(c.methods...)
		cfg.SetupTimeout = 100 * time.Second
		cfg.LCP.Limits.MaxConfigure, cfg.AuthTimers.MaxTransmit = 1000, 1000
		s := &side{link: session.New(&cfg, session.Peer{})}
		s.Up(epoch, &s.out)
		if c.methods != nil { // the peer agrees to all options, and then sends nothing
			request := append([]byte(nil), s.out.Frames.At(0)...)
			request[2] = byte(ppp.ConfigureAck)
			s.Receive(epoch, []byte{0xc0, 0x21, 1, 1, 0, 4}, &s.out)
			s.Receive(epoch, request, &s.out)
		}
		for s.Deadline().Before(epoch.Add(100 * time.Second)) {
			s.Advance(s.Deadline(), &s.out)
		}
		closing := func() bool { return s.Phase() == session.PhaseTerminate || s.Phase() == session.PhaseDead }
		s.Advance(epoch.Add(100*time.Second-1), &s.out)
		if closing() {
			t.Errorf("%q: too early", c.text)
		}
		s.Advance(epoch.Add(100*time.Second), &s.out)
		if !closing() {
			t.Errorf("%q: not after 100 s, but in phase %v", c.text, s.Phase())
		}
		for !s.Deadline().IsZero() {
			s.Advance(s.Deadline(), &s.out)
		}
		for _, e := range s.out.All() {
			if end, ok := e.(session.Closed); ok && end.Reason.Text != c.text {
				t.Errorf("ended by %q, want %q", end.Reason.Text, c.text)
			}
		}
	}
}

// TestCauseNames: scripts rely on them.
func TestCauseNames(t *testing.T) {
	for i, want := range []string{
		"unknown", "user-request", "hangup", "peer-terminated", "peer-dead", "looped", "not-negotiated",
		"not-authenticated", "peer-not-authenticated", "idle", "expired", "exhausted", "host-refused", "replaced", "address-in-use", "unknown", "unknown",
	} {
		if got := session.Cause(i).String(); got != want {
			t.Errorf("cause %d is %s, want %s", i, got, want)
		}
	}
	for i, want := range []string{"Dead", "Establish", "Authenticate", "Network", "Terminate"} {
		if got := session.Phase(i).String(); got != want {
			t.Errorf("phase %d is %s, want %s", i, got, want)
		}
	}
}

// TestErrorsOfReceive: a dropped frame is reported with its reason.
func TestErrorsOfReceive(t *testing.T) {
	p := newPair(t, client(), server(chap.MD5))
	drop := func(frame ...byte) error {
		s := p.side[0]
		s.Receive(p.now, frame, &s.out)
		defer p.pump()
		for _, e := range s.out.All() {
			if d, ok := e.(session.Dropped); ok {
				return d.Err
			}
		}
		return nil
	}
	ipcp, pap := []byte{0x80, 0x21, 1, 1, 0, 4}, []byte{0xc0, 0x23, 1, 1, 0, 6, 0, 0}
	for _, c := range []struct {
		frame []byte
		want  error
	}{
		{[]byte{0xc0}, ppp.ErrShortFrame}, {[]byte{0xc0, 0x20}, ppp.ErrBadProtocol}, {[]byte{0xc0, 0x21, 1}, ppp.ErrShortControl},
		{ipcp, session.ErrPhase}, {pap, session.ErrPhase}, {[]byte{0, 0x21, 0x45}, session.ErrPhase},
	} {
		if got := drop(c.frame...); got != c.want {
			t.Errorf("before the link: % x is dropped for %v, want %v", c.frame, got, c.want)
		}
	}
	p.up()
	for _, c := range []struct {
		frame []byte
		want  error
	}{
		{pap, session.ErrNoRole}, {[]byte{0, 0x21, 0x45}, session.ErrNotOpen}, {[]byte{0, 0x57, 0x60}, session.ErrNotOpen},
		{[]byte{0x80, 0x21, 1}, ppp.ErrShortControl}, {[]byte{0xc2, 0x23, 1}, ppp.ErrShortControl}, {[]byte{0xc2, 0x23, 2, 1, 0, 5, 0}, ppp.ErrRole},
	} {
		if got := drop(c.frame...); got != c.want {
			t.Errorf("in the network phase: % x is dropped for %v, want %v", c.frame, got, c.want)
		}
	}
}

// TestRoundTrip: LCP's RoundTrip is the default for the network protocols.
func TestRoundTrip(t *testing.T) {
	for own, want := range map[time.Duration]time.Duration{0: 2 * time.Second, 400 * time.Millisecond: 800 * time.Millisecond} {
		cfg := client()
		cfg.LCP.Limits.RoundTrip, cfg.IPv6 = time.Second, nil
		cfg.IPv4.Limits.RoundTrip = own
		p := newPair(t, cfg, server())
		at := []time.Duration{}
		p.lose = func(from int, frame []byte) bool {
			ncp := frame[0] == 0x80
			if from == 0 && ncp && frame[1] == 0x21 && frame[2] == 1 {
				at = append(at, p.now.Sub(epoch))
			}
			return ncp
		}
		p.up()
		p.pass(2500 * time.Millisecond)
		if len(at) != 2 || at[0] != 0 || at[1] != want {
			t.Errorf("IPCP's RoundTrip %v: requests at %v, want 0 and %v", own, at, want)
		}
	}
}

// TestTerminateRequest: a Terminate-Request while our credentials are not yet accepted rejects them;
// at any other time it ends the link.
func TestTerminateRequest(t *testing.T) {
	terminate := []byte{0xc0, 0x21, 5, 99, 0, 7, 'b', 'y', 'e'}
	for _, c := range []struct {
		what    string
		methods []ppp.Method
		lose    func(from int, frame []byte) bool
		want    session.Cause
	}{
		{"before it accepts us", []ppp.Method{chap.MD5}, func(from int, frame []byte) bool { return from == 0 && frame[0] == 0xc2 }, session.CauseNotAuthenticated},
		{"afterwards", []ppp.Method{chap.MD5}, nil, session.CausePeerTerminated},
		{"without authentication", nil, nil, session.CausePeerTerminated},
	} {
		p := newPair(t, client(), server(c.methods...))
		p.lose = c.lose
		p.up()
		p.inject(terminate...)
		p.pass(time.Minute)
		closed, ok := first[session.Closed](p.side[0])
		if !ok || closed.Reason.Cause != c.want || closed.Reason.Text != "bye" {
			t.Errorf("%s: %+v, want %v, with its text", c.what, closed, c.want)
		}
	}
}
