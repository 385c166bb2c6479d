package stages

import "slices"

// FromPeer are frames from the wire.
func FromPeer() []Case {
	return slices.Concat(frames(), sources(), linkScoped(), destinations())
}

// frames are cases of frames, and of the headers inside.
func frames() []Case {
	mine := func() []byte { return ip("192.0.2.1", "203.0.113.5", protocolUDP, udp(9, 60)...) }
	mine6 := func() []byte { return ip("2001:db8:1::5", "2001:db8:f::1", protocolUDP, udp(9, 60)...) }
	return []Case{
		{What: "UDP", Frame: frame(mine()), Own: Carried, Shared: Carried},
		{What: "UDP over IPv6", Frame: frame(mine6()), Own: Carried, Shared: Carried},
		{What: "a TCP segment", Frame: frame(ip("192.0.2.1", "203.0.113.5", protocolTCP, tcp(0x10, 60)...)), Own: Carried, Shared: Carried},
		{What: "a long TCP segment", Frame: frame(ip("192.0.2.1", "203.0.113.5", protocolTCP, tcp(0x10, 1200)...)), Own: Carried, Shared: Carried},
		{What: "a SYN, whose MSS is clamped", Frame: frame(ip("192.0.2.1", "203.0.113.5", protocolTCP, tcp(2, 0)...)), Own: Carried, Shared: Carried, Left: true, LeftShared: true},
		{What: "a later fragment", Frame: frame(edited(mine(), 6, 0, 9)), Own: Carried, Shared: Carried},
		{What: "behind a Hop-by-Hop header", Frame: frame(ip("2001:db8:1::5", "2001:db8:f::1", protocolHopByHop, append([]byte{protocolUDP, 0, 1, 4, 0, 0, 0, 0}, udp(9, 9)...)...)),
			Own: Carried, Shared: Carried, Left: true, LeftShared: true},
		{What: "with padding", Frame: append(frame(mine()), make([]byte, 20)...), Own: Carried, Shared: Carried},
		{What: "IPv6 with the Protocol field of IPv4", Frame: frameOf(Peer, SessionID, protocolIPv4, mine6()), Own: Carried, Shared: Carried, Left: true, LeftShared: true},
		{What: "of an empty token bucket", Frame: frame(mine()), Empty: true, Own: Exceeded, Shared: Exceeded},
		{What: "without a packet", Frame: frame(nil), Own: Dropped, Shared: Dropped, Left: true, LeftShared: true},
		{What: "half an IPv4 header", Frame: frame(mine()[:10]), Own: Spoofed, Shared: Spoofed, Left: true, LeftShared: true},
		{What: "half an IPv6 header", Frame: frame(mine6()[:30]), Own: Spoofed, Shared: Spoofed, Left: true, LeftShared: true},

		{What: "of a closed family", Frame: frame(mine6()), Closed: true, Own: Control, Shared: Control, Left: true, LeftShared: true},
		{What: "a closed family with the Protocol field of the open one", Frame: frameOf(Peer, SessionID, protocolIPv4, mine6()), Closed: true, Own: Dropped, Shared: Dropped, Left: true, LeftShared: true},
		{What: "LCP", Frame: frameOf(Peer, SessionID, 0xc021, []byte{9, 1, 0, 8, 0, 0, 0, 0}), Own: Control, Shared: Control, Left: true, LeftShared: true},
		{What: "of an unknown session", Frame: frameOf(Peer, SessionID+7, protocolIPv4, mine()), Own: Control, Shared: Control, Left: true, LeftShared: true},
		{What: "of the session, from another address", Frame: frameOf(Other, SessionID, protocolIPv4, mine()), Own: Control, Shared: Control, Left: true, LeftShared: true},
		{What: "of the session, in a VLAN", Frame: tagged(frame(mine())), Own: Control, Shared: Control, Left: true, LeftShared: true},
		{What: "with a CODE", Frame: edited(frame(mine()), 15, 0x65), Own: Control, Shared: Control, Left: true, LeftShared: true},
		{What: "with a LENGTH beyond its end", Frame: edited(frame(mine()), 18, 1, 0), Own: Control, Shared: Control, Left: true, LeftShared: true},
	}
}

