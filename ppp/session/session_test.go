package session_test

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"flag"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"upppoe/chap"
	"upppoe/lcp"
	"upppoe/ppp"
	"upppoe/ppp/eap"
	"upppoe/ppp/pap"
	"upppoe/ppp/session"
)

var (
	epoch  = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	update = flag.Bool("update", false, "write the transcripts")
)

func TestDial(t *testing.T) {
	for _, m := range methods {
		p := newPair(t, client(), server(methodList(m)...))
		p.up()
		for _, s := range p.side {
			if !has[session.IPv4Up](s) || !has[session.IPv6Up](s) || s.Phase() != session.PhaseNetwork {
				t.Errorf("%v: the %s is in phase %v\n%s", m, s.name, s.Phase(), &p.log)
			}
		}
		if a, _ := first[session.Authenticated](p.side[1]); m != nil && (!a.Peer || a.Name != "testuser") {
			t.Errorf("%v: the server has authenticated %+v", m, a)
		}
		p.side[0].Close(p.now, session.Reason{Cause: session.CauseUserRequest, Text: "User request"}, &p.side[0].out)
		p.pump()
		p.pass(time.Minute)
		if a, b := p.side[0].cause(), p.side[1].cause(); a != session.CauseUserRequest || b != session.CausePeerTerminated {
			t.Errorf("%v: ended by %v and %v, want user-request and peer-terminated", m, a, b)
		}
		if d := ppp.Earliest(p.side[0].Deadline(), p.side[1].Deadline()); !d.IsZero() {
			t.Errorf("%v: something is still due at %v", m, d)
		}
	}
}

func TestWrongPassword(t *testing.T) {
	for _, m := range methods[1:] {
		p := newPair(t, client(), server(m))
		p.side[1].secret = "another"
		p.up()
		p.pass(time.Minute)
		if a, b := p.side[0].cause(), p.side[1].cause(); a != session.CauseNotAuthenticated || b != session.CausePeerNotAuthenticated {
			t.Errorf("%v: ended by %v and %v, want not-authenticated and peer-not-authenticated\n%s", m, a, b, &p.log)
		}
		if has[session.NetworkPhase](p.side[1]) {
			t.Errorf("%v: the server accepts a wrong password", m)
		}
	}
}

// TestMutual: each side authenticates itself to the other.
func TestMutual(t *testing.T) {
	for _, m := range methods[1:] {
		a, b := client(), server(m)
		a.LCP.RequireAuth, a.Name = []ppp.Method{m}, "testuser"
		b.LCP.AllowAuth, b.Credentials = a.LCP.AllowAuth, a.Credentials
		p := newPair(t, a, b)
		p.up()
		if !has[session.IPv4Up](p.side[0]) || !has[session.IPv4Up](p.side[1]) {
			t.Errorf("%v both ways does not come up\n%s", m, &p.log)
		}
	}
}

// TestPathLimited: a session reports the size that its path carries, if it is less than the
// negotiated one, and stays up.
func TestPathLimited(t *testing.T) {
	for _, carries := range []int{1492, 1442} {
		a := client()
		a.LCP.CheckPath = true
		p := newPair(t, a, server(chap.MD5))
		p.lose = func(_ int, frame []byte) bool { return len(frame)-2 > carries }
		p.up()
		p.pass(time.Minute)
		got, limited := first[session.PathLimited](p.side[0])
		if limited != (carries < 1492) || limited && (got.MRU != 1492 || got.PathMRU != carries) || p.side[0].Phase() != session.PhaseNetwork {
			t.Errorf("a path that carries %d octets: %v, %+v, in phase %v", carries, limited, got, p.side[0].Phase())
		}
		if has[session.PathLimited](p.side[1]) {
			t.Error("the server checks the path too")
		}
	}
}

