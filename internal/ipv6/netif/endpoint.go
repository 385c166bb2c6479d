package netif

import (
	"fmt"
	"net/netip"

	"golang.org/x/net/ipv6"
)

// Endpoint is a session's access to this machine: the netlink handle, sockets, and the Inputs that
// they feed. The methods that open something must not be called concurrently; Close comes last.
type Endpoint struct {
	*Kernel
	Inputs
	Device Device // the session's interface
	ICMP   *ICMP  // nil: not opened
	UDP    *UDP   // nil: not opened

	packets  chan Packet
	failures chan error
	done     chan struct{}
}

// NewEndpoint makes an endpoint without a device. Closing it closes the kernel handle.
func NewEndpoint(k *Kernel) *Endpoint {
	e := &Endpoint{Kernel: k, packets: make(chan Packet), failures: make(chan error, 2), done: make(chan struct{})}
	e.Inputs = Inputs{Packets: e.packets, Failures: e.failures}
	return e
}

// OpenEndpoint opens a netlink handle, and finds a session's device. The error names it.
func OpenEndpoint(device string) (*Endpoint, error) {
	k, err := Open()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", device, err)
	}
	e := NewEndpoint(k)
	if e.Device, err = k.Find(device); err != nil {
		e.Close()
		return nil, err
	}
	return e, nil
}

// OpenICMP opens the device's socket for neighbor discovery, as the function OpenICMP does. Its
// later failure is sent to Failures.
func (e *Endpoint) OpenICMP(kind ipv6.ICMPType, groups ...netip.Addr) error {
	s, err := OpenICMP(e.Device, kind, groups...)
	if err != nil {
		return err
	}
	e.ICMP = s
	go Pump(s.Receive, e.packets, e.failures, e.done) // ends with Close
	return nil
}

// OpenUDP opens the device's socket for DHCPv6, as the function OpenUDP does. Its later failure is
// sent to Failures.
func (e *Endpoint) OpenUDP(port uint16, groups ...netip.Addr) error {
	s, err := OpenUDP(e.Device, port, groups...)
	if err != nil {
		return err
	}
	datagrams := make(chan Datagram)
	e.UDP, e.Datagrams = s, datagrams
	go Pump(s.Receive, datagrams, e.failures, e.done) // ends with Close
	return nil
}

// AddSocket sends what a socket on another interface receives to Packets, until that socket or the
// endpoint is closed. The caller closes the socket. Its failure is not reported.
func (e *Endpoint) AddSocket(s *ICMP) {
	go Pump(s.Receive, e.packets, make(chan error, 1), e.done)
}

// Watch opens Changes for the network namespace of the calling thread.
func (e *Endpoint) Watch() (err error) {
	e.Changes, err = Watch(e.done)
	return err
}

// Close closes the netlink handle and the device's sockets, and ends the goroutines that receive.
func (e *Endpoint) Close() {
	close(e.done)
	if e.ICMP != nil {
		e.ICMP.Close()
	}
	if e.UDP != nil {
		e.UDP.Close()
	}
	e.Kernel.Close()
}
