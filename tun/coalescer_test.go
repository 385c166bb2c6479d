package tun

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// coalesced is a result of Flush.
type coalesced struct {
	owner   int
	packet  []byte
	pending PendingOffload
	packets int
	octets  int
}

const room = 22

// flush flushes a Coalescer.
func flush(m *Coalescer[int]) (all []coalesced) {
	m.Flush(func(owner int, s *GSOPacket) {
		packet := bytes.Clone(s.Parts[0][room:])
		for _, part := range s.Parts[1:] {
			packet = append(packet, part...)
		}
		all = append(all, coalesced{owner, packet, s.Pending, s.Packets, s.Octets})
	})
	return all
}

func withRoom(p []byte) []byte { return append(make([]byte, room), p...) }

// TestCoalescerUndoesSegmenter: the segments of a GSO packet are coalesced to the same packet, also
// if those of several are interleaved in any way.
func TestCoalescerUndoesSegmenter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var gsoPackets []gsoPacket
		var queues [][][]byte
		for i := range rapid.IntRange(1, 4).Draw(t, "gsoPackets") {
			s := drawGSOPacket(t)
			s.packet[s.pending.Start] = byte(i) // different ports
			finishReference(s)
			gsoPackets = append(gsoPackets, s)
			queues = append(queues, segmentsOf(t, gsoPacket{bytes.Clone(s.packet), s.pending}))
		}
		var m Coalescer[int]
		var order []int
		for left := true; left; {
			left = false
			for i := range queues {
				n := rapid.IntRange(0, len(queues[i])).Draw(t, "take")
				for _, p := range queues[i][:n] {
					if !slices.Contains(order, i) {
						order = append(order, i)
					}
					m.Add(1, withRoom(p), room, false, true)
				}
				queues[i] = queues[i][n:]
				left = left || len(queues[i]) > 0
			}
		}
		got := flush(&m)
		if len(got) != len(gsoPackets) {
			t.Fatalf("%d GSO packets, want %d", len(got), len(gsoPackets))
		}
		for k, i := range order {
			want := gsoPackets[i]
			if !bytes.Equal(got[k].packet, want.packet) || got[k].pending != want.pending {
				t.Fatalf("coalesced to\n% x %+v, want\n% x %+v", got[k].packet[:60], got[k].pending, want.packet[:60], want.pending)
			}
		}
	})
}

// finishReference computes the checksums of a GSO packet.
func finishReference(s gsoPacket) {
	at := int(s.pending.Start) + int(s.pending.Offset)
	copy(s.packet[at:], referenceSum(pseudoOf(s.packet, int(s.pending.Start))))
}

// TestCoalescerKeepsAll: for any packets, damaged ones included, of several flows and owners, the
// Segmenter restores the packets, each flow in order; a packet with a wrong checksum is never
// coalesced.
func TestCoalescerKeepsAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := drawPackets(t)
		var m Coalescer[int]
		for _, p := range in {
			m.Add(p.owner, withRoom(p.packet), room, false, p.udp)
		}
		out := make(map[int][][]byte)
		for _, g := range flush(&m) {
			if g.packets == 1 {
				if g.pending != (PendingOffload{}) || g.octets != len(g.packet) {
					t.Fatalf("a packet on its own has %+v pending, and %d octets", g.pending, g.octets)
				}
				out[g.owner] = append(out[g.owner], g.packet)
				continue
			}
			all := segmentsOf(t, gsoPacket{g.packet, g.pending})
			octets := 0
			for _, p := range all {
				octets += len(p)
			}
			if len(all) != g.packets || octets != g.octets {
				t.Fatalf("%d packets of %d octets are counted as %d of %d", len(all), octets, g.packets, g.octets)
			}
			out[g.owner] = append(out[g.owner], all...)
		}
		for owner := range 2 {
			var want [][]byte
			for _, p := range in {
				if p.owner == owner {
					want = append(want, p.packet)
				}
			}
			compare(t, out[owner], want)
		}
	})
}

// compare compares packets flow by flow: the order between flows is free.
func compare(t *rapid.T, got, want [][]byte) {
	a, b := byFlow(got), byFlow(want)
	if len(a) != len(b) {
		t.Fatalf("%d flows, want %d", len(a), len(b))
	}
	for flow := range b {
		if !slices.EqualFunc(a[flow], b[flow], bytes.Equal) {
			t.Fatalf("a flow has %d packets, want the same %d", len(a[flow]), len(b[flow]))
		}
	}
}

