package ipcp

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"upppoe/ppp"
)

var (
	epoch  = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	local  = netip.MustParseAddr("192.0.2.1")
	remote = netip.MustParseAddr("192.0.2.10")
	dns1   = netip.MustParseAddr("192.0.2.53")
	dns2   = netip.MustParseAddr("192.0.2.54")
)

// negotiate runs two sides until neither sends anything.
func negotiate(t *testing.T, a, b *Config) (na, nb *Negotiator, open bool) {
	t.Helper()
	n := [2]*Negotiator{New(a), New(b)}
	automatons := [2]*ppp.Automaton{ppp.NewAutomaton(n[0], &ppp.NegotiationLimits{}), ppp.NewAutomaton(n[1], &ppp.NegotiationLimits{})}
	q := [2]*ppp.Queue{{}, {}}
	for i := range automatons {
		automatons[i].Open(epoch, q[i])
		automatons[i].Up(epoch, q[i])
	}
	for range 100 {
		for i := range automatons {
			from := q[i]
			q[i] = &ppp.Queue{}
			for frame := range from.All() {
				_, information, _ := ppp.ParseFrame(frame)
				c, err := ppp.ParseControl(information)
				if err != nil {
					t.Fatal(err)
				}
				automatons[1-i].Receive(epoch, c, q[1-i])
			}
		}
	}
	return n[0], n[1], automatons[0].State() == ppp.Opened && automatons[1].State() == ppp.Opened
}

func TestNegotiations(t *testing.T) {
	for _, c := range []struct {
		what         string
		host, server Config
		want         Agreement // of the host
	}{
		{"an address is assigned", Config{}, Config{Local: local, Remote: remote}, Agreement{Local: remote, Remote: local}},
		{"and two name servers", Config{RequestDNS: true}, Config{Local: local, Remote: remote, DNS: [2]netip.Addr{dns1, dns2}},
			Agreement{Local: remote, Remote: local, DNS: [2]netip.Addr{dns1, dns2}}},
		{"one name server serves as both", Config{RequestDNS: true}, Config{Local: local, Remote: remote, DNS: [2]netip.Addr{dns1}},
			Agreement{Local: remote, Remote: local, DNS: [2]netip.Addr{dns1, dns1}}},
		{"none available", Config{RequestDNS: true}, Config{Local: local, Remote: remote}, Agreement{Local: remote, Remote: local}},
		{"WINS", Config{RequestNBNS: true}, Config{Local: local, Remote: remote, NBNS: [2]netip.Addr{dns1, dns2}},
			Agreement{Local: remote, Remote: local, NBNS: [2]netip.Addr{dns1, dns2}}},
		{"both have their own", Config{Local: remote}, Config{Local: local}, Agreement{Local: remote, Remote: local}},
		{"another than requested, with AcceptLocal", Config{Local: dns1, AcceptLocal: true}, Config{Local: local, Remote: remote},
			Agreement{Local: remote, Remote: local}},
		{"the peer's own, with AcceptRemote", Config{Local: dns1}, Config{Local: local, Remote: remote, AcceptRemote: true},
			Agreement{Local: dns1, Remote: local}},
	} {
		host, server, open := negotiate(t, &c.host, &c.server)
		if got := host.Agreement(); !open || got != c.want || host.Err() != nil || server.Err() != nil {
			t.Errorf("%s: open %v, agreed on %+v (%v, %v), want %+v", c.what, open, got, host.Err(), server.Err(), c.want)
		}
		if a := server.Agreement(); a.Local != c.want.Remote || a.Remote != c.want.Local {
			t.Errorf("%s: the other side has %+v", c.what, a)
		}
	}
}

// TestNoAgreement: negotiations without a usable result.
func TestNoAgreement(t *testing.T) {
	for _, c := range []struct {
		what         string
		host, server Config
	}{
		{"no side has an address for the host", Config{}, Config{Local: local}},
		{"the server has no address", Config{}, Config{Remote: remote}},
		{"both insist on the same", Config{Local: local}, Config{Local: local}},
		{"neither accepts the other's address", Config{Local: dns1}, Config{Local: local, Remote: remote}},
	} {
		host, server, open := negotiate(t, &c.host, &c.server)
		if open && host.Err() == nil && server.Err() == nil {
			t.Errorf("%s: agreed on %+v, want no agreement", c.what, host.Agreement())
		}
	}
}

