package load

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"

	"upppoe/internal/ipv6/dhcp6"
	"upppoe/internal/ipv6/packet6"
	"upppoe/pppoe/wire"
)

// TestDHCPPackets: answers are recognized, and packets that are cut or for others are not.
func TestDHCPPackets(t *testing.T) {
	own, server := netip.MustParseAddr("fe80::1"), netip.MustParseAddr("fe80::2")
	for n := range 200 {
		message := bytes.Repeat([]byte{byte(n)}, n)
		sent, err := packet6.Parse(appendDHCP([]byte{1, 2, 3}, own, message)[3:])
		if err != nil || sent.Validate() != nil || sent.Source != own || sent.Destination != dhcp6.AllRelayAgentsAndServers || sent.HopLimit != 1 {
			t.Fatalf("sent %+v, %v", sent, err)
		}
		d := sent.Datagram()
		if d.SourcePort != dhcp6.ClientPort || d.DestinationPort != dhcp6.ServerPort || !bytes.Equal(d.Data, message) {
			t.Fatalf("sent %+v", d)
		}
		d.SourcePort, d.DestinationPort = d.DestinationPort, d.SourcePort
		reply := packet6.Packet{Source: server, Destination: own, NextHeader: packet6.UDP, HopLimit: 255, Payload: d.AppendTo(nil)}
		answer := reply.AppendTo(nil)
		if got, ok := parseDHCP(answer, own); !ok || !bytes.Equal(got, message) {
			t.Errorf("% x is not recognized", answer)
		}
		for cut := range answer {
			if _, ok := parseDHCP(answer[:cut], own); ok {
				t.Errorf("of % x %d octets are accepted", answer, cut)
			}
		}
		if _, ok := parseDHCP(appendDHCP(nil, own, message), own); ok {
			t.Error("our own packet is taken for an answer")
		}
	}
}

// TestLateDHCPAnswer: a message that belongs to no exchange, as the second answer to a message that was sent twice, is
// dropped, and is no failed dial.
func TestLateDHCPAnswer(t *testing.T) {
	own, server := netip.MustParseAddr("fe80::1"), netip.MustParseAddr("fe80::2")
	duid := linkLayerDUID(wire.Addr{2})
	g := &Generator{clients: []client{{prefix: &prefixClient{Client: dhcp6.NewClient(&dhcp6.ClientConfig{DUID: duid, IAID: 1}), own: own}}}}
	message := []byte{byte(dhcpv6.MessageTypeAdvertise), 1, 2, 3}
	for _, option := range []dhcpv6.OptionCode{dhcpv6.OptionClientID, dhcpv6.OptionServerID} {
		message = append(message, 0, byte(option), 0, byte(len(duid)))
		message = append(message, duid...)
	}
	d := packet6.Datagram{SourcePort: dhcp6.ServerPort, DestinationPort: dhcp6.ClientPort, Data: message}
	late := packet6.Packet{Source: server, Destination: own, NextHeader: packet6.UDP, HopLimit: 255, Payload: d.AppendTo(nil)}
	if !g.receiveDHCP(0, time.Unix(1, 0), late.AppendTo(nil)) {
		t.Error("it is not recognized")
	}
	if n := total(g.result.Failures); n != 0 || g.prefixes.late != 1 {
		t.Errorf("%d failures: %v; %d dropped", n, g.result.Failures, g.prefixes.late)
	}
}

// TestDHCPLengths: the length field of a UDP datagram, and the length of a packet, may be any.
func TestDHCPLengths(t *testing.T) {
	own, server := netip.MustParseAddr("fe80::1"), netip.MustParseAddr("fe80::2")
	d := packet6.Datagram{SourcePort: dhcp6.ServerPort, DestinationPort: dhcp6.ClientPort, Data: []byte("0123456789")}
	whole := packet6.Packet{Source: server, Destination: own, NextHeader: packet6.UDP, HopLimit: 255, Payload: d.AppendTo(nil)}
	for n := range packet6.UDPLen + len(d.Data) + 10 {
		b := whole.AppendTo(nil)
		b[packet6.HeaderLen+5] = byte(n)
		got, ok := parseDHCP(b, own)
		if want := n >= packet6.UDPLen && n <= len(whole.Payload); ok != want || ok && string(got) != string(d.Data[:n-packet6.UDPLen]) {
			t.Errorf("UDP length %d: %q, %t", n, got, ok)
		}
	}
	for n := range packet6.UDPLen {
		b := whole.AppendTo(nil)[:packet6.HeaderLen+n]
		b[5] = byte(n)
		if got, ok := parseDHCP(b, own); ok {
			t.Errorf("payload of %d octets: %q", n, got)
		}
	}
}