// TestNoCredentials: a peer without credentials gets no link, and the reason.
func TestNoCredentials(t *testing.T) {
	a := client()
	a.LCP.AllowAuth = nil
	p := newPair(t, a, server(chap.MD5))
	p.up()
	p.pass(time.Minute)
	if got := p.side[1].cause(); got != session.CausePeerNotAuthenticated {
		t.Errorf("the server ended by %v, want peer-not-authenticated", got)
	}
	if e, ok := first[session.PeerClosed](p.side[0]); !ok || e.Text != session.RefusedToAuthenticate {
		t.Errorf("PeerClosed %v with the text %q, want the server's", ok, e.Text)
	}
	events := 0
	terminate, _ := hex.DecodeString("c021050900066279")
	a = client()
	s, out := session.New(&a, session.Peer{}), session.Output{}
	s.Up(epoch, &out)
	for range 3 {
		s.Receive(epoch, terminate, &out)
	}
	for _, e := range out.All() {
		if _, ok := e.(session.PeerClosed); ok {
			events++
		}
	}
	if events != 1 || s.Phase() != session.PhaseEstablish {
		t.Errorf("repeated Terminate-Requests cause %d events, in phase %v; want one, and a negotiation that continues", events, s.Phase())
	}
}

// TestOneFamily: the other family gets a Protocol-Reject, and the link stays up.
func TestOneFamily(t *testing.T) {
	b := server()
	b.IPv6 = nil
	p := newPair(t, client(), b)
	p.up()
	if !has[session.IPv4Up](p.side[0]) || has[session.IPv6Up](p.side[0]) || !has[session.NetworkFailed](p.side[0]) {
		t.Errorf("IPv4 alone:\n%s", &p.log)
	}
	if !strings.Contains(p.log.String(), "server sent [LCP ProtRej id=0x2 80 57") {
		t.Errorf("no Protocol-Reject was sent:\n%s", &p.log)
	}
	b.IPv4 = nil
	p = newPair(t, client(), b)
	p.up()
	p.pass(time.Minute)
	if got := p.side[0].cause(); got != session.CauseNotNegotiated {
		t.Errorf("without any family the client ended by %v, want not-negotiated", got)
	}
}

// inject delivers a frame to the client.
func (p *pair) inject(frame ...byte) {
	p.side[0].Receive(p.now, frame, &p.side[0].out)
	p.pump()
}

// TestNetworkClosesAlone: RFC 1661 section 3.7.
func TestNetworkClosesAlone(t *testing.T) {
	p := newPair(t, client(), server())
	p.up()
	p.inject(0x80, 0x21, 5, 9, 0, 4) // IPCP Terminate-Request
	p.pass(time.Minute)
	if down, ok := first[session.NetworkDown](p.side[0]); !ok || down.Protocol != ppp.IPCP || has[session.Closed](p.side[0]) {
		t.Errorf("after IPCP's Terminate-Request: %+v, closed %v; want IPCP down and the link up", down, has[session.Closed](p.side[0]))
	}
	if p.side[0].Phase() != session.PhaseNetwork {
		t.Errorf("the phase is %v, want Network", p.side[0].Phase())
	}
}

// TestRenegotiation: a Configure-Request in an open link begins a new negotiation, including
// authentication.
func TestRenegotiation(t *testing.T) {
	p := newPair(t, client(), server(chap.MD5))
	p.up()
	fresh := server(chap.MD5)
	again := session.New(&fresh, session.Peer{}) // the concentrator has restarted
	p.side[1] = &side{name: "server", link: again, secret: "testpassword"}
	again.Up(p.now, &p.side[1].out)
	p.pump()
	p.pass(time.Minute)
	ups := 0
	for _, e := range p.side[0].events {
		if _, ok := e.(session.IPv4Up); ok {
			ups++
		}
	}
	if ups != 2 || !has[session.NetworkDown](p.side[0]) || has[session.Closed](p.side[0]) {
		t.Errorf("IPv4 came up %d times, want twice, with the link kept\n%s", ups, &p.log)
	}
}

// TestUnknownProtocol: it gets a Protocol-Reject in an open link (RFC 1661 section 5.7), and is
// dropped before.
func TestUnknownProtocol(t *testing.T) {
	p := newPair(t, client(), server())
	p.inject(0x80, 0xfd, 1, 1, 0, 4)
	if strings.Contains(p.log.String(), "ProtRej") {
		t.Error("a Protocol-Reject before the link is open")
	}
	p.up()
	for _, protocol := range []ppp.Protocol{ppp.CCP, ppp.ECP, ppp.MPLSCP, 0x1234 | 1} {
		p.log.Reset()
		p.inject(byte(protocol>>8), byte(protocol), 1, 1, 0, 4)
		if !strings.Contains(p.log.String(), "[LCP ProtRej") {
			t.Errorf("%v: no Protocol-Reject:\n%s", protocol, &p.log)
		}
	}
	p.log.Reset()
	p.inject(0, 0x21, 0x45)
	d, ok := first[session.Dropped](p.side[0])
	if !ok || strings.Contains(p.log.String(), "sent") {
		t.Errorf("a data packet in the session: %+v\n%s", d, &p.log)
	}
}

