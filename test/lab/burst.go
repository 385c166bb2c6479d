package lab

import (
	"errors"
	"net"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// Burst is followed by datagrams of another first octet, as a limit on the way may drop some, until one arrives.
const (
	endOfBurst  = 1
	endInterval = 50 * time.Millisecond
	endTimeout  = 30 * time.Second
)

var errNoEnd = errors.New("the path that a burst took does not carry another datagram")

// Burst sends n UDP datagrams of a size in octets from an address in one namespace to one in another, as fast as
// it can. It returns how many arrive, fewer than n if there is a limit on the way, and the time from the first that
// is sent to the last that is read: on a busy machine they wait on the way.
func Burst(from *Namespace, src netip.Addr, to *Namespace, dst netip.Addr, n, size int) (arrived int, took time.Duration, err error) {
	in, err := to.listenUDP(dst)
	if err != nil {
		return 0, 0, err
	}
	defer in.Close()
	if err := SetReadBuffer(in, n*size*2); err != nil {
		return 0, 0, err
	}
	out, err := from.listenUDP(src)
	if err != nil {
		return 0, 0, err
	}
	defer out.Close()
	send := func(b []byte) error {
		_, err := out.WriteToUDP(b, in.LocalAddr().(*net.UDPAddr))
		return err
	}
	b := make([]byte, size)
	began := time.Now()
	for range n {
		if err := send(b); err != nil {
			return 0, 0, err
		}
	}
	for time.Since(began) < endTimeout {
		if err := send([]byte{endOfBurst}); err != nil {
			return 0, 0, err
		}
		for in.SetReadDeadline(time.Now().Add(endInterval)); ; {
			if _, err := in.Read(b); err != nil {
				break // none has arrived: send another
			}
			if b[0] == endOfBurst {
				return arrived, took, nil
			}
			arrived, took = arrived+1, time.Since(began)
		}
	}
	return arrived, took, errNoEnd
}

// SetReadBuffer sets the size of a socket's receive buffer, also beyond net.core.rmem_max, which differs between
// machines.
func SetReadBuffer(conn *net.UDPConn, octets int) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var set error
	err = raw.Control(func(fd uintptr) {
		set = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, octets)
	})
	return errors.Join(err, set)
}

func (n *Namespace) listenUDP(at netip.Addr) (conn *net.UDPConn, err error) {
	err = n.Do(func() (err error) {
		conn, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(at, 0)))
		return err
	})
	return conn, err
}
