package shared

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/iana"
	"github.com/mdlayher/ndp"

	"upppoe/internal/ipv6/assign"
	"upppoe/internal/ipv6/dhcp6"
	"upppoe/internal/ipv6/radv"
	"upppoe/ppp/ipv6cp"
)

// TestUp: the first advertisement is sent at once, and has the network that was reported before.
func TestUp(t *testing.T) {
	b := newBench(t, pools(t))
	ra := b.up(link())
	if !ra.ManagedConfiguration || !ra.OtherConfiguration || ra.RouterLifetime != 90*time.Minute || len(ra.Options) != 3 {
		t.Errorf("advertised %+v", ra)
	}
	if o, ok := ra.Options[0].(*ndp.PrefixInformation); !ok || o.Prefix.String() != "2001:db8:1::" || o.OnLink || !o.AutonomousAddressConfiguration {
		t.Errorf("option %+v", ra.Options[0])
	}
	if o, ok := ra.Options[1].(*ndp.MTU); !ok || o.MTU != 1492 {
		t.Errorf("option %+v", ra.Options[1])
	}
	if want := (assign.State{Network: pfx("2001:db8:1::/64")}); b.states[1] != want || b.calls != 1 {
		t.Errorf("reported %v, in %d calls", b.states[1], b.calls)
	}
}

// TestPeriodic: after the first, two more are within 16 s each, then one in 10 to 30 minutes (RFC
// 4861 sections 6.2.1 and 6.2.4), up to a tick earlier so that they fire together.
func TestPeriodic(t *testing.T) {
	b := newBench(t, pools(t))
	b.up(link())
	for i := range 50 {
		before := b.now
		b.now = b.now.Add(b.r.advance(b.now))
		if wait := b.r.advance(b.now); wait == 0 {
			t.Fatal("a timer that is due is not handled")
		}
		if p := b.one(); p.Destination != allNodes {
			t.Errorf("advertised to %v", p.Destination)
		}
		gap := b.now.Sub(before)
		if i < 2 && (gap < 16*time.Second-tick || gap > 16*time.Second) || i >= 2 && (gap < 10*time.Minute-tick || gap > 30*time.Minute) {
			t.Errorf("gap %d is %v", i, gap)
		}
		if d := b.now.Sub(b.r.origin.Time) % tick; d != 0 {
			t.Errorf("gap %d ends %v after a tick", i, d)
		}
	}
}

// TestSolicited: the host that solicits is sent one advertisement within half a second.
func TestSolicited(t *testing.T) {
	b := newBench(t, pools(t))
	b.up(link())
	b.advance(5 * time.Second)
	for range 100 {
		if err := b.receive(solicitation(t)); err != nil {
			t.Fatal(err)
		}
	}
	b.advance(500 * time.Millisecond)
	p := b.one()
	if ra := advertisement(t, p); p.Destination != peer || len(ra.Options) != 3 {
		t.Errorf("advertised to %v: %+v", p.Destination, ra)
	}
	if err := b.receive(discovery(t, netip.IPv6Unspecified(), allRouters, &ndp.RouterSolicitation{})); err != nil {
		t.Fatal(err)
	}
	b.advance(500 * time.Millisecond)
	if p := b.one(); p.Destination != allNodes {
		t.Errorf("advertised to %v", p.Destination)
	}
	b.receive(discovery(t, netip.IPv6Unspecified(), allRouters, &ndp.RouterSolicitation{}))
	b.advance(2 * time.Second)
	if len(b.take()) > 0 {
		t.Error("two advertisements to all nodes within 3 s")
	}
	b.advance(1500 * time.Millisecond)
	b.one()
}

