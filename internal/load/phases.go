package load

import (
	"errors"
	"fmt"
	"time"

	"upppoe/ppp"
	"upppoe/ppp/session"
	"upppoe/pppoe"
)

// phase is a part of a set-up that is measured.
type phase int

const (
	phasePADO   phase = iota // PADI to PADO
	phasePADS                // PADR to PADS
	phaseLCP                 // PADS to LCP open
	phaseAuth                // LCP open to authenticated
	phaseIPCP                // authenticated to IPCP open
	phaseIP6CP               // authenticated to IPv6CP open
	phasePrefix              // IPv6CP open to the delegated prefix
	phaseFirst               // IPCP open to the first packet answered
	phaseOpen                // PADI to all network protocols open
	phaseFlow                // PADI to the first packet answered
	phaseCount
)

var phaseNames = [phaseCount]string{
	"PADI to PADO", "PADR to PADS", "PADS to LCP open", "LCP open to authenticated",
	"authenticated to IPCP open", "authenticated to IPv6CP open", "IPv6CP open to prefix", "IPCP open to first answer",
	"PADI to open", "PADI to first answer",
}

const (
	wantIPv4 = 1 << iota
	wantIPv6
)

func familyOf(p ppp.Protocol) uint8 {
	if p == ppp.IPCP {
		return wantIPv4
	}
	return wantIPv6
}

// notify measures the phases of a client.
func (g *Generator) notify(i int, now time.Time, event pppoe.Event) {
	c, at := &g.clients[i], now.Sub(g.began)
	switch e := event.(type) {
	case pppoe.Dialling:
		if !g.isNewcomer(i) {
			g.result.Dials++
		}
		c.dialAt, c.phaseAt, c.want, c.failed, c.measured, c.answered, c.probes = at, at, wantIPv4|wantIPv6, 0, 0, false, 0
		if g.cfg.NoIPv6 {
			c.want = wantIPv4
		}
	case pppoe.Offered:
		g.measure(i, phasePADO, at)
	case pppoe.SessionEstablished:
		g.measure(i, phasePADS, at)
		g.flooder.ac = e.Grant.AC
		if i == 0 {
			g.setFlooder(e.Grant.SessionID)
		}
	case session.LinkUp:
		g.measure(i, phaseLCP, at)
	case session.Authenticated:
		if !e.Peer && !e.Repeated {
			g.measure(i, phaseAuth, at)
		}
	case session.IPv4Up:
		c.local, c.remote = e.Local, e.Remote
		g.record(i, phaseIPCP, at-c.phaseAt)
		c.ipv4At = at
		g.familyUp(i, at, wantIPv4)
		g.up.add(g.clients, i)
		if !g.Unanswered {
			g.probe(now, i)
		}
	case session.IPv6Up:
		g.record(i, phaseIP6CP, at-c.phaseAt)
		g.familyUp(i, at, wantIPv6)
		g.startPrefix(now, i, e.Agreement)
	case session.NetworkDown:
		g.familyDown(i, familyOf(e.Protocol))
	case session.NetworkFailed:
		g.familyFailed(i, e)
	case pppoe.EchoLost:
		if i == 0 && g.flooder.session {
			g.result.flooderEchoes++
		}
	case pppoe.DialFailed:
		g.fail(i, dialFailure(e.Err))
	case pppoe.Ended:
		g.ended(i, e)
	}
}

// setFlooder makes the first client's session the source of a flood.
func (g *Generator) setFlooder(id uint16) {
	c := g.cfg.Client(0)
	g.flooder.session, g.flooder.own, g.flooder.tags, g.flooder.id = g.cfg.FloodFrom == "session", c.Addr, c.VLAN, id
}

// measure records the end of a phase, and begins the next.
func (g *Generator) measure(i int, p phase, at time.Duration) {
	c := &g.clients[i]
	g.record(i, p, at-c.phaseAt)
	c.phaseAt = at
}

