package datapath

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"
	"unsafe"
)

// forwardingShared returns a function that forwards 44 full TCP segments by a shared device, each
// time from another of so many sessions to the next.
func forwardingShared(tb testing.TB, sessions int) (port *countingPort, work func()) {
	b := newSharedBench(SharedConfig{Isolate: false})
	port = &countingPort{}
	p := newGSOPath([]Port{port}, func([]byte) {}, func(SessionConfig) {})
	device := &loopbackDevice{}
	entries := make([]*entry, sessions)
	for i := range entries {
		s, err := p.Add(SessionConfig{Key: Key{Local: hostAddr, Peer: acAddr, SessionID: uint16(1 + i)}, Shared: b.SharedDevice})
		if err != nil {
			tb.Fatal(err)
		}
		entries[i] = s.(*entry)
		if err := s.SetPrefixes(sessionPrefixes(i)); err != nil {
			tb.Fatal(err)
		}
		s.SetFamilies(true, true)
		s.SetMTU(1492)
	}
	entries[0].gso, entries[0].writers = device, writers(device, 1) // of all
	b.queue.from = device
	frames := segments()
	packets := make([][]byte, len(frames))
	for i := range frames {
		packets[i] = bytes.Clone(frames[i].Data)
	}
	next := 0
	return port, func() {
		from, to := next%sessions, (next+1)%sessions
		next += 4099 // not in the order of memory
		for i := range frames {
			h := frames[i].Data[:HeadersLen+40]
			copy(h, packets[i])
			binary.BigEndian.PutUint16(h[16:], uint16(1+from))
			setAddress(h[HeadersLen:], 12, from)
			setAddress(h[HeadersLen:], 16, to)
		}
		p.workers[0].receive(frames)
		b.queue.drain()
	}
}

// setAddress sets an address of a TCP packet to that of a session, and adjusts the checksums.
func setAddress(p []byte, at, session int) {
	a := [4]byte{100, 64, byte(session >> 8), byte(session)} // sessionPrefixes
	for i := range 2 {
		was, is := binary.BigEndian.Uint16(p[at+2*i:]), binary.BigEndian.Uint16(a[2*i:])
		for _, check := range []int{10, 36} {
			binary.BigEndian.PutUint16(p[check:], updateChecksum(binary.BigEndian.Uint16(p[check:]), was, is))
		}
		binary.BigEndian.PutUint16(p[at+2*i:], is)
	}
}

// TestSharedForward: segments from one session to another are coalesced to one GSO packet, and
// segmented again, without an allocation.
func TestSharedForward(t *testing.T) {
	port, work := forwardingShared(t, 100)
	work()
	if id := binary.BigEndian.Uint16(port.last[16:]); port.frames != 44 || port.octets != 44*(40+1440) || id != 2 {
		t.Errorf("%d frames leave with %d octets, the last in session %d; want 44 with 44*1480 in session 2", port.frames, port.octets, id)
	}
	if n := testing.AllocsPerRun(100, work); n != 0 {
		t.Errorf("44 packets cost %v allocations", n)
	}
}

// BenchmarkSharedForward forwards 44 full TCP segments from one session to another, of few sessions
// and of as many as an interface has.
func BenchmarkSharedForward(b *testing.B) {
	for _, sessions := range []int{2, 1000, fullTable} {
		b.Run(fmt.Sprint(sessions), func(b *testing.B) {
			_, work := forwardingShared(b, sessions)
			work()
			b.ReportAllocs()
			b.SetBytes(44 * 1480)
			for b.Loop() {
				work()
			}
		})
	}
}

// TestEntrySize: a session's record fits a size class of Go's allocator; the next has 224 octets.
func TestEntrySize(t *testing.T) {
	if size := unsafe.Sizeof(entry{}); size > 192 {
		t.Errorf("%d octets, want at most 192", size)
	}
}

// BenchmarkSharedSessions adds and removes a session with an address, a /64 and rates, beside as many
// as an interface has, and reports the memory of each of those.
func BenchmarkSharedSessions(b *testing.B) {
	before := heapInUse()
	bench := newSharedBench(SharedConfig{}, 1)
	rate := Rate{Bits: 1e6}
	add := func(id uint16) Session {
		s, err := bench.engines[0].Add(SessionConfig{Key: Key{Local: hostAddr, Peer: acAddr, SessionID: id}, Shared: bench.SharedDevice})
		if err != nil {
			b.Fatal(err)
		}
		s.SetPrefixes(sessionPrefixes(int(id)))
		s.SetRates(rate, rate)
		s.SetFamilies(true, true)
		return s
	}
	for id := range uint16(fullTable) {
		add(id)
	}
	each := float64(heapInUse()-before) / fullTable
	for b.Loop() {
		add(fullTable).Remove()
	}
	b.ReportMetric(each, "B/session")
}