func TestSilentPeer(t *testing.T) {
	a := client()
	a.LCP.Echo = lcp.Echo{Interval: 10 * time.Second, Failures: 3}
	p := newPair(t, a, server())
	p.up()
	p.lose = func(int, []byte) bool { return true }
	p.pass(41 * time.Second)
	if p.side[0].Phase() != session.PhaseDead {
		t.Error("it waits for a Terminate-Ack that will not come")
	}
	if s, ok := first[session.EchoTimeout](p.side[0]); !ok || s.Requests != 3 || p.side[0].cause() != session.CausePeerDead {
		t.Errorf("with a silent peer: %+v, ended by %v; want three requests and peer-dead", s, p.side[0].cause())
	}
}

func TestNoPeer(t *testing.T) {
	p := newPair(t, client(), server())
	p.lose = func(int, []byte) bool { return true }
	p.up()
	p.pass(time.Minute)
	if got := p.side[0].cause(); got != session.CauseNotNegotiated {
		t.Errorf("ended by %v, want not-negotiated", got)
	}
}

// TestHangUp: a concentrator that hangs up before it has answered our password has hung up, as at any
// other time; the text tells when. One that has rejected the password before has rejected it.
func TestHangUp(t *testing.T) {
	for _, authenticating := range []bool{true, false} {
		p := newPair(t, client(), server(chap.MD5))
		if authenticating {
			p.lose = func(from int, frame []byte) bool { return from == 0 && frame[0] == 0xc2 }
		}
		p.up()
		p.side[0].Down(p.now, session.Reason{Cause: session.CauseHangUp}, &p.side[0].out)
		p.pump()
		closed, _ := first[session.Closed](p.side[0])
		if got := closed.Reason; got.Cause != session.CauseHangUp || (got.Text == "peer hung up during authentication") != authenticating {
			t.Errorf("authenticating %v: ended by %+v, want a hang-up", authenticating, got)
		}
	}
}

func TestCloseBeforeUp(t *testing.T) {
	for _, end := range []func(s *session.Session, out *session.Output){
		func(s *session.Session, out *session.Output) {
			s.Close(epoch, session.Reason{Cause: session.CauseUserRequest}, out)
		},
		func(s *session.Session, out *session.Output) {
			s.Down(epoch, session.Reason{Cause: session.CauseUserRequest}, out)
		},
	} {
		cfg := client()
		s, out := session.New(&cfg, session.Peer{}), session.Output{}
		end(s, &out)
		end(s, &out)
		closed := 0
		for _, e := range out.All() {
			if _, ok := e.(session.Closed); ok {
				closed++
			}
		}
		if closed != 1 || out.Frames.Len() != 0 {
			t.Errorf("closed %d times with %d frames, want once and none", closed, out.Frames.Len())
		}
	}
}

