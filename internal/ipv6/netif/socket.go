package netif

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"syscall"

	"golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"

	"upppoe/internal/ipv6/radv"
)

// Device is a network interface. Kernel.Find returns it.
type Device struct {
	Name  string
	Index int
}

// maxPacket bounds the octets that are read of a message.
const maxPacket = 4096

// socket is the common part of ICMP and UDP sockets.
type socket struct {
	device Device
	conn   *ipv6.PacketConn
	closer func() error
	once   sync.Once
}

// listen opens a socket that is bound to a device.
func listen(device Device, network, address string) (*socket, error) {
	lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error { return bindTo(c, device.Name) }}
	c, err := lc.ListenPacket(context.Background(), network, address)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", device.Name, openError(err, address))
	}
	s := &socket{device: device, conn: ipv6.NewPacketConn(c), closer: c.Close}
	err = errors.Join(
		s.conn.SetControlMessage(ipv6.FlagHopLimit, true),
		s.conn.SetMulticastInterface(&net.Interface{Index: device.Index}),
		s.conn.SetMulticastLoopback(false),
	)
	if err != nil {
		s.Close()
		return nil, fmt.Errorf("%s: set up a socket: %w", device.Name, err)
	}
	return s, nil
}

func openError(err error, address string) error {
	if errors.Is(err, unix.EADDRINUSE) {
		return fmt.Errorf("port %s is used by another program: end that DHCPv6 program: %w", address, err)
	}
	if errors.Is(err, unix.EPERM) {
		return fmt.Errorf("open a raw socket: run as root, or with CAP_NET_RAW: %w", err)
	}
	if errors.Is(err, unix.EACCES) {
		return fmt.Errorf("open port %s: this needs CAP_NET_BIND_SERVICE or the sysctl net.ipv4.ip_unprivileged_port_start=0: %w", address, err)
	}
	return fmt.Errorf("open a socket: %w", err)
}

func bindTo(c syscall.RawConn, device string) (err error) {
	if e := c.Control(func(fd uintptr) { err = unix.BindToDevice(int(fd), device) }); e != nil {
		return e
	}
	return err
}

// join joins multicast groups.
func (s *socket) join(groups []netip.Addr) error {
	for _, g := range groups {
		if err := s.conn.JoinGroup(&net.Interface{Index: s.device.Index}, &net.UDPAddr{IP: g.AsSlice()}); err != nil {
			return fmt.Errorf("%s: join %v: %w", s.device.Name, g, err)
		}
	}
	return nil
}

// Device returns the interface to which the socket is bound.
func (s *socket) Device() Device { return s.device }

// Close closes the socket and ends a blocked read. It may be called again.
func (s *socket) Close() (err error) {
	s.once.Do(func() { err = s.closer() })
	return err
}

// ICMP is a socket for neighbor discovery. One goroutine may receive while others send; Close may
// be called at any time.
type ICMP struct{ *socket }

// OpenICMP opens a socket that receives messages of one type, also to multicast groups.
func OpenICMP(device Device, kind ipv6.ICMPType, groups ...netip.Addr) (*ICMP, error) {
	s, err := listen(device, "ip6:ipv6-icmp", "::")
	if err != nil {
		return nil, err
	}
	var only ipv6.ICMPFilter
	only.SetAll(true)
	only.Accept(kind)
	err = errors.Join(s.conn.SetICMPFilter(&only), s.conn.SetHopLimit(255), s.conn.SetMulticastHopLimit(255), s.join(groups))
	if err != nil {
		s.Close()
		return nil, err
	}
	return &ICMP{s}, nil
}

// Send sends a message; the kernel sets the checksum.
func (s *ICMP) Send(m radv.Message) error {
	_, err := s.conn.WriteTo(m.Data, nil, &net.IPAddr{IP: m.To.AsSlice(), Zone: s.zone(m.To)})
	return err
}

// Receive waits for a message. The error is net.ErrClosed (wrapped) after Close.
func (s *ICMP) Receive() (Packet, error) {
	b := make([]byte, maxPacket)
	n, cm, from, err := s.conn.ReadFrom(b)
	if err != nil {
		return Packet{}, err
	}
	p := Packet{s.device.Name, radv.Packet{Data: b[:n]}}
	if ip, ok := from.(*net.IPAddr); ok {
		p.Source, _ = netip.AddrFromSlice(ip.IP)
	}
	if cm != nil {
		p.HopLimit = cm.HopLimit
	}
	return p, nil
}

// UDP is a socket for DHCPv6. One goroutine may receive while others send; Close may be called at
// any time.
type UDP struct{ *socket }

// Datagram is a DHCPv6 message.
type Datagram struct {
	Data []byte
	Peer netip.AddrPort // source of a received one, destination of a sent one
}

// OpenUDP opens a socket on a port, which also receives what is sent to multicast groups.
func OpenUDP(device Device, port uint16, groups ...netip.Addr) (*UDP, error) {
	s, err := listen(device, "udp6", netip.AddrPortFrom(netip.IPv6Unspecified(), port).String())
	if err != nil {
		return nil, err
	}
	if err := s.join(groups); err != nil {
		s.Close()
		return nil, err
	}
	return &UDP{s}, nil
}

// Send sends a message.
func (s *UDP) Send(d Datagram) error {
	to := d.Peer.Addr()
	_, err := s.conn.WriteTo(d.Data, nil, &net.UDPAddr{IP: to.AsSlice(), Port: int(d.Peer.Port()), Zone: s.zone(to)})
	return err
}

// Receive waits for a message from any unicast address: RFC 8415 does not say from which of its
// addresses a server answers, and some use a global one. Transaction IDs and DUIDs identify
// answers. The error is net.ErrClosed (wrapped) after Close.
func (s *UDP) Receive() (Datagram, error) {
	b := make([]byte, maxPacket)
	for {
		n, _, from, err := s.conn.ReadFrom(b)
		if err != nil {
			return Datagram{}, err
		}
		udp, ok := from.(*net.UDPAddr)
		if !ok {
			continue
		}
		peer := udp.AddrPort()
		if source := peer.Addr().WithZone(""); unicast(source) {
			return Datagram{b[:n], netip.AddrPortFrom(source, peer.Port())}, nil
		}
	}
}

// unicast reports whether an address can be that of one other host.
func unicast(a netip.Addr) bool {
	return !a.IsUnspecified() && !a.IsMulticast() && !a.IsLoopback()
}

// zone returns the zone that a link-local address needs.
func (s *socket) zone(a netip.Addr) string {
	if a.IsLinkLocalUnicast() || a.IsLinkLocalMulticast() {
		return fmt.Sprint(s.device.Index)
	}
	return ""
}
