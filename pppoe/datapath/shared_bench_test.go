package datapath

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"testing"

	"upppoe/pppoe/vlan"
	"upppoe/tun"
)

// sharedBench is a SharedDevice without goroutines, and engines with sessions that use it.
type sharedBench struct {
	*SharedDevice
	device  *fakeGSODevice // in memory
	queue   *sharedQueue
	engines []*gsoPath
	wires   [][]*fakePort // of the ports of each engine
	local   [][]byte      // packets given to Local
}

// newSharedBench returns a bench with engines of so many ports.
func newSharedBench(c SharedConfig, ports ...int) *sharedBench {
	b := &sharedBench{device: &fakeGSODevice{closed: make(chan struct{})}}
	c.Device, c.IPv4, c.IPv6 = b.device, router4, router6
	c.Local = func(_ SessionConfig, packet []byte) { b.local = append(b.local, bytes.Clone(packet)) }
	b.SharedDevice = &SharedDevice{cfg: c, errors: newICMPErrors(c.IPv4, c.IPv6), clock: newClock()}
	b.openQueues()
	b.queue = newSharedQueue(b.SharedDevice, 0)
	for _, n := range ports {
		b.addEngine(n)
	}
	return b
}

func (b *sharedBench) addEngine(n int) {
	var wires []*fakePort
	var ports []Port
	for i := range n {
		w := &fakePort{}
		wires = append(wires, w)
		if ports = append(ports, w); i%2 == 0 {
			ports[i] = fakeGatherer{w}
		}
	}
	b.wires = append(b.wires, wires)
	b.engines = append(b.engines, newGSOPath(ports, func([]byte) {}, func(SessionConfig) {}))
}

// add adds a session with both families open. With an odd ID its frames have VLAN tags.
func (b *sharedBench) add(tb testing.TB, engine int, id uint16, prefix ...string) *entry {
	tb.Helper()
	c := SessionConfig{Key: Key{Local: hostAddr, Peer: acAddr, SessionID: id}, Shared: b.SharedDevice}
	if id%2 == 1 {
		c.VLAN, _ = vlan.Parse("100.7")
	}
	s, err := b.engines[engine].Add(c)
	if err != nil {
		tb.Fatal(err)
	}
	if err := s.SetPrefixes(prefixes(prefix...)); err != nil {
		tb.Fatal(err)
	}
	s.SetFamilies(true, true)
	return s.(*entry)
}

// down reads packets from the host.
func (b *sharedBench) down(tb testing.TB, packets ...gsoPacket) {
	tb.Helper()
	b.device.toRead = append(b.device.toRead, packets...)
	if err := b.queue.drain(); err != nil {
		tb.Fatal(err)
	}
}

// up receives a packet in a frame of a session, and reports whether it reached the device.
func (b *sharedBench) up(e *entry, packet []byte) bool {
	before := len(b.device.written)
	b.engines[0].workers[0].receive([]Frame{{Data: frameOf(e, packet)}})
	return len(b.device.written) > before
}

// frameOf returns the frame in which the peer of a session sends a packet.
func frameOf(e *entry, packet []byte) []byte {
	b := append(make([]byte, maxTaggedLen), packet...)
	e.headers.put(b, protocolOf(packet[0]), len(packet))
	b = b[e.headers.start:]
	copy(b, e.Local[:])
	copy(b[6:], e.Peer[:])
	return b
}

// sent removes the frames that were sent by all ports of an engine, in order of the ports.
func (b *sharedBench) sent(engine int) (frames [][]byte) {
	for _, w := range b.wires[engine] {
		frames = append(frames, w.frames...)
		w.frames = nil
	}
	return frames
}

// packetIn returns the packet of a frame, and its session ID.
func packetIn(t *testing.T, frame []byte) (packet []byte, id uint16) {
	t.Helper()
	key, at, ok := FrameKey(frame)
	if !ok || int(binary.BigEndian.Uint16(frame[at+4:]))+at+6 != len(frame) || (key.VLAN.Depth() == 2) != (key.SessionID%2 == 1) {
		t.Fatalf("a frame of %d octets: % x", len(frame), frame[:min(40, len(frame))])
	}
	return frame[at+8:], key.SessionID
}

// to returns a packet of so many octets from elsewhere to an address, with a pending UDP checksum,
// or with size > 0 a GSO packet of datagrams with so much payload.
func to(address string, octets, size int) gsoPacket {
	a := netip.MustParseAddr(address)
	var p []byte
	if a.Is4() {
		p = packet4(17, make([]byte, octets-20)...)
		copy(p[16:], a.AsSlice())
		p = withHeaderChecksum(p)
	} else {
		p = packet6(17, make([]byte, octets-40)...)
		copy(p[24:], a.AsSlice())
	}
	return pendingUDP(p, size)
}

// pendingUDP completes the UDP header of a packet.
func pendingUDP(p []byte, size int) gsoPacket {
	start, addresses := 20, p[12:20]
	if p[0]>>4 == 6 {
		start, addresses = 40, p[8:40]
	}
	length := len(p) - start
	copy(p[start:], []byte{0x10, 0, 0, 99})
	binary.BigEndian.PutUint16(p[start+4:], uint16(length))
	binary.BigEndian.PutUint16(p[start+6:], foldSum(sumWords(17+uint32(length), addresses)))
	s := gsoPacket{packet: p, pending: tun.PendingOffload{Checksum: true, Start: uint16(start), Offset: 6}}
	if size > 0 {
		s.pending.Segment, s.pending.Size = tun.SegmentUDP, uint16(size)
	}
	return s
}

// repeatingReader is a queue that has the same packets again and again.
type repeatingReader struct {
	packets []gsoPacket
	next    int
}

func (r *repeatingReader) Wait() error { return nil }

func (r *repeatingReader) ReadGSO(buf []byte, headroom int) (int, tun.PendingOffload, error) {
	if r.next == len(r.packets) {
		return 0, tun.PendingOffload{}, nil
	}
	s := &r.packets[r.next]
	r.next++
	return copy(buf[headroom:], s.packet), s.pending, nil
}