func TestEvaluate(t *testing.T) {
	n := New(&Config{Local: local, Remote: remote})
	for _, c := range []struct {
		what  string
		in    ppp.Option
		want  ppp.Verdict
		other string // the address suggested
	}{
		{"0.0.0.0", option(OptAddress, from(netip.Addr{})), ppp.Nak, "192.0.2.10"},
		{"its address", option(OptAddress, from(remote)), ppp.Ack, ""},
		{"ours", option(OptAddress, from(local)), ppp.Nak, "192.0.2.10"},
		{"an address of three octets", ppp.Option{Type: OptAddress, Value: []byte{1, 2, 3}}, ppp.Nak, "192.0.2.10"},
		{"VJ compression", ppp.Option{Type: OptCompression, Value: []byte{0, 0x2d, 15, 1}}, ppp.Reject, ""},
		{"the deprecated IP-Addresses", ppp.Option{Type: OptAddresses, Value: make([]byte, 8)}, ppp.Reject, ""},
		{"a name server, without one", option(OptPrimaryDNS, from(netip.Addr{})), ppp.Reject, ""},
	} {
		verdict, suggestion := n.Evaluate(c.in)
		if verdict != c.want {
			t.Errorf("%s: verdict %d, want %d", c.what, verdict, c.want)
		}
		if a, _ := address(suggestion); c.other != "" && a.addr().String() != c.other {
			t.Errorf("%s: suggests %v, want %s", c.what, a, c.other)
		}
	}
	open := New(&Config{Local: local})
	for _, bad := range []string{"0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255", "192.0.2.1"} {
		if v, _ := open.Evaluate(option(OptAddress, from(netip.MustParseAddr(bad)))); v != ppp.Reject {
			t.Errorf("a peer that claims %s: verdict %d, want Reject", bad, v)
		}
	}
	for _, bad := range []string{"0.0.0.0", "127.0.0.1", "224.0.0.1"} {
		host := New(&Config{})
		host.ReceivedNak(option(OptAddress, from(netip.MustParseAddr(bad))))
		if host.Err() == nil || host.local.addr().String() == bad && bad != "0.0.0.0" {
			t.Errorf("a host takes %s as its address", bad)
		}
	}
}

// TestUnnumbered: with Unnumbered the peer may have no address, or ours. An unusable address is
// refused.
func TestUnnumbered(t *testing.T) {
	none := netip.IPv4Unspecified()
	for _, c := range []struct {
		what   string
		peer   ppp.Options
		want   []ppp.Verdict // on each request
		remote netip.Addr
		plain  error // without Unnumbered
	}{
		{"no option", nil, nil, none, ErrNoRemote},
		{"always 0.0.0.0", option(OptAddress, from(none)).AppendTo(nil), []ppp.Verdict{ppp.Reject, ppp.Reject, ppp.Ack}, none, ErrNoRemote},
		{"ours", option(OptAddress, from(local)).AppendTo(nil), []ppp.Verdict{ppp.Ack}, local, ErrSameAddress},
		{"its own", option(OptAddress, from(remote)).AppendTo(nil), []ppp.Verdict{ppp.Ack}, remote, nil},
		{"a loopback address", option(OptAddress, from(netip.MustParseAddr("127.0.0.1"))).AppendTo(nil), slices.Repeat([]ppp.Verdict{ppp.Reject}, 20), netip.Addr{}, nil},
	} {
		for _, unnumbered := range []bool{true, false} {
			n := New(&Config{Local: local, Unnumbered: unnumbered, Limits: ppp.NegotiationLimits{MaxFailure: 2}})
			for range 2 { // a new negotiation begins like the first
				n.Reset()
				for i, want := range c.want {
					o, _ := c.peer.Find(OptAddress)
					if !unnumbered && c.plain != nil {
						want = ppp.Reject
					}
					if v, _ := n.Evaluate(o); v != want {
						t.Errorf("%s, unnumbered %v: verdict %d is %d, want %d", c.what, unnumbered, i, v, want)
					}
				}
			}
			if !c.remote.IsValid() {
				continue
			}
			n.Acknowledged(c.peer)
			want := c.plain
			if unnumbered {
				want = nil
				if got := n.Agreement().Remote; got != c.remote {
					t.Errorf("%s: the peer has %v, want %v", c.what, got, c.remote)
				}
			}
			if got := n.Err(); got != want {
				t.Errorf("%s, unnumbered %v: %v, want %v", c.what, unnumbered, got, want)
			}
		}
	}
	// An assigned address is still assigned, and a link without our address is not usable.
	n := New(&Config{Local: local, Remote: remote, Unnumbered: true})
	for range 20 {
		if v, _ := n.Evaluate(option(OptAddress, from(none))); v != ppp.Nak {
			t.Fatalf("a peer with the assigned address %v that requests one: verdict %d, want Nak", remote, v)
		}
	}
	if n := New(&Config{Unnumbered: true}); n.Err() != ErrNoLocal {
		t.Errorf("without an address of ours: %v, want %v", n.Err(), ErrNoLocal)
	}
}

