package carriers

import (
	"fmt"
	"testing"

	"upppoe/test/lab"
)

func layVeth(t testing.TB) segment {
	client, server := pair(t)
	return segment{port{in: server, name: "eth0"}, []port{{in: client, name: "eth0"}}}
}

func layNarrowVeth(t testing.TB) segment {
	s := layVeth(t)
	ip(t, s.server.in, "link set eth0 mtu 1400")
	ip(t, s.clients[0].in, "link set eth0 mtu 1400")
	return s
}

func layVLAN(t testing.TB) segment {
	client, server := pair(t)
	for _, n := range []*lab.Namespace{client, server} {
		ip(t, n, "link add link eth0 name eth0.50 type vlan id 50", "link set eth0.50 up")
	}
	return segment{port{in: server, name: "eth0.50"}, []port{{in: client, name: "eth0.50"}}}
}

// layQinQ has the service provider's tag outside, of 802.1ad.
func layQinQ(t testing.TB) segment {
	client, server := pair(t)
	for _, n := range []*lab.Namespace{client, server} {
		ip(t, n,
			"link add link eth0 name eth0.50 type vlan protocol 802.1ad id 50", "link set eth0.50 up",
			"link add link eth0.50 name eth0.50.100 type vlan id 100", "link set eth0.50.100 up")
	}
	return segment{port{in: server, name: "eth0.50.100"}, []port{{in: client, name: "eth0.50.100"}}}
}

// layUserVLAN has the kernel's VLAN device at the server only: the client tags frames itself.
func layUserVLAN(t testing.TB) segment {
	client, server := pair(t)
	ip(t, server, "link add link eth0 name eth0.50 type vlan id 50", "link set eth0.50 up")
	return segment{port{in: server, name: "eth0.50"}, []port{{in: client, name: "eth0", vlan: "50"}}}
}

// layUserQinQ does the same with two tags, which reduce the MTU: packet sockets on eth0 have no
// room for them beyond its MTU.
func layUserQinQ(t testing.TB) segment {
	client, server := pair(t)
	ip(t, server,
		"link add link eth0 name eth0.50 type vlan protocol 802.1ad id 50", "link set eth0.50 up",
		"link add link eth0.50 name eth0.50.100 type vlan id 100", "link set eth0.50.100 up")
	return segment{port{in: server, name: "eth0.50.100"}, []port{{in: client, name: "eth0", vlan: "50.100"}}}
}

// layUserQinQRaisedMTU raises the MTU of eth0 by the length of the tags.
func layUserQinQRaisedMTU(t testing.TB) segment {
	s := layUserQinQ(t)
	ip(t, s.server.in, "link set eth0 mtu 1508")
	ip(t, s.clients[0].in, "link set eth0 mtu 1508")
	return s
}

// layBridgeBetween puts a switch between client and server.
func layBridgeBetween(t testing.TB) segment {
	client, server, wire := namespace(t), namespace(t), namespace(t)
	join(t, port{in: client, name: "eth0"}, port{in: wire, name: "port1"})
	join(t, port{in: server, name: "eth0"}, port{in: wire, name: "port2"})
	check(t, wire.Bridge("br0", "port1", "port2"))
	return segment{port{in: server, name: "eth0"}, []port{{in: client, name: "eth0"}}}
}

// layBridgeOfServer puts the server on its bridge, with a client at each port.
func layBridgeOfServer(t testing.TB) segment {
	one, two, server := namespace(t), namespace(t), namespace(t)
	join(t, port{in: one, name: "eth0"}, port{in: server, name: "port1"})
	join(t, port{in: two, name: "eth0"}, port{in: server, name: "port2"})
	check(t, server.Bridge("br0", "port1", "port2"))
	return segment{port{in: server, name: "br0"}, []port{{in: one, name: "eth0"}, {in: two, name: "eth0"}}}
}

// layMacvlan has two clients that share an Ethernet interface, each with its own address, as
// containers do.
func layMacvlan(t testing.TB) segment {
	host, server := pair(t)
	s := segment{server: port{in: server, name: "eth0"}}
	for i := range 2 {
		c := port{in: namespace(t), name: fmt.Sprintf("mac%d", i)}
		ip(t, host, "link add link eth0 name "+c.name+" type macvlan mode bridge")
		check(t, host.MoveInterface(c.name, c.in))
		s.clients = append(s.clients, c)
	}
	return s
}

