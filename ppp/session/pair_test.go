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

// side is a session and what came out of it.
type side struct {
	name string
	*session.Session
	out    session.Output
	events []session.Event
	// secret is what an authority on this side knows.
	secret string
	decide func(ppp.AuthResponse) ppp.AuthResult // an authority instead of that; nil: there is none
}

// pair is two sessions on one line.
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

func server(demand ...ppp.Method) session.Config {
	c := session.Config{
		Name: "ac", IPv6: &ipv6cp.Config{Local: ipv6cp.ID{7: 1}}, Rand: counting(1),
		IPv4: &ipcp.Config{Local: netip.MustParseAddr("192.0.2.1"), Remote: netip.MustParseAddr("192.0.2.10")},
	}
	c.LCP.RequireAuth = demand
	return c
}

// counting is a source of octets that a transcript can hold.
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
		{name: "client", Session: session.New(&a), secret: "testpassword"},
		{name: "server", Session: session.New(&b), secret: "testpassword"},
	}}
}

func (p *pair) up() {
	for _, s := range p.side {
		s.Up(p.now, &s.out)
	}
	p.pump()
}

// pump carries frames until nothing is left to say.
func (p *pair) pump() {
	p.t.Helper()
	for rounds := 0; ; rounds++ {
		if rounds > 1000 {
			p.t.Fatal("the two never stop talking")
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
			asked := s.asked()
			s.out.Reset()
			for _, frame := range frames {
				moved = true
				if p.lose == nil || !p.lose(i, frame) {
					peer := p.side[1-i]
					peer.Receive(p.now, frame, &peer.out)
				}
			}
			if asked != nil {
				moved = true
				message, ok := asked.Verify([]byte(s.secret))
				d := ppp.AuthResult{Accepted: ok && asked.User() == "testuser", Message: message}
				if s.decide != nil {
					d = s.decide(asked)
				}
				s.SetAuthResult(p.now, d, &s.out)
			}
		}
		if !moved {
			return
		}
	}
}

// asked is the proof that waits for a decision, of those just told.
func (s *side) asked() (proof ppp.AuthResponse) {
	for _, e := range s.out.All() {
		if a, ok := e.(session.AuthRequest); ok {
			proof = a.Response
		}
	}
	return proof
}

// pass lets time go by, up to a moment, and does what is due.
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

// has reports whether a side has told of an event of a type.
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

func demanded(m ppp.Method) []ppp.Method {
	if m == nil {
		return nil
	}
	return []ppp.Method{m}
}