func TestMissingAddress(t *testing.T) {
	n := New(&Config{Local: local, Remote: remote})
	if got := n.AppendMissing(nil, nil); len(got) != 6 {
		t.Errorf("a request without an address gets % x, want the assigned address", got)
	}
	n.Assign(dns1)
	if v, _ := n.Evaluate(option(OptAddress, from(dns1))); v != ppp.Ack {
		t.Error("the assigned address is not acknowledged")
	}
}

func FuzzNegotiator(f *testing.F) {
	f.Add([]byte{3, 6, 0, 0, 0, 0, 129, 6, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		options, err := ppp.ParseOptions(b)
		if err != nil {
			return
		}
		n := New(&Config{Local: local, Remote: remote, RequestDNS: true, DNS: [2]netip.Addr{dns1}})
		for o := range options.All() {
			n.Evaluate(o)
			n.ReceivedNak(o)
		}
		n.Acknowledged(options)
		if a := n.Agreement(); a.Local != local {
			t.Errorf("a Nak has changed our address to %v", a.Local)
		}
		for o := range options.All() {
			n.ReceivedReject(o)
		}
		if _, err := ppp.ParseOptions(n.AppendRequest(nil)); err != nil {
			t.Error(err)
		}
	})
}

// TestAlternates: a peer may request one of the alternates instead of the assigned address, unless the
// filter excludes it, or it is ours.
func TestAlternates(t *testing.T) {
	for _, c := range []struct {
		in, want string // the address acknowledged, or suggested
	}{
		{"192.0.2.60", "192.0.2.60"}, {"192.0.2.61", "192.0.2.61"}, {"192.0.2.62", "192.0.2.60"},
		{"192.0.2.63", "192.0.2.60"}, {local.String(), "192.0.2.60"}, {"0.0.0.0", "192.0.2.60"},
	} {
		n := New(&Config{Local: local, Remote: remote})
		n.Assign(netip.MustParseAddr("192.0.2.60"))
		alternates := []netip.Addr{netip.MustParseAddr("192.0.2.60"), netip.MustParseAddr("192.0.2.61"), netip.MustParseAddr("192.0.2.62"), local}
		n.SetChoice(alternates, func(a netip.Addr) bool { return a != netip.MustParseAddr("192.0.2.62") })
		verdict, suggestion := n.Evaluate(option(OptAddress, from(netip.MustParseAddr(c.in))))
		if got, _ := address(suggestion); (verdict == ppp.Ack) != (c.in == c.want) || got.addr().String() != c.want {
			t.Errorf("%s: verdict %d, %v; want %s", c.in, verdict, got, c.want)
		}
	}
}
