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

// lossyLink carries the frames of two sessions in virtual time. Each frame may be lost,
// duplicated, and delayed by a time of its own, so that frames are reordered.
type lossyLink struct {
	*pair
	rand               *rand.Rand
	loss, duplicate    float64
	minDelay, maxDelay time.Duration // of a frame
	inFlight           []flight
}

type flight struct {
	to    int
	at    time.Time
	frame []byte
}

// send transmits the frames of both sides, and answers their AuthRequests.
func (l *lossyLink) send() {
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
				l.transmit(1-i, frame)
			}
			response := s.authRequest()
			s.out.Reset()
			if response != nil {
				again = true
				message, ok := response.Verify([]byte(s.secret))
				s.SetAuthResult(l.now, ppp.AuthResult{Accepted: ok, Message: message}, &s.out)
			}
		}
	}
}

func (l *lossyLink) transmit(to int, frame []byte) {
	copies := 1
	if l.rand.Float64() < l.duplicate {
		copies = 2
	}
	for range copies {
		if l.rand.Float64() >= l.loss {
			delay := l.minDelay + time.Duration(l.rand.Float64()*float64(l.maxDelay-l.minDelay))
			l.inFlight = append(l.inFlight, flight{to, l.now.Add(delay), slices.Clone(frame)})
		}
	}
}

// step advances to the next frame or timer, and reports whether there was one before end.
func (l *lossyLink) step(end time.Time) bool {
	next, first := ppp.Earliest(l.side[0].Deadline(), l.side[1].Deadline()), -1
	for i, f := range l.inFlight {
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
		f := l.inFlight[first]
		l.inFlight = slices.Delete(l.inFlight, first, first+1)
		l.side[f.to].Receive(l.now, f.frame, &l.side[f.to].out)
	} else {
		for _, s := range l.side {
			s.Advance(l.now, &s.out)
		}
	}
	l.send()
	return true
}

// run continues for a duration, or until stop returns true. It returns what stop returns
// last.
func (l *lossyLink) run(d time.Duration, stop func() bool) bool {
	for end := l.now.Add(d); !stop(); {
		if !l.step(end) {
			return stop()
		}
	}
	return true
}

func (l *lossyLink) up() {
	for _, s := range l.side {
		s.Up(l.now, &s.out)
	}
	l.send()
}

// networks returns what a side has agreed on, according to its events.
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

// open reports whether both families are up on both sides, and the sides agree.
func (l *lossyLink) open() bool {
	a4, a6 := l.side[0].networks()
	b4, b6 := l.side[1].networks()
	return a4.Local.IsValid() && b4.Local.IsValid() && a4.Local == b4.Remote && a4.Remote == b4.Local &&
		a6.Local != (ipv6cp.ID{}) && a6.Local == b6.Remote && a6.Remote == b6.Local
}

// withRetries allows so many retransmissions that chance alone cannot end the session.
func withRetries(c session.Config, restart time.Duration) session.Config {
	limits := ppp.NegotiationLimits{Restart: restart, MaxConfigure: 200, MaxTerminate: 50}
	c.LCP.Limits = limits
	c.AuthTimers = ppp.AuthTimers{Restart: restart, MaxTransmit: 200, Timeout: time.Hour}
	v4, v6 := *c.IPv4, *c.IPv6
	v4.Limits, v6.Limits = limits, limits
	c.IPv4, c.IPv6 = &v4, &v6
	return c
}

func newLossyLink(t *testing.T, seed uint64, restart time.Duration) *lossyLink {
	m := methods[seed%uint64(len(methods))]
	a, b := withRetries(client(), restart), withRetries(server(methodList(m)...), restart)
	b.IPv4.DNS[0] = netip.MustParseAddr("192.0.2.53")
	a.IPv4.RequestDNS = true
	// Some seeds authenticate in both directions. Not by EAP: if both Successes are lost,
	// neither may be repeated (RFC 3748 sections 4.1 and 4.2), and the peers time out.
	if seed/uint64(len(methods))%2 == 1 && m != nil && m != ppp.Method(eap.MD5) {
		a.LCP.RequireAuth, a.Name = []ppp.Method{m}, "testuser"
		b.LCP.AllowAuth, b.Credentials = a.LCP.AllowAuth, a.Credentials
	}
	return &lossyLink{pair: newPair(t, a, b), rand: rand.New(rand.NewPCG(seed, 1661))}
}

