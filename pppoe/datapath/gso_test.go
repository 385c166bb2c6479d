package datapath

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"testing"

	"upppoe/pppoe/wire"
	"upppoe/tun"
)

// fakeGSODevice is a tun.GSODevice in memory.
type fakeGSODevice struct {
	sink
	toRead     []gsoPacket
	written    []gsoPacket
	gsoEnabled bool
	refuse     bool
	closed     chan struct{}
}

type gsoPacket struct {
	packet  []byte
	pending tun.PendingOffload
	packets int
}

var _ tun.GSODevice = (*fakeGSODevice)(nil)

func (s *fakeGSODevice) EnableGSO() error     { s.gsoEnabled = true; return nil }
func (s *fakeGSODevice) SupportsUDPGSO() bool { return true }
func (s *fakeGSODevice) Wait() error          { <-s.closed; return os.ErrClosed }
func (s *fakeGSODevice) Close() error         { close(s.closed); return nil }

func (s *fakeGSODevice) ReadGSO(buf []byte, headroom int) (int, tun.PendingOffload, error) {
	if len(s.toRead) == 0 {
		return 0, tun.PendingOffload{}, nil
	}
	next := s.toRead[0]
	s.toRead = s.toRead[1:]
	clear(buf[:headroom]) // WriteGSO may overwrite the headroom
	if len(buf) < headroom+tun.MaxGSOPacket {
		panic("no room for the longest packet")
	}
	return copy(buf[headroom:], next.packet), next.pending, nil
}

func (s *fakeGSODevice) WriteGSO(w *tun.GSOPacket, headroom int) error {
	if s.refuse {
		return os.ErrInvalid
	}
	packet := bytes.Clone(w.Parts[0][headroom:])
	clear(w.Parts[0][headroom-tun.VirtioHeaderLen : headroom])
	for _, part := range w.Parts[1:] {
		packet = append(packet, part...)
	}
	s.written = append(s.written, gsoPacket{packet, w.Pending, w.Packets})
	return nil
}

// fakePort is a port that keeps the frames that it sends.
type fakePort struct {
	sink
	mu     sync.Mutex // guards frames: several goroutines may send
	frames [][]byte
	refuse int // number of frames at the end of each batch that are not sent
}

func (w *fakePort) WriteBatch(frames [][]byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	frames = frames[:max(0, len(frames)-w.refuse)]
	for _, f := range frames {
		w.frames = append(w.frames, bytes.Clone(f))
	}
	return len(frames), nil
}

// fakeGatherer is a fakePort that is a Gatherer.
type fakeGatherer struct{ *fakePort }

func (w fakeGatherer) WriteGather(frames [][2][]byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	frames = frames[:max(0, len(frames)-w.refuse)]
	for _, f := range frames {
		w.fakePort.frames = append(w.fakePort.frames, slices.Concat(f[0], f[1]))
	}
	return len(frames), nil
}

// newGSOEntry returns the worker of a path with one session, 7, with both families open,
// without goroutines.
func newGSOEntry(port Port, control func([]byte)) (*portWorker, *fakeGSODevice, *entry) {
	device := &fakeGSODevice{closed: make(chan struct{})}
	p := newGSOPath([]Port{port}, control, func(SessionConfig) {})
	f := newEntry(&p.plainPath, SessionConfig{Key: Key{Local: hostAddr, Peer: acAddr, SessionID: 7}, Device: device}, newGSOIO(device, 1))
	f.ipv4.Store(true)
	f.ipv6.Store(true)
	p.sessions.put(f)
	return p.workers[0], device, f
}

// setPeer changes the peer of a session, and our address.
func setPeer(p *gsoPath, e *entry, peer wire.Addr) {
	p.sessions.take(e)
	e.Peer, e.Local = peer, acAddr
	c := e.config()
	e.headers = newHeaders(&c)
	p.sessions.put(e)
}