// TestLease: what is leased is reported before the reply is sent, until it is released or expires.
func TestLease(t *testing.T) {
	b := newBench(t, pools(t))
	b.up(link())
	r := b.request(dhcpv6.MessageTypeSolicit, &dhcpv6.OptIANA{}, &dhcpv6.OptIAPD{})
	if r.MessageType != dhcpv6.MessageTypeAdvertise || b.calls != 1 {
		t.Errorf("%v, %d reports", r.MessageType, b.calls)
	}
	network := assign.State{Network: pfx("2001:db8:1::/64")}
	all := network
	all.Address, all.Delegated = pfx("2001:db8:2::1/128"), pfx("2001:db8:100::/56")
	send := b.r.cfg.Send
	b.r.cfg.Send = func(key int, packet []byte) {
		if b.states[1] != all {
			t.Errorf("the reply is sent while %v is reported", b.states[1])
		}
		send(key, packet)
	}
	b.request(dhcpv6.MessageTypeRequest, &dhcpv6.OptIANA{}, &dhcpv6.OptIAPD{})
	b.request(dhcpv6.MessageTypeRenew, &dhcpv6.OptIANA{}, &dhcpv6.OptIAPD{})
	b.r.cfg.Send = send
	if b.calls != 2 {
		t.Errorf("%d reports, want 2: a renewal changes nothing", b.calls)
	}
	b.request(dhcpv6.MessageTypeRelease, &dhcpv6.OptIANA{})
	all.Address = netip.Prefix{}
	if b.states[1] != all {
		t.Errorf("after the Release of the address %v is reported", b.states[1])
	}
	b.advance(24*time.Hour - time.Second)
	if b.states[1] != all {
		t.Errorf("before the end %v is reported", b.states[1])
	}
	b.advance(time.Second)
	if b.states[1] != network {
		t.Errorf("after the end %v is reported", b.states[1])
	}
	b.r.down(1)
	if b.used() != 0 || b.r.timers.Len() != 0 || len(b.r.sessions) != 0 {
		t.Errorf("after the session %d prefixes, %d timers, %d sessions", b.used(), b.r.timers.Len(), len(b.r.sessions))
	}
}

// TestRenegotiation: a session of the same subscriber keeps its leases with other interface identifiers; of
// another subscriber it does not.
func TestRenegotiation(t *testing.T) {
	cfg := pools(t)
	cfg.Prefixes = newPool(t, "2001:db8:100::/40", 56)
	b := newBench(t, cfg)
	b.up(link())
	b.request(dhcpv6.MessageTypeRequest, &dhcpv6.OptIAPD{})
	had := b.states[1]
	b.advance(time.Minute)
	b.take()
	l := link()
	l.Local, l.MTU = ipv6cp.ID{7: 9}, 1400
	ra := b.up(l)
	if o, ok := ra.Options[1].(*ndp.MTU); !ok || o.MTU != 1400 || b.states[1] != had || b.calls != 3 {
		t.Errorf("advertised %+v; %v is reported, want %v", ra.Options, b.states[1], had)
	}
	l = link()
	l.Subscriber = "bob"
	b.up(l)
	if want := (assign.State{Network: had.Network}); b.states[1] != want || b.used() != 1 {
		t.Errorf("the next subscriber has %v, %d prefixes", b.states[1], b.used())
	}
	b.request(dhcpv6.MessageTypeRequest, &dhcpv6.OptIAPD{})
	if b.states[1].Delegated == had.Delegated {
		t.Errorf("the next subscriber has %v, too", had.Delegated)
	}
	b.up(link())
	b.request(dhcpv6.MessageTypeRequest, &dhcpv6.OptIAPD{})
	if b.states[1] != had {
		t.Errorf("the first subscriber has %v, had %v", b.states[1], had)
	}
}

// TestExhausted: without prefixes there is an advertisement without one, and NoAddrsAvail and
// NoPrefixAvail; once others are free, they are assigned.
func TestExhausted(t *testing.T) {
	b := newBench(t, pools(t))
	c := b.r.cfg
	network, _ := c.Networks.Allocate("x")
	address, _ := c.Addresses.Allocate("x")
	prefix, _ := c.Prefixes.Allocate("x")
	if ra := b.up(link()); len(ra.Options) != 2 || b.states[1] != (assign.State{}) || b.calls != 1 {
		t.Errorf("advertised %+v, reported %v", ra, b.states[1])
	}
	r := b.request(dhcpv6.MessageTypeRequest, &dhcpv6.OptIANA{}, &dhcpv6.OptIAPD{})
	if na, pd := r.Options.OneIANA().Options.Status(), r.Options.OneIAPD().Options.Status(); na.StatusCode != iana.StatusNoAddrsAvail || pd.StatusCode != iana.StatusNoPrefixAvail {
		t.Errorf("status %v and %v", na, pd)
	}
	if n := b.r.counters.read().Exhausted; int(n) < 3 || len(b.warned) != int(n) || !strings.Contains(b.warned[0], "address pool exhausted: 2001:db8:1::/64 in /64") {
		t.Errorf("%d warnings: %q", n, b.warned)
	}
	c.Networks.Free(network)
	c.Addresses.Free(address)
	c.Prefixes.Free(prefix)
	b.request(dhcpv6.MessageTypeRequest, &dhcpv6.OptIANA{}, &dhcpv6.OptIAPD{})
	b.advance(time.Minute)
	if want := (assign.State{Network: network, Address: address, Delegated: prefix}); b.states[1] != want {
		t.Errorf("later %v is reported", b.states[1])
	}
}

