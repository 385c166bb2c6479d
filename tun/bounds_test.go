package tun

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net/netip"
	"testing"
)

// TestFold: at one carry, and at two.
func TestFold(t *testing.T) {
	for sum, want := range map[uint64]uint16{0: 0, 0xffff: 0xffff, 0x10000: 1, 0x1ffff: 1, 0x1fffe: 0xffff, 0xffffffff: 0xffff, 0xffff0001: 1} {
		if got := fold(sum); got != want {
			t.Errorf("%#x is folded to %#x, want %#x", sum, got, want)
		}
	}
}

// TestTransportCutShort: a packet with a truncated IP header has no known checksum; nothing beyond
// its end is read.
func TestTransportCutShort(t *testing.T) {
	for _, packet := range [][]byte{
		withPendingChecksum("192.0.2.1", "192.0.2.2", protoUDP, 0, nil, randomData(protoUDP, 0)),
		withPendingChecksum("2001:db8::1", "2001:db8::2", protoTCP, protoTCP, nil, randomData(protoTCP, 0)),
		withPendingChecksum("2001:db8::1", "2001:db8::2", protoUDP, protoHopByHop, []byte{protoUDP, 0, 1, 4, 0, 0, 0, 0}, randomData(protoUDP, 0)),
	} {
		if !CompleteChecksum(bytes.Clone(packet)) {
			t.Errorf("% x: the whole packet is left alone", packet)
		}
		for n := range packet {
			truncated := append(make([]byte, 0, n), packet[:n]...)
			if CompleteChecksum(truncated) || !bytes.Equal(truncated, packet[:n]) {
				t.Errorf("% x is completed", truncated)
			}
		}
	}
}

// TestVirtioHeader: the header octet by octet (Virtual I/O Device 1.2 section 5.1.6).
func TestVirtioHeader(t *testing.T) {
	number := func(n uint16) []byte { return binary.NativeEndian.AppendUint16(nil, n) }
	header := func(flags, kind byte, fields ...uint16) (b [virtioLen]byte) {
		octets := []byte{flags, kind}
		for _, f := range fields {
			octets = append(octets, number(f)...)
		}
		copy(b[:], octets)
		return b
	}
	for _, c := range []struct {
		b    [virtioLen]byte
		want PendingOffload
	}{
		{header(0, 0, 0, 0, 0, 0), PendingOffload{}},
		{header(1, 0, 0, 0, 34, 16), PendingOffload{Checksum: true, Start: 34, Offset: 16}},
		{header(1, 1, 54, 1448, 20, 16), PendingOffload{Checksum: true, Start: 20, Offset: 16, Segment: SegmentTCP4, Size: 1448}},
		{header(1, 0x81, 54, 1448, 20, 16), PendingOffload{Checksum: true, Start: 20, Offset: 16, Segment: SegmentTCP4, Size: 1448, ECN: true}},
		{header(1, 4, 54, 1428, 40, 16), PendingOffload{Checksum: true, Start: 40, Offset: 16, Segment: SegmentTCP6, Size: 1428}},
		{header(1, 0x84, 54, 1428, 40, 16), PendingOffload{Checksum: true, Start: 40, Offset: 16, Segment: SegmentTCP6, Size: 1428, ECN: true}},
		{header(1, 5, 54, 1200, 20, 6), PendingOffload{Checksum: true, Start: 20, Offset: 6, Segment: SegmentUDP, Size: 1200}},
	} {
		got, err := parsePending(&c.b)
		if err != nil || got != c.want {
			t.Errorf("% x is %+v, %v, want %+v", c.b, got, err, c.want)
		}
		var back [virtioLen]byte
		c.want.put(&back, 54)
		if back != c.b {
			t.Errorf("%+v is written as % x, want % x", c.want, back, c.b)
		}
	}
	for _, kind := range []byte{2, 3, 6, 0x7f, 0x83} {
		b := header(0, kind, 0, 0, 0, 0)
		if got, err := parsePending(&b); !errors.Is(err, errSegmentation) {
			t.Errorf("type %d is parsed as %+v, %v", kind, got, err)
		}
	}
}

// TestSegmenterRefusesOtherTransport: a GSO packet whose type names the other IP version or the
// other protocol is refused.
func TestSegmenterRefusesOtherTransport(t *testing.T) {
	packets := map[Segmentation][][]byte{}
	for _, v6 := range []bool{false, true} {
		tcp, _ := segmentPair(t, protoTCP, v6)
		udp, _ := segmentPair(t, protoUDP, v6)
		kind := SegmentTCP4
		if v6 {
			kind = SegmentTCP6
		}
		packets[kind] = append(packets[kind], tcp)
		packets[SegmentUDP] = append(packets[SegmentUDP], udp)
	}
	for is, all := range packets {
		for _, packet := range all {
			for _, kind := range []Segmentation{SegmentTCP4, SegmentTCP6, SegmentUDP} {
				var segmenter Segmenter
				err := segmenter.Start(packet, PendingOffload{Checksum: true, Segment: kind, Size: 50})
				if (err == nil) != (is == kind) || err != nil && !errors.Is(err, ErrGSOPacket) {
					t.Errorf("type %d, with PendingOffload.Segment %d: %v", is, kind, err)
				}
			}
		}
	}
}

// TestSegmenterRoutingHeader: the pseudo-header has the final destination, which the sender has
// summed (RFC 8200 section 8.1).
func TestSegmenterRoutingHeader(t *testing.T) {
	src, next, last := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2"), netip.MustParseAddr("2001:db8::9")
	data := randomData(protoTCP, 250)
	data[12], data[13] = 5<<4, 0x10
	routing := append([]byte{protoTCP, 2, 2, 1, 0, 0, 0, 0}, last.AsSlice()...)
	packet := withPendingChecksum(src.String(), next.String(), protoTCP, protoRouting, routing, data)
	start := len(packet) - len(data)
	copy(packet[start+tcpChecksum:], referenceSum(pseudo(src, last, protoTCP, len(data))))

	var segmenter Segmenter
	if err := segmenter.Start(packet, PendingOffload{Checksum: true, Start: uint16(start), Offset: tcpChecksum, Segment: SegmentTCP6, Size: 100}); err != nil {
		t.Fatal(err)
	}
	for n := 0; segmenter.Len() > 0; n++ {
		head := make([]byte, segmenter.HeaderLen())
		segment := append(head, segmenter.Next(head)...)
		if got, want := len(segment)-start-tcpHeader, []int{100, 100, 50}[n]; got != want {
			t.Errorf("segment %d has %d octets, want %d", n, got, want)
		}
		if !checksumRight(src.String(), last.String(), protoTCP, segment[start:]) {
			t.Errorf("segment %d has a wrong checksum: % x", n, segment)
		}
	}
}
