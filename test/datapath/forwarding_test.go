package datapath

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"

	"upppoe/internal/roottest"
	"upppoe/pppoe/datapath"
	"upppoe/test/lab"
	"upppoe/test/lab/labtest"
)

// TestForwarding: a server forwards between two sessions, with MTUs of 1500 and 1492. The MSS is
// not clamped: path MTU discovery (RFC 1191, RFC 8201) reports packets that are too long, and TCP
// adapts.
func TestForwarding(t *testing.T) {
	roottest.Need(t, "ip")
	for _, p := range []struct{ long, server, short datapath.Kind }{
		{gso, plain, kernel}, {kernel, gso, plain}, {plain, kernel, gso},
		{gso, gso, gso}, {kernel, kernel, kernel}, {auto, auto, auto},
	} {
		t.Run(fmt.Sprintf("%v, %v, %v", p.long, p.server, p.short), func(t *testing.T) {
			labtest.OneCPU(t) // datagrams arrive in order
			b := newForwarding(t, p.long, p.server, p.short)
			for _, to := range []string{shortIP, shortIP6} {
				for range 2 { // a cached path MTU makes no difference
					must(t, b.long.Do(func() error { return tooBig(to, 1500, mtu) }))
				}
				w := startCapture(t, b.wire, false)
				streams(t, b.long.Namespace, b.short.Namespace, to, 1<<20)
				w.check(t, 2*(1<<20)/1500)
				u := associate(t, b.long.Namespace, b.short.Namespace, to, mtu)
				u.bursts(t)
				u.gso(t)
				u.fragments(t)
				u.close()
			}
		})
	}
}

// Addresses of the two clients.
const (
	shortIP  = "192.0.2.11"
	longIP6  = "2001:db8:1::1"
	shortIP6 = "2001:db8:2::1"
)

// forwarding is a server with two sessions, with MTUs of 1500 and 1492.
type forwarding struct {
	long, server, short *end
	wire                *lab.Namespace
}

func newForwarding(t *testing.T, long, server, short datapath.Kind) *forwarding {
	t.Helper()
	b := &forwarding{long: newEnd(t, long), server: newEnd(t, server), short: newEnd(t, short)}
	b.wire = connect(t, 1508, b.long, b.server, b.short)
	s := settings{maxPayload: 1500, mss: -1}
	b.server.serve(t, s)
	sysctl(t, b.server.Namespace, "ipv4/ip_forward", "1")
	sysctl(t, b.server.Namespace, "ipv6/conf/all/forwarding", "1")
	for i, client := range []*end{b.long, b.short} {
		client.dial(t, s)
		client.await(t, s)
		b.server.await(t, s)
		own := []string{longIP6, shortIP6}[i]
		must(t, client.Address("ppp0", own+"/128"))
		must(t, client.route("default", "ppp0"))
		must(t, client.route("::/0", "ppp0"))
		must(t, b.server.route(own, fmt.Sprintf("ppp%d", i)))
		s.maxPayload = 0
	}
	for _, to := range []string{shortIP, shortIP6} {
		_, err := b.long.Ping(netip.MustParseAddr(to), 1, timeout)
		must(t, err)
	}
	return b
}

func (e *end) route(to, device string) error {
	if out, err := e.Run("ip", "route", "add", to, "dev", device); err != nil {
		return fmt.Errorf("ip route add %s dev %s: %w: %s", to, device, err, out)
	}
	return nil
}

// tooBig sends an echo request of so many octets, regardless of the known path MTU, and expects an
// ICMP error with the MTU that fits.
func tooBig(to string, octets, fits int) error {
	addr := netip.MustParseAddr(to)
	network, own, protocol := "ip4:icmp", "0.0.0.0", 1
	var kind icmp.Type = ipv4.ICMPTypeEcho
	headers, level, option, probe := 28, unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_PROBE
	if addr.Is6() {
		network, own, protocol, kind = "ip6:ipv6-icmp", "::", 58, ipv6.ICMPTypeEchoRequest
		headers, level, option, probe = 48, unix.IPPROTO_IPV6, unix.IPV6_MTU_DISCOVER, unix.IPV6_PMTUDISC_PROBE
	}
	probing := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) (err error) {
		failed := c.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), level, option, probe) })
		return errors.Join(failed, err)
	}}
	conn, err := probing.ListenPacket(context.Background(), network, own)
	if err != nil {
		return err
	}
	defer conn.Close()
	request := icmp.Message{Type: kind, Body: &icmp.Echo{ID: 78, Data: make([]byte, octets-headers)}}
	b, err := request.Marshal(nil)
	if err != nil {
		return err
	}
	if _, err := conn.WriteTo(b, &net.IPAddr{IP: addr.AsSlice()}); err != nil {
		return fmt.Errorf("%d octets to %s: %w", octets, to, err)
	}
	conn.SetReadDeadline(time.Now().Add(timeout))
	for buf := make([]byte, 2000); ; {
		n, _, err := conn.ReadFrom(buf)
		if err != nil {
			return fmt.Errorf("no ICMP error for %d octets to %s: %w", octets, to, err)
		}
		if got := mtuOf(protocol, buf[:n]); got != 0 && got != fits {
			return fmt.Errorf("to %s: the reported MTU is %d, want %d", to, got, fits)
		} else if got != 0 {
			return nil
		}
	}
}

// mtuOf returns the MTU in an ICMP message; 0: it has none. RFC 1191 section 4, RFC 4443 section
// 3.2.
func mtuOf(protocol int, b []byte) int {
	m, err := icmp.ParseMessage(protocol, b)
	if err != nil {
		return 0
	}
	switch body := m.Body.(type) {
	case *icmp.PacketTooBig:
		return body.MTU
	case *icmp.DstUnreach:
		if m.Code == 4 {
			return int(b[6])<<8 | int(b[7])
		}
	}
	return 0
}
