package load

import (
	"strings"
	"testing"
	"time"

	"upppoe/ppp"
	"upppoe/ppp/session"
	"upppoe/pppoe"
)

// TestRenegotiation: a family that goes down and comes up again leaves the other up; each set-up and each
// phase counts once.
func TestRenegotiation(t *testing.T) {
	c, err := parse(strings.Fields("-I eth0 -n 1"))
	if err != nil {
		t.Fatal(err)
	}
	g := &Generator{cfg: c, clients: make([]client, c.Addresses()), Unanswered: true}
	g.clients[0].upIndex = -1
	at := g.began
	step := func(event pppoe.Event, wantOpen int) {
		t.Helper()
		at = at.Add(time.Second)
		if g.notify(0, at, event); g.open != wantOpen {
			t.Fatalf("after %T, %d sessions are open, want %d", event, g.open, wantOpen)
		}
	}
	ipcpDown, ip6cpDown := session.NetworkDown{Protocol: ppp.IPCP}, session.NetworkDown{Protocol: ppp.IPv6CP}
	step(pppoe.Dialling{}, 0)
	step(session.LinkUp{}, 0)
	step(session.Authenticated{}, 0)
	step(session.IPv4Up{}, 0)
	step(ipcpDown, 0)
	step(session.IPv6Up{}, 0)
	step(session.IPv4Up{}, 1)
	step(ipcpDown, 0)
	if len(g.up.clients) != 0 {
		t.Error("a client without IPv4 sends packets")
	}
	step(session.IPv4Up{}, 1)
	step(ip6cpDown, 0)
	if len(g.up.clients) != 1 {
		t.Error("a client without IPv6 sends no packets")
	}
	step(ipcpDown, 0)
	step(session.LinkUp{}, 0)
	step(session.Authenticated{}, 0)
	step(session.IPv6Up{}, 0)
	step(session.IPv4Up{}, 1)
	g.firstAnswer(0, at.Add(time.Second).Sub(g.began))
	if g.result.SetUp != 1 {
		t.Errorf("%d set-ups of one session", g.result.SetUp)
	}
	for p, took := range map[phase]time.Duration{phaseLCP: time.Second, phaseAuth: time.Second, phaseIPCP: time.Second, phaseOpen: 6 * time.Second, phaseFirst: time.Second} {
		if h := &g.result.phases[p]; h.count != 1 || h.max != took {
			t.Errorf("%s: %d times, at most %v, want once %v", phaseNames[p], h.count, h.max, took)
		}
	}
	step(pppoe.Ended{Uptime: time.Second}, 0)
}

// TestComplete: the hold waits for the first answer and for all network protocols, whatever comes last, but not for
// one that the peer has not, which the report names.
func TestComplete(t *testing.T) {
	type step func(g *Generator)
	answer := func(g *Generator) { g.firstAnswer(0, time.Second) }
	up := func(family uint8) step { return func(g *Generator) { g.familyUp(0, time.Second, family) } }
	fails := func(p ppp.Protocol) step {
		return func(g *Generator) {
			g.notify(0, g.began.Add(time.Second), session.NetworkFailed{Protocol: p, Err: session.ErrNoAgreement})
		}
	}
	noAgreement := session.ErrNoAgreement.Error()
	for what, c := range map[string]struct {
		steps   []step // the last completes the client
		setUp   int
		failure string
	}{
		"the answer comes last":  {[]step{up(wantIPv4), up(wantIPv6), answer}, 1, ""},
		"IPv6CP opens last":      {[]step{up(wantIPv4), answer, up(wantIPv6)}, 1, ""},
		"the peer has no IPv6":   {[]step{up(wantIPv4), fails(ppp.IPv6CP), answer}, 0, "IPV6CP: " + noAgreement + " (--no-ipv6 negotiates IPv4 only)"},
		"IPv6CP fails last":      {[]step{up(wantIPv4), answer, fails(ppp.IPv6CP)}, 0, "IPV6CP: " + noAgreement + " (--no-ipv6 negotiates IPv4 only)"},
		"the peer has IPv6 only": {[]step{fails(ppp.IPCP), up(wantIPv6)}, 0, "IPCP: " + noAgreement},
	} {
		cfg, err := parse(strings.Fields("-I eth0 -n 1"))
		if err != nil {
			t.Fatal(err)
		}
		g := &Generator{cfg: cfg, clients: make([]client, cfg.Addresses())}
		g.notify(0, g.began, pppoe.Dialling{})
		for i, step := range c.steps {
			if g.settled != 0 {
				t.Errorf("%s: complete before step %d", what, i)
			}
			step(g)
		}
		if g.settled != 1 || g.result.SetUp != c.setUp || g.result.Failures[c.failure] != len(g.result.Failures) {
			t.Errorf("%s: complete %d, set up %d, failures %v", what, g.settled, g.result.SetUp, g.result.Failures)
		}
	}
}

// TestDrain: the end of the hold waits for answers, but not for ever.
func TestDrain(t *testing.T) {
	for _, c := range []struct {
		passed         time.Duration
		sent, received uint64
		drained        bool
	}{
		{drainTime - 1, 0, 0, false},
		{drainTime, 0, 0, true},
		{drainTime, 5, 5, true},
		{drainTime, 5, 4, false},
		{maxDrainTime - 1, 5, 4, false},
		{maxDrainTime, 5, 4, true},
	} {
		g := &Generator{holdUntil: time.Unix(1000, 0)}
		g.result.Traffic.Sent, g.result.Traffic.Received = c.sent, c.received
		if got := g.drained(g.holdUntil.Add(c.passed)); got != c.drained {
			t.Errorf("%+v: %v", c, got)
		}
	}
}
