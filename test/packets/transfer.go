package packets

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/mdlayher/packet"
	"golang.org/x/sys/unix"

	"upppoe/tun"
)

// Open opens a packet socket on a TUN: what is sent by it leaves by the TUN, and it hears
// what comes in. It must be called in the TUN's network namespace.
func Open(device string) (*packet.Conn, error) {
	// What the kernel cuts before the TUN it else takes for somebody else's.
	return listen(device, false)
}

// listen opens a packet socket that has a virtio-net header before each frame, and hears what
// leaves by the interface too, if that is wanted.
func listen(device string, outgoing bool) (*packet.Conn, error) {
	iface, err := net.InterfaceByName(device)
	if err != nil {
		return nil, err
	}
	conn, err := packet.Listen(iface, packet.Raw, unix.ETH_P_ALL, nil)
	if err != nil {
		return nil, err
	}
	ignore := 1
	if outgoing {
		ignore = 0
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	failed := raw.Control(func(fd uintptr) {
		err = errors.Join(
			unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 64<<20),
			unix.SetsockoptInt(int(fd), unix.SOL_PACKET, unix.PACKET_VNET_HDR, 1),
			unix.SetsockoptInt(int(fd), unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, ignore),
		)
	})
	if err = errors.Join(failed, err); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// Send sends a packet by a socket of Open's.
func Send(from *packet.Conn, p []byte) error {
	return send(from, append(make([]byte, virtioLen), p...))
}

// send sends what has a virtio-net header before it.
func send(from *packet.Conn, message []byte) error {
	_, err := from.WriteTo(message, &packet.Addr{HardwareAddr: make(net.HardwareAddr, 6)})
	return err
}

// maxInFlight is how many packets may be on their way: fewer than any queue on it holds.
const maxInFlight = 100

// timeout is how long a packet may take.
const timeout = 20 * time.Second

// Result is what Carry has carried.
type Result struct {
	Packets, Octets int // of IP
	Coalesced       int // packets that came joined with others
}

// Transfer sends packets of a source by one socket and receives them by another. The error
// tells of the first that did not come out as it went in, or of one that was not to come.
func Transfer(from, to *packet.Conn, s *Source, n int) (Result, error) {
	c := &transfer{pending: make(map[uint32][]byte), slots: make(chan struct{}, maxInFlight), done: make(chan struct{})}
	sent := make(chan error, 1)
	// Ends when all is sent, or received what ends the test.
	go func() { sent <- c.send(from, s, n) }()
	err := c.receive(to, n)
	close(c.done)
	return c.Result, errors.Join(err, <-sent)
}

// transfer is packets on their way.
type transfer struct {
	mu      sync.Mutex
	pending map[uint32][]byte // by their numbers

	slots chan struct{} // has an entry for each
	done  chan struct{}
	Result
}

// virtioLen is the length of a struct virtio_net_hdr, which says what is open in a packet.
const virtioLen = 10

func (c *transfer) send(from *packet.Conn, s *Source, n int) error {
	for n > 0 {
		m, err := s.next(n)
		if err != nil {
			return err
		}
		for _, p := range m.packets {
			if !c.expect(p) {
				return nil
			}
		}
		if err := send(from, m.sent); err != nil {
			return fmt.Errorf("%x: %w", m.sent[:min(len(m.sent), 100)], err)
		}
		n -= len(m.packets)
	}
	return nil
}

// expect notes a packet that is to arrive, once there is room. It says no if none will be
// received any more.
func (c *transfer) expect(p []byte) bool {
	select {
	case c.slots <- struct{}{}:
	case <-c.done:
		return false
	}
	number, _ := numberOf(p)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pending[number] = p
	return true
}

func (c *transfer) receive(to *packet.Conn, n int) error {
	for buf := make([]byte, virtioLen+1<<17); n > 0; {
		to.SetReadDeadline(time.Now().Add(timeout))
		length, _, err := to.ReadFrom(buf)
		if err != nil {
			c.mu.Lock()
			defer c.mu.Unlock()
			return fmt.Errorf("%w: %d packets are still to come, and on the way are %s", err, n, c.describePending())
		}
		came, err := c.handle(buf[:virtioLen], buf[virtioLen:length])
		if err != nil {
			return err
		}
		n -= came
	}
	return nil
}

// describePending tells of a few packets that are waited for.
func (c *transfer) describePending() string {
	var b bytes.Buffer
	for number, p := range c.pending {
		if fmt.Fprintf(&b, "%d: %x; ", number, p[:min(len(p), 100)]); b.Len() > 1000 {
			break
		}
	}
	return b.String()
}

// handle compares what has come, and returns how many packets that were.
func (c *transfer) handle(header, b []byte) (int, error) {
	if header[1] == unix.VIRTIO_NET_HDR_GSO_NONE {
		if p := pendingOf(header); p.Checksum && !p.Complete(b) { // as over a veth pair
			return 0, fmt.Errorf("what came with an open checksum cannot have one: % x, %x", header, b[:min(len(b), 100)])
		}
		return c.compare(b)
	}
	parts, err := segment(header, b)
	if err != nil {
		return 0, fmt.Errorf("what came joined cannot be cut: %w: % x, %x", err, header, b[:min(len(b), 100)])
	}
	all := 0
	for _, p := range parts {
		n, err := c.compare(p)
		if err != nil {
			return 0, err
		}
		all += n
	}
	c.Coalesced += all
	return all, nil
}

// compare takes one packet; others than those of the source do not count.
func (c *transfer) compare(p []byte) (int, error) {
	number, ok := numberOf(p)
	if !ok {
		return 0, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	want, ok := c.pending[number]
	if !ok {
		return 0, fmt.Errorf("packet %d was not to come, or not once more", number)
	}
	if !bytes.Equal(p, want) {
		at := 0
		for at < min(len(p), len(want)) && p[at] == want[at] {
			at++
		}
		return 0, fmt.Errorf("packet %d changed at octet %d: %x became %x", number, at, want[:min(len(want), 200)], p[:min(len(p), 200)])
	}
	delete(c.pending, number)
	c.Packets++
	c.Octets += len(p)
	<-c.slots
	return 1, nil
}

// pendingOf reads a virtio-net header (Virtual I/O Device 1.2 section 5.1.6).
func pendingOf(h []byte) tun.PendingOffload {
	return tun.PendingOffload{
		Checksum: h[0]&unix.VIRTIO_NET_HDR_F_NEEDS_CSUM != 0,
		Start:    binary.NativeEndian.Uint16(h[6:]), Offset: binary.NativeEndian.Uint16(h[8:]),
		Segment: tun.Segmentation(h[1] &^ unix.VIRTIO_NET_HDR_GSO_ECN), // its numbers are these
		Size:    binary.NativeEndian.Uint16(h[4:]), ECN: h[1]&unix.VIRTIO_NET_HDR_GSO_ECN != 0,
	}
}
