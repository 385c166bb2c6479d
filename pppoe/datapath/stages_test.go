package datapath

import (
	"bytes"
	"fmt"
	"net/netip"
	"testing"

	"upppoe/test/stages"
)

// stage is one of the stages of package stages, with the session and the other one.
type stage struct {
	session, other *entry
	receive        func(*Frame)
	transmit       func(gsoPacket)
	toHost         func() int // number of packets that the device has taken
	frames         func() [][]byte
	control, local int
	device         *SharedDevice // nil: the session has a device of its own
}

// stageMakers make a stage, whose control and local count.
var stageMakers = []struct {
	name   string
	shared bool
	make   func(*stage, *testing.T)
}{
	{"plain", false, (*stage).makePlain},
	{"gso", false, (*stage).makeGSO},
	{"shared", true, func(s *stage, t *testing.T) { s.makeShared(t, KindGSO, KindGSO) }},
	{"shared, one packet at a time", true, func(s *stage, t *testing.T) { s.makeShared(t, KindPlain, KindPlain) }},
	{"shared, engine without GSO", true, func(s *stage, t *testing.T) { s.makeShared(t, KindPlain, KindGSO) }},
	{"shared, device without GSO", true, func(s *stage, t *testing.T) { s.makeShared(t, KindGSO, KindPlain) }},
}

// TestStages: what becomes of each kind of packet in each stage.
func TestStages(t *testing.T) {
	for _, m := range stageMakers {
		for _, c := range append(stages.FromPeer(), stages.ToPeer()...) {
			s := &stage{}
			m.make(s, t)
			s.prepare(&c)
			want, got := c.Own, stages.Outcome("")
			if m.shared {
				want = c.Shared
			}
			if c.Frame != nil {
				s.receive(&Frame{Data: bytes.Clone(c.Frame)})
				got = s.receivedOutcome()
			} else {
				packets := s.send(t, &c)
				got = s.sentOutcome(packets)
			}
			if got != want {
				t.Errorf("%s: %s: %s, want %s", m.name, c.What, got, want)
			}
		}
	}
}

// key returns the key of the session, or of the other one.
func (s *stage) key(other bool) Key {
	if other {
		return Key{Local: stages.Server, Peer: stages.Other, SessionID: stages.OtherSessionID}
	}
	return Key{Local: stages.Server, Peer: stages.Peer, SessionID: stages.SessionID}
}

func (s *stage) makePlain(t *testing.T) {
	device, port := &sink{}, &fakePort{}
	p := newPlainPath([]Port{port}, func([]byte) { s.control++ }, func(SessionConfig) {})
	s.session = s.add(t, p, SessionConfig{Key: s.key(false), Device: device})
	s.session.SetSourceFilter(NewSourceFilter(stages.Prefixes...))
	s.receive, s.toHost, s.frames = plainReceive(p), func() int { return device.taken }, func() [][]byte { return port.frames }
	s.transmit = func(packet gsoPacket) {
		buf := append(make([]byte, maxTaggedLen), packet.packet...)
		if frame := s.session.encapsulate(buf, len(packet.packet), p.clock()); frame != nil {
			port.WriteBatch([][]byte{frame})
		}
	}
}

func plainReceive(p *plainPath) func(*Frame) {
	return func(frame *Frame) {
		if !p.deliver(frame, make([][]byte, 1), p.clock()) {
			p.toControl(frame)
		}
	}
}

func gsoReceive(p *gsoPath) func(*Frame) {
	return func(frame *Frame) { p.workers[0].receive([]Frame{*frame}) }
}

func (s *stage) makeGSO(t *testing.T) {
	port := &fakePort{}
	worker, device, _ := newGSOEntry(fakeGatherer{port}, func([]byte) { s.control++ })
	e := newEntry(&worker.path.plainPath, SessionConfig{Key: s.key(false), Device: device}, newGSOIO(device, 1))
	worker.path.sessions.put(e)
	e.SetFamilies(true, true)
	e.SetSourceFilter(NewSourceFilter(stages.Prefixes...))
	s.session = e
	s.receive, s.toHost, s.frames = gsoReceive(worker.path), func() int { return len(device.written) }, func() [][]byte { return port.frames }
	s.transmit = func(packet gsoPacket) {
		device.toRead = append(device.toRead, packet)
		worker.drain(e, device, newFrameBatch())
	}
}

