package datapath

import (
	"encoding/binary"
	"net/netip"
)

// icmpErrors makes the ICMP errors of a router that forwards to sessions: RFC 792 and RFC 1812
// section 4.3, RFC 1191 (fragmentation needed) and RFC 4443 (ICMPv6). It may be used concurrently.
type icmpErrors struct {
	ipv4, ipv6 netip.Addr // source addresses; invalid: no errors of that family
	limit      bucket
}

// RFC 1812 section 4.3.2.8 and RFC 4443 section 2.4 (f) require a limit on the errors a second,
// and suggest a token bucket. The values are those of Linux (icmp_msgs_per_sec, icmp_msgs_burst).
const (
	icmpErrorsPerSecond = 1000
	icmpErrorsBurst     = 50
)

// newICMPErrors returns errors from these addresses, of which either may be invalid.
func newICMPErrors(ipv4, ipv6 netip.Addr) *icmpErrors {
	// A token is one error, which the bucket counts as one octet.
	e := &icmpErrors{ipv4: ipv4, ipv6: ipv6, limit: bucket{bits: 8 * icmpErrorsPerSecond, state: newBucketState()}}
	e.limit.size = e.limit.cost(icmpErrorsBurst)
	return e
}

// icmpMessage is the start of an error: type and code, and the four octets after the checksum.
type icmpMessage struct {
	kind, code byte
	rest       uint32
}

const (
	icmp4Unreachable = 3
	icmp6Unreachable = 1
	icmp6TooBig      = 2

	codeHostUnreachable     = 1 // RFC 792; RFC 1812 section 5.2.7.1: of a network that is attached
	codeFragmentationNeeded = 4 // RFC 1191 section 4
	codeAddressUnreachable  = 3 // RFC 4443 section 3.1
)

// appendUnreachable appends the error for an IP packet to an address that no session has. It appends
// nothing if there must be no error for the packet, or the limit is exceeded.
func (e *icmpErrors) appendUnreachable(b, packet []byte, now instant) []byte {
	switch {
	case e.answers4(packet, now):
		return e.append4(b, packet, icmpMessage{icmp4Unreachable, codeHostUnreachable, 0})
	case e.answers6(packet, false, now):
		return e.append6(b, packet, icmpMessage{icmp6Unreachable, codeAddressUnreachable, 0})
	}
	return b
}

// appendTooBig is appendUnreachable for a packet that is longer than the session's MTU: RFC 1191
// section 4, RFC 4443 section 3.2. It does not check IPv4's DF flag.
func (e *icmpErrors) appendTooBig(b, packet []byte, mtu int, now instant) []byte {
	switch {
	case e.answers4(packet, now):
		return e.append4(b, packet, icmpMessage{icmp4Unreachable, codeFragmentationNeeded, uint32(uint16(mtu))})
	case e.answers6(packet, true, now):
		return e.append6(b, packet, icmpMessage{icmp6TooBig, 0, uint32(mtu)})
	}
	return b
}

func (e *icmpErrors) answers4(packet []byte, now instant) bool {
	return e.ipv4.Is4() && mayAnswer4(packet) && e.limit.take(now, 1)
}

func (e *icmpErrors) answers6(packet []byte, tooBig bool, now instant) bool {
	return e.ipv6.Is6() && mayAnswer6(packet, tooBig) && e.limit.take(now, 1)
}

// Lengths of the longest errors: RFC 1812 section 4.3.2.3, and IPv6's minimum MTU (RFC 4443 section
// 2.4 (c)).
const (
	maxICMP4 = 576
	maxICMP6 = 1280
)

const (
	protoICMP  = 1
	icmpHeader = 8
	routerTTL  = 64
)

// append4 appends an error with its IPv4 header. The precedence is 6, Internetwork Control (RFC 1812
// section 4.3.2.5). The packet is complete: mayAnswer4 has checked it.
func (e *icmpErrors) append4(b, packet []byte, m icmpMessage) []byte {
	at, from := len(b), e.ipv4.As4()
	quoted := packet[:min(int(binary.BigEndian.Uint16(packet[2:])), maxICMP4-20-icmpHeader)]
	b = append(b, 0x45, 6<<5, 0, 0, 0, 0, flagDF>>8, 0, routerTTL, protoICMP, 0, 0)
	b = append(append(b, from[:]...), packet[12:16]...)
	binary.BigEndian.PutUint16(b[at+2:], uint16(20+icmpHeader+len(quoted)))
	binary.BigEndian.PutUint16(b[at+10:], ^foldSum(sumWords(0, b[at:])))
	return appendICMP(b, quoted, m, 0)
}

// append6 appends an error with its IPv6 header. Its checksum includes a pseudo-header (RFC 4443
// section 2.3).
func (e *icmpErrors) append6(b, packet []byte, m icmpMessage) []byte {
	at, from := len(b), e.ipv6.As16()
	quoted := packet[:min(40+int(binary.BigEndian.Uint16(packet[4:])), maxICMP6-40-icmpHeader)]
	b = append(b, 0x60, 0, 0, 0, 0, 0, protoICMPv6, routerTTL)
	b = append(append(b, from[:]...), packet[8:24]...)
	length := icmpHeader + len(quoted)
	binary.BigEndian.PutUint16(b[at+4:], uint16(length))
	return appendICMP(b, quoted, m, sumWords(uint32(length)+protoICMPv6, b[at+8:]))
}

// appendICMP appends an error that quotes the packet. sum is the sum of the pseudo-header.
func appendICMP(b, quoted []byte, m icmpMessage, sum uint32) []byte {
	at := len(b)
	b = binary.BigEndian.AppendUint32(append(b, m.kind, m.code, 0, 0), m.rest)
	b = append(b, quoted...)
	binary.BigEndian.PutUint16(b[at+2:], ^foldSum(sumWords(sum, b[at:])))
	return b
}

// sumWords adds the 16-bit words of b, at most a packet, to a sum (RFC 1071).
func sumWords(sum uint32, b []byte) uint32 {
	for ; len(b) >= 2; b = b[2:] {
		sum += uint32(binary.BigEndian.Uint16(b))
	}
	if len(b) > 0 {
		sum += uint32(b[0]) << 8
	}
	return sum
}

// foldSum reduces a sum to 16 bits.
func foldSum(sum uint32) uint16 {
	sum = sum>>16 + sum&0xffff
	return uint16(sum>>16 + sum)
}
