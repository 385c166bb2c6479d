package lab

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// Ping sends an echo request from the namespace and returns how long the answer
// took.
func (n *Namespace) Ping(to netip.Addr, seq int, timeout time.Duration) (took time.Duration, err error) {
	err = n.Do(func() error {
		took, err = ping(to, seq, timeout)
		return err
	})
	return took, err
}

func ping(to netip.Addr, seq int, timeout time.Duration) (time.Duration, error) {
	network, listen, request, reply, proto := "ip4:icmp", "0.0.0.0", icmp.Type(ipv4.ICMPTypeEcho), icmp.Type(ipv4.ICMPTypeEchoReply), 1
	if to.Is6() {
		network, listen, request, reply, proto = "ip6:ipv6-icmp", "::", ipv6.ICMPTypeEchoRequest, ipv6.ICMPTypeEchoReply, 58
	}
	conn, err := icmp.ListenPacket(network, listen)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	id := int(binary.BigEndian.Uint16([]byte{0x75, byte(seq)}))
	zone, err := numbered(to.Zone())
	if err != nil {
		return 0, err
	}
	message := icmp.Message{Type: request, Body: &icmp.Echo{ID: id, Seq: seq, Data: make([]byte, 56)}}
	b, err := message.Marshal(nil)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	if _, err := conn.WriteTo(b, &net.IPAddr{IP: to.AsSlice(), Zone: zone}); err != nil {
		return 0, err
	}
	conn.SetReadDeadline(began.Add(timeout))
	buf := make([]byte, 2048)
	for {
		n, _, err := conn.ReadFrom(buf)
		if err != nil {
			if ne := net.Error(nil); errors.As(err, &ne) && ne.Timeout() {
				return 0, fmt.Errorf("no answer from %v within %v", to, timeout)
			}
			return 0, err
		}
		m, err := icmp.ParseMessage(proto, buf[:n])
		if err != nil || m.Type != reply {
			continue
		}
		if echo, ok := m.Body.(*icmp.Echo); ok && echo.ID == id && echo.Seq == seq {
			return time.Since(began), nil
		}
	}
}

// numbered is an interface's index as a zone. Package net remembers the names of
// interfaces for a minute, whatever namespace they were in.
func numbered(zone string) (string, error) {
	if zone == "" {
		return "", nil
	}
	link, err := netlink.LinkByName(zone)
	if err != nil {
		return "", fmt.Errorf("%s: %w", zone, err)
	}
	return strconv.Itoa(link.Attrs().Index), nil
}
