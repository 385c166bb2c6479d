package datapath

import (
	"encoding/binary"
	"net"
	"testing"

	"upppoe/pppoe/wire"
	"upppoe/tun"
)

// sink is a device and a port that accept everything and have nothing to read.
type sink struct{ taken int }

var (
	_ tun.Device = (*sink)(nil)
	_ Port       = (*sink)(nil)
)

func (s *sink) Name() string                            { return "ppp0" }
func (s *sink) Read([][]byte, []int, int) (int, error)  { return 0, net.ErrClosed }
func (s *sink) Write(p [][]byte, _ int) (int, error)    { s.taken += len(p); return len(p), nil }
func (s *sink) BatchSize() int                          { return 1 }
func (s *sink) Close() error                            { return nil }
func (s *sink) ReadBatch([]Frame) (int, error)          { return 0, net.ErrClosed }
func (s *sink) WriteBatch(frames [][]byte) (int, error) { return len(frames), nil }
func (s *sink) Addr() wire.Addr                         { return acAddr }
func (s *sink) MTU() int                                { return 1500 }

// newPlainEntry returns a path with one open session.
func newPlainEntry(t testing.TB) (*plainPath, *sink, *entry) {
	t.Helper()
	device := &sink{}
	p := newPlainPath([]Port{device}, func([]byte) {}, func(SessionConfig) {})
	s, err := p.Add(SessionConfig{Key: Key{Local: acAddr, Peer: hostAddr, SessionID: 0x1234}, Device: device})
	if err != nil {
		t.Fatal(err)
	}
	s.SetFamilies(true, false)
	return p, device, s.(*entry)
}

func sessionFrame(src wire.Addr, id uint16, protocol uint16, payload []byte, padding int) *Frame {
	ppp := append(binary.BigEndian.AppendUint16(nil, protocol), payload...)
	dst := acAddr
	if src == acAddr {
		dst = hostAddr
	}
	return &Frame{Data: append(wire.AppendSessionFrame(nil, dst, src, id, ppp), make([]byte, padding)...)}
}

// withLength replaces the LENGTH of a frame (RFC 2516 section 4).
func withLength(f *Frame, n uint16) *Frame {
	binary.BigEndian.PutUint16(f.Data[18:], n)
	return f
}

func TestDeliver(t *testing.T) {
	for _, c := range []struct {
		what  string
		frame *Frame
		ours  bool
	}{
		{"IPv4 of an open session", sessionFrame(hostAddr, 0x1234, 0x21, make([]byte, 20), 0), true},
		{"with padding", sessionFrame(hostAddr, 0x1234, 0x21, make([]byte, 20), 18), true},
		{"IPv6, which is not open", sessionFrame(hostAddr, 0x1234, 0x57, make([]byte, 40), 0), false},
		{"LCP", sessionFrame(hostAddr, 0x1234, 0xc021, make([]byte, 8), 0), false},
		{"another session", sessionFrame(hostAddr, 0x1235, 0x21, make([]byte, 20), 0), false},
		{"another station", sessionFrame(acAddr, 0x1234, 0x21, make([]byte, 20), 0), false},
		{"LENGTH beyond the frame", &Frame{Data: sessionFrame(hostAddr, 0x1234, 0x21, make([]byte, 20), 0).Data[:41]}, false},
		{"LENGTH without all of the Protocol field, and padding", withLength(sessionFrame(hostAddr, 0x1234, 0x21, make([]byte, 20), 0), 1), false},
		{"LENGTH of nothing, and padding", withLength(sessionFrame(hostAddr, 0x1234, 0x21, make([]byte, 20), 0), 0), false},
		{"no PPP header", &Frame{Data: sessionFrame(hostAddr, 0x1234, 0x21, nil, 0).Data[:21]}, false},
	} {
		p, device, f := newPlainEntry(t)
		got := p.deliver(c.frame, make([][]byte, 1), 0)
		if got != c.ours || (device.taken == 1) != c.ours {
			t.Errorf("%s: accepted by the data path: %v, packets written: %d; want %v", c.what, got, device.taken, c.ours)
		}
		if n := f.counters.read().ReceivedBytes; c.ours && n != 20 {
			t.Errorf("%s: counted as %d octets, want 20", c.what, n)
		}
	}
}

func TestEncapsulate(t *testing.T) {
	_, _, f := newPlainEntry(t)
	buf := make([]byte, maxTaggedLen+1500)
	buf[maxTaggedLen] = 0x45
	frame := f.encapsulate(buf, 84, 0)
	id, packet, err := wire.ParseSession(frame[14:])
	if err != nil || id != 0x1234 || len(packet) != 86 || packet[1] != 0x21 || wire.Addr(frame) != hostAddr || wire.Addr(frame[6:12]) != acAddr {
		t.Errorf("a packet goes out as % x: %v", frame[:HeadersLen], err)
	}
	buf[maxTaggedLen] = 0x60
	if f.encapsulate(buf, 84, 0) != nil {
		t.Error("IPv6 goes out though it is not open")
	}
	if n := f.counters.read(); n.Dropped != 1 || n.SentPackets != 1 {
		t.Errorf("counted %+v, want one sent and one dropped", n)
	}
}

// TestNoAllocation: a data packet does not allocate, in either direction.
func TestNoAllocation(t *testing.T) {
	p, _, f := newPlainEntry(t)
	in, packet := sessionFrame(hostAddr, 0x1234, 0x21, make([]byte, 1400), 0), make([][]byte, 1)
	if n := testing.AllocsPerRun(100, func() { p.deliver(in, packet, 0) }); n != 0 {
		t.Errorf("receiving a packet allocates %v times", n)
	}
	buf := make([]byte, maxTaggedLen+1500)
	buf[maxTaggedLen] = 0x45
	if n := testing.AllocsPerRun(100, func() { f.encapsulate(buf, 1400, 0) }); n != 0 {
		t.Errorf("sending a packet allocates %v times", n)
	}
}

