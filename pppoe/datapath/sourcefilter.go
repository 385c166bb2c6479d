package datapath

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
)

// A peer can write any source address into its packets. The network that has assigned its addresses
// drops all others (BCP 38: RFC 2827; RFC 3704 section 2.1, a list of prefixes at the customer's
// access).

// SourceFilter is the set of prefixes that contains the source addresses allowed for a session's
// peer. It is immutable, and may be used concurrently. A nil *SourceFilter allows all.
type SourceFilter struct {
	prefixes4 []prefix4
	prefixes6 []prefix6
}

type prefix4 struct{ net, mask uint32 }

type prefix6 struct{ netHigh, netLow, maskHigh, maskLow uint64 }

// NewSourceFilter returns a filter that allows the prefixes. Invalid ones are ignored. An
// IPv4-mapped IPv6 prefix allows IPv6 packets only.
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

// Prefixes returns the prefixes.
func (s *SourceFilter) Prefixes() (all []netip.Prefix) {
	for _, p := range s.prefixes4 {
		var a [4]byte
		binary.BigEndian.PutUint32(a[:], p.net)
		all = append(all, netip.PrefixFrom(netip.AddrFrom4(a), bits.OnesCount32(p.mask)))
	}
	for _, p := range s.prefixes6 {
		var a [16]byte
		binary.BigEndian.PutUint64(a[:], p.netHigh)
		binary.BigEndian.PutUint64(a[8:], p.netLow)
		all = append(all, netip.PrefixFrom(netip.AddrFrom16(a), bits.OnesCount64(p.maskHigh)+bits.OnesCount64(p.maskLow)))
	}
	return all
}

// allow reports whether the source address of an IP packet is allowed. The packet is untrusted. Its
// version decides on the family, as in the kernel. It does not allocate.
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

// isNeighborDiscovery reports whether a packet from the unspecified address is allowed: a host
// without an address sends it to its neighbours only. That is ICMPv6 to ff02::/16: solicitations
// (RFC 4861 section 7.2.2, RFC 4862 section 5.4.2), and with a Hop-by-Hop header the reports of
// multicast listeners (RFC 3590 section 4).
func isNeighborDiscovery(packet []byte) bool {
	return packet[24] == 0xff && packet[25]&0x0f == 0x02 && (packet[6] == protoICMPv6 || packet[6] == protoHopByHop)
}
