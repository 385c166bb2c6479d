package tun

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"

	"pgregory.net/rapid"
)

// gsoPacket is a GSO packet as the kernel sends it to a TUN device.
type gsoPacket struct {
	packet  []byte
	pending PendingOffload
}

// drawGSOPacket draws a GSO packet with at least two segments.
func drawGSOPacket(t *rapid.T) gsoPacket {
	proto := rapid.SampledFrom([]byte{protoTCP, protoUDP}).Draw(t, "proto")
	v6 := rapid.Bool().Draw(t, "v6")
	size := rapid.IntRange(1, 1460).Draw(t, "size")
	count := rapid.IntRange(2, min(maxSegments, 60000/size)).Draw(t, "count")
	last := rapid.IntRange(1, size).Draw(t, "last")
	payload := octets(t, "payload", size*(count-1)+last)
	transport := transportHeader(t, proto)
	start := 20
	if v6 {
		start = 40
	}
	packet := append(append(networkHeader(t, v6, proto, len(transport)+len(payload)), transport...), payload...)
	p := PendingOffload{Checksum: true, Start: uint16(start), Size: uint16(size)}
	switch {
	case proto == protoUDP:
		p.Segment, p.Offset = SegmentUDP, 6
		binary.BigEndian.PutUint16(packet[start+4:], uint16(len(packet)-start))
	case v6:
		p.Segment, p.Offset = SegmentTCP6, 16
	default:
		p.Segment, p.Offset = SegmentTCP4, 16
	}
	if proto == protoTCP {
		p.ECN = packet[start+13]&flagCWR != 0
	}
	at := start + int(p.Offset)
	copy(packet[at:], referenceSum(pseudoOf(packet, start)))
	return gsoPacket{packet, p}
}

// octets draws a seed for octets: rapid is slow at drawing thousands.
func octets(t *rapid.T, what string, n int) []byte {
	seed := rapid.Uint64().Draw(t, what)
	b := make([]byte, n)
	for i := range b {
		seed = seed*6364136223846793005 + 1442695040888963407
		b[i] = byte(seed >> 56)
	}
	return b
}

func networkHeader(t *rapid.T, v6 bool, proto byte, length int) []byte {
	if v6 {
		b := append([]byte{0x60, 0, 0, 0, 0, 0, proto, 0}, octets(t, "addresses", 32)...)
		b[1], b[3], b[7] = rapid.Byte().Draw(t, "class"), rapid.Byte().Draw(t, "label"), rapid.Byte().Draw(t, "hops")
		binary.BigEndian.PutUint16(b[4:], uint16(length))
		return b
	}
	b := append([]byte{0x45, 0, 0, 0, 0, 0, 0, 0, 0, proto, 0, 0}, octets(t, "addresses", 8)...)
	b[1], b[8] = rapid.Byte().Draw(t, "tos"), rapid.Byte().Draw(t, "ttl")
	b[6] = rapid.SampledFrom([]byte{0, 0x40}).Draw(t, "df")
	binary.BigEndian.PutUint16(b[2:], uint16(20+length))
	binary.BigEndian.PutUint16(b[4:], rapid.Uint16().Draw(t, "id"))
	check := referenceSum(b)
	b[10], b[11] = ^check[0], ^check[1]
	return b
}

func transportHeader(t *rapid.T, proto byte) []byte {
	if proto == protoUDP {
		return append(octets(t, "ports", 4), 0, 0, 0, 0)
	}
	options := octets(t, "options", 4*rapid.IntRange(0, 10).Draw(t, "options"))
	b := append(octets(t, "ports, seq, ack", 12), byte(5+len(options)/4)<<4, 0, 0, 0, 0, 0, 0, 0)
	b[13] = 0x10 | rapid.SampledFrom([]byte{0, flagPSH, flagFIN, flagFIN | flagPSH}).Draw(t, "end") |
		rapid.SampledFrom([]byte{0, flagCWR, 0x40, flagCWR | 0x40}).Draw(t, "ecn")
	copy(b[14:], octets(t, "window", 2))
	return append(b, options...)
}

// pseudoOf returns the pseudo-header of a packet without IP options or extension headers.
func pseudoOf(p []byte, start int) []byte {
	addresses, proto := p[12:20], p[9]
	if start == 40 {
		addresses, proto = p[8:40], p[6]
	}
	b := binary.BigEndian.AppendUint32(bytes.Clone(addresses), uint32(len(p)-start))
	return binary.BigEndian.AppendUint32(b, uint32(proto))
}

// segmentsOf segments a GSO packet into whole packets.
func segmentsOf(t rapid.TB, s gsoPacket) (all [][]byte) {
	t.Helper()
	var segmenter Segmenter
	if err := segmenter.Start(s.packet, s.pending); err != nil {
		t.Fatalf("Start: %v", err)
	}
	for want := segmenter.Len(); want > 0; want-- {
		if segmenter.Len() != want {
			t.Fatalf("%d segments are left, want %d", segmenter.Len(), want)
		}
		b := make([]byte, segmenter.HeaderLen(), segmenter.HeaderLen()+int(s.pending.Size))
		all = append(all, append(b, segmenter.Next(b)...))
	}
	return all
}