// TestFixed: an account's own prefixes are assigned, also those of a pool, but never to two.
func TestFixed(t *testing.T) {
	cfg := pools(t)
	cfg.Addresses, cfg.Prefixes = nil, newPool(t, "2001:db8:100::/40", 56)
	b := newBench(t, cfg)
	l := link()
	l.Fixed = &assign.State{Network: pfx("2001:db8:ffff::/64"), Address: pfx("2001:db8:fffe::1/128"), Delegated: pfx("2001:db8:101::/56")}
	if ra := b.up(l); !ra.ManagedConfiguration {
		t.Error("no address is announced")
	}
	b.request(dhcpv6.MessageTypeRequest, &dhcpv6.OptIANA{}, &dhcpv6.OptIAPD{})
	if b.states[1] != *l.Fixed || cfg.Prefixes.Used() != 1 || cfg.Networks.Used() != 0 {
		t.Errorf("assigned %v", b.states[1])
	}
	other := link()
	other.Fixed = &assign.State{Delegated: l.Fixed.Delegated}
	b.r.up(b.now, 2, &other)
	b.take()
	ask := datagram(peer, dhcp6.AllRelayAgentsAndServers, clientMessage(dhcpv6.MessageTypeRequest, &dhcpv6.OptIAPD{}))
	if err := b.r.receive(b.now, 2, ask); err != nil || b.states[2].Delegated.IsValid() || b.reply().Options.OneIAPD().Options.Status().StatusCode != iana.StatusNoPrefixAvail {
		t.Errorf("two sessions have %v: %v", b.states, err)
	}
	if len(b.warned) == 0 || !strings.Contains(b.warned[0], "prefix 2001:db8:101::/56 cannot be assigned: another session has it") {
		t.Errorf("warned %q", b.warned)
	}
	b.r.down(1)
	if err := b.r.receive(b.now, 2, ask); err != nil || b.states[2].Delegated != l.Fixed.Delegated {
		t.Errorf("later the other has %v: %v", b.states[2], err)
	}
	b.r.down(2)
	if n := cfg.Networks.Used() + cfg.Prefixes.Used(); n != 0 {
		t.Errorf("in the end %d are allocated", n)
	}
}

// TestReplacedNetwork: the network that a policy replaces is advertised with lifetimes of 0 for as
// long as it was valid (RFC 9096 section 3.5); one that comes back is not.
func TestReplacedNetwork(t *testing.T) {
	b := newBench(t, pools(t))
	want := func(ra *ndp.RouterAdvertisement, want string) {
		t.Helper()
		var got []string
		for _, o := range ra.Options {
			if p, ok := o.(*ndp.PrefixInformation); ok {
				got = append(got, fmt.Sprintf("%v %v", p.Prefix, p.ValidLifetime))
			}
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("advertised %q, want %s", got, want)
		}
	}
	want(b.up(link()), "2001:db8:1:: 24h0m0s")
	l := link()
	l.Fixed = &assign.State{Network: pfx("2001:db8:ffff::/64")}
	want(b.up(l), "2001:db8:ffff:: 24h0m0s, 2001:db8:1:: 0s")
	want(b.up(l), "2001:db8:ffff:: 24h0m0s, 2001:db8:1:: 0s")
	b.advance(24 * time.Hour)
	b.take()
	b.advance(time.Hour)
	want(advertisement(t, parseSent(t, b.take()[0].packet)), "2001:db8:ffff:: 24h0m0s")
	want(b.up(link()), "2001:db8:1:: 24h0m0s, 2001:db8:ffff:: 0s")
}

