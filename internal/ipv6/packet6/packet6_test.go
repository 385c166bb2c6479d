package packet6

import (
	"bytes"
	"net/netip"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

var (
	own  = netip.MustParseAddr("fe80::1")
	peer = netip.MustParseAddr("fe80::2")
)

// TestDatagrams: another implementation makes the same packets, which are parsed again; what is cut or changed is
// not accepted.
func TestDatagrams(t *testing.T) {
	for n := range 100 {
		d := Datagram{547, 546, bytes.Repeat([]byte{byte(n)}, n)}
		p := Packet{Source: own, Destination: peer, NextHeader: UDP, HopLimit: 64, Payload: d.AppendTo(nil)}
		b := p.AppendTo([]byte{1, 2, 3})[3:]
		other := gopacket.NewPacket(b, layers.LayerTypeIPv6, gopacket.Default)
		ip, udp := other.Layer(layers.LayerTypeIPv6).(*layers.IPv6), other.Layer(layers.LayerTypeUDP).(*layers.UDP)
		udp.SetNetworkLayerForChecksum(ip)
		again := gopacket.NewSerializeBuffer()
		if err := gopacket.SerializeLayers(again, gopacket.SerializeOptions{ComputeChecksums: true, FixLengths: true}, ip, udp, gopacket.Payload(d.Data)); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(again.Bytes(), b) {
			t.Fatalf("% x, want % x", b, again.Bytes())
		}
		got, err := Parse(append(bytes.Clone(b), "padding"...))
		if err != nil || got.Validate() != nil || got.Source != own || got.Destination != peer || got.HopLimit != 64 || !bytes.Equal(got.Datagram().AppendTo(nil)[UDPLen:], d.Data) {
			t.Errorf("parsed %+v, %v", got, err)
		}
		for i := range b {
			if accepts(b[:i]) {
				t.Errorf("of % x %d octets are accepted", b, i)
			}
			if spoiled := bytes.Clone(b); i >= 8 {
				spoiled[i] ^= 0x10
				if accepts(spoiled) {
					t.Errorf("% x is accepted, octet %d is wrong", spoiled, i)
				}
			}
		}
	}
}

func accepts(b []byte) bool {
	p, err := Parse(b)
	return err == nil && p.Validate() == nil
}

// TestChecksumOfZero: a checksum that is 0 is sent as 0xffff, which means the same (RFC 768), and
// accepted.
func TestChecksumOfZero(t *testing.T) {
	found := 0
	for i := range 1 << 16 {
		p := Packet{Source: own, Destination: peer, NextHeader: UDP, HopLimit: 64, Payload: Datagram{547, 546, []byte{byte(i >> 8), byte(i)}}.AppendTo(nil)}
		if p.sum() != 0 {
			continue
		}
		found++
		if b := p.AppendTo(nil); !accepts(b) || b[46] != 0xff || b[47] != 0xff {
			t.Errorf("% x", b)
		}
	}
	if found == 0 {
		t.Error("no payload has the checksum 0")
	}
}

// FuzzParse: a valid packet is made again from what was parsed.
func FuzzParse(f *testing.F) {
	p := Packet{Source: own, Destination: peer, NextHeader: UDP, HopLimit: 1, Payload: Datagram{1, 2, []byte("data")}.AppendTo(nil)}
	f.Add(p.AppendTo(nil))
	p.NextHeader, p.Payload = ICMPv6, []byte{133, 0, 0, 0, 0, 0, 0, 0}
	f.Add(p.AppendTo(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := Parse(b)
		if err != nil || p.NextHeader != UDP && p.NextHeader != ICMPv6 || p.Validate() != nil {
			return
		}
		clean := bytes.Clone(p.Payload)
		at := ChecksumAt(p.NextHeader)
		given := [2]byte(clean[at:])
		clean[at], clean[at+1] = 0, 0
		again := Packet{p.Source, p.Destination, p.NextHeader, p.HopLimit, clean}
		got := again.AppendTo(nil)[HeaderLen:]
		if sum := [2]byte(got[at:]); !bytes.Equal(got[:at], p.Payload[:at]) || sum != given && !(given == [2]byte{} && sum == [2]byte{0xff, 0xff}) {
			t.Errorf("% x, made again % x", p.Payload, got)
		}
	})
}
