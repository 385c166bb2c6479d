package carriers

import (
	"fmt"
	"testing"

	"upppoe/test/lab"
)

func layVeth(t testing.TB) segment {
	client, server := pair(t)
	return segment{port{server, "eth0"}, []port{{client, "eth0"}}}
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
	return segment{port{server, "eth0.50"}, []port{{client, "eth0.50"}}}
}

// layQinQ has the provider's tag outside, of 802.1ad.
func layQinQ(t testing.TB) segment {
	client, server := pair(t)
	for _, n := range []*lab.Namespace{client, server} {
		ip(t, n,
			"link add link eth0 name eth0.50 type vlan protocol 802.1ad id 50", "link set eth0.50 up",
			"link add link eth0.50 name eth0.50.100 type vlan id 100", "link set eth0.50.100 up")
	}
	return segment{port{server, "eth0.50.100"}, []port{{client, "eth0.50.100"}}}
}

// layBridgeBetween has a switch between client and server.
func layBridgeBetween(t testing.TB) segment {
	client, server, wire := namespace(t), namespace(t), namespace(t)
	join(t, port{client, "eth0"}, port{wire, "port1"})
	join(t, port{server, "eth0"}, port{wire, "port2"})
	check(t, wire.Bridge("br0", "port1", "port2"))
	return segment{port{server, "eth0"}, []port{{client, "eth0"}}}
}

// layBridgeOfServer has the server on its bridge, with a client at each port.
func layBridgeOfServer(t testing.TB) segment {
	one, two, server := namespace(t), namespace(t), namespace(t)
	join(t, port{one, "eth0"}, port{server, "port1"})
	join(t, port{two, "eth0"}, port{server, "port2"})
	check(t, server.Bridge("br0", "port1", "port2"))
	return segment{port{server, "br0"}, []port{{one, "eth0"}, {two, "eth0"}}}
}

// layMacvlan has two clients that share an Ethernet interface, each with an address of
// its own, as containers do.
func layMacvlan(t testing.TB) segment {
	host, server := pair(t)
	s := segment{server: port{server, "eth0"}}
	for i := range 2 {
		c := port{namespace(t), fmt.Sprintf("mac%d", i)}
		ip(t, host, "link add link eth0 name "+c.name+" type macvlan mode bridge")
		check(t, host.Lend(c.name, c.in))
		s.clients = append(s.clients, c)
	}
	return s
}

// underlay gives the hosts a network between their tunnels' ends: eth0 has 10.0.0.1
// and so on.
func underlay(t testing.TB, hosts int) (all []*lab.Namespace) {
	t.Helper()
	wire := namespace(t)
	check(t, wire.Bridge("br0"))
	for i := range hosts {
		n, name := namespace(t), fmt.Sprintf("port%d", i)
		join(t, port{n, "eth0"}, port{wire, name})
		check(t, wire.Join("br0", name))
		check(t, n.Address("eth0", fmt.Sprintf("10.0.0.%d/24", i+1)))
		all = append(all, n)
	}
	return all
}

// tunnel has two hosts with a tunnel between them. The line has places for the
// addresses of both ends.
func tunnel(t testing.TB, name, line string) segment {
	t.Helper()
	hosts := underlay(t, 2)
	for i, n := range hosts {
		ip(t, n, fmt.Sprintf("link add %s "+line, name, fmt.Sprintf("10.0.0.%d", i+1), fmt.Sprintf("10.0.0.%d", 2-i)))
		ip(t, n, "link set "+name+" up")
	}
	return segment{port{hosts[0], name}, []port{{hosts[1], name}}}
}

// layVXLAN is point to point. The kernel gives the device the MTU that fits: 1450.
func layVXLAN(t testing.TB) segment {
	return tunnel(t, "vxlan42", "type vxlan id 42 local %s remote %s dev eth0 dstport 4789")
}

// layVXLANOverIPv6 has 20 octets less, as long as IPv6's header is longer.
func layVXLANOverIPv6(t testing.TB) segment {
	hosts := underlay(t, 2)
	for i, n := range hosts {
		ip(t, n, fmt.Sprintf("address add fd00::%d/64 dev eth0 nodad", i+1),
			fmt.Sprintf("link add vxlan42 type vxlan id 42 local fd00::%d remote fd00::%d dev eth0 dstport 4789", i+1, 2-i),
			"link set vxlan42 up")
	}
	return segment{port{hosts[0], "vxlan42"}, []port{{hosts[1], "vxlan42"}}}
}

// layVXLANOfThree floods what is for all to a list of ends, which nobody learns.
func layVXLANOfThree(t testing.TB) segment {
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
	return segment{port{hosts[0], "vxlan42"}, []port{{hosts[1], "vxlan42"}, {hosts[2], "vxlan42"}}}
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

// layGeneve sets the MTU that VXLAN has by itself: its header is as long.
func layGeneve(t testing.TB) segment {
	return tunnel(t, "gnv42", "mtu 1450 type geneve id 42 %.0sremote %s")
}

// layGRETAP is Ethernet in GRE in IPv4: 38 octets less than the 1500 of eth0.
func layGRETAP(t testing.TB) segment {
	return tunnel(t, "gre42", "type gretap local %s remote %s dev eth0")
}