// record records how long a phase has taken, and reports whether it is the first time in this dial: a peer
// may negotiate again. Those of newcomers count elsewhere.
func (g *Generator) record(i int, p phase, took time.Duration) (first bool) {
	c := &g.clients[i]
	if g.isNewcomer(i) || c.measured&(1<<p) != 0 {
		return false
	}
	c.measured |= 1 << p
	g.result.phases[p].add(took)
	return true
}

// familyUp records that packets of a family may be sent in a client's session.
func (g *Generator) familyUp(i int, at time.Duration, family uint8) {
	c := &g.clients[i]
	if c.want == 0 || g.isNewcomer(i) {
		return
	}
	if c.want &^= family; c.want == 0 {
		g.open++
		if g.record(i, phaseOpen, at-c.dialAt) && g.stage == Dialling {
			g.result.SetUp++
			g.result.setUpAt = at
		}
	}
	g.settleComplete(i)
}

// familyDown records that packets of a family may no longer be sent in a client's session.
func (g *Generator) familyDown(i int, family uint8) {
	c := &g.clients[i]
	if !g.isNewcomer(i) {
		if c.want == 0 {
			g.open--
		}
		c.want |= family
	}
	if family&wantIPv4 != 0 {
		g.up.remove(g.clients, i)
	}
	if family&wantIPv6 != 0 {
		g.endPrefix(i)
	}
}

// familyFailed counts a network protocol that does not open, as the peer has none: the client is complete without
// it, but not set up.
func (g *Generator) familyFailed(i int, e session.NetworkFailed) {
	if g.isNewcomer(i) {
		return
	}
	g.clients[i].failed |= familyOf(e.Protocol)
	if g.stage < Closing {
		reason := fmt.Sprintf("%v: %v", e.Protocol, e.Err)
		if e.Protocol == ppp.IPv6CP {
			reason += " (--no-ipv6 negotiates IPv4 only)"
		}
		count(&g.result.Failures, reason)
	}
	g.settleComplete(i)
}

// dialFailure is the reason of a failed dial in the report, without what differs between servers.
func dialFailure(err error) string {
	if errors.Is(err, pppoe.ErrDialCanceled) {
		return "canceled"
	}
	return err.Error()
}

// fail records that a dial has failed; it is dialled again while sessions are held.
func (g *Generator) fail(i int, reason string) {
	if g.isNewcomer(i) {
		g.newcomerEnded(false)
		return
	}
	if g.stage < Closing {
		count(&g.result.Failures, reason)
	}
	g.settle(i)
	g.redial(i)
}

// ended handles the end of a session.
func (g *Generator) ended(i int, e pppoe.Ended) {
	c := &g.clients[i]
	g.familyDown(i, wantIPv4|wantIPv6)
	if g.isNewcomer(i) {
		g.newcomerEnded(c.answered)
		return
	}
	churned := c.churned
	c.churned = false
	switch {
	case g.stage >= Closing || churned:
	case e.Uptime > 0:
		count(&g.result.Lost, e.Reason.Cause.String())
	default:
		count(&g.result.Failures, e.Reason.Cause.String())
	}
	g.settle(i)
	g.redial(i)
}

// settleComplete counts a client that has all it is to have. The first answer may come before IPv6CP is open.
func (g *Generator) settleComplete(i int) {
	c := &g.clients[i]
	answered := c.answered || g.Unanswered || c.failed&wantIPv4 != 0
	if c.want&^c.failed == 0 && answered && (!g.cfg.Prefix || c.prefix != nil && c.prefix.lease.IsValid()) {
		g.settle(i)
	}
}

// settle counts a client whose first dial has succeeded or failed.
func (g *Generator) settle(i int) {
	if c := &g.clients[i]; !c.settled {
		c.settled = true
		g.settled++
	}
}

func (g *Generator) redial(i int) {
	if g.stage == Holding && g.cfg.churn > 0 {
		g.group.Dial(i)
	}
}

func count(m *map[string]int, reason string) {
	if *m == nil {
		*m = map[string]int{}
	}
	(*m)[reason]++
}
