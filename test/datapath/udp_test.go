package datapath

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"upppoe/test/lab"
	"upppoe/test/lab/labtest"
)

// udp sends datagrams of many sizes; bursts of one size, which are coalesced and segmented; GSO
// packets, segmented by the kernel (UDP_SEGMENT); and fragments. Each datagram arrives unchanged and
// in order, and no other.
func (e *ends) udp(t *testing.T) {
	labtest.OneCPU(t)
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
			u.send(t, u.data(size))
		}
	}
}

// bursts sends many datagrams of one size at once, the last of them shorter.
func (u *association) bursts(t *testing.T) {
	t.Helper()
	for _, size := range []int{1, 100, 1000, u.maxUnfragmented} {
		sent := append(u.datagrams(39*size, size), u.data(size-1))
		for _, b := range sent {
			if _, err := u.from.Write(b); err != nil {
				t.Fatal(err)
			}
		}
		u.expect(t, sent...)
	}
}

// gso sends GSO packets, which the kernel segments as late as it can.
func (u *association) gso(t *testing.T) {
	t.Helper()
	for _, size := range []int{1, 100, 501, u.maxUnfragmented} {
		for _, octets := range []int{size, 2 * size, 3*size + size/2, 20*size - 1, 40 * size} {
			sent := u.datagrams(octets, size)
			if _, _, err := u.from.WriteMsgUDP(bytes.Join(sent, nil), segmentControl(size), nil); err != nil {
				t.Fatalf("%s: send %d octets, %d at once: %v", u.to, octets, size, err)
			}
			u.expect(t, sent...)
		}
	}
}

// fragments sends datagrams that are longer than a packet.
func (u *association) fragments(t *testing.T) {
	t.Helper()
	for _, size := range []int{u.maxUnfragmented + 1, 2*u.maxUnfragmented + 1, 8000, 30000} {
		u.send(t, u.data(size))
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

// datagrams returns octets as datagrams of one size, the last of which may be shorter. Each begins
// with its number.
func (u *association) datagrams(octets, size int) (all [][]byte) {
	for i := range (octets + size - 1) / size {
		b := u.data(min(size, octets-i*size))
		b[0] = byte(i)
		all = append(all, b)
	}
	return all
}

// send sends one datagram and expects it.
func (u *association) send(t *testing.T, b []byte) {
	t.Helper()
	if _, err := u.from.Write(b); err != nil {
		t.Fatalf("%s: send %d octets: %v", u.to, len(b), err)
	}
	u.expect(t, b)
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

// expect receives datagrams in the order in which they were sent.
func (u *association) expect(t *testing.T, sent ...[]byte) {
	t.Helper()
	var got [][]byte
	var err error
	for u.at.SetReadDeadline(time.Now().Add(timeout)); len(got) < len(sent) && err == nil; {
		var n int
		if n, err = u.at.Read(u.buf); err == nil {
			got = append(got, bytes.Clone(u.buf[:n]))
		}
	}
	if !slices.EqualFunc(got, sent, bytes.Equal) {
		t.Fatalf("%s: of %d datagrams of %d octets arrived, in this order: %s: %v",
			u.to, len(sent), len(sent[0]), numbers(got, sent), err)
	}
}

// numbers returns the numbers of received datagrams, and the octets of others.
func numbers(got, sent [][]byte) string {
	var all []string
	for _, g := range got {
		i := slices.IndexFunc(sent, func(s []byte) bool { return bytes.Equal(s, g) })
		if i >= 0 {
			all = append(all, strconv.Itoa(i))
			continue
		}
		all = append(all, fmt.Sprintf("(%d octets: %x)", len(g), g[:min(len(g), 8)]))
	}
	return strings.Join(all, " ")
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