// tcpData4 returns an IPv4 packet with a full TCP segment.
func tcpData4() []byte {
	b := make([]byte, 1400)
	b[0], b[9], b[20+13] = 0x45, 6, 0x10
	return b
}

func BenchmarkDeliver(b *testing.B) {
	p, _, _ := newPlainEntry(b)
	in, packet := sessionFrame(hostAddr, 0x1234, 0x21, tcpData4(), 0), make([][]byte, 1)
	b.ReportAllocs()
	for b.Loop() {
		p.deliver(in, packet, 0)
	}
}

func BenchmarkEncapsulate(b *testing.B) {
	_, _, f := newPlainEntry(b)
	buf := make([]byte, maxTaggedLen+1500)
	copy(buf[HeadersLen:], tcpData4())
	b.ReportAllocs()
	for b.Loop() {
		f.encapsulate(buf, 1400, 0)
	}
}

// TestEncapsulateSizes: LENGTH includes the Protocol field (RFC 2516 section 4), and a packet has
// at least one octet.
func TestEncapsulateSizes(t *testing.T) {
	for _, c := range []struct{ size, length, frame int }{{0, 0, 0}, {1, 3, 23}, {1490, 1492, 1512}, {1498, 1500, 1520}} {
		_, _, f := newPlainEntry(t)
		buf := make([]byte, maxTaggedLen+1500)
		buf[maxTaggedLen] = 0x45
		frame := f.encapsulate(buf, c.size, 0)
		if len(frame) != c.frame || len(frame) > 0 && binary.BigEndian.Uint16(frame[18:]) != uint16(c.length) {
			t.Errorf("a packet of %d octets: a frame of %d, want %d with LENGTH %d", c.size, len(frame), c.frame, c.length)
		}
		if n := f.counters.read(); n.SentBytes != uint64(c.size) || n.Dropped != 0 {
			t.Errorf("a packet of %d octets: counted %+v", c.size, n)
		}
	}
}

// refusingEnd is a device that accepts no packet and has some to read, and a port that sends only
// the first frames of a batch.
type refusingEnd struct {
	sink
	takes, toRead int
}

func (r *refusingEnd) BatchSize() int                          { return 4 }
func (r *refusingEnd) Write([][]byte, int) (int, error)        { return 0, net.ErrClosed }
func (r *refusingEnd) WriteBatch(frames [][]byte) (int, error) { return min(r.takes, len(frames)), nil }
func (r *refusingEnd) Read(b [][]byte, sizes []int, at int) (n int, err error) {
	for n = range min(len(b), r.toRead) {
		b[n][at], sizes[n] = 0x45, 20
	}
	if r.toRead == 0 {
		return 0, net.ErrClosed
	}
	r.toRead -= n + 1
	return n + 1, nil
}

// TestPlainDrops: packets that the port or the device refuses are counted as dropped.
func TestPlainDrops(t *testing.T) {
	for _, c := range []struct {
		takes int // of each of two batches of 4
		want  uint64
	}{{4, 0}, {3, 2}, {0, 8}} {
		end := &refusingEnd{takes: c.takes, toRead: 8}
		p := newPlainPath([]Port{end}, func([]byte) {}, func(SessionConfig) {})
		f := newEntry(p, SessionConfig{Key: Key{Local: acAddr, Peer: hostAddr, SessionID: 7}, Device: end}, &deviceIO{})
		f.ipv4.Store(true)
		p.transmitLoop(f)
		if n := f.counters.read().Dropped; n != c.want {
			t.Errorf("a port sends %d packets of 4, twice: %d are dropped, want %d", c.takes, n, c.want)
		}
		p.writePacket(f, sessionFrame(hostAddr, 7, 0x21, []byte{0x45, 19: 0}, 0), make([][]byte, 1), 0)
		if n := f.counters.read(); n.Dropped != c.want+1 || n.ReceivedPackets != 0 {
			t.Errorf("a device refuses a packet: %+v; want %d dropped, and none received", n, c.want+1)
		}
	}
}

// TestSessionInUse: a key is used by one session at a time, and is free again after Remove, which
// does not report a lost device.
func TestSessionInUse(t *testing.T) {
	p := newPlainPath([]Port{&sink{}}, func([]byte) {}, func(SessionConfig) { t.Error("a device is lost") })
	open := func() *silentDevice { return &silentDevice{closed: make(chan struct{})} }
	key := Key{SessionID: 7}
	first, err := p.Add(SessionConfig{Key: key, Device: open()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Add(SessionConfig{Key: key, Device: open()}); err != ErrSessionInUse {
		t.Errorf("a second session with the key: %v, want ErrSessionInUse", err)
	}
	first.Remove()
	second, err := p.Add(SessionConfig{Key: key, Generation: 1, Device: open()})
	if err != nil {
		t.Fatalf("after Remove: %v", err)
	}
	if first.Remove(); p.sessions.get(key) != second {
		t.Error("a second Remove removes the next session with the key")
	}
	second.Remove()
}

// silentDevice is a device whose Read returns only after Close.
type silentDevice struct {
	sink
	closed chan struct{}
}

func (d *silentDevice) Read([][]byte, []int, int) (int, error) { <-d.closed; return 0, net.ErrClosed }
func (d *silentDevice) Close() error                           { close(d.closed); return nil }