func byFlow(all [][]byte) map[string][][]byte {
	flows := make(map[string][][]byte)
	for _, p := range all {
		key := string(p[:1])
		if r := classify[int](p, true); r.flow != 0 {
			r.packet = p
			key = string(p[r.start:r.start+4]) + string(r.addresses())
		}
		flows[key] = append(flows[key], p)
	}
	return flows
}

type ownedPacket struct {
	owner  int
	udp    bool
	packet []byte
}

// drawPackets draws the segments of some GSO packets, interleaved, some of them damaged.
func drawPackets(t *rapid.T) (all []ownedPacket) {
	n := rapid.IntRange(1, 4).Draw(t, "gsoPackets")
	for i := range n {
		s := drawGSOPacket(t)
		s.packet[s.pending.Start] = byte(i)
		finishReference(s)
		owner, udp := i%2, rapid.Bool().Draw(t, "udp")
		for _, p := range segmentsOf(t, s) {
			if rapid.IntRange(0, 9).Draw(t, "damage") == 0 {
				p[rapid.IntRange(1, len(p)-1).Draw(t, "at")] ^= byte(rapid.IntRange(1, 255).Draw(t, "bits"))
			}
			if rapid.IntRange(0, 19).Draw(t, "lose") != 0 {
				all = append(all, ownedPacket{owner, udp, p})
			}
		}
	}
	if rapid.Bool().Draw(t, "mix") {
		all = rapid.Permutation(all).Draw(t, "order")
	}
	return all
}

// segmentPair returns two consecutive segments that can be coalesced.
func segmentPair(t *testing.T, proto byte, v6 bool) (a, b []byte) {
	t.Helper()
	src, dst := "192.0.2.1", "192.0.2.2"
	p := PendingOffload{Checksum: true, Start: 20, Offset: 16, Segment: SegmentTCP4, Size: 100}
	if v6 {
		src, dst, p.Start, p.Segment = "2001:db8::1", "2001:db8::2", 40, SegmentTCP6
	}
	data := randomData(proto, 200)
	if proto == protoTCP {
		data[12], data[13] = 5<<4, 0x10
	} else {
		p.Segment, p.Offset = SegmentUDP, 6
	}
	all := segmentsOf(t, gsoPacket{withPendingChecksum(src, dst, proto, proto, nil, data), p})
	return all[0], all[1]
}

// setChecksum sets the checksums of a packet.
func setChecksum(p []byte) {
	start, at := 20, 16
	proto := p[9]
	if p[0]>>4 == 6 {
		start, proto = 40, p[6]
	}
	if proto == protoUDP {
		at = 6
	}
	if start == 20 {
		p[10], p[11] = 0, 0
		c := referenceSum(p[:20])
		p[10], p[11] = ^c[0], ^c[1]
	}
	field := p[start+at : start+at+2]
	field[0], field[1] = 0, 0
	c := referenceSum(append(pseudoOf(p, start), p[start:]...))
	field[0], field[1] = ^c[0], ^c[1]
}

// TestNotCoalesced: packets that differ in a field that a GSO packet has only once are not
// coalesced, even with right checksums.
func TestNotCoalesced(t *testing.T) {
	set := func(at int, v byte) func(a, b []byte) { return func(_, b []byte) { b[at] = v } }
	both := func(at int, v byte) func(a, b []byte) { return func(a, b []byte) { a[at], b[at] = v, v } }
	for _, c := range []struct {
		what   string
		proto  byte
		v6     bool
		change func(a, b []byte)
	}{
		{"type of service", protoTCP, false, set(1, 4)},
		{"Identification of what may be fragmented", protoTCP, false, set(5, 9)},
		{"Don't Fragment", protoTCP, false, set(6, 0x40)},
		{"fragments", protoTCP, false, both(6, 0x20)},
		{"TTL", protoTCP, false, set(8, 9)},
		{"source", protoTCP, false, set(15, 9)},
		{"destination", protoTCP, false, set(19, 9)},
		{"source port", protoTCP, false, set(20, 99)},
		{"destination port", protoTCP, false, set(22, 99)},
		{"sequence number", protoTCP, false, set(26, 99)},
		{"acknowledgement", protoTCP, false, set(30, 99)},
		{"SYN", protoTCP, false, both(33, 0x12)},
		{"RST", protoTCP, false, set(33, 0x14)},
		{"no ACK", protoTCP, false, both(33, 0)},
		{"URG", protoTCP, false, both(33, 0x30)},
		{"PSH of the first", protoTCP, false, func(a, _ []byte) { a[33] |= flagPSH }},
		{"FIN of the first", protoTCP, false, func(a, _ []byte) { a[33] |= flagFIN }},
		{"CWR of the second", protoTCP, false, set(33, 0x90)},
		{"ECE of the second", protoTCP, false, set(33, 0x50)},
		{"window", protoTCP, false, set(34, 99)},
		{"urgent pointer", protoTCP, false, set(39, 9)},
		{"traffic class", protoTCP, true, set(1, 9)},
		{"flow label", protoTCP, true, set(3, 9)},
		{"hop limit", protoTCP, true, set(7, 9)},
		{"source", protoTCP, true, set(23, 9)},
		{"destination", protoTCP, true, set(39, 9)},
		{"destination port", protoUDP, true, set(43, 9)},
		{"Identification", protoUDP, false, set(5, 9)},
	} {
		a, b := segmentPair(t, c.proto, c.v6)
		c.change(a, b)
		setChecksum(a)
		setChecksum(b)
		var m Coalescer[int]
		m.Add(1, withRoom(a), room, false, true)
		m.Add(1, withRoom(b), room, false, true)
		got := flush(&m)
		if len(got) != 2 || !bytes.Equal(got[0].packet, a) || !bytes.Equal(got[1].packet, b) {
			t.Errorf("%s differs: flushed as %d packets", c.what, len(got))
		}
	}
}

