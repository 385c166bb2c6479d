package datapath

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"upppoe/test/lab"
)

// udp sends datagrams of many sizes; bursts of one size, which are coalesced and segmented; GSO
// packets, segmented by the kernel (UDP_SEGMENT); and fragments. Each datagram arrives unchanged,
// and no other.
func (e *ends) udp(t *testing.T) {
	for _, to := range []string{serverIP, serverIP6} {
		w := e.capture(t)
		for _, way := range []struct {
			from, at *lab.Namespace
			to       string
		}{
			{e.client.Namespace, e.server.Namespace, to},
			{e.server.Namespace, e.client.Namespace, partner(to)},
		} {
			u := associate(t, way.from, way.at, way.to, e.mtu)
			u.sizes(t)
			u.bursts(t)
			u.gso(t)
			u.fragments(t)
			u.gro(t)
			u.close()
		}
		w.check(t, 500)
	}
}

// partner returns the client's address of the same family.
func partner(of string) string {
	if of == serverIP6 {
		return clientIP6
	}
	return clientIP
}

// association is two UDP sockets that send to each other only.
type association struct {
	to              string
	from, at        *net.UDPConn
	maxUnfragmented int // octets of the longest datagram without fragments
	random          *rand.ChaCha8
	buf             []byte // room for any datagram
}

func associate(t *testing.T, from, at *lab.Namespace, to string, mtu int) *association {
	t.Helper()
	u := &association{to: to, maxUnfragmented: mtu - 28, random: rand.NewChaCha8([32]byte{7}), buf: make([]byte, 1<<16)}
	if strings.Contains(to, ":") {
		u.maxUnfragmented = mtu - 48
	}
	must(t, at.Do(func() (err error) {
		u.at, err = net.ListenUDP("udp", &net.UDPAddr{IP: net.ParseIP(to)})
		return err
	}))
	must(t, from.Do(func() (err error) {
		u.from, err = net.DialUDP("udp", nil, u.at.LocalAddr().(*net.UDPAddr))
		return err
	}))
	u.at.SetReadBuffer(1 << 20)
	return u
}

func (u *association) close() {
	u.from.Close()
	u.at.Close()
}

// sizes sends one datagram of each size near a limit, and of some others.
func (u *association) sizes(t *testing.T) {
	t.Helper()
	for size := 0; size <= u.maxUnfragmented; size++ {
		if size < 50 || size > u.maxUnfragmented-10 || size%37 == 0 {
			u.send(t, u.data(size), size)
		}
	}
}

// bursts sends many datagrams of one size at once, the last of them shorter.
func (u *association) bursts(t *testing.T) {
	t.Helper()
	for _, size := range []int{1, 100, 1000, u.maxUnfragmented} {
		var sent [][]byte
		for i := range 40 {
			b := u.data(size - i/39)
			sent = append(sent, b)
			if _, err := u.from.Write(b); err != nil {
				t.Fatal(err)
			}
		}
		for _, b := range sent {
			u.expect(t, b)
		}
	}
}

// gso sends GSO packets, which the kernel segments as late as it can.
func (u *association) gso(t *testing.T) {
	t.Helper()
	for _, size := range []int{1, 100, 501, u.maxUnfragmented} {
		for _, octets := range []int{size, 2 * size, 3*size + size/2, 20*size - 1, 40 * size} {
			u.send(t, u.data(octets), size)
		}
	}
}

// fragments sends datagrams that are longer than a packet.
func (u *association) fragments(t *testing.T) {
	t.Helper()
	for _, size := range []int{u.maxUnfragmented + 1, 2*u.maxUnfragmented + 1, 8000, 30000} {
		b := u.data(size)
		if _, err := u.from.Write(b); err != nil {
			t.Fatal(err)
		}
		u.expect(t, b)
	}
}

// gro has the receiver read as many datagrams at once as there are (udp(7), UDP_GRO).
func (u *association) gro(t *testing.T) {
	t.Helper()
	raw, err := u.at.SyscallConn()
	must(t, err)
	must(t, raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_UDP, unix.UDP_GRO, 1) }))
	must(t, err)
	sent := u.data(30*1000 + 500)
	if _, _, err := u.from.WriteMsgUDP(sent, segmentControl(1000), nil); err != nil {
		t.Fatal(err)
	}
	for left := sent; len(left) > 0; {
		u.at.SetReadDeadline(time.Now().Add(timeout))
		n, err := u.at.Read(u.buf)
		if err != nil || n == 0 || !bytes.HasPrefix(left, u.buf[:n]) {
			t.Fatalf("%s: %d octets arrived instead of %d, or others: %v", u.to, n, len(left), err)
		}
		left = left[n:]
	}
}

func (u *association) data(octets int) []byte {
	b := make([]byte, octets)
	u.random.Read(b)
	return b
}

// send sends octets as datagrams of one size, the last of which may be shorter, and expects them.
func (u *association) send(t *testing.T, b []byte, size int) {
	t.Helper()
	var err error
	if len(b) <= size {
		_, err = u.from.Write(b)
	} else {
		_, _, err = u.from.WriteMsgUDP(b, segmentControl(size), nil)
	}
	if err != nil {
		t.Fatalf("%s: send %d octets, %d at once: %v", u.to, len(b), size, err)
	}
	for {
		n := min(size, len(b))
		u.expect(t, b[:n])
		if b = b[n:]; len(b) == 0 {
			return
		}
	}
}

// segmentControl returns the control message by which the kernel segments into datagrams (udp(7),
// UDP_SEGMENT).
func segmentControl(size int) []byte {
	b := make([]byte, unix.CmsgSpace(2))
	header := b[:unix.CmsgLen(0)]
	if unix.SizeofPtr == 8 {
		binary.NativeEndian.PutUint64(header, uint64(unix.CmsgLen(2)))
	} else {
		binary.NativeEndian.PutUint32(header, uint32(unix.CmsgLen(2)))
	}
	binary.NativeEndian.PutUint32(header[unix.SizeofPtr:], unix.SOL_UDP)
	binary.NativeEndian.PutUint32(header[unix.SizeofPtr+4:], unix.UDP_SEGMENT)
	binary.NativeEndian.PutUint16(b[unix.CmsgLen(0):], uint16(size))
	return b
}

// expect receives one datagram.
func (u *association) expect(t *testing.T, want []byte) {
	t.Helper()
	u.at.SetReadDeadline(time.Now().Add(timeout))
	n, err := u.at.Read(u.buf)
	if err != nil || !bytes.Equal(u.buf[:n], want) {
		t.Fatalf("%s: %d octets arrived instead of %d, or others: %v", u.to, n, len(want), err)
	}
}

// one sends a datagram and receives it.
func (u *association) one() error {
	if _, err := u.from.Write([]byte("one")); err != nil {
		return err
	}
	u.at.SetReadDeadline(time.Now().Add(timeout))
	_, err := u.at.Read(make([]byte, 100))
	return err
}
