package server

import (
	"golang.org/x/net/ipv6"

	"upppoe/internal/ipv6/dhcp6"
	"upppoe/internal/ipv6/netif"
	"upppoe/internal/ipv6/radv"
)

// endpoint is the session's sockets and netlink handle.
type endpoint struct{ *netif.Endpoint }

// openEndpoint opens all of it or nothing.
func openEndpoint(cfg *Config) (m endpoint, err error) {
	if m.Endpoint, err = netif.OpenEndpoint(cfg.Device); err != nil {
		return m, err
	}
	err = m.OpenICMP(ipv6.ICMPTypeRouterSolicitation, radv.AllRouters)
	if err == nil && cfg.DHCP() {
		err = m.OpenUDP(dhcp6.ServerPort, dhcp6.AllRelayAgentsAndServers)
	}
	if err != nil {
		m.Close()
	}
	return m, err
}

// Advertise sends a router advertisement.
func (m endpoint) Advertise(msg radv.Message) error { return m.ICMP.Send(msg) }

// Reply sends a DHCPv6 server's message.
func (m endpoint) Reply(d netif.Datagram) error { return m.UDP.Send(d) }
