package load

import (
	"net/netip"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// TestPackets: another implementation accepts our packets, with their checksums, at each length;
// their answers are recognized, and nothing else is.
func TestPackets(t *testing.T) {
	src, dst := netip.MustParseAddr("10.1.0.7"), netip.MustParseAddr("10.0.0.1")
	sent := payload{client: 70000, sent: 123456789}
	for _, port := range []uint16{0, 7} {
		for size := minPacket; size <= 1492; size += 31 {
			b := appendPacket(nil, src, dst, port, sent, size)
			p := gopacket.NewPacket(b, layers.LayerTypeIPv4, gopacket.Default)
			if err := p.ErrorLayer(); err != nil || len(b) != size {
				t.Fatalf("port %d, %d octets of %d: %v", port, len(b), size, err)
			}
			ip := p.Layer(layers.LayerTypeIPv4).(*layers.IPv4)
			if ip.SrcIP.String() != src.String() || ip.DstIP.String() != dst.String() || int(ip.Length) != size {
				t.Errorf("IPv4 header %+v", ip)
			}
			for _, part := range [][]byte{b[:ipHeader], b[ipHeader:]} {
				if port == 0 && checksum(part) != 0 {
					t.Errorf("%d octets: a checksum is wrong: % x", size, part)
				}
			}
			answered, ok := parseAnswer(b)
			if ok != (port != 0) {
				t.Errorf("port %d: our own packet is an answer: %v", port, ok)
			}
			if port == 0 {
				b[ipHeader] = 0 // Echo-Reply
				answered, ok = parseAnswer(b)
			}
			if !ok || answered != sent {
				t.Errorf("port %d: the answer has %+v, %v", port, answered, ok)
			}
			for n := range minPacket - payloadLen + 16 {
				if _, ok := parseAnswer(b[:n]); ok {
					t.Errorf("%d octets are an answer", n)
				}
			}
		}
	}
}

// TestUpList: clients are added and removed in any order.
func TestUpList(t *testing.T) {
	all := make([]client, 5)
	for i := range all {
		all[i].upIndex = -1
	}
	var u upList
	for _, i := range []int{3, 1, 4, 1} {
		u.add(all, i)
	}
	u.remove(all, 3)
	u.remove(all, 0)
	if len(u.clients) != 2 || all[3].upIndex != -1 || u.clients[all[1].upIndex] != 1 || u.clients[all[4].upIndex] != 4 {
		t.Errorf("%v, %+v", u.clients, all)
	}
}
