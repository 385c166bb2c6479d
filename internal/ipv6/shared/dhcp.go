package shared

import (
	"encoding/binary"
	"net/netip"
	"time"

	"upppoe/internal/ipv6/assign"
	"upppoe/internal/ipv6/dhcp6"
)

// udpChecksum is the offset of the checksum in UDP (RFC 768).
const udpChecksum = 6

// receiveUDP handles a DHCPv6 client's message. The reply goes to its source, port 546 (RFC 8415
// section 18.4).
func (r *responder[K]) receiveUDP(now time.Time, s *session[K], p *packet) error {
	if err := p.valid(); err != nil {
		return err
	}
	switch {
	case binary.BigEndian.Uint16(p.payload[2:]) != dhcp6.ServerPort:
		return ErrPort
	case p.destination != dhcp6.AllRelayAgentsAndServers && !s.is(p.destination):
		return ErrDestination
	case p.source.IsUnspecified():
		return ErrSource
	case !r.cfg.DHCP():
		return ErrNoDHCPv6
	}
	reply, err := r.lease(now, s, p.payload[udpLen:])
	if reply == nil {
		return err
	}
	b := make([]byte, udpLen, udpLen+len(reply))
	binary.BigEndian.PutUint16(b, dhcp6.ServerPort)
	binary.BigEndian.PutUint16(b[2:], dhcp6.ClientPort)
	binary.BigEndian.PutUint16(b[4:], uint16(udpLen+len(reply)))
	return r.send(s, p.source, protoUDP, defaultHopLimit, append(b, reply...), udpChecksum)
}

// lease passes a message to the DHCPv6 server of a session, and reports what it changes.
func (r *responder[K]) lease(now time.Time, s *session[K], message []byte) (reply []byte, err error) {
	cfg := *r.dhcp
	cfg.Address = func() (netip.Addr, error) {
		p, err := r.allocate(now, s, assign.Addresses, s.fixed().Address)
		return p.Addr(), err
	}
	cfg.Prefix = func() (netip.Prefix, error) {
		return r.allocate(now, s, assign.Prefixes, s.fixed().Delegated)
	}
	before, bound := s.state(), s.bindings()
	server := dhcp6.ResumeServer(&cfg, s.leases(r.origin))
	reply, err = server.Receive(now, message)
	s.setLeases(r.origin, server.State())
	switch {
	case s.state() != before:
		r.report(s, before)
	case s.bindings() != bound: // renewed
		r.keep(s)
	}
	r.run(now, s)
	return reply, err
}