// TestInject: a frame from the control plane is handled as a received one, concurrently with those;
// a frame that is not for the data path is refused. The checksum of a frame is complete when it
// goes to the control pworker.
func TestInject(t *testing.T) {
	var left [][]byte
	worker, device, f := newGSOEntry(&fakePort{}, func(frame []byte) { left = append(left, bytes.Clone(frame)) })
	setPeer(worker.path, f, hostAddr)
	_, _, g := newGSOEntry(&fakePort{}, nil)
	open := (&packetMaker{Rand: rand.New(rand.NewPCG(1, 2))}).transport(0, false, true, 0, 20).packet
	packet := bytes.Clone(open)
	tun.CompleteChecksum(packet)
	buf := make([]byte, maxTaggedLen+len(packet))
	g.headers.put(buf, protocolOf(packet[0]), len(packet))
	copy(buf[maxTaggedLen:], packet)
	frame := buf[g.headers.start:]
	var racing sync.WaitGroup
	racing.Go(func() { worker.receive([]Frame{{Data: bytes.Clone(frame)}}) })
	if !worker.path.Inject(bytes.Clone(frame)) {
		t.Error("a frame of the session is refused")
	}
	racing.Wait()
	if len(device.written) != 2 || !bytes.Equal(device.written[0].packet, packet) || f.counters.read().ReceivedPackets != 2 {
		t.Errorf("the device has %v, counters %+v; want the packet twice", device.written, f.counters.read())
	}
	f.ipv4.Store(false)
	if worker.path.Inject(bytes.Clone(frame)) {
		t.Error("a frame of a closed family is accepted")
	}
	pending := bytes.Clone(frame)
	copy(pending[HeadersLen:], open)
	worker.receive([]Frame{{Data: pending, ChecksumPending: true}})
	if bytes.Equal(open, packet) || len(left) != 1 || !bytes.Equal(left[0], frame) {
		t.Errorf("left over % x, want its checksum complete", left)
	}
}

// TestGSOEndToEnd: 100,000 packets, GSO and ordinary, arrive at the other end unchanged, in the
// order of each flow, whether the port is a Gatherer or not, in batches of any size.
func TestGSOEndToEnd(t *testing.T) {
	for what, port := range map[string]func(*fakePort) Port{
		"in pieces": func(w *fakePort) Port { return fakeGatherer{w} },
		"whole":     func(w *fakePort) Port { return w },
	} {
		t.Run(what, func(t *testing.T) {
			w := &fakePort{}
			sender, in, f := newGSOEntry(port(w), nil)
			receiver, out, g := newGSOEntry(&fakePort{}, func(frame []byte) { t.Fatalf("control: % x", frame[:40]) })
			setPeer(receiver.path, g, hostAddr)
			m := &packetMaker{Rand: rand.New(rand.NewPCG(3, 4))}
			l := newFrameBatch()
			total, octets, coalesced := 0, 0, 0
			for total < 50_000 {
				want := make(map[string][][]byte)
				for range 1 + m.IntN(20) {
					s := m.next()
					in.toRead = append(in.toRead, s)
					for _, p := range s.segments(t) {
						want[flowOf(p)] = append(want[flowOf(p)], p)
						total++
						octets += len(p)
					}
				}
				if err := sender.drain(f, in, l); err != nil {
					t.Fatal(err)
				}
				receiveAll(receiver, w, m)
				got := make(map[string][][]byte)
				for _, s := range out.written {
					if s.packets > 1 {
						coalesced++
					}
					for _, p := range s.segments(t) {
						got[flowOf(p)] = append(got[flowOf(p)], p)
					}
				}
				out.written = nil
				for flow := range want {
					if !slices.EqualFunc(got[flow], want[flow], bytes.Equal) {
						t.Fatalf("after %d packets: of a flow %d came out, want the same %d", total, len(got[flow]), len(want[flow]))
					}
				}
			}
			sent, received := f.counters.read(), g.counters.read()
			if sent.SentPackets != uint64(total) || sent.SentBytes != uint64(octets) || sent.Dropped != 0 {
				t.Errorf("sent: %+v, want %d packets of %d octets", sent, total, octets)
			}
			if received.ReceivedPackets != uint64(total) || received.ReceivedBytes != uint64(octets) || received.Dropped != 0 {
				t.Errorf("received: %+v, want %d packets of %d octets", received, total, octets)
			}
			if coalesced < 1000 {
				t.Errorf("only %d packets were coalesced", coalesced)
			}
		})
	}
}

// receiveAll gives the frames that a port has sent to a worker, in batches of any size.
func receiveAll(p *portWorker, w *fakePort, m *packetMaker) {
	frames := make([]Frame, gsoBatchSize)
	for len(w.frames) > 0 {
		n := min(len(w.frames), 1+m.IntN(gsoBatchSize))
		for i := range n {
			frames[i] = Frame{Data: w.frames[i]}
		}
		p.receive(frames[:n])
		w.frames = w.frames[n:]
	}
}

