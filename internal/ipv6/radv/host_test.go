package radv

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mdlayher/ndp"

	"upppoe/internal/ipv6/lifetime"
)

var (
	start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	ours  = netip.MustParseAddr("fe80::a:b:c:d")
	peer  = netip.MustParseAddr("fe80::1")
)

func newRand() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

func newHost() *Host { return NewHost(start, &HostConfig{Local: ours, Rand: newRand()}) }

// from makes a packet of a router on the link.
func from(t testing.TB, source netip.Addr, m ndp.Message) Packet {
	t.Helper()
	b, err := ndp.MarshalMessage(m)
	if err != nil {
		t.Fatal(err)
	}
	return Packet{Data: b, Source: source, HopLimit: 255}
}

func prefix(p string, preferred, valid time.Duration) *ndp.PrefixInformation {
	n := netip.MustParsePrefix(p)
	return &ndp.PrefixInformation{
		Prefix: n.Addr(), PrefixLength: uint8(n.Bits()), OnLink: true, AutonomousAddressConfiguration: true,
		PreferredLifetime: preferred, ValidLifetime: valid,
	}
}

func advertise(options ...ndp.Option) *ndp.RouterAdvertisement {
	return &ndp.RouterAdvertisement{RouterLifetime: 30 * time.Minute, Options: options}
}

func receive(t *testing.T, h *Host, now time.Time, m ndp.Message) HostState {
	t.Helper()
	if err := h.Receive(now, from(t, peer, m)); err != nil {
		t.Fatal(err)
	}
	return h.State()
}

// after advances the time, and returns when the host solicited, since the start.
func after(h *Host, end time.Time) (solicited []time.Duration) {
	for {
		next := h.Next()
		if next.IsZero() || next.After(end) {
			return solicited
		}
		if m := h.Advance(next); m.Data != nil {
			solicited = append(solicited, next.Sub(start))
		}
	}
}

// TestSolicit: three times at intervals of 4 s (RFC 4861 section 6.3.7), then at growing ones, up
// to an hour (RFC 7559).
func TestSolicit(t *testing.T) {
	h := newHost()
	got := after(h, start.Add(24*time.Hour))
	if len(got) < 20 || got[0] != 0 || got[1] != 4*time.Second || got[2] != 8*time.Second {
		t.Fatalf("solicited after %v", got)
	}
	for i, want := range []time.Duration{4, 8, 16, 32} {
		gap, want := got[i+3]-got[i+2], want*time.Second
		if gap < want-want/10 || gap > want+want/10 {
			t.Errorf("gap %d is %v, want about %v", i+3, gap, want)
		}
	}
	if last := got[len(got)-1] - got[len(got)-2]; last < 54*time.Minute || last > 66*time.Minute {
		t.Errorf("in the end the gap is %v, want about an hour", last)
	}
}

// TestSendFailed: a failed send is retried soon, a bounded number of times.
func TestSendFailed(t *testing.T) {
	h := newHost()
	for i := range 31 {
		now := start.Add(time.Duration(i) * 100 * time.Millisecond)
		if m := h.Advance(now); m.Data == nil {
			t.Fatalf("time %d: nothing is sent", i)
		}
		h.SendFailed(now)
	}
	if got := after(h, start.Add(12*time.Second)); !slices.Equal(got, []time.Duration{7 * time.Second, 11 * time.Second}) {
		t.Errorf("then solicited after %v", got)
	}
	h = newHost()
	receive(t, h, start, advertise())
	if h.SendFailed(start); h.solicitor.next != (time.Time{}) {
		t.Error("solicits though there is a router")
	}
}

func TestSolicitation(t *testing.T) {
	m := newHost().Advance(start)
	if m.To.String() != "ff02::2" || len(m.Data) != 8 || m.Data[0] != 133 || m.Data[1] != 0 {
		t.Errorf("solicited with % x to %v", m.Data, m.To)
	}
}

// TestRouterEndsSolicitation: when the router expires, solicitations begin again.
func TestRouterEndsSolicitation(t *testing.T) {
	h := newHost()
	h.Advance(start)
	v := receive(t, h, start, advertise())
	if len(v.Routers) != 1 || v.Routers[0].Addr != peer {
		t.Fatalf("routers are %v", v.Routers)
	}
	if got := after(h, start.Add(29*time.Minute)); len(got) > 0 {
		t.Errorf("solicited after %v though there is a router", got)
	}
	if got := after(h, start.Add(30*time.Minute)); len(got) != 1 || got[0] != 30*time.Minute || len(h.State().Routers) > 0 {
		t.Errorf("solicited after %v, routers %v, when the router's lifetime is over", got, h.State().Routers)
	}
}

