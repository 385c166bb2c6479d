package main

import (
	"errors"
	"net"
	"os"
	"time"

	"github.com/vishvananda/netlink"

	"upppoe/test/lab"
)

// behind are the networks of the hosts behind the two ends, with the addresses of the host and of the
// end, which is its router.
var behind = [2]struct{ network, router, host string }{
	{"198.51.100.0/24", "198.51.100.1", "198.51.100.2"},
	{"203.0.113.0/24", "203.0.113.1", "203.0.113.2"},
}

// hostMTU is the MTU of the hosts' links in every row, so that all rows carry segments of one size:
// as many octets as fit into a session (RFC 2516 section 7).
const hostMTU = 1492

// addHosts makes both ends routers, each with a host behind it:
//
//	host eth0 --- eth1 end eth0 === eth0 end eth1 --- eth0 host
//
// The hosts' links keep their segmentation offload in every row: their GSO packets are what an
// Ethernet card with GRO would deliver.
func (n *network) addHosts() (err error) {
	for i, end := range n.ends {
		if n.hosts[i], err = lab.NewNamespace(); err != nil {
			return err
		}
		host := n.hosts[i]
		if err := lab.Veth(lab.End{In: host, Name: "eth0"}, lab.End{In: end, Name: "eth1"}); err != nil {
			return err
		}
		err := errors.Join(host.SetMTU("eth0", hostMTU), end.SetMTU("eth1", hostMTU),
			host.Address("eth0", behind[i].host+"/24"), end.Address("eth1", behind[i].router+"/24"),
			route(host, "0.0.0.0/0", behind[i].router), forward(end))
		if err != nil {
			return err
		}
	}
	n.target = behind[1].host
	return nil
}

// routeHosts routes each host's network to its end, and waits until the hosts reach each other. Our
// server itself routes to a shared device.
func (n *network) routeHosts() error {
	if err := route(n.ends[1], behind[0].network, here); err != nil {
		return err
	}
	if !n.shared {
		if err := route(n.ends[0], behind[1].network, there); err != nil {
			return err
		}
	}
	_, err := n.hosts[0].Ping(addr(n.target), 1, 10*time.Second)
	return err
}

func route(in *lab.Namespace, to, gateway string) error {
	return in.Do(func() error {
		_, dst, err := net.ParseCIDR(to)
		if err != nil {
			return err
		}
		return netlink.RouteAdd(&netlink.Route{Dst: dst, Gw: net.ParseIP(gateway)})
	})
}

func forward(in *lab.Namespace) error {
	return in.Do(func() error { return os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0) })
}