// TestGSOClosedFamilies: no packet of a closed family passes, in either direction.
func TestGSOClosedFamilies(t *testing.T) {
	w := &fakePort{}
	for _, v6 := range []bool{false, true} {
		controlled := 0
		p, device, f := newGSOEntry(w, func([]byte) { controlled++ })
		m := &packetMaker{Rand: rand.New(rand.NewPCG(3, 4))}
		device.toRead = []gsoPacket{m.transport(0, v6, false, 100, 1000), m.transport(0, v6, true, 0, 100)}
		f.SetFamilies(v6, !v6) // only the other family
		if p.drain(f, device, newFrameBatch()); len(w.frames) > 0 {
			t.Fatalf("IPv6 %v: %d frames went out", v6, len(w.frames))
		}
		if n := f.counters.read(); n.Dropped == 0 || n.SentPackets > 0 {
			t.Errorf("IPv6 %v: counted as %+v", v6, n)
		}
		protocol := uint16(0x21)
		if v6 {
			protocol = 0x57
		}
		in := sessionFrame(acAddr, 7, protocol, m.transport(0, v6, false, 0, 100).packet, 0)
		p.receive([]Frame{*in, *in})
		if len(device.written) > 0 || controlled != 2 {
			t.Errorf("IPv6 %v: %d packets came in, %d frames went to the control plane", v6, len(device.written), controlled)
		}
	}
}

// TestGSODrops: packets that cannot be passed on are counted one by one.
func TestGSODrops(t *testing.T) {
	w := &fakePort{refuse: 3}
	p, device, f := newGSOEntry(w, nil)
	m := &packetMaker{Rand: rand.New(rand.NewPCG(3, 4))}
	device.toRead = []gsoPacket{
		m.transport(0, false, false, 100, 1000), // ten frames, of which the port refuses three
		{packet: m.transport(0, false, false, 0, 10).packet, pending: tun.PendingOffload{Segment: tun.SegmentTCP6, Size: 5}},
		{packet: m.transport(0, false, false, 0, 10).packet, pending: tun.PendingOffload{Checksum: true, Start: 49, Offset: 16}},
	}
	if err := p.drain(f, device, newFrameBatch()); err != nil || len(w.frames) != 7 {
		t.Fatalf("%d frames went out: %v", len(w.frames), err)
	}
	if n := f.counters.read(); n.Dropped != 5 || n.SentPackets != 10 {
		t.Errorf("counted as %+v, want 10 sent and 5 dropped", n)
	}
	device.refuse = true
	one := m.network(0, 1, false, make([]byte, 30))
	frame := func(payload []byte) Frame { return *sessionFrame(acAddr, 7, 0x21, payload, 0) }
	p.receive([]Frame{frame(one), frame(nil), frame(one)})
	if n := f.counters.read(); n.Dropped != 8 || n.ReceivedPackets != 0 {
		t.Errorf("counted as %+v, want 8 dropped", n)
	}
}

// TestGSOClampsMSS: a SYN is clamped in either direction, and its checksum is right.
func TestGSOClampsMSS(t *testing.T) {
	w := &fakePort{}
	p, device, f := newGSOEntry(w, nil)
	f.SetMSS(NewMSSLimit(1492, 0))
	m := &packetMaker{Rand: rand.New(rand.NewPCG(3, 4))}
	syn := m.transport(0, false, false, 0, 4)
	syn.packet[32], syn.packet[33] = 6<<4, 2
	copy(syn.packet[40:], []byte{2, 4, 1460 >> 8, 1460 & 0xff})
	device.toRead = []gsoPacket{syn}
	p.drain(f, device, newFrameBatch())
	if len(w.frames) != 1 {
		t.Fatalf("%d frames went out", len(w.frames))
	}
	sent := w.frames[0][HeadersLen:]
	if mss := binary.BigEndian.Uint16(sent[42:]); mss != 1452 || !checksumRight(sent) {
		t.Errorf("a SYN goes out with an MSS of %d, checksum right: %v", mss, checksumRight(sent))
	}
	for _, pending := range []bool{false, true} {
		packet := bytes.Clone(syn.packet)
		if !pending {
			syn.pending.Complete(packet)
		}
		frame := sessionFrame(acAddr, 7, 0x21, packet, 0)
		frame.ChecksumPending = pending
		device.written = nil
		p.receive([]Frame{*frame})
		got := device.written[0]
		if got.pending.Checksum != pending || !got.pending.Complete(got.packet) {
			t.Errorf("checksum open: %v, passed on as %+v", pending, got.pending)
		}
		if mss := binary.BigEndian.Uint16(got.packet[42:]); mss != 1452 || !checksumRight(got.packet) {
			t.Errorf("a SYN comes in with an MSS of %d, checksum right: %v", mss, checksumRight(got.packet))
		}
	}
}

