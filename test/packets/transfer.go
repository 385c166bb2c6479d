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

// Open opens a packet socket on a TUN: packets sent by it leave by the TUN, and it receives what
// the TUN receives. It must be called in the network namespace of the TUN.
func Open(device string) (*packet.Conn, error) {
	// Without ignoring, it would also receive segments of its own GSO packets.
	return listen(device, false)
}

// listen opens a packet socket with a virtio-net header before each frame. If outgoing is set, it
// also receives what the interface sends.
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

// Send sends a packet by a socket of Open.
func Send(from *packet.Conn, p []byte) error {
	return send(from, append(make([]byte, virtioLen), p...))
}

// send sends a message that begins with a virtio-net header.
func send(from *packet.Conn, message []byte) error {
	_, err := from.WriteTo(message, &packet.Addr{HardwareAddr: make(net.HardwareAddr, 6)})
	return err
}

// maxInFlight is the maximum number of packets in transit, fewer than any queue on the path holds.
const maxInFlight = 100

// timeout is how long a packet may take.
const timeout = 20 * time.Second

// Result is what Transfer has transferred.
type Result struct {
	Packets, Octets int // of IP
	Coalesced       int // packets that arrived coalesced with others
}

// Transfer sends n packets of a source by one socket and receives them by another. The error
// reports the first packet that arrived changed, twice or unsent.
func Transfer(from, to *packet.Conn, s *Source, n int) (Result, error) {
	c := &transfer{pending: make(map[uint32][]byte), slots: make(chan struct{}, maxInFlight), done: make(chan struct{})}
	sent := make(chan error, 1)
	// Ends when all packets are sent, or receiving has failed.
	go func() { sent <- c.send(from, s, n) }()
	err := c.receive(to, n)
	close(c.done)
	return c.Result, errors.Join(err, <-sent)
}

// transfer is the packets in transit.
type transfer struct {
	mu      sync.Mutex
	pending map[uint32][]byte // by number

	slots chan struct{} // one entry for each packet in transit
	done  chan struct{}
	Result
}

// virtioLen is the length of struct virtio_net_hdr, which describes partial checksums and GSO.
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

// expect records a packet that is to arrive, once a slot is free. It returns false if receiving has
// ended.
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
			return fmt.Errorf("%w: %d packets have not arrived, of these are in transit: %s", err, n, c.describePending())
		}
		came, err := c.handle(buf[:virtioLen], buf[virtioLen:length])
		if err != nil {
			return err
		}
		n -= came
	}
	return nil
}

// describePending describes a few packets in transit.
func (c *transfer) describePending() string {
	var b bytes.Buffer
	for number, p := range c.pending {
		if fmt.Fprintf(&b, "%d: %x; ", number, p[:min(len(p), 100)]); b.Len() > 1000 {
			break
		}
	}
	return b.String()
}

// handle compares received packets, and returns their number.
func (c *transfer) handle(header, b []byte) (int, error) {
	if header[1] == unix.VIRTIO_NET_HDR_GSO_NONE {
		if p := pendingOf(header); p.Checksum && !p.Complete(b) { // as over a veth pair
			return 0, fmt.Errorf("invalid offset of a partial checksum: % x, %x", header, b[:min(len(b), 100)])
		}
		return c.compare(b)
	}
	parts, err := segment(header, b)
	if err != nil {
		return 0, fmt.Errorf("a coalesced packet cannot be segmented: %w: % x, %x", err, header, b[:min(len(b), 100)])
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

// compare compares one packet with the one sent; packets that are not from the source do not count.
func (c *transfer) compare(p []byte) (int, error) {
	number, ok := numberOf(p)
	if !ok {
		return 0, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	want, ok := c.pending[number]
	if !ok {
		return 0, fmt.Errorf("packet %d was not sent, or arrives twice", number)
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

// pendingOf parses a virtio-net header (Virtual I/O Device 1.2 section 5.1.6).
func pendingOf(h []byte) tun.PendingOffload {
	return tun.PendingOffload{
		Checksum: h[0]&unix.VIRTIO_NET_HDR_F_NEEDS_CSUM != 0,
		Start:    binary.NativeEndian.Uint16(h[6:]), Offset: binary.NativeEndian.Uint16(h[8:]),
		Segment: tun.Segmentation(h[1] &^ unix.VIRTIO_NET_HDR_GSO_ECN), // has the same values
		Size:    binary.NativeEndian.Uint16(h[4:]), ECN: h[1]&unix.VIRTIO_NET_HDR_GSO_ECN != 0,
	}
}
