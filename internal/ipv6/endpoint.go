package ipv6

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"time"

	"golang.org/x/net/ipv6"

	"upppoe/internal/host/sysctl"
	"upppoe/internal/ipv6/dhcp6"
	"upppoe/internal/ipv6/netif"
	"upppoe/internal/ipv6/radv"
)

// localRouteTimeout bounds the wait for the local route of our link-local address: usually it takes
// the kernel less than a millisecond, on a busy machine longer.
const localRouteTimeout = 200 * time.Millisecond

// endpoint is the session's sockets and netlink handle, with the sockets on LANs on which we
// advertise.
type endpoint struct {
	*netif.Endpoint
	lans map[string]*netif.ICMP
}

func newEndpoint(e *netif.Endpoint) *endpoint { return &endpoint{e, map[string]*netif.ICMP{}} }

// openEndpoint opens all of it or nothing.
func openEndpoint(cfg *Config) (*endpoint, error) {
	e, err := netif.OpenEndpoint(cfg.Device)
	if err != nil {
		return nil, err
	}
	m := newEndpoint(e)
	if err := m.open(cfg); err != nil {
		m.Close()
		return nil, err
	}
	return m, nil
}

func (m *endpoint) open(cfg *Config) error {
	if cfg.UndoFile != "" {
		if err := m.Recover(time.Now(), cfg.UndoFile, cfg.Device); err != nil {
			cfg.Log.Warn(fmt.Sprintf("%s: undo the network configuration of an earlier process: %v", cfg.Device, err))
		}
	}
	if len(cfg.LANs) > 0 && !sysctl.Forwarding(cfg.Device) {
		cfg.Log.Warn(cfg.Device + ": IPv6 forwarding is disabled, so hosts on the LANs cannot reach the Internet: sysctl net.ipv6.conf.all.forwarding=1")
	}
	if err := m.DisableAutoconf(m.Device); err != nil {
		cfg.Log.Warn(fmt.Sprintf("%s: disable the kernel's address autoconfiguration: %v", cfg.Device, err))
	}
	if err := m.openSockets(cfg); err != nil {
		return err
	}
	m.WaitLocalRoute(m.Device, cfg.Local, localRouteTimeout) // on timeout, messages are retransmitted
	if err := m.Watch(); err != nil {
		return fmt.Errorf("%s: %w", cfg.Device, err)
	}
	return nil
}

// openSockets disables DHCPv6 if binding to its port is not permitted.
func (m *endpoint) openSockets(cfg *Config) error {
	err := m.OpenICMP(ipv6.ICMPTypeRouterAdvertisement)
	if err != nil || cfg.NoDHCP {
		return err
	}
	err = m.OpenUDP(dhcp6.ClientPort)
	if errors.Is(err, os.ErrPermission) {
		cfg.Log.Warn(fmt.Sprintf("%s: no DHCPv6: %v", cfg.Device, err))
		cfg.NoDHCP, cfg.RequestAddress, cfg.RequestPrefix, cfg.LANs, cfg.OptionRequest = true, false, false, nil, dhcp6.OptionRequest{}
		return nil
	}
	return err
}

func (m *endpoint) Close() {
	m.Endpoint.Close()
	for _, s := range m.lans {
		s.Close()
	}
}

// Solicit sends a router solicitation.
func (m *endpoint) Solicit(msg radv.Message) error { return m.ICMP.Send(msg) }

var errNoDHCP = errors.New("DHCPv6 is disabled")

// SendDHCP sends a message to All_DHCP_Relay_Agents_and_Servers.
func (m *endpoint) SendDHCP(data []byte) error {
	if m.UDP == nil {
		return errNoDHCP
	}
	return m.UDP.Send(netif.Datagram{Data: data, Peer: netip.AddrPortFrom(dhcp6.AllRelayAgentsAndServers, dhcp6.ServerPort)})
}

// Advertise sends a router advertisement to a LAN. Its interface may have been replaced by another
// one of the same name.
func (m *endpoint) Advertise(lan string, msg radv.Message) error {
	device, err := m.Find(lan)
	if err != nil {
		return err
	}
	s := m.lans[lan]
	if s == nil || s.Device() != device {
		if s != nil {
			s.Close()
		}
		if s, err = netif.OpenICMP(device, ipv6.ICMPTypeRouterSolicitation, radv.AllRouters); err != nil {
			delete(m.lans, lan)
			return err
		}
		m.lans[lan] = s
		m.AddSocket(s)
	}
	return s.Send(msg)
}

// Replaced reports whether a LAN's interface is not the one on which we last advertised.
func (m *endpoint) Replaced(lan string) bool {
	s := m.lans[lan]
	if s == nil {
		return false // nothing was advertised
	}
	device, err := m.Find(lan)
	return err == nil && device != s.Device()
}