// TestCoalesced: fields that may differ do not prevent it.
func TestCoalesced(t *testing.T) {
	for what, change := range map[string]func(a, b []byte){
		"nothing":                 func(a, b []byte) {},
		"PSH and FIN of the last": func(a, b []byte) { b[33] |= flagPSH | flagFIN },
		"CWR of the first":        func(a, b []byte) { a[33] |= flagCWR },
		"ECE of both":             func(a, b []byte) { a[33] |= 0x40; b[33] |= 0x40 },
		"Identification stays, but Don't Fragment is set": func(a, b []byte) { a[6], b[6] = 0x40, 0x40; b[5] = a[5] },
	} {
		a, b := segmentPair(t, protoTCP, false)
		change(a, b)
		setChecksum(a)
		setChecksum(b)
		var m Coalescer[int]
		m.Add(1, withRoom(a), room, false, true)
		m.Add(1, withRoom(b), room, false, true)
		if got := flush(&m); len(got) != 1 || got[0].packets != 2 {
			t.Errorf("%s: flushed as %d packets, want one", what, len(got))
		}
	}
}

// TestWrongChecksum: a packet with any bit wrong is neither coalesced nor changed.
func TestWrongChecksum(t *testing.T) {
	for _, proto := range []byte{protoTCP, protoUDP} {
		for _, v6 := range []bool{false, true} {
			a, b := segmentPair(t, proto, v6)
			for bit := range 8 * len(b) {
				for first := range 2 {
					p := [][]byte{bytes.Clone(a), bytes.Clone(b)}
					p[first][bit/8] ^= 1 << (bit % 8)
					var m Coalescer[int]
					m.Add(1, withRoom(p[0]), room, false, true)
					m.Add(1, withRoom(p[1]), room, false, true)
					got := flush(&m)
					if len(got) == 2 && bytes.Equal(got[0].packet, p[0]) && bytes.Equal(got[1].packet, p[1]) {
						continue
					}
					// IPv6 has no checksum of the first octets of its header, nor of the hop limit.
					t.Fatalf("protocol %d, bit %d of packet %d is wrong: flushed as %d packets", proto, bit, first, len(got))
				}
			}
		}
	}
}

// TestPendingChecksums: packets with pending checksums are coalesced, and others keep theirs
// pending; one with a pending checksum and one without are not coalesced.
func TestPendingChecksums(t *testing.T) {
	for _, proto := range []byte{protoTCP, protoUDP} {
		for _, v6 := range []bool{false, true} {
			a, b := segmentPair(t, proto, v6)
			start := 20
			if v6 {
				start = 40
			}
			at := start + map[byte]int{protoTCP: 16, protoUDP: 6}[proto]
			opened := func(p []byte) []byte {
				p = bytes.Clone(p)
				copy(p[at:], referenceSum(pseudoOf(p, start)))
				return p
			}
			var m Coalescer[int]
			m.Add(1, withRoom(opened(a)), room, true, true)
			m.Add(1, withRoom(opened(b)), room, true, true)
			got := flush(&m)
			if len(got) != 1 || len(segmentsOf(t, gsoPacket{got[0].packet, got[0].pending})) != 2 {
				t.Errorf("protocol %d: two packets with pending checksums were flushed as %d", proto, len(got))
			}
			m.Add(1, withRoom(opened(a)), room, true, true)
			m.Add(1, withRoom(b), room, false, true)
			got = flush(&m)
			if len(got) != 2 || got[1].pending != (PendingOffload{}) {
				t.Fatalf("protocol %d: a packet with a pending checksum and another were flushed as %d", proto, len(got))
			}
			if !got[0].pending.Complete(got[0].packet) || !bytes.Equal(got[0].packet, a) {
				t.Errorf("protocol %d: a packet with a pending checksum comes to\n% x, want\n% x", proto, got[0].packet, a)
			}
		}
	}
}

