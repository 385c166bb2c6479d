package ipcp

import (
	"bytes"
	"net/netip"
	"testing"

	"upppoe/ppp"
)

// TestNumbers: the option types of RFC 1332 section 3 and RFC 1877 section 1.
func TestNumbers(t *testing.T) {
	got := []byte{OptAddresses, OptCompression, OptAddress, OptPrimaryDNS, OptPrimaryNBNS, OptSecondaryDNS, OptSecondaryNBNS}
	if want := []byte{1, 2, 3, 129, 130, 131, 132}; !bytes.Equal(got, want) {
		t.Errorf("options %v, want %v", got, want)
	}
}

// TestUsable: the bounds of the ranges that no host can have (RFC 1122 section 3.2.1.3).
func TestUsable(t *testing.T) {
	for text, want := range map[string]bool{
		"0.0.0.0": false, "0.255.255.255": false, "1.0.0.0": true, "126.255.255.255": true, "127.0.0.0": false, "127.255.255.255": false,
		"128.0.0.0": true, "223.255.255.255": true, "224.0.0.0": false, "240.0.0.1": false, "255.255.255.255": false, "::1": false, "::ffff:10.0.0.1": false,
	} {
		if got := from(netip.MustParseAddr(text)).usable(); got != want {
			t.Errorf("%s: usable %v, want %v", text, got, want)
		}
	}
	if from(netip.Addr{}).usable() {
		t.Error("the invalid address is usable")
	}
}

// TestServersAssigned: the server assigned for each option: primary and secondary, or a single one for
// both.
func TestServersAssigned(t *testing.T) {
	none := netip.Addr{}
	nbns1, nbns2 := netip.MustParseAddr("192.0.2.137"), netip.MustParseAddr("192.0.2.138")
	for _, c := range []struct {
		dns, nbns [2]netip.Addr
		want      [4]netip.Addr // by option, from 129 on
	}{
		{[2]netip.Addr{dns1, dns2}, [2]netip.Addr{nbns1, nbns2}, [4]netip.Addr{dns1, nbns1, dns2, nbns2}},
		{[2]netip.Addr{dns1, none}, [2]netip.Addr{none, nbns2}, [4]netip.Addr{dns1, nbns2, dns1, nbns2}},
		{[2]netip.Addr{none, dns2}, [2]netip.Addr{nbns1, none}, [4]netip.Addr{dns2, nbns1, dns2, nbns1}},
		{[2]netip.Addr{}, [2]netip.Addr{}, [4]netip.Addr{}},
	} {
		n := New(&Config{DNS: c.dns, NBNS: c.nbns})
		for i, want := range c.want {
			typ := uint8(129 + i)
			verdict, suggestion := n.Evaluate(option(typ, from(none)))
			got, _ := address(suggestion)
			switch {
			case !want.IsValid() && verdict != ppp.Reject:
				t.Errorf("option %d without a server: verdict %d, want Reject", typ, verdict)
			case want.IsValid() && (verdict != ppp.Nak || got.addr() != want):
				t.Errorf("option %d: verdict %d with %v, want a Nak with %v", typ, verdict, got, want)
			}
			if !want.IsValid() {
				continue
			}
			if v, _ := n.Evaluate(option(typ, from(want))); v != ppp.Ack {
				t.Errorf("option %d with the right server: verdict %d, want Ack", typ, v)
			}
			if v, _ := n.Evaluate(ppp.Option{Type: typ, Value: []byte{1, 2, 3, 4, 5}}); v != ppp.Nak {
				t.Errorf("option %d of five octets: verdict %d, want Nak", typ, v)
			}
		}
	}
}

// TestServersRequested: each Nak sets the server of its option, also when others are rejected.
func TestServersRequested(t *testing.T) {
	types := []uint8{129, 131, 130, 132}
	for rejected := range types {
		n := New(&Config{Local: local, RequestDNS: true, RequestNBNS: true})
		for i, typ := range types {
			n.ReceivedNak(option(typ, from(netip.AddrFrom4([4]byte{192, 0, 2, byte(i + 1)}))))
		}
		n.ReceivedReject(option(types[rejected], from(netip.Addr{})))
		a := n.Agreement()
		for i, got := range []netip.Addr{a.DNS[0], a.DNS[1], a.NBNS[0], a.NBNS[1]} {
			want := netip.AddrFrom4([4]byte{192, 0, 2, byte(i + 1)})
			if i == rejected {
				want = netip.Addr{}
			}
			if got != want {
				t.Errorf("without %d, server %d is %v, want %v", types[rejected], types[i], got, want)
			}
		}
		if request, _ := ppp.ParseOptions(n.AppendRequest(nil)); len(request) != 4*6 {
			t.Errorf("without %d we request % x", types[rejected], request)
		}
	}
	n := New(&Config{Local: local}) // a server that was not requested is ignored
	n.ReceivedNak(option(OptPrimaryDNS, from(dns1)))
	if a := n.Agreement(); a.DNS[0].IsValid() {
		t.Errorf("without a request we have %v", a.DNS[0])
	}
	n.ReceivedNak(ppp.Option{Type: OptAddress, Value: []byte{1, 2, 3}})
	if n.localRefused || n.local.addr() != local {
		t.Error("a Nak with an address of three octets has an effect")
	}
}

// TestAddressFilter: a peer may request the addresses that the filter allows, except ours.
func TestAddressFilter(t *testing.T) {
	for _, c := range []struct {
		cfg   Config
		other ppp.Verdict // on an address that is not allowed
	}{
		{Config{Local: local}, ppp.Reject},
		{Config{Local: local, Remote: dns1, AcceptRemote: true}, ppp.Nak},
	} {
		n := New(&c.cfg)
		n.SetChoice(nil, func(a netip.Addr) bool { return a == remote || a == local })
		for addr, want := range map[netip.Addr]ppp.Verdict{remote: ppp.Ack, dns2: c.other, local: c.other, netip.IPv4Unspecified(): c.other} {
			if v, _ := n.Evaluate(option(OptAddress, from(addr))); v != want {
				t.Errorf("%+v: %v gets verdict %d, want %d", c.cfg, addr, v, want)
			}
		}
		n.SetChoice(nil, nil)
		if v, _ := n.Evaluate(option(OptAddress, from(dns2))); v != ppp.Ack {
			t.Errorf("%+v, without a filter: verdict %d, want Ack", c.cfg, v)
		}
	}
}