// checksumRight reports whether the checksum of TCP over IPv4 without options is right.
func checksumRight(p []byte) bool {
	b := append(bytes.Clone(p[12:20]), 0, 6, byte((len(p)-20)>>8), byte(len(p)-20))
	b = append(b, p[20:]...)
	var sum uint32
	for i := 0; i+1 < len(b); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return sum == 0xffff
}

// TestGSOPathServesPlainDevices: a device without GSO is served as on the plain path, and Remove
// closes the device of either kind.
func TestGSOPathServesPlainDevices(t *testing.T) {
	device := &sink{}
	p := newGSOPath([]Port{&fakePort{}}, func([]byte) {}, func(SessionConfig) {})
	key := Key{Local: hostAddr, Peer: acAddr, SessionID: 7}
	s, err := p.Add(SessionConfig{Key: key, Device: device})
	if err != nil {
		t.Fatal(err)
	}
	s.SetFamilies(true, false)
	frame := func() Frame { return *sessionFrame(acAddr, 7, 0x21, make([]byte, 20), 10) }
	p.workers[0].receive([]Frame{frame(), frame()})
	if n := s.Remove(); device.taken != 2 || n.ReceivedPackets != 2 || n.ReceivedBytes != 40 {
		t.Errorf("the device took %d packets, counted as %+v", device.taken, n)
	}
	fast := &fakeGSODevice{closed: make(chan struct{})}
	if s, err = p.Add(SessionConfig{Key: key, Device: fast}); err != nil || !fast.gsoEnabled {
		t.Fatalf("%v; GSO enabled: %v", err, fast.gsoEnabled)
	}
	if n := s.Remove(); n != (Counters{}) {
		t.Errorf("counted as %+v", n)
	}
	<-fast.closed
}

// TestGSONoAllocation: packets do not allocate, in either direction.
func TestGSONoAllocation(t *testing.T) {
	w := &fakePort{}
	p, device, f := newGSOEntry(discardPort{w}, nil) // a Gatherer
	m := &packetMaker{Rand: rand.New(rand.NewPCG(3, 4))}
	all := []gsoPacket{m.transport(0, false, false, 1400, 60000), m.transport(1, true, true, 0, 100)}
	l := newFrameBatch()
	if n := testing.AllocsPerRun(100, func() {
		device.toRead = all
		p.drain(f, device, l)
	}); n != 0 {
		t.Errorf("sending allocates %v times", n)
	}
	p.gather = nil
	device.toRead = all
	p.drain(f, device, l)
	var frames []Frame
	for _, b := range w.frames {
		copy(b, f.Local[:]) // as if the peer had sent them
		copy(b[6:], f.Peer[:])
		frames = append(frames, Frame{Data: b})
	}
	f.writers = writers(discardDevice{device}, 1)
	if n := testing.AllocsPerRun(100, func() { p.receive(frames) }); n != 0 {
		t.Errorf("receiving allocates %v times", n)
	}
}

// discardPort is a Gatherer that discards frames.
type discardPort struct{ *fakePort }

func (discardPort) WriteGather(frames [][2][]byte) (int, error) { return len(frames), nil }

// discardDevice is a device that discards packets.
type discardDevice struct{ *fakeGSODevice }

func (discardDevice) WriteGSO(*tun.GSOPacket, int) error { return nil }

