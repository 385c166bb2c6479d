package lab

import (
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

// interval is the time between two echo requests.
const interval = 200 * time.Millisecond

// Ping sends an echo request every 200 ms until one is answered, as the other side may not be ready
// at once. It returns the round-trip time of the answered one.
func (n *Namespace) Ping(to netip.Addr, seq int, timeout time.Duration) (took time.Duration, err error) {
	err = n.Do(func() error {
		for end := time.Now().Add(timeout); ; seq++ {
			next := time.Now().Add(interval)
			// A request that cannot be sent, as without a route, fails at once.
			if took, err = ping(to, seq&0xffff, interval); err == nil || time.Now().After(end) {
				return err
			}
			time.Sleep(time.Until(next))
		}
	})
	return took, err
}

// ping sends one echo request.
func ping(to netip.Addr, seq int, timeout time.Duration) (time.Duration, error) {
	conn, kind, err := listen(to)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	zone, err := zoneIndex(to.Zone())
	if err != nil {
		return 0, err
	}
	const id = 0x7550
	message := icmp.Message{Type: kind.request, Body: &icmp.Echo{ID: id, Seq: seq, Data: make([]byte, 56)}}
	b, err := message.Marshal(nil)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	if _, err := conn.WriteTo(b, &net.IPAddr{IP: to.AsSlice(), Zone: zone}); err != nil {
		return 0, err
	}
	conn.SetReadDeadline(began.Add(timeout))
	for buf := make([]byte, 2048); ; {
		n, _, err := conn.ReadFrom(buf)
		if err != nil {
			return 0, fmt.Errorf("no answer from %v: %w", to, err)
		}
		m, err := icmp.ParseMessage(kind.protocol, buf[:n])
		if err != nil || m.Type != kind.reply {
			continue
		}
		if echo, ok := m.Body.(*icmp.Echo); ok && echo.ID == id && echo.Seq == seq {
			return time.Since(began), nil
		}
	}
}

// family is what differs between ICMP and ICMPv6.
type family struct {
	network, any   string
	protocol       int
	request, reply icmp.Type
}

func listen(to netip.Addr) (*icmp.PacketConn, family, error) {
	f := family{"ip4:icmp", "0.0.0.0", 1, ipv4.ICMPTypeEcho, ipv4.ICMPTypeEchoReply}
	if to.Is6() {
		f = family{"ip6:ipv6-icmp", "::", 58, ipv6.ICMPTypeEchoRequest, ipv6.ICMPTypeEchoReply}
	}
	conn, err := icmp.ListenPacket(f.network, f.any)
	return conn, f, err
}

// zoneIndex returns an interface's index as a zone. Package net caches the names of interfaces for
// a minute, whatever their namespace.
func zoneIndex(zone string) (string, error) {
	if zone == "" {
		return "", nil
	}
	link, err := netlink.LinkByName(zone)
	if err != nil {
		return "", fmt.Errorf("%s: %w", zone, err)
	}
	return strconv.Itoa(link.Attrs().Index), nil
}