// TestBadLink: what cannot be served is an error.
func TestBadLink(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*Link)
		good  bool
	}{
		"good":                   {func(*Link) {}, true},
		"no MTU":                 {func(l *Link) { l.MTU = 0 }, true},
		"MTU 1280":               {func(l *Link) { l.MTU = 1280 }, true},
		"MTU 1279":               {func(l *Link) { l.MTU = 1279 }, false},
		"MTU 65536":              {func(l *Link) { l.MTU = 65536 }, false},
		"no local identifier":    {func(l *Link) { l.Local = ipv6cp.ID{} }, false},
		"no remote identifier":   {func(l *Link) { l.Remote = ipv6cp.ID{} }, false},
		"the same identifier":    {func(l *Link) { l.Remote = l.Local }, false},
		"part of the pool":       {func(l *Link) { l.Fixed = &assign.State{Delegated: pfx("2001:db8:100::/56")} }, true},
		"overlaps the pool":      {func(l *Link) { l.Fixed = &assign.State{Delegated: pfx("2001:db8:100::/60")} }, false},
		"contains the pool":      {func(l *Link) { l.Fixed = &assign.State{Delegated: pfx("2001:db8:100::/48")} }, false},
		"address of the network": {func(l *Link) { l.Fixed = &assign.State{Address: pfx("2001:db8:1::9/128")} }, false},
		"network of 63 bits":     {func(l *Link) { l.Fixed = &assign.State{Network: pfx("2001:db8:9::/63")} }, false},
		"address of 127 bits":    {func(l *Link) { l.Fixed = &assign.State{Address: pfx("2001:db8:9::/127")} }, false},
		"delegated 65 bits":      {func(l *Link) { l.Fixed = &assign.State{Delegated: pfx("2001:db8:9::/65")} }, false},
		"link-local":             {func(l *Link) { l.Fixed = &assign.State{Network: pfx("fe80::/64")} }, false},
		"not masked":             {func(l *Link) { l.Fixed = &assign.State{Delegated: pfx("2001:db8:9::1/56")} }, false},
	} {
		cfg, l := pools(t), link()
		c.spoil(&l)
		if err := l.check(&cfg); (err == nil) != c.good || err != nil && !errors.Is(err, ErrLink) {
			t.Errorf("%s: %v", name, err)
		}
	}
	cfg, l := assign.Config{}, link()
	l.Fixed = &assign.State{Delegated: pfx("2001:db8:100::/56")}
	if err := l.check(&cfg); !errors.Is(err, ErrLink) {
		t.Errorf("delegation without DHCPv6: %v", err)
	}
}

// TestNeighbor: our link-local address is resolved and answers echo requests, at a limited rate.
func TestNeighbor(t *testing.T) {
	b := newBench(t, pools(t))
	b.up(link())
	if err := b.receive(discovery(t, peer, ours, &ndp.NeighborSolicitation{TargetAddress: ours})); err != nil {
		t.Fatal(err)
	}
	if p := b.one(); p.Destination != peer || p.Payload[0] != 136 || p.Payload[4] != 0xe0 {
		t.Errorf("answer to %v: % x", p.Destination, p.Payload)
	}
	echo := append([]byte{128, 0, 0, 0, 1, 2, 3, 4}, "data"...)
	if err := b.receive(icmp(peer, ours, echo)); err != nil {
		t.Fatal(err)
	}
	if p := b.one(); p.Destination != peer || p.Payload[0] != 129 || string(p.Payload[4:]) != string(echo[4:]) {
		t.Errorf("echo to %v: % x", p.Destination, p.Payload)
	}
	b.advance(5 * time.Second)
	var err error
	for n := 0; err == nil; n++ {
		if err = b.receive(icmp(peer, ours, echo)); err != nil && (n != answerBurst || !errors.Is(err, ErrRate)) {
			t.Errorf("after %d answers: %v", n, err)
		}
	}
	b.advance(answerInterval)
	if b.receive(icmp(peer, ours, echo)) != nil || b.receive(icmp(peer, ours, echo)) == nil {
		t.Error("after 100 ms there is not one answer")
	}
	if err := b.receive(solicitation(t)); err != nil {
		t.Errorf("a router solicitation is dropped, too: %v", err)
	}
}

// TestReplyTooLarge: a reply beyond the MTU is not sent.
func TestReplyTooLarge(t *testing.T) {
	b := newBench(t, pools(t))
	l := link()
	l.MTU = 0
	b.up(l)
	for n, want := range map[int]error{1280 - 40 - 8: nil, 1280 - 40 - 7: ErrReplyTooLarge} {
		echo := append([]byte{128, 0, 0, 0, 1, 2, 3, 4}, make([]byte, n)...)
		if err := b.receive(icmp(peer, ours, echo)); !errors.Is(err, want) || len(b.take()) > 1 {
			t.Errorf("%d octets: %v", n, err)
		}
	}
}