// underlay connects hosts by their eth0, which have the addresses 10.0.0.1 and so on.
func underlay(t testing.TB, hosts int) (all []*lab.Namespace) {
	t.Helper()
	wire := namespace(t)
	check(t, wire.Bridge("br0"))
	for i := range hosts {
		n, name := namespace(t), fmt.Sprintf("port%d", i)
		join(t, port{in: n, name: "eth0"}, port{in: wire, name: name})
		check(t, wire.AddBridgePorts("br0", name))
		check(t, n.Address("eth0", fmt.Sprintf("10.0.0.%d/24", i+1)))
		all = append(all, n)
	}
	return all
}

// tunnel makes two hosts with a tunnel between them. line is a format with the addresses of both
// ends.
func tunnel(t testing.TB, name, line string) segment {
	t.Helper()
	hosts := underlay(t, 2)
	for i, n := range hosts {
		ip(t, n, fmt.Sprintf("link add %s "+line, name, fmt.Sprintf("10.0.0.%d", i+1), fmt.Sprintf("10.0.0.%d", 2-i)))
		ip(t, n, "link set "+name+" up")
	}
	return segment{port{in: hosts[0], name: name}, []port{{in: hosts[1], name: name}}}
}

// layVXLAN is point to point. The kernel sets the device's MTU: 1450.
func layVXLAN(t testing.TB) segment {
	return tunnel(t, "vxlan42", "type vxlan id 42 local %s remote %s dev eth0 dstport 4789")
}

// layVXLANOverIPv6 has an MTU of 20 octets less, as IPv6's header is longer.
func layVXLANOverIPv6(t testing.TB) segment {
	hosts := underlay(t, 2)
	for i, n := range hosts {
		ip(t, n, fmt.Sprintf("address add fd00::%d/64 dev eth0 nodad", i+1),
			fmt.Sprintf("link add vxlan42 type vxlan id 42 local fd00::%d remote fd00::%d dev eth0 dstport 4789", i+1, 2-i),
			"link set vxlan42 up")
	}
	return segment{port{in: hosts[0], name: "vxlan42"}, []port{{in: hosts[1], name: "vxlan42"}}}
}

// layVXLANThreeHosts floods broadcasts to a list of hosts, without learning addresses.
func layVXLANThreeHosts(t testing.TB) segment {
	hosts := underlay(t, 3)
	for i, n := range hosts {
		ip(t, n, fmt.Sprintf("link add vxlan42 type vxlan id 42 local 10.0.0.%d dev eth0 dstport 4789", i+1))
		for j := range hosts {
			if j != i {
				ip(t, n, fmt.Sprintf("bridge fdb append 00:00:00:00:00:00 dev vxlan42 dst 10.0.0.%d", j+1))
			}
		}
		ip(t, n, "link set vxlan42 up")
	}
	return segment{port{in: hosts[0], name: "vxlan42"}, []port{{in: hosts[1], name: "vxlan42"}, {in: hosts[2], name: "vxlan42"}}}
}

// layVLANInVXLAN has the kernel's VLAN device on a tunnel.
func layVLANInVXLAN(t testing.TB) segment {
	s := layVXLAN(t)
	for _, p := range []*port{&s.server, &s.clients[0]} {
		ip(t, p.in, "link add link vxlan42 name vxlan42.50 type vlan id 50", "link set vxlan42.50 up")
		p.name = "vxlan42.50"
	}
	return s
}

// layGeneve sets the MTU that VXLAN has by default: the header is as long.
func layGeneve(t testing.TB) segment {
	return tunnel(t, "gnv42", "mtu 1450 type geneve id 42 %.0sremote %s")
}

// layGRETAP is Ethernet in GRE in IPv4: an MTU of 38 octets less than eth0's 1500.
func layGRETAP(t testing.TB) segment {
	return tunnel(t, "gre42", "type gretap local %s remote %s dev eth0")
}