// FuzzGSOReceive: of any two frames, each is either a packet of the session, which is written once, or
// goes to the control pworker.
func FuzzGSOReceive(f *testing.F) {
	m := &packetMaker{Rand: rand.New(rand.NewPCG(3, 4))}
	for _, v6 := range []bool{false, true} {
		for _, udp := range []bool{false, true} {
			s := m.transport(0, v6, udp, 100, 200)
			var segmenter tun.Segmenter
			segmenter.Start(s.packet, s.pending)
			var frames [2][]byte
			for i := range frames {
				b := make([]byte, segmenter.HeaderLen())
				protocol := uint16(protocolOf(s.packet[0]))
				frames[i] = sessionFrame(acAddr, 7, protocol, append(b, segmenter.Next(b)...), 3).Data
			}
			f.Add(frames[0], frames[1], false)
			f.Add(frames[1], frames[0], true)
		}
	}
	f.Fuzz(func(t *testing.T, a, b []byte, pending bool) {
		controlled, packets := 0, 0
		p, device, session := newGSOEntry(&fakePort{}, func([]byte) { controlled++ })
		session.SetMSS(NewMSSLimit(1492, 0))
		p.receive([]Frame{{Data: bytes.Clone(a), ChecksumPending: pending}, {Data: bytes.Clone(b), ChecksumPending: pending}})
		for _, s := range device.written {
			packets += s.packets
		}
		n := session.counters.read()
		if packets+controlled+int(n.Dropped) != 2 || n.ReceivedPackets != uint64(packets) {
			t.Errorf("of two frames, %d were written, %d went to the control plane; %+v", packets, controlled, n)
		}
	})
}

// BenchmarkOffloadSend sends a GSO packet from the device by a Gatherer.
func BenchmarkOffloadSend(b *testing.B) {
	p, device, f := newGSOEntry(discardPort{&fakePort{}}, nil)
	m := &packetMaker{Rand: rand.New(rand.NewPCG(3, 4))}
	all := []gsoPacket{m.transport(0, false, false, 1440, 63000)}
	l := newFrameBatch()
	b.ReportAllocs()
	b.SetBytes(63000)
	for b.Loop() {
		device.toRead = all
		p.drain(f, device, l)
	}
}

// BenchmarkOffloadReceive receives the frames of a GSO packet from the port to the device.
func BenchmarkOffloadReceive(b *testing.B) {
	w := &fakePort{}
	p, device, f := newGSOEntry(w, nil)
	m := &packetMaker{Rand: rand.New(rand.NewPCG(3, 4))}
	device.toRead = []gsoPacket{m.transport(0, false, false, 1440, 63000)}
	p.drain(f, device, newFrameBatch())
	frames := make([]Frame, len(w.frames))
	for i := range frames {
		copy(w.frames[i], f.Local[:])
		copy(w.frames[i][6:], f.Peer[:])
		frames[i].Data = w.frames[i]
	}
	first := bytes.Clone(frames[0].Data)
	f.writers = writers(discardDevice{device}, 1)
	b.ReportAllocs()
	b.SetBytes(63000)
	for b.Loop() {
		copy(frames[0].Data, first)
		p.receive(frames)
	}
}

// TestContiguousFrames: a port that is not a Gatherer sends the frames that fit its MTU: packets of
// 1492 octets over an MTU of 1500 (RFC 2516 section 7).
func TestContiguousFrames(t *testing.T) {
	for _, c := range []struct{ size, frames, dropped int }{{1491, 3, 0}, {1492, 3, 0}, {1493, 0, 3}} {
		w := &fakePort{}
		p, device, f := newGSOEntry(w, nil)
		m := &packetMaker{Rand: rand.New(rand.NewPCG(3, 4))}
		device.toRead = []gsoPacket{m.transport(0, false, false, c.size-40, 3*(c.size-40))}
		p.drain(f, device, p.path.batches.Get().(*frameBatch))
		if n := int(f.counters.read().Dropped); len(w.frames) != c.frames || n != c.dropped {
			t.Errorf("packets of %d octets: %d frames go out, %d are dropped; want %d, %d", c.size, len(w.frames), n, c.frames, c.dropped)
		}
		for _, frame := range w.frames {
			if len(frame) != 22+c.size {
				t.Errorf("a packet of %d octets leaves in a frame of %d", c.size, len(frame))
			}
		}
	}
}

// TestFrameBatchRoom: the exact size of the room for one more packet, and 64 frames at most.
func TestFrameBatchRoom(t *testing.T) {
	const packet = maxTaggedLen + 65535 // headers, and the longest packet
	for _, c := range []struct {
		free, frames int
		ok           bool
	}{{packet, 0, true}, {packet - 1, 0, false}, {packet, 63, true}, {packet, 64, false}} {
		l := newFrameBatch()
		l.used, l.n = len(l.buf)-c.free, c.frames
		if room := l.room(); (room != nil) != c.ok || c.ok && len(room) != c.free {
			t.Errorf("%d octets free, %d frames: room for %d octets", c.free, c.frames, len(room))
		}
	}
}
