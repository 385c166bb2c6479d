package shared

import (
	"net/netip"
	"time"

	"upppoe/internal/ipv6/assign"
	"upppoe/internal/ipv6/dhcp6"
	"upppoe/internal/ipv6/packet6"
)

// receiveUDP handles a DHCPv6 client's message. The reply goes to its source, port 546 (RFC 8415
// section 18.4).
func (r *responder[K]) receiveUDP(now time.Time, s *session[K], p *packet6.Packet) error {
	if err := p.Validate(); err != nil {
		return err
	}
	datagram := p.Datagram()
	switch {
	case datagram.DestinationPort != dhcp6.ServerPort:
		return ErrPort
	case p.Destination != dhcp6.AllRelayAgentsAndServers && !s.is(p.Destination):
		return ErrDestination
	case p.Source.IsUnspecified():
		return packet6.ErrSource
	case !r.cfg.DHCP():
		return ErrNoDHCPv6
	}
	reply, err := r.lease(now, s, datagram.Data)
	if reply == nil {
		return err
	}
	datagram = packet6.Datagram{SourcePort: dhcp6.ServerPort, DestinationPort: dhcp6.ClientPort, Data: reply}
	return r.send(s, p.Source, packet6.UDP, defaultHopLimit, datagram.AppendTo(nil))
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