// TestManySessions: each of all sessions of an attachment has a network, an address and a prefix of
// its own, of pools that have just enough.
func TestManySessions(t *testing.T) {
	const n = 65534
	cfg := pools(t)
	cfg.Networks, cfg.Addresses, cfg.Prefixes = newPool(t, "2001:db8:1::/48", 64), newPool(t, "2001:db8:2::/112", 128), newPool(t, "2001:db8:100::/40", 56)
	b := newBench(t, cfg)
	ask := datagram(peer, dhcp6.AllRelayAgentsAndServers, clientMessage(dhcpv6.MessageTypeRequest, &dhcpv6.OptIANA{}, &dhcpv6.OptIAPD{}))
	for key := range n {
		l := link()
		l.Subscriber = fmt.Sprint("user", key)
		b.r.up(b.now, key, &l)
		if err := b.r.receive(b.now, key, ask); err != nil {
			t.Fatal(err)
		}
		if len(b.take()) != 2 {
			t.Fatalf("session %d has no answer", key)
		}
	}
	seen := map[netip.Prefix]int{}
	for key, state := range b.states {
		all := state.Prefixes()
		if len(all) != 3 {
			t.Fatalf("session %d has %v", key, state)
		}
		for _, p := range all {
			seen[p] = key
		}
	}
	if len(seen) != 3*n || len(b.warned) > 0 {
		t.Errorf("%d sessions have %d prefixes, %d warnings", n, len(seen), len(b.warned))
	}
	for key := range n {
		b.r.down(key)
	}
	if b.used() != 0 || b.r.timers.Len() != 0 {
		t.Errorf("in the end %d prefixes are allocated, %d timers run", b.used(), b.r.timers.Len())
	}
}

// TestStranger: packets without a session are dropped.
func TestStranger(t *testing.T) {
	b := newBench(t, pools(t))
	if err := b.receive(solicitation(t)); !errors.Is(err, ErrNoSession) {
		t.Error(err)
	}
	b.up(link())
	b.r.down(1)
	if err := b.receive(solicitation(t)); !errors.Is(err, ErrNoSession) || b.r.counters.read().Received != 0 {
		t.Error(err)
	}
}

// TestWithoutDHCPv6: without a DUID there are only advertisements.
func TestWithoutDHCPv6(t *testing.T) {
	b := newBench(t, assign.Config{Networks: newPool(t, "2001:db8:1::/64", 64)})
	if ra := b.up(link()); ra.ManagedConfiguration || ra.OtherConfiguration {
		t.Errorf("advertised %+v", ra)
	}
	err := b.receive(datagram(peer, dhcp6.AllRelayAgentsAndServers, clientMessage(dhcpv6.MessageTypeSolicit)))
	if !errors.Is(err, ErrNoDHCPv6) || len(b.take()) > 0 {
		t.Error(err)
	}
}

// TestBadConfig: errors are those of the packages that find them.
func TestBadConfig(t *testing.T) {
	good := Config[int]{Config: pools(t), Send: func(int, []byte) {}, Log: discard}
	for name, c := range map[string]struct {
		spoil func(*Config[int])
		want  error
	}{
		"good":          {func(*Config[int]) {}, nil},
		"no Send":       {func(c *Config[int]) { c.Send = nil }, ErrFunctions},
		"no Log":        {func(c *Config[int]) { c.Log = nil }, ErrFunctions},
		"no DUID":       {func(c *Config[int]) { c.DUID = nil }, assign.ErrConfig},
		"overlap":       {func(c *Config[int]) { c.Addresses = newPool(t, "2001:db8:1::/120", 128) }, assign.ErrConfig},
		"interval":      {func(c *Config[int]) { c.Interval = time.Hour }, radv.ErrConfig},
		"IPv4 resolver": {func(c *Config[int]) { c.NameServers = []netip.Addr{netip.MustParseAddr("192.0.2.1")} }, radv.ErrConfig},
	} {
		cfg := good
		c.spoil(&cfg)
		if _, err := New(cfg); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}
