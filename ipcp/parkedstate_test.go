package ipcp_test

import (
	"bytes"
	"net/netip"
	"testing"

	"upppoe/ipcp"
	"upppoe/ppp"
)

// TestGrantState: what the peer may have is part of the state; a function that restricts its requests then
// allows the address that it has.
func TestGrantState(t *testing.T) {
	cfg := ipcp.Config{Local: netip.MustParseAddr("192.0.2.1"), RequestDNS: true}
	n := ipcp.New(&cfg)
	n.Assign(netip.IPv4Unspecified())
	has, other := ppp.Option{Type: ipcp.OptAddress, Value: []byte{192, 0, 2, 7}}, ppp.Option{Type: ipcp.OptAddress, Value: []byte{192, 0, 2, 8}}
	n.SetChoice([]netip.Addr{netip.MustParseAddr("192.0.2.9")}, func(netip.Addr) bool { return true })
	n.SetNameServers([2]netip.Addr{1: netip.MustParseAddr("192.0.2.53")})
	n.Acknowledged(has.AppendTo(nil))
	p := n.Park()
	var q ipcp.Parked
	if err := q.RestoreState(&cfg, p.AppendState(nil)); err != nil {
		t.Fatal(err)
	}
	var restored ipcp.Negotiator
	restored.Unpark(&cfg, &q)
	for _, c := range []struct {
		option ppp.Option
		want   ppp.Verdict
	}{
		{has, ppp.Ack}, {other, ppp.Reject},
		{ppp.Option{Type: ipcp.OptPrimaryDNS, Value: []byte{192, 0, 2, 53}}, ppp.Ack},
	} {
		if v, _ := restored.Evaluate(c.option); v != c.want {
			t.Errorf("option %v: verdict %v", c.option, v)
		}
	}
	restored.Assign(netip.MustParseAddr("192.0.2.7"))
	if v, _ := restored.Evaluate(other); v != ppp.Nak {
		t.Errorf("an address that is neither assigned nor an alternate: %v", v)
	}
	if !bytes.Equal(restored.AppendRequest(nil), n.AppendRequest(nil)) {
		t.Errorf("it requests %x, not %x", restored.AppendRequest(nil), n.AppendRequest(nil))
	}
}

// FuzzParkedState: no input does harm, and what is accepted is encoded as it was read.
func FuzzParkedState(f *testing.F) {
	cfg := ipcp.Config{RequestDNS: true}
	n := ipcp.New(&cfg)
	n.SetChoice([]netip.Addr{netip.MustParseAddr("192.0.2.9")}, nil)
	p := n.Park()
	f.Add(p.AppendState(nil))
	f.Fuzz(func(t *testing.T, state []byte) {
		var p, again ipcp.Parked
		if p.RestoreState(&cfg, state) != nil {
			return
		}
		encoded := p.AppendState(nil)
		if err := again.RestoreState(&cfg, encoded); err != nil || !bytes.Equal(again.AppendState(nil), encoded) {
			t.Errorf("%x, encoded again %x: %v", state, encoded, err)
		}
	})
}