// sources are cases of source addresses. Link-local ones are the link's.
func sources() []Case {
	from := func(a string) []byte {
		to := "203.0.113.5"
		if slices.Contains([]byte(a), ':') {
			to = "2001:db8:f::1"
		}
		return frame(ip(a, to, protocolUDP, udp(9, 60)...))
	}
	return []Case{
		{What: "from a framed route", Frame: from("198.51.100.200"), Own: Carried, Shared: Carried},
		{What: "from the delegated prefix", Frame: from("2001:db8:100:ff::1"), Own: Carried, Shared: Carried},
		{What: "from a prefix of another within a framed route", Frame: from("198.51.100.7"), Own: Carried, Shared: Spoofed},
		{What: "from the address of another session", Frame: from("192.0.2.2"), Own: Spoofed, Shared: Spoofed},
		{What: "from the prefix of another session", Frame: from("2001:db8:2::1"), Own: Spoofed, Shared: Spoofed},
		{What: "from an address of no session", Frame: from("192.0.2.3"), Own: Spoofed, Shared: Spoofed},
		{What: "from 0.0.0.0", Frame: from("0.0.0.0"), Own: Spoofed, Shared: Spoofed},
		{What: "from behind the delegated prefix", Frame: from("2001:db8:100:100::1"), Own: Spoofed, Shared: Spoofed},
		{What: "from an IPv4-mapped address", Frame: from("::ffff:192.0.2.1"), Own: Spoofed, Shared: Spoofed},
		{What: "from the unspecified address to another network", Frame: from("::"), Own: Spoofed, Shared: Spoofed, Left: true, LeftShared: true},
	}
}

// linkScoped are cases of packets that must not leave the link.
func linkScoped() []Case {
	solicitation := []byte{133, 0, 0, 0, 0, 0, 0, 0}
	duplicate := append([]byte{135, 0, 0, 0, 0, 0, 0, 0}, make([]byte, 16)...)
	return []Case{
		{What: "a Router Solicitation", Frame: frame(ip("fe80::1", "ff02::2", protocolICMP6, solicitation...)), Own: Carried, Shared: Local, Left: true, LeftShared: true},
		{What: "a Router Solicitation from the unspecified address", Frame: frame(ip("::", "ff02::2", protocolICMP6, solicitation...)), Own: Carried, Shared: Local, Left: true, LeftShared: true},
		{What: "a Router Solicitation from another link-local address", Frame: frame(ip("fe80::2", "ff02::2", protocolICMP6, solicitation...)), Own: Spoofed, Shared: Spoofed, Left: true, LeftShared: true},
		{What: "a Router Solicitation of an empty token bucket", Frame: frame(ip("fe80::1", "ff02::2", protocolICMP6, solicitation...)), Empty: true, Own: Exceeded, Shared: Exceeded, Left: true, LeftShared: true},
		{What: "duplicate address detection", Frame: frame(ip("::", "ff02::1:ff00:1", protocolICMP6, duplicate...)), Own: Carried, Shared: Local, Left: true, LeftShared: true},
		{What: "DHCPv6", Frame: frame(ip("fe80::1", "ff02::1:2", protocolUDP, udp(547, 60)...)), Own: Carried, Shared: Local, Left: true, LeftShared: true},
		{What: "DHCPv6 from a global address", Frame: frame(ip("2001:db8:1::5", "ff02::1:2", protocolUDP, udp(547, 60)...)), Own: Carried, Shared: Local, LeftShared: true},
		{What: "to the router's link-local address", Frame: frame(ip("2001:db8:1::5", "fe80::fe", protocolICMP6, 128, 0, 0, 0, 0, 1, 0, 1)), Own: Carried, Shared: Local, LeftShared: true},
		{What: "from the link-local address to another network", Frame: frame(ip("fe80::1", "2001:db8:f::1", protocolUDP, udp(9, 60)...)), Own: Carried, Shared: Local, Left: true, LeftShared: true},
		{What: "to a group of the site", Frame: frame(ip("2001:db8:1::5", "ff05::2", protocolUDP, udp(9, 60)...)), Own: Carried, Shared: Carried, LeftShared: true},
	}
}