func (l *lossyLink) fail(reason string, seed uint64) {
	l.t.Helper()
	lines := strings.Split(l.log.String(), "\n")
	l.t.Errorf("seed %d: %s; phases %v and %v after %v\n%s", seed, reason, l.side[0].Phase(), l.side[1].Phase(),
		l.now.Sub(epoch), strings.Join(lines[max(0, len(lines)-90):], "\n"))
}

func (s *side) countDown() (n int) {
	for _, e := range s.events {
		if _, ok := e.(session.NetworkDown); ok {
			n++
		}
	}
	return n
}

// TestLossyLink: over a link that loses a third of all frames, duplicates a third and reorders
// them, sessions open once with the same agreement on both sides, stay open, and close, by every
// authentication method.
func TestLossyLink(t *testing.T) {
	for seed := range uint64(600) {
		l := newLossyLink(t, seed, 3*time.Second)
		l.loss, l.duplicate, l.maxDelay = 1./3, 1./3, time.Duration(1+seed%8)*200*time.Millisecond
		l.up()
		if !l.run(time.Hour, l.open) {
			l.fail("never both open", seed)
			continue
		}
		l.run(10*time.Minute, func() bool { return false })
		if n := l.side[0].countDown() + l.side[1].countDown(); n > 0 || !l.open() {
			l.fail(fmt.Sprintf("down %d times", n), seed)
		}
		l.side[0].Close(l.now, session.Reason{Cause: session.CauseUserRequest, Text: "User request"}, &l.side[0].out)
		l.send()
		if !l.run(time.Hour, func() bool { return has[session.Closed](l.side[0]) && has[session.Closed](l.side[1]) }) {
			l.fail("never closed", seed)
		}
	}
}

// TestSlowLink: over a link whose round trip takes longer than the Restart timer, and over one
// that duplicates every frame, sessions come up once and stay up.
func TestSlowLink(t *testing.T) {
	for _, c := range []struct {
		what      string
		each, gap time.Duration // one way; between a frame and its copy
		restart   time.Duration
		duplicate float64
		within    time.Duration
	}{
		{"a clean link", 5 * time.Millisecond, 0, 3 * time.Second, 0, 80 * time.Millisecond},
		{"1.1 s each way, Restart 1 s", 1100 * time.Millisecond, 0, time.Second, 0, 16 * time.Second},
		{"5 s each way, Restart 1 s", 5 * time.Second, 0, time.Second, 0, 72 * time.Second},
		{"1.7 s each way", 1700 * time.Millisecond, 0, 3 * time.Second, 0, 24 * time.Second},
		{"all duplicated at once", 5 * time.Millisecond, 0, 3 * time.Second, 1, 80 * time.Millisecond},
		{"all duplicated, 20 ms apart", 5 * time.Millisecond, 20 * time.Millisecond, 3 * time.Second, 1, 4 * time.Second},
		{"all duplicated, 200 ms apart", 5 * time.Millisecond, 200 * time.Millisecond, 3 * time.Second, 1, 4 * time.Second},
		{"all duplicated and 1.1 s each way, Restart 1 s", 1100 * time.Millisecond, 0, time.Second, 1, 16 * time.Second},
	} {
		for seed := range uint64(len(methods)) * 2 {
			l := newLossyLink(t, seed, c.restart)
			l.minDelay, l.maxDelay, l.duplicate = c.each, c.each+c.gap, c.duplicate
			l.up()
			if !l.run(c.within, l.open) {
				l.fail(c.what+": not open in time", seed)
			}
			l.run(10*time.Minute, func() bool { return false })
			if n := l.side[0].countDown() + l.side[1].countDown(); n > 0 || !l.open() {
				l.fail(fmt.Sprintf("%s: down %d times", c.what, n), seed)
			}
		}
	}
}