// TestCoalescerLimits: a GSO packet is no longer than IP allows, with no more parts than Linux
// allows.
func TestCoalescerLimits(t *testing.T) {
	for _, size := range []int{1, 100, 1460} {
		data := randomData(protoTCP, 65400/size*size)
		data[12], data[13] = 5<<4, 0x10
		all := segmentsOf(t, gsoPacket{withPendingChecksum("192.0.2.1", "192.0.2.2", protoTCP, 0, nil, data),
			PendingOffload{Checksum: true, Start: 20, Offset: 16, Segment: SegmentTCP4, Size: uint16(size)}})
		last := all[len(all)-1]
		more := bytes.Clone(last)
		binary.BigEndian.PutUint32(more[24:], binary.BigEndian.Uint32(more[24:])+uint32(size))
		binary.BigEndian.PutUint16(more[4:], binary.BigEndian.Uint16(more[4:])+1)
		setChecksum(more)
		var m Coalescer[int]
		count := 0
		for _, p := range append(all, more) {
			m.Add(1, withRoom(p), room, false, true)
		}
		for _, g := range flush(&m) {
			count += g.packets
			if len(g.packet) > 0xffff || g.packets > maxSegments {
				t.Errorf("a GSO packet of %d octets and %d packets", len(g.packet), g.packets)
			}
		}
		if count != len(all)+1 {
			t.Errorf("%d packets, want %d", count, len(all)+1)
		}
	}
}

// FuzzCoalescer: for any packets, none is lost.
func FuzzCoalescer(f *testing.F) {
	for _, form := range forms {
		for _, proto := range []byte{protoTCP, protoUDP} {
			next, headers := form.headers(proto)
			p := withPendingChecksum(form.src, form.dst, proto, next, headers, randomData(proto, 50))
			f.Add(p, p, true, true)
		}
	}
	f.Fuzz(func(t *testing.T, a, b []byte, pending, udp bool) {
		if len(a) == 0 || len(b) == 0 || len(a)+len(b) > 3000 {
			return
		}
		var m Coalescer[int]
		m.Add(1, withRoom(a), room, pending, udp)
		m.Add(1, withRoom(b), room, pending, udp)
		got := flush(&m)
		packets := 0
		for _, g := range got {
			packets += g.packets
		}
		if packets != 2 {
			t.Fatalf("%d packets came of two", packets)
		}
		if len(got) == 2 {
			if !bytes.Equal(got[0].packet, a) || !bytes.Equal(got[1].packet, b) {
				t.Error("packets that were not coalesced were changed")
			}
			return
		}
		if all := segmentsOf(t, gsoPacket{got[0].packet, got[0].pending}); len(all) != 2 || len(all[0]) != len(a) || len(all[1]) != len(b) {
			t.Error("a coalesced packet cannot be segmented")
		}
	})
}

func TestCoalescerDoesNotAllocate(t *testing.T) {
	batch := benchBatch(t)
	first := bytes.Clone(batch[0])
	var m Coalescer[int]
	work := func() {
		copy(batch[0], first)
		for _, p := range batch {
			m.Add(1, p, room, false, true)
		}
		m.Flush(func(int, *GSOPacket) {})
	}
	work()
	if n := testing.AllocsPerRun(100, work); n != 0 {
		t.Errorf("a batch costs %v allocations", n)
	}
}

// benchBatch returns 44 segments of TCP.
func benchBatch(t testing.TB) (all [][]byte) {
	packet, p := benchGSOPacket()
	for _, s := range segmentsOf(t, gsoPacket{packet, p}) {
		all = append(all, withRoom(s))
	}
	return all
}

func BenchmarkCoalesce(b *testing.B) {
	batch := benchBatch(b)
	first := bytes.Clone(batch[0])
	var m Coalescer[int]
	b.ReportAllocs()
	b.SetBytes(44 * 1480)
	for b.Loop() {
		copy(batch[0], first)
		for _, p := range batch {
			m.Add(1, p, room, false, true)
		}
		m.Flush(func(int, *GSOPacket) {})
	}
}