// reference segments a GSO packet in the simplest way, and sums octet by octet.
func reference(s gsoPacket) (all [][]byte) {
	start := int(s.pending.Start)
	header := start + 8
	if s.pending.Segment != SegmentUDP {
		header = start + int(s.packet[start+12]>>4)*4
	}
	for at := header; at < len(s.packet); at += int(s.pending.Size) {
		end := min(at+int(s.pending.Size), len(s.packet))
		p := append(bytes.Clone(s.packet[:header]), s.packet[at:end]...)
		t := p[start:]
		if s.pending.Segment == SegmentUDP {
			binary.BigEndian.PutUint16(t[4:], uint16(len(t)))
		} else {
			binary.BigEndian.PutUint32(t[4:], binary.BigEndian.Uint32(t[4:])+uint32(at-header))
			if at > header && s.pending.ECN {
				t[13] &^= flagCWR
			}
			if end < len(s.packet) {
				t[13] &^= flagFIN | flagPSH
			}
		}
		if start == 20 {
			binary.BigEndian.PutUint16(p[2:], uint16(len(p)))
			binary.BigEndian.PutUint16(p[4:], binary.BigEndian.Uint16(p[4:])+uint16(len(all)))
			p[10], p[11] = 0, 0
			c := referenceSum(p[:20])
			p[10], p[11] = ^c[0], ^c[1]
		} else {
			binary.BigEndian.PutUint16(p[4:], uint16(len(p)-40))
		}
		field := t[s.pending.Offset : s.pending.Offset+2]
		field[0], field[1] = 0, 0
		c := referenceSum(append(pseudoOf(p, start), t...))
		field[0], field[1] = ^c[0], ^c[1]
		if s.pending.Segment == SegmentUDP && field[0]|field[1] == 0 {
			field[0], field[1] = 0xff, 0xff
		}
		all = append(all, p)
	}
	return all
}

// verified reports whether all checksums of a packet are right, octet by octet.
func verified(p []byte, start int) bool {
	ones := []byte{0xff, 0xff}
	return (start == 40 || bytes.Equal(referenceSum(p[:20]), ones)) &&
		bytes.Equal(referenceSum(append(pseudoOf(p, start), p[start:]...)), ones)
}

// TestSegmenterAgainstReference: segments equal those of the reference, with right checksums.
func TestSegmenterAgainstReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawGSOPacket(t)
		want := reference(gsoPacket{bytes.Clone(s.packet), s.pending})
		got := segmentsOf(t, s)
		if len(got) != len(want) {
			t.Fatalf("%d segments, want %d", len(got), len(want))
		}
		for i := range got {
			if !bytes.Equal(got[i], want[i]) {
				t.Fatalf("segment %d of %d is\n% x, want\n% x", i, len(got), got[i][:80], want[i][:80])
			}
			if !verified(got[i], int(s.pending.Start)) {
				t.Fatalf("segment %d has a wrong checksum", i)
			}
		}
	})
}

// TestSegmenterRefuses: a GSO packet that does not match its PendingOffload, or whose headers are
// inconsistent, is refused.
func TestSegmenterRefuses(t *testing.T) {
	good := func() gsoPacket {
		data := randomData(protoTCP, 100)
		data[12] = 5 << 4
		return gsoPacket{withPendingChecksum("192.0.2.1", "192.0.2.2", protoTCP, 0, nil, data),
			PendingOffload{Checksum: true, Start: 20, Offset: 16, Segment: SegmentTCP4, Size: 50}}
	}
	if got := segmentsOf(t, good()); len(got) != 2 {
		t.Fatalf("the packet that all differ from has %d segments, want 2", len(got))
	}
	for what, change := range map[string]func(*gsoPacket){
		"no size":                func(s *gsoPacket) { s.pending.Size = 0 },
		"no kind":                func(s *gsoPacket) { s.pending.Segment = SegmentNone },
		"a nonexistent type":     func(s *gsoPacket) { s.pending.Segment = 3 },
		"of IPv6":                func(s *gsoPacket) { s.pending.Segment = SegmentTCP6 },
		"of UDP":                 func(s *gsoPacket) { s.pending.Segment = SegmentUDP },
		"truncated":              func(s *gsoPacket) { s.packet = s.packet[:50] },
		"no payload":             func(s *gsoPacket) { s.packet = s.packet[:40]; s.packet[3] = 40 },
		"a TCP header too short": func(s *gsoPacket) { s.packet[32] = 4 << 4 },
		"a TCP header beyond":    func(s *gsoPacket) { s.packet = s.packet[:50]; s.packet[3] = 50; s.packet[32] = 15 << 4 },
		"a fragment":             func(s *gsoPacket) { s.packet[6] = 0x20 },
		"nothing":                func(s *gsoPacket) { s.packet = nil },
		"a truncated IP header":  func(s *gsoPacket) { s.packet = s.packet[:19] },
	} {
		s := good()
		change(&s)
		var segmenter Segmenter
		if err := segmenter.Start(s.packet, s.pending); !errors.Is(err, ErrGSOPacket) || segmenter.Len() != 0 {
			t.Errorf("%s: %v, %d segments; want %v", what, err, segmenter.Len(), ErrGSOPacket)
		}
	}
}

