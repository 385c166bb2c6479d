package datapath

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"upppoe/internal/roottest"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/ethertest"
	"upppoe/pppoe/wire"
	"upppoe/test/lab/labtest"
	"upppoe/tun"
)

// TestSharedDevice: a shared device of the kernel, with two queues, carries packets of many sessions
// in both directions; the host's sockets get its ICMP errors: for addresses without a session, and
// for packets longer than the session's MTU.
func TestSharedDevice(t *testing.T) {
	roottest.Need(t)
	labtest.InNamespace(t, func() error {
		device, err := tun.OpenGSO(tun.Config{Name: "pppoe0", Queues: 2})
		if err != nil {
			return err
		}
		d := datapath.NewSharedDevice(datapath.SharedConfig{
			Device: device, IPv4: netip.MustParseAddr("10.0.0.1"), IPv6: netip.MustParseAddr("2001:db8::1"),
			Lost: func(err error) { t.Errorf("lost: %v", err) },
		})
		defer d.Close()
		if err := configureShared(); err != nil {
			return err
		}
		segment := ethertest.New(ethertest.Config{})
		port, peer := segment.Port(sharedServer, wire.EtherTypeSession), segment.Port(sharedPeer, wire.EtherTypeSession)
		defer port.Close()
		defer peer.Close()
		engine := datapath.New(datapath.KindGSO, []datapath.Port{port}, func([]byte) {}, func(datapath.SessionConfig) {})
		go engine.Receive(0)                                       // ends when the port is closed
		go datapath.ReadFrames(peer, 1, func(f []datapath.Frame) { // likewise
			peer.WriteBatch([][]byte{answer(f[0].Data)})
		})
		const sessions = 100
		for id := uint16(1); id <= sessions; id++ {
			if err := addShared(engine, d, id); err != nil {
				return err
			}
		}
		for id := uint16(1); id <= sessions; id++ {
			for _, to := range []netip.Addr{sharedAddress4(id), sharedAddress6(id)} {
				if err := exchangeUDP(to, 100); err != nil {
					return fmt.Errorf("session %d: %w", id, err)
				}
			}
		}
		for _, to := range []netip.Addr{sharedAddress4(sessions + 1), sharedAddress6(sessions + 1)} {
			if err := exchangeUDP(to, 100); !errors.Is(err, unix.EHOSTUNREACH) {
				t.Errorf("to %v: %v, want host unreachable", to, err)
			}
		}
		for _, to := range []netip.Addr{sharedAddress4(7), sharedAddress6(7)} {
			if err := exchangeUDP(to, sharedMTU); !errors.Is(err, unix.EMSGSIZE) {
				t.Errorf("too long to %v: %v, want message too long", to, err)
			}
		}
		if n := d.Counters(); n.Unreachable < 2 || n.TooBig != 2 {
			t.Errorf("counted %+v", n)
		}
		return nil
	})
}

var sharedServer, sharedPeer = wire.Addr{2, 0, 0x5e, 0, 0x53, 1}, wire.Addr{2, 0, 0x5e, 0, 0x53, 2}

// sharedMTU is the MTU of the sessions, less than that of the device.
const sharedMTU = 1300

// Inner addresses of a session.
func sharedAddress4(id uint16) netip.Addr {
	return netip.AddrFrom4([4]byte{10, 64, byte(id >> 8), byte(id)})
}

func sharedAddress6(id uint16) netip.Addr {
	return netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 6: byte(id >> 8), 7: byte(id), 15: 9})
}

