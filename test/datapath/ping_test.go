package datapath

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"
)

// pings sends echo requests of every size up to the MTU that must not be fragmented. A packet one
// octet longer is rejected.
func (e *ends) pings(t *testing.T) { e.pingFrom(t, 0) }

// longPings sends only those near the MTU.
func (e *ends) longPings(t *testing.T) { e.pingFrom(t, e.mtu-100) }

// pingFrom sends those with so many octets of data, and more.
func (e *ends) pingFrom(t *testing.T, least int) {
	t.Helper()
	for _, f := range []*pinger{
		{"ip4:icmp", clientIP, serverIP, 1, ipv4.ICMPTypeEcho, ipv4.ICMPTypeEchoReply, e.mtu - 28},
		{"ip6:ipv6-icmp", clientIP6, serverIP6, 58, ipv6.ICMPTypeEchoRequest, ipv6.ICMPTypeEchoReply, e.mtu - 48},
	} {
		w := e.capture(t)
		must(t, e.client.Do(func() error { return f.pingAll(least) }))
		w.check(t, 2*(f.maxData-least))
	}
}

// pinger is what differs between the families.
type pinger struct {
	network, from, to string
	protocol          int
	request, reply    icmp.Type
	maxData           int // octets of data
}

// pingAll pings with every number of octets from least to maxData.
func (f *pinger) pingAll(least int) error {
	unfragmented := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) (err error) {
		c.Control(func(fd uintptr) {
			if f.protocol == 1 {
				err = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_DO)
				return
			}
			err = unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_MTU_DISCOVER, unix.IPV6_PMTUDISC_DO)
		})
		return err
	}}
	conn, err := unfragmented.ListenPacket(context.Background(), f.network, f.from)
	if err != nil {
		return err
	}
	defer conn.Close()
	to := &net.IPAddr{IP: net.ParseIP(f.to)}
	for size := least; size <= f.maxData; size += maxInFlight {
		if err := f.echo(conn, to, size, min(size+maxInFlight, f.maxData+1)); err != nil {
			return fmt.Errorf("to %v: %w", to, err)
		}
	}
	m := icmp.Message{Type: f.request, Body: &icmp.Echo{Data: make([]byte, f.maxData+1)}}
	b, _ := m.Marshal(nil)
	if _, err := conn.WriteTo(b, to); !errors.Is(err, unix.EMSGSIZE) {
		return fmt.Errorf("to %v, one octet more than the MTU: %v, want %w", to, err, unix.EMSGSIZE)
	}
	return nil
}

// maxInFlight is the number of requests in transit.
const maxInFlight = 16

// echo sends requests with numbers of octets from first up to, but excluding, last, and waits for
// the replies.
func (f *pinger) echo(conn net.PacketConn, to net.Addr, first, last int) error {
	for size := first; size < last; size++ {
		m := icmp.Message{Type: f.request, Body: &icmp.Echo{ID: 77, Seq: size, Data: pattern(size)}}
		b, err := m.Marshal(nil)
		if err != nil {
			return err
		}
		if _, err := conn.WriteTo(b, to); err != nil {
			return fmt.Errorf("%d octets: %w", size, err)
		}
	}
	conn.SetReadDeadline(time.Now().Add(timeout))
	for left := last - first; left > 0; {
		buf := make([]byte, 2000)
		n, _, err := conn.ReadFrom(buf)
		if err != nil {
			return fmt.Errorf("%d replies with %d to %d octets are missing: %w", left, first, last-1, err)
		}
		got, err := icmp.ParseMessage(f.protocol, buf[:n])
		if err != nil || got.Type != f.reply {
			continue
		}
		e, ok := got.Body.(*icmp.Echo)
		if !ok || e.ID != 77 || e.Seq < first || e.Seq >= last {
			continue
		}
		if !bytes.Equal(e.Data, pattern(e.Seq)) {
			return fmt.Errorf("%d octets: the reply has other octets", e.Seq)
		}
		left--
	}
	return nil
}

func pattern(size int) []byte { return bytes.Repeat([]byte{byte(size)}, size) }
