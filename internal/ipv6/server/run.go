package server

import (
	"context"
	"fmt"

	"golang.org/x/net/ipv6"

	"upppoe/internal/ipv6/dhcp6"
	"upppoe/internal/ipv6/netif"
	"upppoe/internal/ipv6/radv"
)

// Run serves a session until its context ends. Then it sends a final router advertisement, unless
// the context's cause is ErrLinkGone, and removes the routes that it has set. It returns nil then;
// any other error names the device and says what to do.
//
// It must be called on a thread of the device's network namespace. Once Notify has been called for
// the first time, the thread does not matter.
func Run(ctx context.Context, cfg Config) error {
	if err := cfg.check(); err != nil {
		return err
	}
	m, err := openEndpoint(&cfg)
	if err != nil {
		return fmt.Errorf("IPv6 server on %w", err)
	}
	defer m.Close()
	s, err := newSession(&cfg, m, netif.NewRand())
	if err != nil {
		return fmt.Errorf("IPv6 server on %s: %w", cfg.Device, err)
	}
	if err := s.run(ctx, m.Inputs); err != nil {
		return fmt.Errorf("IPv6 server on %s: %w", cfg.Device, err)
	}
	return nil
}

// endpoint is the session's sockets and netlink handle.
type endpoint struct{ *netif.Endpoint }

// openEndpoint opens all of it or nothing.
func openEndpoint(cfg *Config) (m endpoint, err error) {
	if m.Endpoint, err = netif.OpenEndpoint(cfg.Device); err != nil {
		return m, err
	}
	err = m.OpenICMP(ipv6.ICMPTypeRouterSolicitation, radv.AllRouters)
	if err == nil && cfg.dhcp() {
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
