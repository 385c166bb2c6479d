package load

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"time"

	"upppoe/internal/deadlines"
	"upppoe/internal/ipv6/dhcp6"
	"upppoe/ppp/ipv6cp"
	"upppoe/pppoe/wire"
)

// prefixClients are the DHCPv6 clients of the sessions, which request a delegated prefix each.
type prefixClients struct {
	rand   *rand.Rand
	timers deadlines.Heap[int]
	bound  int // clients that have a prefix
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
	if err := c.Receive(now, message); err != nil {
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

const ipv6Header, udpHeader = 40, 8

// appendDHCP appends a packet with a client's message to all relay agents and servers (RFC 8415 section 7).
func appendDHCP(b []byte, from netip.Addr, message []byte) []byte {
	start, n := len(b), uint16(udpHeader+len(message))
	src, dst := from.As16(), dhcp6.AllRelayAgentsAndServers.As16()
	b = append(b, 6<<4, 0, 0, 0, byte(n>>8), byte(n), protoUDP, 1)
	b = append(append(b, src[:]...), dst[:]...)
	for _, field := range []uint16{dhcp6.ClientPort, dhcp6.ServerPort, n, 0} {
		b = binary.BigEndian.AppendUint16(b, field)
	}
	b = append(b, message...)
	// The pseudo-header (RFC 8200 section 8.1) has the addresses, the length and the protocol.
	pseudo := append(append(append([]byte(nil), b[start+8:start+ipv6Header]...), 0, 0, byte(n>>8), byte(n), 0, 0, 0, protoUDP), b[start+ipv6Header:]...)
	sum := checksum(pseudo)
	if sum == 0 {
		sum = 0xffff // 0 would be no checksum (RFC 768)
	}
	binary.BigEndian.PutUint16(b[start+ipv6Header+6:], sum)
	return b
}

// parseDHCP returns the message in a packet of a DHCPv6 server to a client. Its checksum is not checked.
func parseDHCP(b []byte, to netip.Addr) (message []byte, ok bool) {
	if len(b) < ipv6Header+udpHeader || b[0]>>4 != 6 || b[6] != protoUDP || netip.AddrFrom16([16]byte(b[24:40])) != to {
		return nil, false
	}
	udp := b[ipv6Header:]
	n := int(binary.BigEndian.Uint16(udp[4:]))
	if binary.BigEndian.Uint16(udp[2:]) != dhcp6.ClientPort || n < udpHeader || n > len(udp) {
		return nil, false
	}
	return udp[udpHeader:n], true
}
