package datapath

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"upppoe/pppoe/wire"
	"upppoe/tun"
)

// loopbackDevice is a device whose host forwards: the packet that was written to it is read from it
// next, by another session.
type loopbackDevice struct {
	sink
	packet  []byte
	pending tun.PendingOffload
}

var _ tun.GSODevice = (*loopbackDevice)(nil)

func (r *loopbackDevice) EnableGSO() error     { return nil }
func (r *loopbackDevice) SupportsUDPGSO() bool { return true }
func (r *loopbackDevice) Wait() error          { return nil }

func (r *loopbackDevice) Write(packets [][]byte, headroom int) (int, error) {
	r.packet = append(r.packet[:0], packets[0][headroom:]...)
	return 1, nil
}

func (r *loopbackDevice) WriteGSO(s *tun.GSOPacket, headroom int) error {
	r.packet = append(r.packet[:0], s.Parts[0][headroom:]...)
	for _, part := range s.Parts[1:] {
		r.packet = append(r.packet, part...)
	}
	r.pending = s.Pending
	return nil
}

func (r *loopbackDevice) ReadGSO(buf []byte, headroom int) (n int, p tun.PendingOffload, err error) {
	n = copy(buf[headroom:], r.packet)
	r.packet = r.packet[:0]
	return n, r.pending, nil
}

// segments returns the frames of one GSO packet of 44 segments, from the peer of session 7.
func segments() (frames []Frame) {
	m := &packetMaker{Rand: rand.New(rand.NewPCG(3, 4))}
	s := m.transport(0, false, false, 1440, 44*1440)
	var segmenter tun.Segmenter
	segmenter.Start(s.packet, s.pending)
	for segmenter.Len() > 0 {
		head := make([]byte, segmenter.HeaderLen())
		payload := segmenter.Next(head)
		frames = append(frames, *sessionFrame(acAddr, 7, 0x21, append(head, payload...), 0))
	}
	return frames
}

// countingPort counts the frames that it sends.
type countingPort struct {
	sink
	frames, octets int
	last           [64]byte
}

func (c *countingPort) WriteBatch(frames [][]byte) (int, error) {
	for _, f := range frames {
		c.count(f, len(f))
	}
	return len(frames), nil
}

func (c *countingPort) WriteGather(frames [][2][]byte) (int, error) {
	for _, f := range frames {
		c.count(f[0], len(f[0])+len(f[1]))
	}
	return len(frames), nil
}

func (c *countingPort) count(head []byte, size int) {
	copy(c.last[:], head)
	c.frames++
	c.octets += size - HeadersLen
}

// forwarding returns a function that forwards 44 frames from session 7 to session 8, by one of the
// data paths, without goroutines.
func forwarding(gso bool) (port *countingPort, work func()) {
	port = &countingPort{}
	p := newGSOPath([]Port{port}, func([]byte) {}, func(SessionConfig) {})
	device := &loopbackDevice{}
	var entries [2]*entry
	for i, peer := range []wire.Addr{acAddr, hostAddr} {
		id := uint16(7 + i)
		f := newEntry(&p.plainPath, SessionConfig{Key: Key{Local: hostAddr, Peer: peer, SessionID: id}, Device: device}, &deviceIO{})
		if gso {
			f.deviceIO = newGSOIO(device, 1)
		}
		f.ipv4.Store(true)
		p.sessions.put(f)
		f.SetMSS(NewMSSLimit(1492, 0))
		entries[i] = f
	}
	frames := segments()
	first, batch := bytes.Clone(frames[0].Data), newFrameBatch()
	if gso {
		return port, func() {
			copy(frames[0].Data, first) // the coalescer has changed it
			p.workers[0].receive(frames)
			p.workers[0].drain(entries[1], device, batch)
		}
	}
	buf, single, out := make([]byte, maxTaggedLen+1500), make([][]byte, 1), make([][]byte, 1)
	return port, func() {
		for i := range frames {
			p.deliver(&frames[i], single, 0)
			out[0] = entries[1].encapsulate(buf, copy(buf[maxTaggedLen:], device.packet), 0)
			port.WriteBatch(out)
		}
	}
}

var dataPaths = []struct {
	name string
	gso  bool
}{{"plain", false}, {"offload", true}}

// TestForwardNoAllocation: a packet forwarded from one session to another does not allocate, and is
// sent with the same length in a frame of the other session.
func TestForwardNoAllocation(t *testing.T) {
	for _, c := range dataPaths {
		port, work := forwarding(c.gso)
		work()
		if port.frames != 44 || port.octets != 44*(40+1440) {
			t.Errorf("%s: %d frames leave with %d octets, want 44 with 44*1480", c.name, port.frames, port.octets)
		}
		if id := binary.BigEndian.Uint16(port.last[16:]); id != 8 || wire.Addr(port.last[:]) != hostAddr {
			t.Errorf("%s: the last leaves as % x", c.name, port.last[:HeadersLen])
		}
		if n := testing.AllocsPerRun(100, work); n != 0 {
			t.Errorf("%s: 44 packets cost %v allocations", c.name, n)
		}
	}
}

// BenchmarkForward forwards 44 full TCP segments from one session to another: from the port to the
// device, and from the device to the port.
func BenchmarkForward(b *testing.B) {
	for _, c := range dataPaths {
		b.Run(c.name, func(b *testing.B) {
			_, work := forwarding(c.gso)
			work()
			b.ReportAllocs()
			b.SetBytes(44 * 1480)
			for b.Loop() {
				work()
			}
		})
	}
}

// forwardingOver is forwarding on the GSO data path with many sessions, each of which has the next
// 44 segments.
func forwardingOver(sessions int) (work func()) {
	p := newGSOPath([]Port{&countingPort{}}, func([]byte) {}, func(SessionConfig) {})
	device := &loopbackDevice{}
	entries := make([]*entry, sessions)
	for i := range entries {
		f := newEntry(&p.plainPath, SessionConfig{Key: Key{Local: hostAddr, Peer: acAddr, SessionID: uint16(1 + i)}, Device: device}, newGSOIO(device, 1))
		f.ipv4.Store(true)
		p.sessions.put(f)
		entries[i] = f
	}
	frames := segments()
	first, batch := bytes.Clone(frames[0].Data), newFrameBatch()
	next := 0
	return func() {
		f := entries[next%sessions]
		next += 4099 // not in the order of memory: 4099 and 10,000 have no common factor
		copy(frames[0].Data, first)
		for i := range frames {
			binary.BigEndian.PutUint16(frames[i].Data[16:], f.SessionID)
		}
		p.workers[0].receive(frames)
		p.workers[0].drain(f, device, batch)
	}
}

// BenchmarkOffloadSessions measures the throughput with 10,000 sessions as a share of that with
// one. They run alternately, so that other load on the machine affects both.
func BenchmarkOffloadSessions(b *testing.B) {
	ways := [2]func(){forwardingOver(1), forwardingOver(10000)}
	var ratios []float64
	for b.Loop() {
		var took [2]time.Duration
		for i, work := range ways {
			began := time.Now()
			for range 100 {
				work()
			}
			took[i] = time.Since(began)
		}
		ratios = append(ratios, float64(took[0])/float64(took[1]))
	}
	slices.Sort(ratios)
	b.ReportMetric(ratios[len(ratios)/2], "of-one-session")
}
