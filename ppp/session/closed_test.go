package session_test

import (
	"slices"
	"testing"
	"time"

	"upppoe/chap"
	"upppoe/lcp"
	"upppoe/ppp"
	"upppoe/ppp/eap"
	"upppoe/ppp/session"
)

// TestClosedIsTheLast: a session that has emitted Closed, for any reason, produces no more output
// and has no deadline.
func TestClosedIsTheLast(t *testing.T) {
	for what, end := range map[string]func(p *pair, s *side){
		"Close": func(p *pair, s *side) {
			s.Close(p.now, session.Reason{Cause: session.CauseUserRequest}, &s.out)
			p.pump()
		},
		"Down":              func(p *pair, s *side) { s.Down(p.now, session.Reason{Cause: session.CauseHangUp}, &s.out) },
		"Terminate-Request": func(p *pair, s *side) { s.Receive(p.now, []byte{0xc0, 0x21, 5, 9, 0, 4}, &s.out) },
		"silence":           func(p *pair, _ *side) { p.lose = func(int, []byte) bool { return true } },
	} {
		a := client()
		a.LCP.Echo = lcp.Echo{Interval: 10 * time.Second, Failures: 3}
		p := newPair(t, a, server(chap.MD5))
		p.up()
		s := p.side[0]
		end(p, s)
		p.pump()
		p.pass(time.Minute)
		if _, last := s.events[len(s.events)-1].(session.Closed); !last {
			t.Fatalf("%s: the last event is %T, want Closed", what, s.events[len(s.events)-1])
		}
		magic := []byte{5, 6, 9, 9, 9, 9}
		for _, frame := range [][]byte{
			append([]byte{0xc0, 0x21, 1, 99, 0, 10}, magic...), {0xc0, 0x21, 2, 1, 0, 4}, {0xc0, 0x21, 5, 1, 0, 4},
			{0xc0, 0x21, 9, 1, 0, 8, 0, 0, 0, 0}, {0xc2, 0x23, 1, 1, 0, 6, 1, 1}, {0x80, 0x21, 1, 1, 0, 4}, {0, 0x21, 0x45}, {1},
		} {
			s.Receive(p.now, frame, &s.out)
		}
		s.Up(p.now, &s.out)
		s.Advance(p.now.Add(time.Hour), &s.out)
		s.SetAuthResult(p.now, ppp.AuthResult{Accepted: true}, &s.out)
		s.CheckPeer(p.now, &s.out)
		s.Close(p.now, session.Reason{Cause: session.CauseUserRequest}, &s.out)
		s.Down(p.now, session.Reason{Cause: session.CauseHangUp}, &s.out)
		for frame, event := range s.out.All() {
			t.Errorf("%s: after Closed came % x, %T", what, frame, event)
		}
		if d := s.Deadline(); !d.IsZero() {
			t.Errorf("%s: after Closed something is due at %v", what, d)
		}
	}
}

// TestLooped: a session on a looped link ends with cause Looped, whatever methods it requires.
func TestLooped(t *testing.T) {
	for _, methods := range [][]ppp.Method{nil, {chap.MD5}, {chap.MSv2, chap.MD5}, {eap.MD5}} {
		cfg := server(methods...)
		cfg.LCP.AllowAuth, cfg.Credentials = client().LCP.AllowAuth, client().Credentials
		for _, offers := range []bool{true, false} {
			if !offers {
				cfg.LCP.AllowAuth = nil
			}
			s := &side{link: session.New(&cfg, session.Peer{})}
			s.Up(epoch, &s.out)
			for range 50 {
				var frames [][]byte
				for frame, event := range s.out.All() {
					if event != nil {
						s.events = append(s.events, event)
					} else {
						frames = append(frames, slices.Clone(frame))
					}
				}
				s.out.Reset()
				for _, frame := range frames {
					s.Receive(epoch, frame, &s.out)
				}
			}
			if got := s.cause(); got != session.CauseLooped {
				t.Errorf("requiring %v, offering %v: ended by %v, want looped", methods, offers, got)
			}
		}
	}
}

// TestSuccessLost: EAP's Success is not retransmitted. A packet of a network protocol stands for it,
// but only after we have answered a challenge.
func TestSuccessLost(t *testing.T) {
	p := newPair(t, client(), server(eap.MD5))
	early := true
	p.lose = func(from int, frame []byte) bool {
		if early && from == 1 && frame[0] == 0xc2 { // the first Request
			early = false
			p.side[0].Receive(p.now, []byte{0x80, 0x21, 1, 1, 0, 10, 3, 6, 192, 0, 2, 1}, &p.side[0].out)
			if p.side[0].Phase() != session.PhaseAuthenticate {
				t.Error("a packet of IPCP is taken for Success before a challenge was answered")
			}
		}
		return from == 1 && frame[0] == 0xc2 && frame[2] == 3
	}
	p.up()
	if a, ok := first[session.Authenticated](p.side[0]); !ok || a.Name != "testuser" || !has[session.IPv4Up](p.side[0]) {
		t.Errorf("without the Success: %+v\n%s", a, &p.log)
	}
	p = newPair(t, client(), server(chap.MD5)) // CHAP's Success is requested again
	p.lose = func(from int, frame []byte) bool { return from == 1 && frame[0] == 0xc2 && frame[2] == 3 }
	p.up()
	if has[session.Authenticated](p.side[0]) {
		t.Error("a packet of IPCP is taken for CHAP's Success")
	}
}
