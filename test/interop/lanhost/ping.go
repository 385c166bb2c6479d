package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"
)

// family is what differs between IPv4 and IPv6.
type family struct {
	network        string
	any            string
	protocol       int
	header         int // length of the IP header, in octets
	level, option  int // socket option that forbids fragmentation
	probe          int
	request, reply icmp.Type
	tooBig         icmp.Type
}

var families = map[bool]family{
	true: {"ip4:icmp", "0.0.0.0", 1, 20, unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_PROBE,
		ipv4.ICMPTypeEcho, ipv4.ICMPTypeEchoReply, ipv4.ICMPTypeDestinationUnreachable},
	false: {"ip6:ipv6-icmp", "::", 58, 40, unix.IPPROTO_IPV6, unix.IPV6_MTU_DISCOVER, unix.IPV6_PMTUDISC_PROBE,
		ipv6.ICMPTypeEchoRequest, ipv6.ICMPTypeEchoReply, ipv6.ICMPTypePacketTooBig},
}

// pinger sends echo requests that must not be fragmented, up to the MTU of this host's own link,
// whatever the path MTU is known to be.
type pinger struct {
	family
	conn net.PacketConn
	to   net.Addr
	id   int
}

func openPinger(to netip.Addr) (*pinger, error) {
	f := families[to.Is4()]
	config := net.ListenConfig{Control: socketOption(f.level, f.option, f.probe)}
	conn, err := config.ListenPacket(context.Background(), f.network, f.any)
	if err != nil {
		return nil, err
	}
	return &pinger{f, conn, &net.IPAddr{IP: to.AsSlice()}, os.Getpid() & 0xffff}, nil
}

// socketOption returns a function that sets a socket option.
func socketOption(level, name, value int) func(_, _ string, c syscall.RawConn) error {
	return func(_, _ string, c syscall.RawConn) (err error) {
		c.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), level, name, value) })
		return err
	}
}

func (p *pinger) close() { p.conn.Close() }

// send sends a request whose packet has length octets.
func (p *pinger) send(length int) error {
	m := icmp.Message{Type: p.request, Body: &icmp.Echo{ID: p.id, Seq: length, Data: p.data(length)}}
	// The kernel fills in the checksum of ICMPv6.
	b, err := m.Marshal(nil)
	if err == nil {
		_, err = p.conn.WriteTo(b, p.to)
	}
	return err
}

func (p *pinger) data(length int) []byte {
	data := make([]byte, length-p.header-8)
	for i := range data {
		data[i] = byte(length + i)
	}
	return data
}

// receive returns the length of the packet that was answered, or the MTU in an ICMP error.
func (p *pinger) receive(patience time.Duration) (length, mtu int, err error) {
	p.conn.SetReadDeadline(time.Now().Add(patience))
	buf := make([]byte, 2000)
	for {
		n, _, err := p.conn.ReadFrom(buf)
		if err != nil {
			return 0, 0, err
		}
		m, err := icmp.ParseMessage(p.protocol, buf[:n])
		if err != nil {
			continue
		}
		if m.Type == p.tooBig && (m.Code == 4 || p.protocol == 58) {
			return 0, int(binary.BigEndian.Uint16(buf[6:])), nil // in both families, which have at most 65535
		}
		e, ok := m.Body.(*icmp.Echo)
		if !ok || m.Type != p.reply || e.ID != p.id {
			continue
		}
		if len(e.Data) != e.Seq-p.header-8 || !bytes.Equal(e.Data, p.data(e.Seq)) {
			return 0, 0, fmt.Errorf("%v: ping of %d octets: other octets came back", p.to, e.Seq)
		}
		return e.Seq, 0, nil
	}
}

// pingAllSizes pings with every size, a few at a time.
func (p *pinger) pingAllSizes(mtu int) error {
	const atOnce = 16
	next, waiting := p.header+8, make(map[int]bool)
	for next <= mtu || len(waiting) > 0 {
		for next <= mtu && len(waiting) < atOnce {
			if err := p.send(next); err != nil {
				return fmt.Errorf("%v: ping of %d octets: %w", p.to, next, err)
			}
			waiting[next] = true
			next++
		}
		length, _, err := p.receive(20 * time.Second)
		if err != nil {
			return fmt.Errorf("%v: pings of %v octets: %w", p.to, waiting, err)
		}
		delete(waiting, length)
	}
	return nil
}

// pingTooBig sends a packet of one octet more than the MTU, which a router must reject. Routers
// limit the rate of such errors.
func (p *pinger) pingTooBig(mtu int) error {
	for range 30 {
		if err := p.send(mtu + 1); err != nil {
			return fmt.Errorf("%v: ping of %d octets: %w", p.to, mtu+1, err)
		}
		length, told, err := p.receive(time.Second)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			continue
		case err != nil:
			return err
		case length != 0:
			return fmt.Errorf("%v: a ping of %d octets was answered", p.to, length)
		case told != mtu:
			return fmt.Errorf("%v: an ICMP error for %d octets has an MTU of %d, want %d", p.to, mtu+1, told, mtu)
		}
		return nil
	}
	return fmt.Errorf("%v: no ICMP error for %d octets", p.to, mtu+1)
}
