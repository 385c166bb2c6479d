package load

import (
	"errors"
	"math/rand/v2"
	"net/netip"
	"time"

	"upppoe/internal/deadlines"
	"upppoe/internal/ipv6/dhcp6"
	"upppoe/internal/ipv6/packet6"
	"upppoe/ppp/ipv6cp"
	"upppoe/pppoe/wire"
)

// prefixClients are the DHCPv6 clients of the sessions, which request a delegated prefix each.
type prefixClients struct {
	rand   *rand.Rand
	timers deadlines.Heap[int]
	bound  int    // clients that have a prefix
	late   uint64 // messages that belong to no exchange
}

// prefixClient is the DHCPv6 client of a session.
type prefixClient struct {
	*dhcp6.Client
	own   netip.Addr // link-local
	since time.Duration
	lease netip.Prefix // invalid: none yet
}

// startPrefix begins to request a prefix in a session whose IPv6CP has opened.
func (g *Generator) startPrefix(now time.Time, i int, agreed ipv6cp.Agreement) {
	if !g.cfg.Prefix || g.isNewcomer(i) {
		return
	}
	g.endPrefix(i) // IPv6CP may open again
	p := &g.prefixes
	if p.rand == nil {
		p.rand = rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	}
	cfg := &dhcp6.ClientConfig{DUID: linkLayerDUID(g.cfg.Client(i).Addr), IAID: 1, Rand: p.rand}
	c := &prefixClient{Client: dhcp6.NewClient(cfg), own: agreed.Local.LinkLocal(), since: now.Sub(g.began)}
	c.Request(now, dhcp6.IARequest{Prefix: true})
	g.clients[i].prefix = c
	g.sendDHCP(now, i)
}

// linkLayerDUID returns the DUID of an Ethernet address (RFC 8415 section 11.4).
func linkLayerDUID(a wire.Addr) dhcp6.DUID { return append(dhcp6.DUID{0, 3, 0, 1}, a[:]...) }

// endPrefix forgets the DHCPv6 client of a session that has ended.
func (g *Generator) endPrefix(i int) {
	c := g.clients[i].prefix
	if c == nil {
		return
	}
	g.clients[i].prefix = nil
	g.prefixes.timers.Set(i, time.Time{})
	if c.lease.IsValid() {
		g.prefixes.bound--
	}
}

// advancePrefixes sends what is due.
func (g *Generator) advancePrefixes(now time.Time) {
	for i, ok := g.prefixes.timers.Pop(now); ok; i, ok = g.prefixes.timers.Pop(now) {
		g.sendDHCP(now, i)
	}
}

// sendDHCP sends the messages of a client that are due.
func (g *Generator) sendDHCP(now time.Time, i int) {
	c := g.clients[i].prefix
	for m := c.Advance(now); m != nil; m = c.Advance(now) {
		g.packet = appendDHCP(g.packet[:0], c.own, m)
		if !g.group.Send(i, g.packet) {
			c.SendFailed(now)
			break
		}
	}
	g.prefixes.timers.Set(i, c.Next())
}

// receiveDHCP handles an IPv6 packet, and reports whether it was for the session's DHCPv6 client.
func (g *Generator) receiveDHCP(i int, now time.Time, packet []byte) bool {
	c := g.clients[i].prefix
	if c == nil {
		return false
	}
	message, ok := parseDHCP(packet, c.own)
	if !ok {
		return false
	}
	switch err := c.Receive(now, message); {
	case errors.Is(err, dhcp6.ErrUnexpected): // as the second answer to a message that was sent twice
		g.prefixes.late++
	case err != nil:
		count(&g.result.Failures, "DHCPv6: "+err.Error())
	}
	if all := c.Configuration().Prefixes; len(all) > 0 && !c.lease.IsValid() {
		c.lease = all[0].Prefix
		g.prefixes.bound++
		g.record(i, phasePrefix, now.Sub(g.began)-c.since)
		g.settleComplete(i)
	}
	g.sendDHCP(now, i)
	return true
}

// appendDHCP appends a packet with a client's message to all relay agents and servers (RFC 8415 section 7).
func appendDHCP(b []byte, from netip.Addr, message []byte) []byte {
	d := packet6.Datagram{SourcePort: dhcp6.ClientPort, DestinationPort: dhcp6.ServerPort, Data: message}
	p := packet6.Packet{Source: from, Destination: dhcp6.AllRelayAgentsAndServers, NextHeader: packet6.UDP, HopLimit: 1, Payload: d.AppendTo(nil)}
	return p.AppendTo(b)
}

// parseDHCP returns the message in a packet of a DHCPv6 server to a client. Its checksum is not checked: a kernel on the
// same machine may have left it to the network card.
func parseDHCP(b []byte, to netip.Addr) (message []byte, ok bool) {
	p, err := packet6.Parse(b)
	if err != nil || p.NextHeader != packet6.UDP || p.Destination != to || p.Trim() != nil {
		return nil, false
	}
	d := p.Datagram()
	return d.Data, d.DestinationPort == dhcp6.ClientPort
}