// makeShared makes a stage with a shared device.
func (s *stage) makeShared(t *testing.T, engine, device Kind) {
	b, port := newSharedBench(SharedConfig{Kind: device, Isolate: true}), &fakePort{}
	s.device, b.cfg.Local = b.SharedDevice, func(c SessionConfig, _ []byte) {
		if s.local++; c.Key != s.key(false) {
			t.Errorf("a packet of session %+v", c.Key)
		}
	}
	p := New(engine, []Port{fakeGatherer{port}}, func([]byte) { s.control++ }, func(SessionConfig) {})
	s.session = s.add(t, p, SessionConfig{Key: s.key(false), Shared: b.SharedDevice})
	s.other = s.add(t, p, SessionConfig{Key: s.key(true), Shared: b.SharedDevice})
	for e, all := range map[*entry][]netip.Prefix{s.session: stages.Prefixes, s.other: stages.OtherPrefixes} {
		if err := e.SetPrefixes(all); err != nil {
			t.Fatal(err)
		}
	}
	s.session.SetMTU(stages.MTU)
	if gso, ok := p.(*gsoPath); ok {
		s.receive = gsoReceive(gso)
	} else {
		s.receive = plainReceive(p.(*plainPath))
	}
	s.toHost, s.frames = func() int { return len(b.device.written) }, func() [][]byte { return port.frames }
	s.transmit = func(packet gsoPacket) { b.down(t, packet) }
}

func (s *stage) add(t *testing.T, p Path, c SessionConfig) *entry {
	t.Helper()
	session, err := p.Add(c)
	if err != nil {
		t.Fatal(err)
	}
	session.SetFamilies(true, true)
	return session.(*entry)
}

// prepare gives the session what the case says.
func (s *stage) prepare(c *stages.Case) {
	s.session.SetMSS(NewMSSLimit(stages.MTU, 0))
	s.session.SetFamilies(true, !c.Closed)
	if c.Empty {
		s.session.SetRates(Rate{Bits: 1}, Rate{Bits: 1})
		for _, b := range []*bucket{s.session.rateLimits().up, s.session.rateLimits().down} {
			for b.take(s.session.path.clock(), 1000) {
			}
		}
	}
}

// send sends a case's packet, in segments where the device has no GSO, and returns the number of
// packets.
func (s *stage) send(t *testing.T, c *stages.Case) (packets int) {
	t.Helper()
	packet := gsoPacket{packet: bytes.Clone(c.Packet)}
	if c.Segment > 0 {
		packet = pendingUDP(packet.packet, c.Segment)
	}
	segments := packet.segments(t)
	if s.session.gso != nil {
		s.transmit(packet)
		return len(segments)
	}
	for _, p := range segments {
		s.transmit(gsoPacket{packet: p})
	}
	return len(segments)
}

// receivedOutcome returns what has become of a frame.
func (s *stage) receivedOutcome() stages.Outcome {
	n, toHost := s.session.Counters(), s.toHost()
	received := n.ReceivedPackets == 1 && n.ReceivedBytes > 0 && n.Dropped == 0 && s.control == 0
	switch {
	case n == Counters{} && s.control == 1 && toHost == 0 && s.local == 0:
		return stages.Control
	case received && toHost == 1 && s.local == 0:
		return stages.Carried
	case received && toHost == 0 && s.local == 1:
		return stages.Local
	case n.ReceivedPackets > 0 || toHost > 0 || s.control > 0 || s.local > 0:
		return stages.Outcome(fmt.Sprintf("%+v, %d packets to the host, %d to the control plane, %d local", n, toHost, s.control, s.local))
	}
	return droppedOutcome(n)
}

func droppedOutcome(n Counters) stages.Outcome {
	switch n {
	case Counters{Dropped: 1, Spoofed: 1}:
		return stages.Spoofed
	case Counters{Dropped: 1, Isolated: 1}:
		return stages.Isolated
	case Counters{Dropped: 1, Exceeded: 1}:
		return stages.Exceeded
	case Counters{Dropped: 1}:
		return stages.Dropped
	}
	return stages.Outcome(fmt.Sprintf("%+v", n))
}

// sentOutcome returns what has become of packets from the host.
func (s *stage) sentOutcome(packets int) stages.Outcome {
	n, answers, frames := s.session.Counters(), s.toHost(), len(s.frames())
	sent := n.SentPackets == uint64(frames) && n.Dropped == 0 && answers == 0
	var device SharedCounters
	if s.device != nil {
		device = s.device.Counters()
	}
	switch {
	case sent && frames == packets && device == SharedCounters{}:
		return stages.Carried
	case sent && frames > packets && device == SharedCounters{}:
		return stages.Fragmented
	case n == Counters{} && frames > 0 && s.other != nil && s.other.Counters().SentPackets == uint64(frames):
		return stages.Elsewhere
	case n == Counters{Dropped: 1} && frames == 0 && answers == 1 && device == SharedCounters{TooBig: 1}:
		return stages.TooBig
	case n == Counters{} && frames == 0 && answers == 1 && device == SharedCounters{Unreachable: 1}:
		return stages.Unreachable
	case n == Counters{} && frames == 0 && answers == 0 && device == SharedCounters{Unreachable: 1}:
		return stages.Unanswered
	case frames > 0 || answers > 0 || device != SharedCounters{}:
		return stages.Outcome(fmt.Sprintf("%+v, %d frames, %d answers, %+v", n, frames, answers, device))
	}
	return droppedOutcome(n)
}