// FuzzSegmenter: for any octets and PendingOffload, segments have all of the payload, and right
// checksums.
func FuzzSegmenter(f *testing.F) {
	for _, form := range forms {
		for _, proto := range []byte{protoTCP, protoUDP} {
			next, headers := form.headers(proto)
			data := randomData(proto, 300)
			if proto == protoTCP {
				data[12] = 5 << 4
			}
			for _, kind := range []byte{1, 4, 5} {
				f.Add(withPendingChecksum(form.src, form.dst, proto, next, headers, data), kind, uint16(99), true)
			}
		}
	}
	f.Fuzz(func(t *testing.T, packet []byte, kind byte, size uint16, ecn bool) {
		var segmenter Segmenter
		before := bytes.Clone(packet)
		p := PendingOffload{Checksum: true, Segment: Segmentation(kind), Size: size, ECN: ecn}
		if segmenter.Start(packet, p) != nil {
			return
		}
		n := 0
		whole := parseTransport(packet)
		for b := make([]byte, segmenter.HeaderLen()); segmenter.Len() > 0; {
			payload := segmenter.Next(b)
			n += len(payload)
			got := parseTransport(append(bytes.Clone(b), payload...))
			if got.proto != whole.proto {
				t.Fatalf("a segment is of protocol %d, want %d", got.proto, whole.proto)
			}
			if got.addresses != nil && fold(sum(got.addresses)+uint64(got.proto)+uint64(len(got.data))+sum(got.data)) != 0xffff {
				t.Fatalf("a segment has a wrong checksum: % x", got.data)
			}
		}
		if want := whole.start + len(whole.data) - segmenter.HeaderLen(); n != want {
			t.Errorf("segments have %d octets of payload, want %d", n, want)
		}
		if !bytes.Equal(packet, before) {
			t.Error("the GSO packet was changed")
		}
	})
}

// FuzzPending: any header is parsed or refused, and a parsed one is encoded to the same octets.
func FuzzPending(f *testing.F) {
	f.Add([]byte{1, 1, 54, 0, 0xa0, 5, 20, 0, 16, 0}, []byte{0x45, 0})
	f.Add([]byte{1, 0, 0, 0, 0, 0, 0, 0, 0, 0}, make([]byte, 40))
	f.Fuzz(func(t *testing.T, header, packet []byte) {
		if len(header) < virtioLen {
			return
		}
		p, err := parsePending((*[virtioLen]byte)(header))
		if err != nil {
			return
		}
		var again [virtioLen]byte
		p.put(&again, 40)
		if q, err := parsePending(&again); err != nil || q != p {
			t.Errorf("%+v is written, and read as %+v: %v", p, q, err)
		}
		after := bytes.Clone(packet)
		if !p.Complete(after) && !bytes.Equal(after, packet) {
			t.Error("changed, and said no")
		}
	})
}

// benchGSOPacket returns a GSO packet of 44 full TCP segments.
func benchGSOPacket() (packet []byte, p PendingOffload) {
	data := randomData(protoTCP, 44*1440)
	data[12], data[13] = 5<<4, 0x10 // ACK, and no other flags
	packet = withPendingChecksum("192.0.2.1", "192.0.2.2", protoTCP, 0, nil, data)
	return packet, PendingOffload{Checksum: true, Start: 20, Offset: 16, Segment: SegmentTCP4, Size: 1440}
}

func TestSegmenterDoesNotAllocate(t *testing.T) {
	packet, p := benchGSOPacket()
	var segmenter Segmenter
	var head [128]byte
	if n := testing.AllocsPerRun(100, func() {
		if err := segmenter.Start(packet, p); err != nil {
			t.Fatal(err)
		}
		for segmenter.Len() > 0 {
			segmenter.Next(head[:])
		}
	}); n != 0 {
		t.Errorf("segmenting a GSO packet allocates %v times", n)
	}
}

func BenchmarkSegment(b *testing.B) {
	packet, p := benchGSOPacket()
	b.ReportAllocs()
	b.SetBytes(int64(len(packet)))
	var segmenter Segmenter
	var head [128]byte
	for b.Loop() {
		segmenter.Start(packet, p)
		for segmenter.Len() > 0 {
			segmenter.Next(head[:])
		}
	}
}
