package carriers

import (
	"fmt"
	"testing"

	"upppoe/test/lab"
	"upppoe/test/lab/labtest"
)

func vethSegment(t testing.TB) segment {
	client, server := pair(t)
	return segment{port{in: server, name: "eth0"}, []port{{in: client, name: "eth0"}}}
}

func narrowVethSegment(t testing.TB) segment {
	s := vethSegment(t)
	ip(t, s.server.in, "link set eth0 mtu 1400")
	ip(t, s.clients[0].in, "link set eth0 mtu 1400")
	return s
}

func vlanSegment(t testing.TB) segment {
	client, server := pair(t)
	for _, n := range []*lab.Namespace{client, server} {
		ip(t, n, "link add link eth0 name eth0.50 type vlan id 50", "link set eth0.50 up")
	}
	return segment{port{in: server, name: "eth0.50"}, []port{{in: client, name: "eth0.50"}}}
}

// qinqSegment has the service provider's tag outside, of 802.1ad.
func qinqSegment(t testing.TB) segment {
	client, server := pair(t)
	for _, n := range []*lab.Namespace{client, server} {
		ip(t, n,
			"link add link eth0 name eth0.50 type vlan protocol 802.1ad id 50", "link set eth0.50 up",
			"link add link eth0.50 name eth0.50.100 type vlan id 100", "link set eth0.50.100 up")
	}
	return segment{port{in: server, name: "eth0.50.100"}, []port{{in: client, name: "eth0.50.100"}}}
}

// userVLANSegment has the kernel's VLAN device at the server only: the client tags frames itself.
func userVLANSegment(t testing.TB) segment {
	client, server := pair(t)
	ip(t, server, "link add link eth0 name eth0.50 type vlan id 50", "link set eth0.50 up")
	return segment{port{in: server, name: "eth0.50"}, []port{{in: client, name: "eth0", vlan: "50"}}}
}

// userQinQSegment does the same with two tags, which reduce the MTU: packet sockets on eth0 have no
// room for them beyond its MTU.
func userQinQSegment(t testing.TB) segment {
	client, server := pair(t)
	ip(t, server,
		"link add link eth0 name eth0.50 type vlan protocol 802.1ad id 50", "link set eth0.50 up",
		"link add link eth0.50 name eth0.50.100 type vlan id 100", "link set eth0.50.100 up")
	return segment{port{in: server, name: "eth0.50.100"}, []port{{in: client, name: "eth0", vlan: "50.100"}}}
}

// userQinQRaisedMTUSegment raises the MTU of eth0 by the length of the tags.
func userQinQRaisedMTUSegment(t testing.TB) segment {
	s := userQinQSegment(t)
	ip(t, s.server.in, "link set eth0 mtu 1508")
	ip(t, s.clients[0].in, "link set eth0 mtu 1508")
	return s
}

// bridgeBetweenSegment puts a switch between client and server.
func bridgeBetweenSegment(t testing.TB) segment {
	client, server, wire := labtest.Namespace(t), labtest.Namespace(t), labtest.Namespace(t)
	join(t, port{in: client, name: "eth0"}, port{in: wire, name: "port1"})
	join(t, port{in: server, name: "eth0"}, port{in: wire, name: "port2"})
	check(t, wire.Bridge("br0", "port1", "port2"))
	return segment{port{in: server, name: "eth0"}, []port{{in: client, name: "eth0"}}}
}

// serverBridgeSegment puts the server on its bridge, with a client at each port.
func serverBridgeSegment(t testing.TB) segment {
	one, two, server := labtest.Namespace(t), labtest.Namespace(t), labtest.Namespace(t)
	join(t, port{in: one, name: "eth0"}, port{in: server, name: "port1"})
	join(t, port{in: two, name: "eth0"}, port{in: server, name: "port2"})
	check(t, server.Bridge("br0", "port1", "port2"))
	return segment{port{in: server, name: "br0"}, []port{{in: one, name: "eth0"}, {in: two, name: "eth0"}}}
}

// macvlanSegment has two clients that share an Ethernet interface, each with its own address, as
// containers do.
func macvlanSegment(t testing.TB) segment {
	host, server := pair(t)
	s := segment{server: port{in: server, name: "eth0"}}
	for i := range 2 {
		c := port{in: labtest.Namespace(t), name: fmt.Sprintf("mac%d", i)}
		ip(t, host, "link add link eth0 name "+c.name+" type macvlan mode bridge")
		check(t, host.MoveInterface(c.name, c.in))
		s.clients = append(s.clients, c)
	}
	return s
}

// underlay connects hosts by their eth0, which have the addresses 10.0.0.1 and so on.
func underlay(t testing.TB, hosts int) (all []*lab.Namespace) {
	t.Helper()
	wire := labtest.Namespace(t)
	check(t, wire.Bridge("br0"))
	for i := range hosts {
		n, name := labtest.Namespace(t), fmt.Sprintf("port%d", i)
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

// vxlanSegment is point to point. The kernel sets the device's MTU: 1450.
func vxlanSegment(t testing.TB) segment {
	return tunnel(t, "vxlan42", "type vxlan id 42 local %s remote %s dev eth0 dstport 4789")
}

// vxlanOverIPv6Segment has an MTU of 20 octets less, as IPv6's header is longer.
func vxlanOverIPv6Segment(t testing.TB) segment {
	hosts := underlay(t, 2)
	for i, n := range hosts {
		ip(t, n, fmt.Sprintf("address add fd00::%d/64 dev eth0 nodad", i+1),
			fmt.Sprintf("link add vxlan42 type vxlan id 42 local fd00::%d remote fd00::%d dev eth0 dstport 4789", i+1, 2-i),
			"link set vxlan42 up")
	}
	return segment{port{in: hosts[0], name: "vxlan42"}, []port{{in: hosts[1], name: "vxlan42"}}}
}

// vxlanThreeHostsSegment floods broadcasts to a list of hosts, without learning addresses.
func vxlanThreeHostsSegment(t testing.TB) segment {
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

// vlanInVXLANSegment has the kernel's VLAN device on a tunnel.
func vlanInVXLANSegment(t testing.TB) segment {
	s := vxlanSegment(t)
	for _, p := range []*port{&s.server, &s.clients[0]} {
		ip(t, p.in, "link add link vxlan42 name vxlan42.50 type vlan id 50", "link set vxlan42.50 up")
		p.name = "vxlan42.50"
	}
	return s
}

// geneveSegment sets the MTU that VXLAN has by default: the header is as long.
func geneveSegment(t testing.TB) segment {
	return tunnel(t, "gnv42", "mtu 1450 type geneve id 42 %.0sremote %s")
}

// gretapSegment is Ethernet in GRE in IPv4: an MTU of 38 octets less than eth0's 1500.
func gretapSegment(t testing.TB) segment {
	return tunnel(t, "gre42", "type gretap local %s remote %s dev eth0")
}
