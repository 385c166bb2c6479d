package datapath

import (
	"encoding/binary"
	"net/netip"
)

// A peer may write any source address into its packets. Whoever assigned its addresses
// knows which are its own, and drops the rest before they reach anybody (BCP 38: RFC 2827;
// RFC 3704 section 2.1, a list of prefixes at the customer's line).

// SourceFilter are the prefixes that the packets of a session's peer may come from. They do not
// change once made, and may be used concurrently. The nil pointer allows all.
type SourceFilter struct {
	prefixes4 []prefix4
	prefixes6 []prefix6
}

type prefix4 struct{ net, mask uint32 }

type prefix6 struct{ netHigh, netLow, maskHigh, maskLow uint64 }

// NewSourceFilter makes Sources of prefixes; invalid ones are left out. An IPv4 address that is
// written as one of IPv6 is none.
func NewSourceFilter(prefixes ...netip.Prefix) *SourceFilter {
	s := &SourceFilter{}
	for _, p := range prefixes {
		switch {
		case !p.IsValid():
		case p.Addr().Is4():
			net, mask := p.Masked().Addr().As4(), ^uint32(0)<<(32-p.Bits())
			s.prefixes4 = append(s.prefixes4, prefix4{binary.BigEndian.Uint32(net[:]), mask})
		default:
			s.prefixes6 = append(s.prefixes6, newPrefix6(p.Masked()))
		}
	}
	return s
}

func newPrefix6(p netip.Prefix) prefix6 {
	net, bits := p.Addr().As16(), p.Bits()
	return prefix6{
		netHigh: binary.BigEndian.Uint64(net[:]), maskHigh: ^uint64(0) << (64 - min(bits, 64)),
		netLow: binary.BigEndian.Uint64(net[8:]), maskLow: ^uint64(0) << (128 - max(bits, 64)),
	}
}

// IPv4 is the one address that IPv4 packets may come from; invalid: there are none, or
// more, as it says.
func (s *SourceFilter) IPv4() (one netip.Addr, more bool) {
	if len(s.prefixes4) == 0 {
		return netip.Addr{}, false
	}
	if len(s.prefixes4) > 1 || s.prefixes4[0].mask != ^uint32(0) {
		return netip.Addr{}, true
	}
	var a [4]byte
	binary.BigEndian.PutUint32(a[:], s.prefixes4[0].net)
	return netip.AddrFrom4(a), false
}

// HasIPv6 reports whether IPv6 packets may come from anywhere at all.
func (s *SourceFilter) HasIPv6() bool { return len(s.prefixes6) > 0 }

// allow reports whether an IP packet, which may be anything, comes from where it may. The
// version is the packet's own, by which the kernel goes too. It does not allocate.
func (s *SourceFilter) allow(packet []byte) bool {
	switch {
	case len(packet) >= 20 && packet[0]>>4 == 4:
		return s.allow4(binary.BigEndian.Uint32(packet[12:]))
	case len(packet) >= 40 && packet[0]>>4 == 6:
		high, low := binary.BigEndian.Uint64(packet[8:]), binary.BigEndian.Uint64(packet[16:])
		return s.allow6(high, low) || high|low == 0 && isNeighborDiscovery(packet)
	}
	return false
}

func (s *SourceFilter) allow4(source uint32) bool {
	for i := range s.prefixes4 {
		if p := &s.prefixes4[i]; source&p.mask == p.net {
			return true
		}
	}
	return false
}

func (s *SourceFilter) allow6(high, low uint64) bool {
	for i := range s.prefixes6 {
		if p := &s.prefixes6[i]; high&p.maskHigh == p.netHigh && low&p.maskLow == p.netLow {
			return true
		}
	}
	return false
}

const protoICMPv6 = 58

// isNeighborDiscovery reports whether a packet from the unspecified address is one that may be:
// from a host that has no address yet, to its neighbours alone. That is ICMPv6 to ff02::/16:
// solicitations (RFC 4861 section 7.2.2, RFC 4862 section 5.4.2), and behind a Hop-by-Hop
// header the reports of multicast listeners (RFC 3590 section 4).
func isNeighborDiscovery(packet []byte) bool {
	return packet[24] == 0xff && packet[25]&0x0f == 0x02 && (packet[6] == protoICMPv6 || packet[6] == protoHopByHop)
}
