package load

import (
	"bytes"
	"net/netip"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// TestDHCPPackets: another implementation accepts our packets with messages of any length; answers are
// recognized, and packets that are cut or for others are not.
func TestDHCPPackets(t *testing.T) {
	own := netip.MustParseAddr("fe80::1")
	for n := range 200 {
		message := bytes.Repeat([]byte{byte(n)}, n)
		b := appendDHCP([]byte{1, 2, 3}, own, message)[3:]
		p := gopacket.NewPacket(b, layers.LayerTypeIPv6, gopacket.Default)
		ip, udp := p.Layer(layers.LayerTypeIPv6).(*layers.IPv6), p.Layer(layers.LayerTypeUDP).(*layers.UDP)
		want := udp.Checksum
		udp.SetNetworkLayerForChecksum(ip)
		again := gopacket.NewSerializeBuffer()
		if err := gopacket.SerializeLayers(again, gopacket.SerializeOptions{ComputeChecksums: true, FixLengths: true}, ip, udp, gopacket.Payload(message)); err != nil {
			t.Fatal(err)
		}
		if ip.DstIP.String() != "ff02::1:2" || ip.SrcIP.String() != "fe80::1" || want == 0 || !bytes.Equal(again.Bytes(), b) {
			t.Fatalf("% x, want % x", b, again.Bytes())
		}
		answer := bytes.Clone(b)
		copy(answer[24:40], own.AsSlice())
		copy(answer[42:44], []byte{2, 34}) // port 546
		got, ok := parseDHCP(answer, own)
		if !ok || !bytes.Equal(got, message) {
			t.Errorf("% x is not recognized", answer)
		}
		for cut := range answer {
			if _, ok := parseDHCP(answer[:cut], own); ok {
				t.Errorf("of % x %d octets are accepted", answer, cut)
			}
		}
		if _, ok := parseDHCP(b, own); ok {
			t.Error("our own packet is taken for an answer")
		}
	}
}