// configureShared sets the device up, with the server's addresses and routes of the pools.
func configureShared() error {
	link, err := netlink.LinkByName("pppoe0")
	if err != nil {
		return err
	}
	// An error comes from an address of this host.
	if err := os.WriteFile("/proc/sys/net/ipv4/conf/pppoe0/accept_local", []byte("1"), 0); err != nil {
		return err
	}
	for _, text := range []string{"10.0.0.1/32", "2001:db8::1/128"} {
		a, err := netlink.ParseAddr(text)
		if err != nil {
			return err
		}
		a.Flags = unix.IFA_F_NODAD
		if err := netlink.AddrAdd(link, a); err != nil {
			return err
		}
	}
	if err := errors.Join(netlink.LinkSetMTU(link, mtu), netlink.LinkSetUp(link), awaitLocalRoute("2001:db8::1")); err != nil {
		return err
	}
	for _, text := range []string{"10.64.0.0/16", "2001:db8::/32"} {
		_, to, err := net.ParseCIDR(text)
		if err != nil {
			return err
		}
		if err := netlink.RouteAdd(&netlink.Route{LinkIndex: link.Attrs().Index, Dst: to}); err != nil {
			return err
		}
	}
	return nil
}

// awaitLocalRoute waits until packets to an address of this host are delivered: even without duplicate
// address detection, a worker of the kernel adds the route of an IPv6 address later.
func awaitLocalRoute(address string) error {
	changes, done := make(chan netlink.RouteUpdate, 16), make(chan struct{})
	defer close(done)
	if err := netlink.RouteSubscribe(changes, done); err != nil {
		return err
	}
	for {
		routes, err := netlink.RouteGet(net.ParseIP(address))
		if err != nil || routes[0].Type == unix.RTN_LOCAL {
			return err
		}
		<-changes
	}
}

func addShared(engine datapath.Path, d *datapath.SharedDevice, id uint16) error {
	s, err := engine.Add(datapath.SessionConfig{Key: datapath.Key{Local: sharedServer, Peer: sharedPeer, SessionID: id}, Shared: d})
	if err != nil {
		return err
	}
	s.SetFamilies(true, true)
	s.SetMTU(sharedMTU)
	return s.SetPrefixes([]netip.Prefix{netip.PrefixFrom(sharedAddress4(id), 32), netip.PrefixFrom(sharedAddress6(id), 64)})
}

// answer turns a frame with a UDP packet around. Exchanged addresses and ports leave the checksum as
// it is.
func answer(frame []byte) []byte {
	b := append([]byte{}, frame...)
	copy(b, frame[6:12])
	copy(b[6:], frame[:6])
	p, addresses, start := b[datapath.HeadersLen:], 12, 20
	if p[0]>>4 == 6 {
		addresses, start = 8, 40
	}
	size := (start - addresses) / 2
	packet := frame[datapath.HeadersLen:]
	copy(p[addresses:], packet[addresses+size:start])
	copy(p[addresses+size:], packet[addresses:addresses+size])
	copy(p[start:], packet[start+2:start+4])
	copy(p[start+2:], packet[start:start+2])
	return b
}

// exchangeUDP sends a datagram with so much payload, without fragments, and awaits the answer. It
// returns the error of an ICMP error.
func exchangeUDP(to netip.Addr, octets int) error {
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(to, 9)))
	if err != nil {
		return err
	}
	defer conn.Close()
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	failed := raw.Control(func(fd uintptr) { err = reportErrors(int(fd), to.Is6()) })
	if err = errors.Join(failed, err); err != nil {
		return err
	}
	data := binary.BigEndian.AppendUint32(make([]byte, octets-4), 0x5eed)
	if _, err := conn.Write(data); err != nil {
		return err
	}
	conn.SetReadDeadline(time.Now().Add(timeout))
	n, err := conn.Read(make([]byte, 2000))
	if err == nil && n != octets {
		err = fmt.Errorf("%d octets came back of %d", n, octets)
	}
	return err
}

// reportErrors has a socket report ICMP errors, and send no fragments.
func reportErrors(fd int, v6 bool) error {
	if v6 {
		return errors.Join(unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_RECVERR, 1),
			unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_MTU_DISCOVER, unix.IPV6_PMTUDISC_DO))
	}
	return errors.Join(unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_RECVERR, 1),
		unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_DO))
}
