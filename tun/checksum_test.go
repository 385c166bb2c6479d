package tun

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// packet builds an IP packet with right checksums.
func packet(t testing.TB, parts ...gopacket.SerializableLayer) []byte {
	t.Helper()
	b := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, parts...); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// pending leaves only the sum of the pseudo-header in a packet's checksum field, as
// Linux does.
func pending(packet []byte, proto byte, segment, at int) []byte {
	b := bytes.Clone(packet)
	length := uint64(len(b) - segment)
	sum := uint64(proto) + length
	if b[0]>>4 == 4 {
		sum += sum16(b[12:20])
	} else {
		sum += sum16(b[8:40])
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	binary.BigEndian.PutUint16(b[segment+at:], uint16(sum))
	return b
}

func sum16(b []byte) (s uint64) {
	for ; len(b) > 0; b = b[2:] {
		s += uint64(binary.BigEndian.Uint16(b))
	}
	return s
}

func TestCompleteChecksum(t *testing.T) {
	v4 := func(p layers.IPProtocol) *layers.IPv4 {
		return &layers.IPv4{Version: 4, TTL: 64, Protocol: p, SrcIP: []byte{192, 0, 2, 1}, DstIP: []byte{203, 0, 113, 254}}
	}
	v6 := func(p layers.IPProtocol) *layers.IPv6 {
		return &layers.IPv6{Version: 6, HopLimit: 64, NextHeader: p, SrcIP: bytes.Repeat([]byte{0x20, 1}, 8), DstIP: bytes.Repeat([]byte{0x20, 2}, 8)}
	}
	for _, odd := range []string{"", "x", "seventeen octets!", string(make([]byte, 1400))} {
		for _, c := range []struct {
			what    string
			ip      gopacket.SerializableLayer
			segment int
		}{{"IPv4", v4(6), 20}, {"IPv6", v6(6), 40}} {
			tcp := &layers.TCP{SrcPort: 1, DstPort: 2, Seq: 3, ACK: true, Window: 4}
			tcp.SetNetworkLayerForChecksum(c.ip.(gopacket.NetworkLayer))
			check(t, c.what+" TCP", packet(t, c.ip, tcp, gopacket.Payload(odd)), 6, c.segment, 16)
		}
		for _, c := range []struct {
			what    string
			ip      gopacket.SerializableLayer
			segment int
		}{{"IPv4", v4(17), 20}, {"IPv6", v6(17), 40}} {
			udp := &layers.UDP{SrcPort: 53, DstPort: 1234}
			udp.SetNetworkLayerForChecksum(c.ip.(gopacket.NetworkLayer))
			check(t, c.what+" UDP", packet(t, c.ip, udp, gopacket.Payload(odd)), 17, c.segment, 6)
		}
	}
}

// check leaves a packet's checksum open, completes it, and compares.
func check(t *testing.T, what string, whole []byte, proto byte, segment, at int) {
	t.Helper()
	open := pending(whole, proto, segment, at)
	if bytes.Equal(open, whole) {
		t.Fatalf("%s: the test leaves nothing open", what)
	}
	if padded := append(open, 0xff, 0xff); !CompleteChecksum(padded) || !bytes.Equal(padded[:len(whole)], whole) {
		t.Errorf("%s of %d octets: the checksum is %x, want %x", what, len(whole), padded[segment+at:segment+at+2], whole[segment+at:segment+at+2])
	}
}

func TestLeftAlone(t *testing.T) {
	tcp4 := make([]byte, 40)
	tcp4[0], tcp4[3], tcp4[9] = 0x45, 40, 6
	for _, c := range []struct {
		what   string
		change func(b []byte) []byte
	}{
		{"ICMP", func(b []byte) []byte { b[9] = 1; return b }},
		{"a fragment", func(b []byte) []byte { b[6] = 0x20; return b }},
		{"a later fragment", func(b []byte) []byte { b[7] = 1; return b }},
		{"a packet cut short", func(b []byte) []byte { return b[:30] }},
		{"a header length of 4", func(b []byte) []byte { b[0] = 0x41; return b }},
		{"version 5", func(b []byte) []byte { b[0] = 0x55; return b }},
		{"nothing", func([]byte) []byte { return nil }},
	} {
		b := c.change(bytes.Clone(tcp4))
		was := bytes.Clone(b)
		if CompleteChecksum(b) || !bytes.Equal(b, was) {
			t.Errorf("%s is not left alone", c.what)
		}
	}
}

func FuzzCompleteChecksum(f *testing.F) {
	f.Add([]byte{0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 1, 0, 2, 0, 8, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		was := bytes.Clone(b)
		done := CompleteChecksum(b)
		changed := 0
		for i := range b {
			if b[i] != was[i] {
				changed++
			}
		}
		if changed > 2 || !done && changed > 0 {
			t.Errorf("%d octets of % x were changed, done %v", changed, was, done)
		}
	})
}

func BenchmarkCompleteChecksum(b *testing.B) {
	p := make([]byte, 1492)
	p[0], p[9] = 0x45, 6
	binary.BigEndian.PutUint16(p[2:], 1492)
	b.SetBytes(1492)
	b.ReportAllocs()
	for b.Loop() {
		CompleteChecksum(p)
	}
}
