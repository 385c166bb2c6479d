package serve

import (
	"context"
	"fmt"

	"golang.org/x/net/ipv6"

	"upppoe/internal/inet6/dhcp6"
	"upppoe/internal/inet6/netif"
	"upppoe/internal/inet6/radv"
)

// Run serves a line until its context ends. Then it tells the peer that it is no router
// any more, unless the context's cause is ErrLinkGone, and takes away again what it has
// set. It returns nil then; any other error names the device and says what to do.
//
// Call it on a thread of the device's network namespace. Once Notify has been called
// for the first time, the thread does not matter.
func Run(ctx context.Context, cfg Config) error {
	if err := cfg.check(); err != nil {
		return err
	}
	m, err := openMachine(&cfg)
	if err != nil {
		return fmt.Errorf("IPv6 server on %w", err)
	}
	defer m.close()
	l, err := newLine(&cfg, m, netif.NewRand())
	if err != nil {
		return fmt.Errorf("IPv6 server on %s: %w", cfg.Device, err)
	}
	if err := l.run(ctx, m.inputs); err != nil {
		return fmt.Errorf("IPv6 server on %s: %w", cfg.Device, err)
	}
	return nil
}

// machine is what a line has of the machine.
type machine struct {
	*netif.Kernel
	icmp   *netif.ICMP
	udp    *netif.UDP
	done   chan struct{}
	inputs inputs
}

// inputs are what wakes a line up.
type inputs struct {
	solicitations <-chan radv.Packet
	questions     <-chan netif.Datagram
	failures      <-chan error
}

// openMachine opens all of it, or nothing.
func openMachine(cfg *Config) (*machine, error) {
	m := &machine{done: make(chan struct{})}
	if err := m.open(cfg); err != nil {
		m.close()
		return nil, err
	}
	m.listen()
	return m, nil
}

func (m *machine) open(cfg *Config) (err error) {
	if m.Kernel, err = netif.Open(); err != nil {
		return fmt.Errorf("%s: %w", cfg.Device, err)
	}
	device, err := m.Find(cfg.Device)
	if err != nil {
		return err
	}
	if m.icmp, err = netif.OpenICMP(device, ipv6.ICMPTypeRouterSolicitation, radv.AllRouters); err != nil {
		return err
	}
	if cfg.dhcp() {
		if m.udp, err = netif.OpenUDP(device, dhcp6.ServerPort, dhcp6.Servers); err != nil {
			return err
		}
	}
	return nil
}

// listen starts goroutines that end with close.
func (m *machine) listen() {
	solicitations, questions, failures := make(chan radv.Packet), make(chan netif.Datagram), make(chan error, 2)
	m.inputs = inputs{solicitations, questions, failures}
	go netif.Pump(m.icmp.Receive, solicitations, failures, m.done)
	if m.udp != nil {
		go netif.Pump(m.udp.Receive, questions, failures, m.done)
	}
}

func (m *machine) close() {
	close(m.done)
	if m.icmp != nil {
		m.icmp.Close()
	}
	if m.udp != nil {
		m.udp.Close()
	}
	if m.Kernel != nil {
		m.Kernel.Close()
	}
}

// Advertise sends a router's message.
func (m *machine) Advertise(msg radv.Message) error { return m.icmp.Send(msg) }

// Answer sends a DHCPv6 server's message.
func (m *machine) Answer(d netif.Datagram) error { return m.udp.Send(d) }
