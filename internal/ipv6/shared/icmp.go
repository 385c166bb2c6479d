package shared

import (
	"net/netip"
	"time"

	"golang.org/x/net/ipv6"

	"upppoe/internal/ipv6/packet6"
	"upppoe/internal/ipv6/radv"
)

// hopLimit of what is not neighbor discovery.
const defaultHopLimit = 64

// echoLen is the length of an echo request without data (RFC 4443 section 4.1).
const echoLen = 8

// Rate limit of answers to neighbor solicitations and echo requests of a session: burst, and the
// time between two. Router advertisements and DHCPv6 have their own.
const (
	answerBurst    = 20
	answerInterval = 100 * time.Millisecond
)

// receiveICMP handles an ICMPv6 message.
func (r *responder[K]) receiveICMP(now time.Time, s *session[K], p *packet6.Packet) error {
	if err := p.Validate(); err != nil {
		return err
	}
	switch ipv6.ICMPType(p.Payload[0]) {
	case ipv6.ICMPTypeRouterSolicitation:
		return r.receiveSolicitation(now, s, p)
	case ipv6.ICMPTypeNeighborSolicitation:
		return r.receiveNeighbor(now, s, p)
	case ipv6.ICMPTypeEchoRequest:
		return r.receiveEcho(now, s, p)
	}
	return ErrType
}

// ndPacket returns a packet for neighbor discovery.
func ndPacket(p *packet6.Packet) radv.Packet {
	return radv.Packet{Data: p.Payload, Source: p.Source, HopLimit: int(p.HopLimit)}
}

func (r *responder[K]) receiveSolicitation(now time.Time, s *session[K], p *packet6.Packet) error {
	if p.Destination != radv.AllRouters && !s.is(p.Destination) {
		return ErrDestination
	}
	r.switchTo(s)
	if err := r.router.Receive(now, ndPacket(p)); err != nil {
		return err
	}
	s.setSchedule(r.origin, now, r.router.Schedule())
	r.run(now, s)
	return nil
}

// receiveNeighbor answers a solicitation for our address. Those to other solicited-node groups are
// for nobody here.
func (r *responder[K]) receiveNeighbor(now time.Time, s *session[K], p *packet6.Packet) error {
	m, err := radv.AnswerNeighbor(s.local.LinkLocal(), ndPacket(p))
	if err != nil {
		return err
	}
	if !s.allow(r.origin.pack(now)) {
		return ErrRate
	}
	return r.sendND(s, m)
}

// receiveEcho answers an echo request to our address (RFC 4443 section 4.2).
func (r *responder[K]) receiveEcho(now time.Time, s *session[K], p *packet6.Packet) error {
	switch {
	case !s.is(p.Destination):
		return ErrDestination
	case p.Source.IsUnspecified():
		return packet6.ErrSource
	case len(p.Payload) < echoLen:
		return packet6.ErrTruncated
	case p.Payload[1] != 0:
		return ErrType
	case !s.allow(r.origin.pack(now)):
		return ErrRate
	}
	reply := append([]byte{byte(ipv6.ICMPTypeEchoReply), 0, 0, 0}, p.Payload[packet6.ICMPLen:]...)
	return r.send(s, p.Source, packet6.ICMPv6, defaultHopLimit, reply)
}

// is reports whether an address is our link-local address of the session.
func (s *session[K]) is(a netip.Addr) bool { return a == s.local.LinkLocal() }

// allow limits a rate: answered is when the burst that has been used is earned again (the
// theoretical arrival time of the generic cell rate algorithm, ITU-T I.371).
func (s *session[K]) allow(now instant) bool {
	earned := max(s.answered, now)
	if earned-now > instant((answerBurst-1)*answerInterval) {
		return false
	}
	s.answered = earned + instant(answerInterval)
	return true
}

// sendND sends a neighbor discovery message, whose hop limit is 255 (RFC 4861 section 4).
func (r *responder[K]) sendND(s *session[K], m radv.Message) error {
	return r.send(s, m.To, packet6.ICMPv6, 255, m.Data)
}
