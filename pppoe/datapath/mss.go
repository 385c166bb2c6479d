package datapath

import "encoding/binary"

// A TCP SYN announces the longest segment that its sender can receive: the maximum segment size
// (RFC 9293 section 3.7.1). A host behind a router announces what fits its Ethernet, which is more
// than fits PPPoE; where ICMP is filtered, the host never learns of the smaller MTU. So the router
// lowers the MSS to what the session can carry (MSS clamping).

// MSSLimit is the largest MSS that TCP may announce over a session: one for IPv4, one for IPv6. The
// zero value is no limit.
type MSSLimit uint32

// Octets of a packet that the MSS does not count: the IP header and the TCP header, both without
// options (RFC 9293 section 3.7.1).
const (
	headersLen4 = 20 + 20
	headersLen6 = 40 + 20
)

// NewMSSLimit returns the limit for packets of at most mtu octets. A negative bound is no limit; zero:
// what fits mtu; a positive bound is the largest MSS of IPv4. IPv6 gets 20 less, the difference of
// the IP headers, so that packets of both have the same length.
func NewMSSLimit(mtu, bound int) MSSLimit {
	if bound < 0 || mtu <= 0 {
		return 0
	}
	if bound > 0 {
		mtu = min(mtu-headersLen4, bound) + headersLen4
	}
	within := func(mss int) MSSLimit { return MSSLimit(min(max(mss, 1), 0xffff)) }
	return within(mtu-headersLen4)<<16 | within(mtu-headersLen6)
}

// IPv4 is the largest MSS over IPv4; 0: no limit.
func (l MSSLimit) IPv4() int { return int(l >> 16) }

// IPv6 is the largest MSS over IPv6; 0: no limit.
func (l MSSLimit) IPv6() int { return int(l & 0xffff) }

// clampMSS lowers the MSS in a TCP SYN to the limit, in place, and updates the TCP checksum. It
// never raises an MSS or adds the option, and leaves all other packets, later fragments and
// malformed packets unchanged. It reports whether it has changed the packet. It does not allocate,
// and is cheap enough to be called for every IP packet.
//
// The packet begins with its IP header; octets beyond its length field are ignored. pending is set
// for a packet whose checksum is still to be completed (CHECKSUM_PARTIAL): its checksum field holds
// the sum of the pseudo-header, which does not include the MSS. It is no longer pending after
// tun.CompleteChecksum.
func clampMSS(packet []byte, limit MSSLimit, pending bool) bool {
	return mayBeSYN(packet) && clampSYN(packet, limit, pending)
}

// mayBeSYN rejects, with few comparisons, TCP without SYN behind an IP header of the usual length:
// nearly all packets.
func mayBeSYN(packet []byte) bool {
	switch {
	case len(packet) < headersLen4:
		return false
	case packet[0] == 0x45:
		return packet[9] == protoTCP && packet[20+tcpFlags]&flagSYN != 0
	case packet[6] == protoTCP && packet[0]>>4 == 6:
		return len(packet) >= headersLen6 && packet[40+tcpFlags]&flagSYN != 0
	}
	return true
}

// Protocol numbers of TCP and of the IPv6 extension headers that may precede it (RFC 8200 section
// 4).
const (
	protoHopByHop = 0
	protoTCP      = 6
	protoRouting  = 43
	protoFragment = 44
	protoOptions  = 60
)

// maxExtensions bounds the number of IPv6 extension headers that are parsed.
const maxExtensions = 8

// Offsets in a TCP header, its flag and its options (RFC 9293 section 3.1).
const (
	tcpHeader   = 20 // length without options
	tcpOffset   = 12
	tcpFlags    = 13
	tcpChecksum = 16

	flagSYN = 0x02

	optionEnd = 0
	optionNOP = 1
	optionMSS = 2
)

func clampSYN(packet []byte, limit MSSLimit, pending bool) bool {
	var segment []byte
	most := 0
	switch packet[0] >> 4 {
	case 4:
		segment, most = tcp4(packet), limit.IPv4()
	case 6:
		segment, most = tcp6(packet), limit.IPv6()
	}
	if most == 0 || len(segment) < tcpHeader || segment[tcpFlags]&flagSYN == 0 {
		return false
	}
	return clampOptions(segment, uint16(most), pending)
}

// tcp4 returns the TCP segment of an IPv4 packet, or the part of it in a first fragment; nil: there
// is none.
func tcp4(packet []byte) []byte {
	header := int(packet[0]&0xf) * 4
	total := int(binary.BigEndian.Uint16(packet[2:]))
	offset := binary.BigEndian.Uint16(packet[6:]) & 0x1fff
	if packet[9] != protoTCP || offset != 0 || header < 20 || total < header || total > len(packet) {
		return nil
	}
	return packet[header:total]
}

// tcp6 is tcp4 for IPv6.
func tcp6(packet []byte) []byte {
	end := 40 + int(binary.BigEndian.Uint16(packet[4:]))
	if end > len(packet) {
		return nil
	}
	proto, data := packet[6], packet[40:end]
	for range maxExtensions {
		switch proto {
		case protoTCP:
			return data
		case protoHopByHop, protoRouting, protoOptions, protoFragment:
			length := extensionLen(proto, data)
			if length == 0 {
				return nil
			}
			proto, data = data[0], data[length:]
		default:
			return nil
		}
	}
	return nil
}

// extensionLen returns the length of the extension header at the beginning of data, in octets; 0:
// it is truncated, or the packet is a later fragment.
func extensionLen(proto byte, data []byte) int {
	if len(data) < 8 {
		return 0
	}
	length := 8
	if proto != protoFragment {
		length += int(data[1]) * 8
	} else if binary.BigEndian.Uint16(data[2:])&0xfff8 != 0 {
		return 0
	}
	if length > len(data) {
		return 0
	}
	return length
}

// clampOptions lowers each MSS option: a receiver may use the first or the last. Like receivers, it
// stops at the first malformed option.
func clampOptions(segment []byte, most uint16, pending bool) (changed bool) {
	end := int(segment[tcpOffset]>>4) * 4
	if end > len(segment) {
		return false
	}
	for at := tcpHeader; at < end; {
		if segment[at] == optionNOP {
			at++
			continue
		}
		if segment[at] == optionEnd || at+1 == end {
			return changed
		}
		length := int(segment[at+1])
		if length < 2 || at+length > end {
			return changed
		}
		if segment[at] == optionMSS && length == 4 && clampOption(segment, at+2, most, pending) {
			changed = true
		}
		at += length
	}
	return changed
}

// clampOption lowers the value at an offset of the segment.
func clampOption(segment []byte, at int, most uint16, pending bool) bool {
	was := binary.BigEndian.Uint16(segment[at:])
	if was <= most {
		return false
	}
	binary.BigEndian.PutUint16(segment[at:], most)
	if pending {
		return true
	}
	if at%2 == 1 {
		// The value is not aligned to a 16-bit word of the sum, which so contains its octets
		// swapped.
		was, most = was<<8|was>>8, most<<8|most>>8
	}
	check := segment[tcpChecksum:]
	binary.BigEndian.PutUint16(check, updateChecksum(binary.BigEndian.Uint16(check), was, most))
	return true
}

// updateChecksum returns a checksum after one word of what it covers has changed: RFC 1624 section
// 3, equation 3.
func updateChecksum(check, was, is uint16) uint16 {
	sum := uint32(^check) + uint32(^was) + uint32(is)
	sum = sum>>16 + sum&0xffff
	return ^uint16(sum>>16 + sum)
}
