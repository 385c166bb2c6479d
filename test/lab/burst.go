package lab

import (
	"net"
	"net/netip"
	"time"
)

// burstQuiet is how long nothing arrives after the last datagram of a burst.
const burstQuiet = 300 * time.Millisecond

// Burst sends n UDP datagrams of a size in octets from an address in one namespace to one in another, as fast as
// it can, and returns how many arrive: fewer than n, if there is a limit on the way.
func Burst(from *Namespace, src netip.Addr, to *Namespace, dst netip.Addr, n, size int) (arrived int, err error) {
	in, err := to.listenUDP(dst)
	if err != nil {
		return 0, err
	}
	defer in.Close()
	in.SetReadBuffer(n * size * 2)
	out, err := from.listenUDP(src)
	if err != nil {
		return 0, err
	}
	defer out.Close()
	b := make([]byte, size)
	for range n {
		if _, err := out.WriteToUDP(b, in.LocalAddr().(*net.UDPAddr)); err != nil {
			return 0, err
		}
	}
	for ; ; arrived++ {
		in.SetReadDeadline(time.Now().Add(burstQuiet))
		if _, err := in.Read(b); err != nil {
			return arrived, nil
		}
	}
}

func (n *Namespace) listenUDP(at netip.Addr) (conn *net.UDPConn, err error) {
	err = n.Do(func() (err error) {
		conn, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(at, 0)))
		return err
	})
	return conn, err
}