// TestTranscripts compares whole dials with testdata; -update writes the files.
func TestTranscripts(t *testing.T) {
	for name, m := range map[string]ppp.Method{"chap-md5": chap.MD5, "pap": pap.Method, "eap-md5": eap.MD5, "noauth": nil} {
		p := newPair(t, client(), server(methodList(m)...))
		p.up()
		p.side[0].Close(p.now, session.Reason{Cause: session.CauseUserRequest, Text: "User request"}, &p.side[0].out)
		p.pump()
		p.pass(time.Minute)
		path := "testdata/" + name + ".txt"
		if *update {
			if err := os.WriteFile(path, []byte(p.log.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(want, []byte(p.log.String())) {
			t.Errorf("%s: got\n%s\nwant\n%s", name, &p.log, want)
		}
	}
}

// FuzzSession passes arbitrary frames to a session, in every phase.
func FuzzSession(f *testing.F) {
	f.Add([]byte{8, 0xc0, 0x21, 1, 1, 0, 4, 0, 0}, uint8(0))
	f.Add([]byte{8, 0xc2, 0x23, 1, 1, 0, 6, 1, 1}, uint8(2))
	f.Fuzz(func(t *testing.T, script []byte, kind uint8) {
		cfg := server(methodList(methods[int(kind)%len(methods)])...)
		cfg.LCP.AllowAuth, cfg.Credentials = client().LCP.AllowAuth, client().Credentials
		cfg.Rand = rand.Reader
		s, out, now := session.New(&cfg, session.Peer{}), session.Output{}, epoch
		s.Up(now, &out)
		for len(script) > 0 {
			n := min(int(script[0]), len(script)-1)
			s.Receive(now, script[1:1+n], &out)
			script = script[1+n:]
			if d := s.Deadline(); n == 0 && !d.IsZero() {
				now = d
				s.Advance(now, &out)
			}
			if out.Frames.Len() > 12 {
				t.Fatalf("one frame made %d", out.Frames.Len())
			}
			out.Reset()
		}
	})
}

// TestSetupTimeout: a peer that renegotiates without end, and so restarts every timer, cannot keep a
// session without authenticating itself.
func TestSetupTimeout(t *testing.T) {
	for _, c := range []struct {
		timeout time.Duration
		want    session.Cause
	}{{3 * time.Minute, session.CausePeerNotAuthenticated}, {0, session.CauseUnknown}} {
		b := server(chap.MD5)
		b.SetupTimeout = c.timeout
		p := newPair(t, client(), b)
		p.lose = func(from int, frame []byte) bool { return from == 0 && frame[0] == 0xc2 }
		p.up()
		for range 20 {
			p.pass(20 * time.Second)
			p.side[1].Receive(p.now, []byte{0xc0, 0x21, 1, 77, 0, 4}, &p.side[1].out)
			p.pump()
		}
		if got := p.side[1].cause(); got != c.want {
			t.Errorf("with a SetupTimeout of %v the server's session ended by %v, want %v\n%s", c.timeout, got, c.want, &p.log)
		}
	}
}

// TestSetupTimeoutOfOpenLink: it does not end a session in the network phase.
func TestSetupTimeoutOfOpenLink(t *testing.T) {
	b := server(chap.MD5)
	b.SetupTimeout = 3 * time.Minute
	p := newPair(t, client(), b)
	p.up()
	p.pass(time.Hour)
	if has[session.Closed](p.side[1]) || p.side[1].Phase() != session.PhaseNetwork {
		t.Errorf("a session in the network phase ended by %v", p.side[1].cause())
	}
}

// TestUnexpectedResult: an AuthResult without AuthRequest assigns no address, and one user's result
// is not used for the next.
func TestUnexpectedResult(t *testing.T) {
	p := newPair(t, client(), server(chap.MD5))
	other := netip.MustParseAddr("192.0.2.66")
	s := p.side[1]
	p.lose = func(from int, frame []byte) bool {
		if from == 0 && frame[0] == 0xc2 { // a Response is on its way
			s.SetAuthResult(p.now, ppp.AuthResult{Accepted: true, Address: other}, &s.out)
		}
		return false
	}
	p.up()
	up, ok := first[session.IPv4Up](s)
	if want := netip.MustParseAddr("192.0.2.10"); !ok || up.Remote != want {
		t.Errorf("the peer has %v, want %v\n%s", up.Remote, want, &p.log)
	}
}

// TestRenegotiationStorm: a peer that renegotiates LCP or IPCP without end is disconnected; one that
// does so occasionally is not.
func TestRenegotiationStorm(t *testing.T) {
	for _, c := range []struct {
		what  string
		frame []byte
		every time.Duration
		want  session.Cause
	}{
		{"LCP", []byte{0xc0, 0x21, 1, 77, 0, 4}, 0, session.CauseNotNegotiated},
		{"IPCP", []byte{0x80, 0x21, 1, 77, 0, 10, 3, 6, 192, 0, 2, 10}, 0, session.CauseNotNegotiated},
		{"LCP, occasionally", []byte{0xc0, 0x21, 1, 77, 0, 4}, 10 * time.Second, session.CauseUnknown},
	} {
		p := newPair(t, client(), server(chap.MD5))
		p.up()
		for range 100 {
			p.side[1].Receive(p.now, c.frame, &p.side[1].out)
			p.pump()
			p.pass(c.every)
		}
		ups := 0
		for _, e := range p.side[1].events {
			if _, ok := e.(session.IPv4Up); ok {
				ups++
			}
		}
		if got := p.side[1].cause(); got != c.want || c.want != session.CauseUnknown && ups > 35 || c.want == session.CauseUnknown && ups != 101 {
			t.Errorf("%s: IPv4 came up %d times, and the session ended by %v, want %v", c.what, ups, got, c.want)
		}
	}
}
