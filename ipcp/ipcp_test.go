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

// settle runs two sides against each other until nothing is left to say.
func settle(t *testing.T, a, b *Config) (pa, pb *Negotiator, open bool) {
	t.Helper()
	p := [2]*Negotiator{New(a), New(b)}
	m := [2]*ppp.Automaton{ppp.NewAutomaton(p[0], ppp.Limits{}), ppp.NewAutomaton(p[1], ppp.Limits{})}
	q := [2]*ppp.Queue{{}, {}}
	for i := range m {
		m[i].Open(epoch, q[i])
		m[i].Up(epoch, q[i])
	}
	for range 100 {
		for i := range m {
			from := q[i]
			q[i] = &ppp.Queue{}
			for frame := range from.All() {
				_, information, _ := ppp.ParseFrame(frame)
				c, err := ppp.ParseControl(information)
				if err != nil {
					t.Fatal(err)
				}
				m[1-i].Receive(epoch, c, q[1-i])
			}
		}
	}
	return p[0], p[1], m[0].State() == ppp.Opened && m[1].State() == ppp.Opened
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
		{"none to be had", Config{RequestDNS: true}, Config{Local: local, Remote: remote}, Agreement{Local: remote, Remote: local}},
		{"WINS", Config{RequestNBNS: true}, Config{Local: local, Remote: remote, NBNS: [2]netip.Addr{dns1, dns2}},
			Agreement{Local: remote, Remote: local, NBNS: [2]netip.Addr{dns1, dns2}}},
		{"both know their own", Config{Local: remote}, Config{Local: local}, Agreement{Local: remote, Remote: local}},
		{"another than wished, if that is accepted", Config{Local: dns1, AcceptLocal: true}, Config{Local: local, Remote: remote},
			Agreement{Local: remote, Remote: local}},
		{"the peer's own wish, if that is accepted", Config{Local: dns1}, Config{Local: local, Remote: remote, AcceptRemote: true},
			Agreement{Local: dns1, Remote: local}},
	} {
		host, server, open := settle(t, &c.host, &c.server)
		if got := host.Agreement(); !open || got != c.want || host.Err() != nil || server.Err() != nil {
			t.Errorf("%s: open %v, agreed on %+v (%v, %v), want %+v", c.what, open, got, host.Err(), server.Err(), c.want)
		}
		if a := server.Agreement(); a.Local != c.want.Remote || a.Remote != c.want.Local {
			t.Errorf("%s: the other side has %+v", c.what, a)
		}
	}
}

// TestNoAgreement: what cannot be used is not used.
func TestNoAgreement(t *testing.T) {
	for _, c := range []struct {
		what         string
		host, server Config
	}{
		{"nobody has an address to give", Config{}, Config{Local: local}},
		{"the other side has none itself", Config{}, Config{Remote: remote}},
		{"both insist on the same", Config{Local: local}, Config{Local: local}},
		{"neither gives way", Config{Local: dns1}, Config{Local: local, Remote: remote}},
	} {
		host, server, open := settle(t, &c.host, &c.server)
		if open && host.Err() == nil && server.Err() == nil {
			t.Errorf("%s: agreed on %+v all the same", c.what, host.Agreement())
		}
	}
}

func TestJudge(t *testing.T) {
	p := New(&Config{Local: local, Remote: remote})
	for _, c := range []struct {
		what  string
		in    ppp.Option
		want  ppp.Verdict
		other string // the address suggested
	}{
		{"0.0.0.0", option(OptAddress, netip.Addr{}), ppp.Nak, "192.0.2.10"},
		{"its address", option(OptAddress, remote), ppp.Ack, ""},
		{"ours", option(OptAddress, local), ppp.Nak, "192.0.2.10"},
		{"an address of three octets", ppp.Option{Type: OptAddress, Value: []byte{1, 2, 3}}, ppp.Nak, "192.0.2.10"},
		{"VJ compression", ppp.Option{Type: OptCompression, Value: []byte{0, 0x2d, 15, 1}}, ppp.Reject, ""},
		{"the deprecated IP-Addresses", ppp.Option{Type: OptAddresses, Value: make([]byte, 8)}, ppp.Reject, ""},
		{"a name server, and we have none", option(OptPrimaryDNS, netip.Addr{}), ppp.Reject, ""},
	} {
		verdict, suggestion := p.Evaluate(c.in)
		if verdict != c.want {
			t.Errorf("%s: verdict %d, want %d", c.what, verdict, c.want)
		}
		if a, _ := address(suggestion); c.other != "" && a.String() != c.other {
			t.Errorf("%s: suggests %v, want %s", c.what, a, c.other)
		}
	}
	open := New(&Config{Local: local})
	for _, bad := range []string{"0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255", "192.0.2.1"} {
		if v, _ := open.Evaluate(option(OptAddress, netip.MustParseAddr(bad))); v != ppp.Reject {
			t.Errorf("a peer that claims %s: verdict %d, want Reject", bad, v)
		}
	}
	for _, bad := range []string{"0.0.0.0", "127.0.0.1", "224.0.0.1"} {
		host := New(&Config{})
		host.ReceivedNak(option(OptAddress, netip.MustParseAddr(bad)))
		if host.Err() == nil || host.local.String() == bad && bad != "0.0.0.0" {
			t.Errorf("a host takes %s as its address", bad)
		}
	}
}

