package session_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"upppoe/ipcp"
	"upppoe/ppp"
	"upppoe/ppp/eap"
	"upppoe/ppp/ipv6cp"
	"upppoe/ppp/session"
	"upppoe/ppp/trace"
)

// badLine carries the frames of two sessions in virtual time. Each frame may be lost, come
// twice, and take its own time, so that frames overtake each other.
type badLine struct {
	*pair
	rand         *rand.Rand
	loss, double float64
	least, most  time.Duration // how long a frame takes
	flying       []flight
}

type flight struct {
	to    int
	at    time.Time
	frame []byte
}

// send puts what the sides have to say on the line, and decides on proofs.
func (l *badLine) send() {
	for again := true; again; {
		again = false
		for i, s := range l.side {
			for frame, event := range s.out.All() {
				if event != nil {
					s.events = append(s.events, event)
					fmt.Fprintf(&l.log, "%v %s %T\n", l.now.Sub(epoch), s.name, event)
					continue
				}
				fmt.Fprintf(&l.log, "%v %s sent %s\n", l.now.Sub(epoch), s.name, trace.AppendFrame(nil, frame, trace.Options{}))
				l.fly(1-i, frame)
			}
			asked := s.asked()
			s.out.Reset()
			if asked != nil {
				again = true
				message, ok := asked.Verify([]byte(s.secret))
				s.SetAuthResult(l.now, ppp.AuthResult{Accepted: ok, Message: message}, &s.out)
			}
		}
	}
}

func (l *badLine) fly(to int, frame []byte) {
	copies := 1
	if l.rand.Float64() < l.double {
		copies = 2
	}
	for range copies {
		if l.rand.Float64() >= l.loss {
			took := l.least + time.Duration(l.rand.Float64()*float64(l.most-l.least))
			l.flying = append(l.flying, flight{to, l.now.Add(took), slices.Clone(frame)})
		}
	}
}

// step goes to whatever is next, and reports whether there was anything before end.
func (l *badLine) step(end time.Time) bool {
	next, first := ppp.Earliest(l.side[0].Deadline(), l.side[1].Deadline()), -1
	for i, f := range l.flying {
		if next.IsZero() || f.at.Before(next) {
			next, first = f.at, i
		}
	}
	if next.IsZero() || next.After(end) {
		l.now = end
		return false
	}
	if next.After(l.now) {
		l.now = next
	}
	if first >= 0 {
		f := l.flying[first]
		l.flying = slices.Delete(l.flying, first, first+1)
		l.side[f.to].Receive(l.now, f.frame, &l.side[f.to].out)
	} else {
		for _, s := range l.side {
			s.Advance(l.now, &s.out)
		}
	}
	l.send()
	return true
}

// run goes on for a while, or until both sides have what they want.
func (l *badLine) run(d time.Duration, stop func() bool) bool {
	for end := l.now.Add(d); !stop(); {
		if !l.step(end) {
			return stop()
		}
	}
	return true
}

func (l *badLine) up() {
	for _, s := range l.side {
		s.Up(l.now, &s.out)
	}
	l.send()
}

// networks is what a side has, as its events tell it.
func (s *side) networks() (v4 ipcp.Agreement, v6 ipv6cp.Agreement) {
	for _, e := range s.events {
		switch e := e.(type) {
		case session.IPv4Up:
			v4 = e.Agreement
		case session.IPv6Up:
			v6 = e.Agreement
		case session.NetworkDown:
			if e.Protocol == ppp.IPCP {
				v4 = ipcp.Agreement{}
			} else {
				v6 = ipv6cp.Agreement{}
			}
		}
	}
	return v4, v6
}

// open reports whether both sides are open in both families, and agree.
func (l *badLine) open() bool {
	a4, a6 := l.side[0].networks()
	b4, b6 := l.side[1].networks()
	return a4.Local.IsValid() && b4.Local.IsValid() && a4.Local == b4.Remote && a4.Remote == b4.Local &&
		a6.Local != (ipv6cp.ID{}) && a6.Local == b6.Remote && a6.Remote == b6.Local
}

// patient has a session try often enough that chance alone cannot end it.
func patient(c session.Config, restart time.Duration) session.Config {
	limits := ppp.Limits{Restart: restart, MaxConfigure: 200, MaxTerminate: 50}
	c.LCP.Limits = limits
	c.AuthTimers = ppp.AuthTimers{Restart: restart, MaxTransmit: 200, Timeout: time.Hour}
	v4, v6 := *c.IPv4, *c.IPv6
	v4.Limits, v6.Limits = limits, limits
	c.IPv4, c.IPv6 = &v4, &v6
	return c
}

