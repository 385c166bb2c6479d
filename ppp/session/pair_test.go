package session_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"upppoe/chap"
	"upppoe/ipcp"
	"upppoe/ppp"
	"upppoe/ppp/eap"
	"upppoe/ppp/ipv6cp"
	"upppoe/ppp/pap"
	"upppoe/ppp/session"
	"upppoe/ppp/trace"
)

// side is a session with its output and events.
type side struct {
	name string
	link
	out    session.Output
	events []session.Event
	// secret verifies the peer's responses.
	secret       string
	authenticate func(ppp.AuthResponse) ppp.AuthResult // replaces secret; nil: secret counts
}

// link is what a Session and a Compact have in common.
type link interface {
	Phase() session.Phase
	Up(now time.Time, out *session.Output)
	Down(now time.Time, r session.Reason, out *session.Output)
	Close(now time.Time, r session.Reason, out *session.Output)
	SetAuthResult(now time.Time, result ppp.AuthResult, out *session.Output)
	MTU() int
	Deadline() time.Time
	Advance(now time.Time, out *session.Output)
	CheckPeer(now time.Time, out *session.Output)
	NoteTraffic()
	RoundTrip() time.Duration
	Unanswered() int
	Receive(now time.Time, frame []byte, out *session.Output)
}

// newCompact returns a Compact in PhaseDead.
func newCompact(cfg *session.Config) *session.Compact {
	c := new(session.Compact)
	c.Init(cfg, session.Peer{}, new(session.Output))
	return c
}

// pair is two sessions on one link, of which the second is compact.
type pair struct {
	t    *testing.T
	now  time.Time
	side [2]*side
	lose func(from int, frame []byte) bool
	log  strings.Builder
}

func client() session.Config {
	c := session.Config{
		Credentials: ppp.Credentials{Name: "testuser", Secret: func(string) ([]byte, bool) { return []byte("testpassword"), true }},
		IPv4:        &ipcp.Config{}, IPv6: &ipv6cp.Config{Local: ipv6cp.ID{7: 2}}, Rand: counting(2),
	}
	c.LCP.AllowAuth = []ppp.Method{eap.MD5, chap.MSv2, chap.MD5, pap.Method}
	return c
}

func server(methods ...ppp.Method) session.Config {
	c := session.Config{
		Name: "ac", IPv6: &ipv6cp.Config{Local: ipv6cp.ID{7: 1}}, Rand: counting(1),
		IPv4: &ipcp.Config{Local: netip.MustParseAddr("192.0.2.1"), Remote: netip.MustParseAddr("192.0.2.10")},
	}
	c.LCP.RequireAuth = methods
	return c
}

// counting returns a source of octets that is the same in every run, for transcripts.
type counter byte

func counting(from byte) *counter { c := counter(from); return &c }

func (c *counter) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(*c)
		*c += 3
	}
	return len(b), nil
}

func newPair(t *testing.T, a, b session.Config) *pair {
	return &pair{t: t, now: epoch, side: [2]*side{
		{name: "client", link: session.New(&a, session.Peer{}), secret: "testpassword"},
		{name: "server", link: newCompact(&b), secret: "testpassword"},
	}}
}

func (p *pair) up() {
	for _, s := range p.side {
		s.Up(p.now, &s.out)
	}
	p.pump()
}

// pump delivers frames until there are none.
func (p *pair) pump() {
	p.t.Helper()
	for rounds := 0; ; rounds++ {
		if rounds > 1000 {
			p.t.Fatal("the two never stop sending")
		}
		moved := false
		for i, s := range p.side {
			var frames [][]byte
			for frame, event := range s.out.All() {
				if event == nil {
					frames = append(frames, slices.Clone(frame))
					fmt.Fprintf(&p.log, "%s sent %s\n", s.name, trace.AppendFrame(nil, frame, trace.Options{}))
					continue
				}
				s.events = append(s.events, event)
				fmt.Fprintf(&p.log, "%s %T\n", s.name, event)
			}
			response := s.authRequest()
			s.out.Reset()
			for _, frame := range frames {
				moved = true
				if p.lose == nil || !p.lose(i, frame) {
					peer := p.side[1-i]
					peer.Receive(p.now, frame, &peer.out)
				}
			}
			if response != nil {
				moved = true
				message, ok := response.Verify([]byte(s.secret))
				result := ppp.AuthResult{Accepted: ok && response.User() == "testuser", Message: message}
				if s.authenticate != nil {
					result = s.authenticate(response)
				}
				s.SetAuthResult(p.now, result, &s.out)
			}
		}
		if !moved {
			return
		}
	}
}

// authRequest returns the response of the last AuthRequest in the output; nil: none.
func (s *side) authRequest() (response ppp.AuthResponse) {
	for _, e := range s.out.All() {
		if a, ok := e.(session.AuthRequest); ok {
			response = a.Response
		}
	}
	return response
}

// pass advances time by d and calls Advance at each deadline.
func (p *pair) pass(d time.Duration) {
	end := p.now.Add(d)
	for {
		next := ppp.Earliest(p.side[0].Deadline(), p.side[1].Deadline())
		if next.IsZero() || next.After(end) {
			p.now = end
			return
		}
		p.now = next
		for _, s := range p.side {
			s.Advance(p.now, &s.out)
		}
		p.pump()
	}
}

// has reports whether a side has emitted an event of the type.
func has[E session.Event](s *side) bool {
	_, ok := first[E](s)
	return ok
}

func first[E session.Event](s *side) (found E, ok bool) {
	for _, e := range s.events {
		if found, ok = e.(E); ok {
			return found, true
		}
	}
	return found, false
}

func (s *side) cause() session.Cause {
	c, _ := first[session.Closed](s)
	return c.Reason.Cause
}

var methods = []ppp.Method{nil, chap.MD5, chap.MSv2, pap.Method, eap.MD5}

func methodList(m ppp.Method) []ppp.Method {
	if m == nil {
		return nil
	}
	return []ppp.Method{m}
}