// TestUnnumbered: a host whose peer has no address, or ours, has a link all the same, if it
// says so; one that cannot be anybody's is still refused.
func TestUnnumbered(t *testing.T) {
	none := netip.IPv4Unspecified()
	for _, c := range []struct {
		what   string
		peer   ppp.Options
		want   []ppp.Verdict // each time it asks
		remote netip.Addr
		plain  error // without Unnumbered
	}{
		{"no option", nil, nil, none, ErrNoRemote},
		{"0.0.0.0 for ever", option(OptAddress, none).AppendTo(nil), []ppp.Verdict{ppp.Reject, ppp.Reject, ppp.Ack}, none, ErrNoRemote},
		{"ours", option(OptAddress, local).AppendTo(nil), []ppp.Verdict{ppp.Ack}, local, ErrSameAddress},
		{"its own", option(OptAddress, remote).AppendTo(nil), []ppp.Verdict{ppp.Ack}, remote, nil},
		{"a loopback address", option(OptAddress, netip.MustParseAddr("127.0.0.1")).AppendTo(nil), slices.Repeat([]ppp.Verdict{ppp.Reject}, 20), netip.Addr{}, nil},
	} {
		for _, unnumbered := range []bool{true, false} {
			p := New(&Config{Local: local, Unnumbered: unnumbered, Limits: ppp.Limits{MaxFailure: 2}})
			for range 2 { // a new negotiation begins like the first
				p.Reset()
				for i, want := range c.want {
					o, _ := c.peer.Find(OptAddress)
					if !unnumbered && c.plain != nil {
						want = ppp.Reject
					}
					if v, _ := p.Evaluate(o); v != want {
						t.Errorf("%s, unnumbered %v: verdict %d is %d, want %d", c.what, unnumbered, i, v, want)
					}
				}
			}
			if !c.remote.IsValid() {
				continue
			}
			p.Acknowledged(c.peer)
			want := c.plain
			if unnumbered {
				want = nil
				if got := p.Agreement().Remote; got != c.remote {
					t.Errorf("%s: the peer has %v, want %v", c.what, got, c.remote)
				}
			}
			if got := p.Err(); got != want {
				t.Errorf("%s, unnumbered %v: %v, want %v", c.what, unnumbered, got, want)
			}
		}
	}
	// What we assign is assigned all the same, and a link without an address of ours is none.
	p := New(&Config{Local: local, Remote: remote, Unnumbered: true})
	for range 20 {
		if v, _ := p.Evaluate(option(OptAddress, none)); v != ppp.Nak {
			t.Fatalf("a peer that is to have %v and asks for an address: verdict %d, want Nak", remote, v)
		}
	}
	if p := New(&Config{Unnumbered: true}); p.Err() != ErrNoLocal {
		t.Errorf("without an address of ours: %v, want %v", p.Err(), ErrNoLocal)
	}
}

func TestMissingAddress(t *testing.T) {
	p := New(&Config{Local: local, Remote: remote})
	if got := p.AppendMissing(nil, nil); len(got) != 6 {
		t.Errorf("a request without an address gets % x, want the address it should have", got)
	}
	p.Assign(dns1)
	if v, _ := p.Evaluate(option(OptAddress, dns1)); v != ppp.Ack {
		t.Error("the address that the authority assigned is not acknowledged")
	}
}

func FuzzPolicy(f *testing.F) {
	f.Add([]byte{3, 6, 0, 0, 0, 0, 129, 6, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		options, err := ppp.ParseOptions(b)
		if err != nil {
			return
		}
		p := New(&Config{Local: local, Remote: remote, RequestDNS: true, DNS: [2]netip.Addr{dns1}})
		for o := range options.All() {
			p.Evaluate(o)
			p.ReceivedNak(o)
		}
		p.Acknowledged(options)
		if a := p.Agreement(); a.Local != local {
			t.Errorf("a Nak has changed our address to %v", a.Local)
		}
		for o := range options.All() {
			p.ReceivedReject(o)
		}
		if _, err := ppp.ParseOptions(p.AppendRequest(nil)); err != nil {
			t.Error(err)
		}
	})
}

// TestOffer: a peer may name one of the addresses that it was offered instead of the one that it
// is to have, unless that is forbidden, or ours.
func TestOffer(t *testing.T) {
	for _, c := range []struct {
		in, want string // the address acknowledged, or suggested
	}{
		{"192.0.2.60", "192.0.2.60"}, {"192.0.2.61", "192.0.2.61"}, {"192.0.2.62", "192.0.2.60"},
		{"192.0.2.63", "192.0.2.60"}, {local.String(), "192.0.2.60"}, {"0.0.0.0", "192.0.2.60"},
	} {
		p := New(&Config{Local: local, Remote: remote})
		p.Assign(netip.MustParseAddr("192.0.2.60"))
		p.SetAlternates([]netip.Addr{netip.MustParseAddr("192.0.2.60"), netip.MustParseAddr("192.0.2.61"), netip.MustParseAddr("192.0.2.62"), local})
		p.SetAddressFilter(func(a netip.Addr) bool { return a != netip.MustParseAddr("192.0.2.62") })
		verdict, suggestion := p.Evaluate(option(OptAddress, netip.MustParseAddr(c.in)))
		if got, _ := address(suggestion); (verdict == ppp.Ack) != (c.in == c.want) || got.String() != c.want {
			t.Errorf("%s: verdict %d, %v; want %s", c.in, verdict, got, c.want)
		}
	}
}