// TestRouterLifetimeZero: a router lifetime of 0 removes the router (RFC 4861 section 6.3.4), but
// not what its options have configured.
func TestRouterLifetimeZero(t *testing.T) {
	h := newHost()
	receive(t, h, start, advertise())
	v := receive(t, h, start, &ndp.RouterAdvertisement{Options: []ndp.Option{prefix("2001:db8::/64", time.Hour, time.Hour)}})
	if len(v.Routers) != 0 || len(v.Addresses) != 1 {
		t.Errorf("routers %v, addresses %v", v.Routers, v.Addresses)
	}
	if got := after(h, start.Add(time.Minute)); len(got) == 0 {
		t.Error("does not solicit without a router")
	}
}

func TestRouterPreference(t *testing.T) {
	h := newHost()
	for i, p := range []ndp.Preference{ndp.Low, ndp.High, ndp.Medium} {
		ra := advertise()
		ra.RouterSelectionPreference = p
		if err := h.Receive(start, from(t, netip.MustParseAddr(fmt.Sprintf("fe80::%d", i)), ra)); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for _, r := range h.State().Routers {
		got = append(got, r.Addr.String())
	}
	if strings.Join(got, " ") != "fe80::1 fe80::2 fe80::" {
		t.Errorf("routers are %v", got)
	}
}

func TestDropped(t *testing.T) {
	good := from(t, peer, advertise(prefix("2001:db8::/64", time.Hour, time.Hour)))
	for name, c := range map[string]struct {
		spoil func(*Packet)
		want  error
	}{
		"hop limit":        {func(p *Packet) { p.HopLimit = 254 }, ErrHopLimit},
		"global source":    {func(p *Packet) { p.Source = netip.MustParseAddr("2001:db8::1") }, ErrSource},
		"no source":        {func(p *Packet) { p.Source = netip.Addr{} }, ErrSource},
		"code":             {func(p *Packet) { p.Data[1] = 1 }, ErrMessage},
		"another type":     {func(p *Packet) { p.Data[0] = 133 }, ErrMessage},
		"short":            {func(p *Packet) { p.Data = p.Data[:15] }, ErrMessage},
		"empty":            {func(p *Packet) { p.Data = nil }, ErrMessage},
		"option length 0":  {func(p *Packet) { p.Data[17] = 0 }, ErrOption},
		"option cut short": {func(p *Packet) { p.Data = p.Data[:len(p.Data)-1] }, ErrOption},
		"one octet":        {func(p *Packet) { p.Data = append(p.Data, 1) }, ErrOption},
	} {
		p := good
		p.Data = slices.Clone(good.Data)
		c.spoil(&p)
		h := newHost()
		if err := h.Receive(start, p); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if v := h.State(); v.Received || len(v.Addresses) > 0 || len(v.Routers) > 0 {
			t.Errorf("%s: learned %+v from what was dropped", name, v)
		}
	}
}

// TestBadOptionIgnored: an invalid option does not affect the others.
func TestBadOptionIgnored(t *testing.T) {
	p := from(t, peer, advertise(prefix("2001:db8::/64", time.Hour, time.Hour)))
	// Prefix information of length 1, RDNSS without a server, and an unknown type.
	bad := []byte{3, 1, 0, 0, 0, 0, 0, 0, 25, 1, 0, 0, 0, 0, 0, 9, 200, 1, 1, 2, 3, 4, 5, 6}
	p.Data = slices.Concat(p.Data[:16], bad, p.Data[16:])
	h := newHost()
	if err := h.Receive(start, p); err != nil || len(h.State().Addresses) != 1 {
		t.Errorf("%v, learned %+v", err, h.State())
	}
}

func TestAddress(t *testing.T) {
	h := newHost()
	v := receive(t, h, start, advertise(prefix("2001:db8:1:2::/64", 10*time.Minute, time.Hour)))
	want := Address{netip.MustParsePrefix("2001:db8:1:2:a:b:c:d/64"), lifetime.New(start, 10*time.Minute, time.Hour)}
	if !slices.Equal(v.Addresses, []Address{want}) {
		t.Errorf("addresses are %v, want %v", v.Addresses, want)
	}
	if !slices.Equal(v.OnLink, []OnLinkPrefix{{netip.MustParsePrefix("2001:db8:1:2::/64"), start.Add(time.Hour)}}) {
		t.Errorf("on the link is %v", v.OnLink)
	}
	h.Advance(start.Add(time.Hour))
	if v := h.State(); len(v.Addresses) > 0 || len(v.OnLink) > 0 {
		t.Errorf("after its lifetime there is %v, %v", v.Addresses, v.OnLink)
	}
}

// TestNoAddress: RFC 4862 section 5.5.3 a to d.
func TestNoAddress(t *testing.T) {
	notAutonomous := prefix("2001:db8::/64", time.Hour, time.Hour)
	notAutonomous.AutonomousAddressConfiguration = false
	for name, o := range map[string]ndp.Option{
		"not autonomous":      notAutonomous,
		"link-local":          prefix("fe80::/64", time.Hour, time.Hour),
		"preferred too long":  prefix("2001:db8::/64", 2*time.Hour, time.Hour),
		"no lifetime":         prefix("2001:db8::/64", 0, 0),
		"another length":      prefix("2001:db8::/56", time.Hour, time.Hour),
		"multicast":           prefix("ff05::/64", time.Hour, time.Hour),
		"the whole internet":  prefix("::/0", time.Hour, time.Hour),
		"longer than an IPv6": &ndp.PrefixInformation{Prefix: netip.MustParseAddr("::"), PrefixLength: 200, AutonomousAddressConfiguration: true, ValidLifetime: 9},
	} {
		h := newHost()
		b, err := ndp.MarshalMessage(advertise(o))
		if err != nil { // the library refuses to encode it
			good := prefix("2001:db8::/64", time.Hour, time.Hour)
			b = from(t, peer, advertise(good)).Data
			b[16+2] = 200
		}
		if err := h.Receive(start, Packet{Data: b, Source: peer, HopLimit: 255}); err != nil || len(h.State().Addresses) > 0 {
			t.Errorf("%s: %v, addresses %v", name, err, h.State().Addresses)
		}
	}
}

// TestTwoHourRule: RFC 4862 section 5.5.3 e.
func TestTwoHourRule(t *testing.T) {
	const h = time.Hour
	for _, c := range []struct{ had, advertised, want time.Duration }{
		{4 * h, 5 * h, 5 * h},
		{4 * h, 3 * h, 3 * h},
		{4 * h, h, 2 * h},
		{4 * h, 0, 2 * h},
		{h, h / 2, h},
		{h, 0, h},
		{h, h + 1*time.Second, h + 1*time.Second},
		{lifetime.Infinity, 0, 2 * h},
		{h, lifetime.Infinity, lifetime.Infinity},
	} {
		host := newHost()
		receive(t, host, start, advertise(prefix("2001:db8::/64", 0, c.had)))
		v := receive(t, host, start, advertise(prefix("2001:db8::/64", c.advertised, c.advertised)))
		a := v.Addresses[0]
		if got := lifetime.Remaining(start, a.Valid); got != c.want {
			t.Errorf("with %v left, advertised %v: %v left, want %v", c.had, c.advertised, got, c.want)
		}
		if got := lifetime.Remaining(start, a.Preferred); got != c.advertised {
			t.Errorf("advertised preferred lifetime %v, got %v", c.advertised, got)
		}
	}
}

// TestOnLinkEndsAtOnce: RFC 4861 section 6.3.4 has no two-hour rule.
func TestOnLinkEndsAtOnce(t *testing.T) {
	h := newHost()
	receive(t, h, start, advertise(prefix("2001:db8::/64", time.Hour, time.Hour)))
	if v := receive(t, h, start, advertise(prefix("2001:db8::/64", 0, 0))); len(v.OnLink) > 0 || len(v.Addresses) != 1 {
		t.Errorf("on the link %v, addresses %v", v.OnLink, v.Addresses)
	}
}

func TestDNSAndMTU(t *testing.T) {
	h := newHost()
	servers := []netip.Addr{netip.MustParseAddr("2001:db8::53"), netip.MustParseAddr("ff02::1"), netip.MustParseAddr("fe80::53")}
	v := receive(t, h, start, advertise(ndp.NewMTU(1400),
		&ndp.RecursiveDNSServer{Lifetime: time.Minute, Servers: servers},
		&ndp.DNSSearchList{Lifetime: time.Minute, DomainNames: []string{"example.org", "$(reboot)"}}))
	if !slices.Equal(v.NameServers, []netip.Addr{servers[0], servers[2]}) || !slices.Equal(v.SearchDomains, []string{"example.org"}) || v.MTU != 1400 {
		t.Errorf("servers %v, domains %q, MTU %d", v.NameServers, v.SearchDomains, v.MTU)
	}
	v = receive(t, h, start, advertise(ndp.NewMTU(1279), &ndp.RecursiveDNSServer{Servers: servers[:1]}))
	if !slices.Equal(v.NameServers, servers[2:]) || v.MTU != 1400 {
		t.Errorf("when one is taken back, servers are %v; with an MTU of 1279 it is %d", v.NameServers, v.MTU)
	}
	h.Advance(start.Add(time.Minute))
	if v := h.State(); len(v.NameServers) > 0 || len(v.SearchDomains) > 0 {
		t.Errorf("after their lifetime there are %v, %v", v.NameServers, v.SearchDomains)
	}
}

func TestManagedAndOtherFlags(t *testing.T) {
	h := newHost()
	if v := receive(t, h, start, &ndp.RouterAdvertisement{ManagedConfiguration: true}); !v.Managed || v.Other || !v.Received {
		t.Errorf("learned %+v", v)
	}
	if v := receive(t, h, start, &ndp.RouterAdvertisement{OtherConfiguration: true}); v.Managed || !v.Other {
		t.Errorf("learned %+v", v)
	}
}

// TestBounds: a router that advertises ever more entries is limited.
func TestBounds(t *testing.T) {
	h := newHost()
	for i := range 100 {
		ra := advertise(prefix(fmt.Sprintf("2001:db8:0:%x::/64", i), time.Hour, time.Hour),
			&ndp.RecursiveDNSServer{Lifetime: time.Hour, Servers: []netip.Addr{netip.MustParseAddr(fmt.Sprintf("2001:db8::%x", i+1))}},
			&ndp.DNSSearchList{Lifetime: time.Hour, DomainNames: []string{fmt.Sprintf("d%d.example", i)}})
		if err := h.Receive(start, from(t, netip.MustParseAddr(fmt.Sprintf("fe80::%x", i+1)), ra)); err != nil {
			t.Fatal(err)
		}
	}
	v := h.State()
	if len(v.Routers) != maxRouters || len(v.Addresses) != maxPrefixes || len(v.OnLink) != maxPrefixes ||
		len(v.NameServers) != maxServers || len(v.SearchDomains) != maxDomains {
		t.Errorf("learned %d routers, %d addresses, %d networks, %d servers, %d domains",
			len(v.Routers), len(v.Addresses), len(v.OnLink), len(v.NameServers), len(v.SearchDomains))
	}
}

// FuzzHost: for any input the host does not panic, and learns nothing invalid.
func FuzzHost(f *testing.F) {
	f.Add(from(f, peer, advertise(prefix("2001:db8::/64", time.Hour, time.Hour), ndp.NewMTU(1492),
		&ndp.RecursiveDNSServer{Lifetime: 9, Servers: []netip.Addr{peer}}, &ndp.DNSSearchList{Lifetime: 9, DomainNames: []string{"a.example"}})).Data)
	f.Add([]byte{134, 0, 0, 0, 64, 0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0, 31, 1, 0, 0, 0, 0, 0, 0, 24, 1, 0, 0, 0, 0, 0, 0, 38, 1, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		h := newHost()
		h.Receive(start, Packet{Data: b, Source: peer, HopLimit: 255})
		h.Advance(start)
		for _, a := range h.State().Addresses {
			if !lifetime.IsHostAddress(a.Prefix.Addr()) || a.Prefix.Bits() != 64 || a.Expired(start) {
				t.Errorf("learned address %v", a)
			}
		}
		if next := h.Next(); !next.IsZero() && !next.After(start) {
			t.Errorf("has something to do at %v, which is over", next)
		}
	})
}