// destinations are cases of packets to other sessions.
func destinations() []Case {
	return []Case{
		{What: "to another session", Frame: frame(ip("192.0.2.1", "192.0.2.2", protocolUDP, udp(9, 60)...)), Own: Carried, Shared: Isolated},
		{What: "to another session over IPv6", Frame: frame(ip("2001:db8:1::5", "2001:db8:2::5", protocolUDP, udp(9, 60)...)), Own: Carried, Shared: Isolated},
		{What: "from another session to another session", Frame: frame(ip("192.0.2.2", "192.0.2.2", protocolUDP, udp(9, 60)...)), Own: Spoofed, Shared: Spoofed},
		{What: "to the session itself", Frame: frame(ip("192.0.2.1", "198.51.100.9", protocolUDP, udp(9, 60)...)), Own: Carried, Shared: Carried},
	}
}

// ToPeer are packets from the host.
func ToPeer() []Case {
	to := func(a string, octets int) []byte {
		if slices.Contains([]byte(a), ':') {
			return ip("2001:db8:f::1", a, protocolUDP, udp(9, octets-48)...)
		}
		return ip("203.0.113.5", a, protocolUDP, udp(9, octets-28)...)
	}
	withDF := func(p []byte) []byte { return withHeaderChecksum(edited(p, 6, 0x40)) }
	return []Case{
		{What: "UDP", Packet: to("192.0.2.1", 100), Own: Carried, Shared: Carried},
		{What: "to a framed route", Packet: to("198.51.100.200", 100), Own: Carried, Shared: Carried},
		{What: "to the prefix of the link", Packet: to("2001:db8:1::5", 100), Own: Carried, Shared: Carried},
		{What: "to the delegated prefix", Packet: to("2001:db8:100:ff::1", 100), Own: Carried, Shared: Carried},
		{What: "a SYN, whose MSS is clamped", Packet: ip("203.0.113.5", "192.0.2.1", protocolTCP, tcp(2, 0)...), Own: Carried, Shared: Carried, Left: true, LeftShared: true},
		{What: "a GSO packet", Packet: withDF(to("192.0.2.1", 28+4*1000)), Segment: 1000, Own: Carried, Shared: Carried, Left: true, LeftShared: true},
		{What: "a later fragment", Packet: withHeaderChecksum(edited(to("192.0.2.1", 100), 6, 0, 9)), Own: Carried, Shared: Carried},
		{What: "of a closed family", Packet: to("2001:db8:1::5", 100), Closed: true, Own: Dropped, Shared: Dropped, Left: true, LeftShared: true},
		{What: "of an empty token bucket", Packet: to("192.0.2.1", 100), Empty: true, Own: Exceeded, Shared: Exceeded},

		{What: "as long as the MTU", Packet: to("192.0.2.1", MTU), Own: Carried, Shared: Carried},
		{What: "longer than the MTU", Packet: to("192.0.2.1", MTU+1), Own: Carried, Shared: Fragmented, LeftShared: true},
		{What: "longer than the MTU with DF", Packet: withDF(to("192.0.2.1", MTU+1)), Own: Carried, Shared: TooBig, LeftShared: true},
		{What: "longer than the MTU over IPv6", Packet: to("2001:db8:1::5", MTU+1), Own: Carried, Shared: TooBig, LeftShared: true},
		{What: "longer than the MTU, of a closed family", Packet: to("2001:db8:1::5", MTU+1), Closed: true, Own: Dropped, Shared: Dropped, Left: true, LeftShared: true},

		{What: "to another session", Packet: to("192.0.2.2", 100), Own: Carried, Shared: Elsewhere},
		{What: "to a prefix of another within a framed route", Packet: to("198.51.100.7", 100), Own: Carried, Shared: Elsewhere},
		{What: "to an address of no session", Packet: to("192.0.2.3", 100), Own: Carried, Shared: Unreachable, LeftShared: true},
		{What: "to an IPv6 address of no session", Packet: to("2001:db8:3::1", 100), Own: Carried, Shared: Unreachable, LeftShared: true},
		{What: "an ICMP error to an address of no session", Packet: ip("203.0.113.5", "192.0.2.3", 1, append([]byte{3, 1, 0, 0, 0, 0, 0, 0}, make([]byte, 28)...)...), Own: Carried, Shared: Unanswered, LeftShared: true},
		{What: "to all nodes of the link", Packet: ip("fe80::fe", "ff02::1", protocolICMP6, 134, 0, 0, 0), Own: Carried, Shared: Unanswered, LeftShared: true},
	}
}