func newBadLine(t *testing.T, seed uint64, restart time.Duration) *badLine {
	m := methods[seed%uint64(len(methods))]
	a, b := patient(client(), restart), patient(server(demanded(m)...), restart)
	b.IPv4.DNS[0] = netip.MustParseAddr("192.0.2.53")
	a.IPv4.RequestDNS = true
	// Both sides demand proof at times. Not by EAP: where both Successes are lost, neither may
	// be repeated (RFC 3748 sections 4.1 and 4.2), and what ends it is the peers' timeout.
	if seed/uint64(len(methods))%2 == 1 && m != nil && m != ppp.Method(eap.MD5) {
		a.LCP.RequireAuth, a.Name = []ppp.Method{m}, "testuser"
		b.LCP.AllowAuth, b.Credentials = a.LCP.AllowAuth, a.Credentials
	}
	return &badLine{pair: newPair(t, a, b), rand: rand.New(rand.NewPCG(seed, 1661))}
}

func (l *badLine) emit(why string, seed uint64) {
	l.t.Helper()
	lines := strings.Split(l.log.String(), "\n")
	l.t.Errorf("seed %d: %s; phases %v and %v after %v\n%s", seed, why, l.side[0].Phase(), l.side[1].Phase(),
		l.now.Sub(epoch), strings.Join(lines[max(0, len(lines)-90):], "\n"))
}

func (s *side) downs() (n int) {
	for _, e := range s.events {
		if _, ok := e.(session.NetworkDown); ok {
			n++
		}
	}
	return n
}

// TestBadLine: over a line that loses a third of all frames, doubles a third and mixes them
// up, whole sessions come to the same agreement, once, stay open and end in good order,
// whatever the dice say and by whatever method they authenticate.
func TestBadLine(t *testing.T) {
	for seed := range uint64(600) {
		l := newBadLine(t, seed, 3*time.Second)
		l.loss, l.double, l.most = 1./3, 1./3, time.Duration(1+seed%8)*200*time.Millisecond
		l.up()
		if !l.run(time.Hour, l.open) {
			l.emit("never both open", seed)
			continue
		}
		l.run(10*time.Minute, func() bool { return false })
		if n := l.side[0].downs() + l.side[1].downs(); n > 0 || !l.open() {
			l.emit(fmt.Sprintf("down %d times", n), seed)
		}
		l.side[0].Close(l.now, session.Reason{Cause: session.UserRequest, Text: "User request"}, &l.side[0].out)
		l.send()
		if !l.run(time.Hour, func() bool { return has[session.Closed](l.side[0]) && has[session.Closed](l.side[1]) }) {
			l.emit("never closed", seed)
		}
	}
}

// TestSlowLine: a line whose round trip takes longer than the Restart timer, and one that
// delivers every frame twice, carry sessions that come up once and stay up.
func TestSlowLine(t *testing.T) {
	for _, c := range []struct {
		what      string
		each, gap time.Duration // one way; between a frame and its copy
		restart   time.Duration
		double    float64
		within    time.Duration
	}{
		{"a clean line", 5 * time.Millisecond, 0, 3 * time.Second, 0, 80 * time.Millisecond},
		{"1.1 s each way, Restart 1 s", 1100 * time.Millisecond, 0, time.Second, 0, 16 * time.Second},
		{"5 s each way, Restart 1 s", 5 * time.Second, 0, time.Second, 0, 72 * time.Second},
		{"1.7 s each way", 1700 * time.Millisecond, 0, 3 * time.Second, 0, 24 * time.Second},
		{"all twice at once", 5 * time.Millisecond, 0, 3 * time.Second, 1, 80 * time.Millisecond},
		{"all twice, 20 ms apart", 5 * time.Millisecond, 20 * time.Millisecond, 3 * time.Second, 1, 4 * time.Second},
		{"all twice, 200 ms apart", 5 * time.Millisecond, 200 * time.Millisecond, 3 * time.Second, 1, 4 * time.Second},
		{"all twice and 1.1 s each way, Restart 1 s", 1100 * time.Millisecond, 0, time.Second, 1, 16 * time.Second},
	} {
		for seed := range uint64(len(methods)) * 2 {
			l := newBadLine(t, seed, c.restart)
			l.least, l.most, l.double = c.each, c.each+c.gap, c.double
			l.up()
			if !l.run(c.within, l.open) {
				l.emit(c.what+": not open in time", seed)
			}
			l.run(10*time.Minute, func() bool { return false })
			if n := l.side[0].downs() + l.side[1].downs(); n > 0 || !l.open() {
				l.emit(fmt.Sprintf("%s: down %d times", c.what, n), seed)
			}
		}
	}
}
