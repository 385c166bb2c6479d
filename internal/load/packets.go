package load

import "time"

// upList is the clients whose sessions carry IPv4, in no order.
type upList struct{ clients []int32 }

func (u *upList) add(all []client, i int) {
	if all[i].upIndex < 0 {
		all[i].upIndex = int32(len(u.clients))
		u.clients = append(u.clients, int32(i))
	}
}

func (u *upList) remove(all []client, i int) {
	at := all[i].upIndex
	if at < 0 {
		return
	}
	last := u.clients[len(u.clients)-1]
	u.clients[at], all[last].upIndex = last, at
	u.clients = u.clients[:len(u.clients)-1]
	all[i].upIndex = -1
}

// firstRepeat is when a client's first packet is repeated for the first time. The interval doubles
// up to maxRepeat, so that repetitions do not delay what they wait for.
const (
	firstRepeat = 50 * time.Millisecond
	maxRepeat   = time.Second
)

// probe sends a client's first packet: an ICMP Echo-Request to the server's address.
func (g *Generator) probe(now time.Time, i int) {
	c := &g.clients[i]
	g.packet = appendPacket(g.packet[:0], c.local, c.remote, 0, payload{true, uint32(i), g.stamp(now)}, minPacket)
	g.group.Send(i, g.packet)
	g.probes.Set(i, now.Add(min(firstRepeat<<c.probes, maxRepeat)))
	c.probes = min(c.probes+1, 8)
}

// repeatProbes repeats the first packets that have no answer.
func (g *Generator) repeatProbes(now time.Time) {
	for i, ok := g.probes.Pop(now); ok; i, ok = g.probes.Pop(now) {
		if g.clients[i].upIndex >= 0 && !g.clients[i].answered {
			g.probe(now, i)
		}
	}
}

// receive handles a packet that a client has received.
func (g *Generator) receive(i int, now time.Time, packet []byte) {
	p, ok := parseAnswer(packet)
	switch {
	case !ok && g.receiveDHCP(i, now, packet):
	case !ok || int(p.client) >= len(g.clients):
		g.result.OtherPackets++
	case !p.probe:
		g.result.Traffic.Received++
		rtt := time.Duration(g.stamp(now) - p.sent)
		g.result.rtt.add(rtt)
		g.clients[p.client].traffic.answered(rtt)
	case int(p.client) == i && !g.clients[i].answered:
		g.firstAnswer(i, now.Sub(g.began))
	}
}

func (g *Generator) firstAnswer(i int, at time.Duration) {
	c := &g.clients[i]
	c.answered = true
	g.probes.Set(i, time.Time{})
	if g.isNewcomer(i) {
		g.newcomerAnswered(i, at-c.dialAt)
		return
	}
	g.record(i, phaseFirst, at-c.ipv4At)
	g.record(i, phaseFlow, at-c.dialAt)
	if g.stage == Dialling {
		g.result.Configured++
		g.result.configuredAt = at
	}
	g.settleComplete(i)
}

// sendTraffic sends packets from the sessions in turn.
func (g *Generator) sendTraffic(now time.Time, n float64) {
	for g.trafficDue = min(g.trafficDue+n, maxTrafficBurst); g.trafficDue >= 1 && len(g.up.clients) > 0; g.trafficDue-- {
		g.nextTraffic++
		i := int(g.up.clients[g.nextTraffic%len(g.up.clients)])
		next := int(g.up.clients[(g.nextTraffic+1)%len(g.up.clients)])
		c, t := &g.clients[i], g.cfg.packets
		to, port := c.remote, t.port
		switch {
		case t.peers:
			to, port = g.clients[next].local, ourUDPPort
		case t.to.IsValid():
			to = t.to
		}
		g.packet = appendPacket(g.packet[:0], c.local, to, port, payload{false, uint32(i), g.stamp(now)}, t.size)
		if g.group.Send(i, g.packet) {
			g.result.Traffic.Sent++
			c.traffic.sent++
		}
	}
}

// maxTrafficBurst bounds how many packets are made up for after a delay.
const maxTrafficBurst = 2000
