package datapath

import "encoding/binary"

// There must be no ICMP error for an ICMP error, and for packets that do not come from one host or
// go to one host: errors could otherwise multiply.

// mayAnswer4 reports whether there may be an ICMP error for an IPv4 packet (RFC 1812 section
// 4.3.2.7): its header is valid, it is no ICMP error and no later fragment, and it goes from one
// host to one host (RFC 1122 section 3.2.2).
func mayAnswer4(packet []byte) bool {
	if len(packet) < 20 || packet[0]>>4 != 4 {
		return false
	}
	header, total := int(packet[0]&0xf)*4, int(binary.BigEndian.Uint16(packet[2:]))
	switch {
	case header < 20 || total < header || total > len(packet):
		return false
	case binary.BigEndian.Uint16(packet[6:])&0x1fff != 0:
		return false
	case !isHost4(packet[12]) || !isHost4(packet[16]):
		return false
	case packet[9] == protoICMP:
		return total > header && !isICMP4Error(packet[header])
	}
	return true
}

// isHost4 reports whether addresses with this first octet are those of single hosts elsewhere: not
// of this network, loopback, multicast, reserved or broadcast (RFC 1812 section 5.3.7).
func isHost4(first byte) bool { return first != 0 && first != 127 && first < 224 }

// isICMP4Error reports whether an ICMP type is an error (RFC 1122 section 3.2.2).
func isICMP4Error(kind byte) bool {
	switch kind {
	case 3, 4, 5, 11, 12: // unreachable, source quench, redirect, time exceeded, parameter problem
		return true
	}
	return false
}

const icmp6Redirect = 137

// mayAnswer6 reports whether there may be an ICMPv6 error for an IPv6 packet (RFC 4443 section 2.4
// (e)): it is no ICMPv6 error or Redirect, and it goes from one host to one host. A packet that is
// too big may go to a multicast group.
func mayAnswer6(packet []byte, tooBig bool) bool {
	if len(packet) < 40 || packet[0]>>4 != 6 || 40+int(binary.BigEndian.Uint16(packet[4:])) > len(packet) {
		return false
	}
	const multicast = 0xff
	if packet[8] == multicast || addressBits6(packet[8:]) == (addressBits{}) || packet[24] == multicast && !tooBig {
		return false
	}
	proto, data, ok := upperLayer6(packet)
	switch {
	case !ok:
		return false // it may be an error
	case proto == protoICMPv6:
		return len(data) > 0 && data[0] >= 128 && data[0] != icmp6Redirect
	}
	return true
}

// upperLayer6 returns the protocol after the extension headers of an IPv6 packet, and its part of
// the packet. It returns false for a packet that does not have it: a later fragment of ICMPv6, for
// instance, or one with truncated or too many headers. The length of the packet has been checked.
func upperLayer6(packet []byte) (proto byte, data []byte, ok bool) {
	proto, data = packet[6], packet[40:40+int(binary.BigEndian.Uint16(packet[4:]))]
	for range maxExtensions {
		switch proto {
		case protoHopByHop, protoRouting, protoOptions, protoFragment:
			length := extensionLen(proto, data)
			if length == 0 {
				return 0, nil, false
			}
			proto, data = data[0], data[length:]
		default:
			return proto, data, true
		}
	}
	return 0, nil, false
}
