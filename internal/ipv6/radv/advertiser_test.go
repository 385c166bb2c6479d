package radv

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/mdlayher/ndp"

	"upppoe/internal/ipv6/lifetime"
)

func newAdvertiser(t testing.TB, change func(*AdvertiserConfig)) *Advertiser {
	t.Helper()
	cfg := &AdvertiserConfig{
		Prefixes:  []netip.Prefix{netip.MustParsePrefix("2001:db8:1::/64")},
		Preferred: time.Hour, Valid: 2 * time.Hour, DefaultRouter: true, MTU: 1492,
		NameServers: []netip.Addr{netip.MustParseAddr("2001:db8::53")}, SearchDomains: []string{"example.org"}, Rand: newRand(),
	}
	change(cfg)
	a, err := NewAdvertiser(start, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func as(*AdvertiserConfig) {}

// TestHostHearsAdvertiser: a host learns what an advertiser sends.
func TestHostHearsAdvertiser(t *testing.T) {
	a, h := newAdvertiser(t, func(c *AdvertiserConfig) { c.Managed = true }), newHost()
	m := a.Advance(start)
	if m.To.String() != "ff02::1" {
		t.Errorf("the first goes to %v", m.To)
	}
	if err := h.Receive(start, Packet{Data: m.Data, Source: peer, HopLimit: 255}); err != nil {
		t.Fatal(err)
	}
	v := h.State()
	if len(v.Addresses) != 1 || v.Addresses[0].Prefix != netip.MustParsePrefix("2001:db8:1::a:b:c:d/64") || len(v.OnLink) != 0 ||
		len(v.Routers) != 1 || !v.Managed || v.Other || v.MTU != 1492 || len(v.NameServers) != 1 || !slices.Equal(v.SearchDomains, []string{"example.org"}) {
		t.Errorf("learned %+v", v)
	}
	if life := v.Routers[0].Until.Sub(start); life != 3*DefaultInterval {
		t.Errorf("the router's lifetime is %v", life)
	}
	m = a.Final(start)
	if err := h.Receive(start, Packet{Data: m.Data, Source: peer, HopLimit: 255}); err != nil || len(h.State().Routers) > 0 {
		t.Errorf("after the last there are routers %v, %v", h.State().Routers, err)
	}
}

// TestUnsolicited: at once, then three within 16 s each, then after a third of the interval to all
// of it (RFC 4861 sections 6.2.1 and 6.2.4).
func TestUnsolicited(t *testing.T) {
	a := newAdvertiser(t, as)
	last := start
	for i := range 100 {
		now := a.Next()
		gap := now.Sub(last)
		switch {
		case i == 0 && gap != 0, i > 0 && i < 3 && gap > 16*time.Second,
			i >= 3 && (gap < DefaultInterval/3 || gap > DefaultInterval):
			t.Errorf("gap %d is %v", i, gap)
		}
		if m := a.Advance(now); m.Data == nil || m.To != allNodes {
			t.Fatalf("sends %+v", m)
		}
		if m := a.Advance(now); m.Data != nil {
			t.Fatalf("sends %+v at once again", m)
		}
		last = now
	}
}

// TestRestart: as at first, at any time.
func TestRestart(t *testing.T) {
	a := newAdvertiser(t, as)
	now := start
	for range 5 {
		now = a.Next()
		a.Advance(now)
	}
	now = now.Add(time.Second)
	if m := a.Advance(now); m.Data != nil {
		t.Error("says something before its time")
	}
	a.Restart(now)
	for i := range 3 {
		if gap := a.Next().Sub(now); gap > 16*time.Second || i == 0 && gap != 0 {
			t.Errorf("gap %d is %v", i, gap)
		}
		now = a.Next()
		if m := a.Advance(now); m.Data == nil || m.To != allNodes {
			t.Errorf("says %v", m)
		}
	}
}

// TestUnsentAdvertisement: the first one is tried again at once, later ones after 3 s.
func TestUnsentAdvertisement(t *testing.T) {
	a := newAdvertiser(t, as)
	fail := func(wait time.Duration) {
		t.Helper()
		now := a.Next()
		if a.Advance(now).Data == nil {
			t.Fatal("nothing is sent")
		}
		if a.SendFailed(now); a.Next().Sub(now) != wait {
			t.Errorf("tries again after %v, want %v", a.Next().Sub(now), wait)
		}
	}
	for range 30 {
		fail(100 * time.Millisecond)
	}
	for range 3 {
		fail(3 * time.Second)
	}
}

// TestSolicited: a host that solicits gets one unicast advertisement within half a second, however
// often it solicits (RFC 4861 section 6.2.6).
func TestSolicited(t *testing.T) {
	for seed := range uint64(20) {
		a := newAdvertiser(t, func(c *AdvertiserConfig) { c.Rand = rand.New(rand.NewPCG(seed, 0)) })
		a.Advance(start)
		for range 100 {
			if err := a.Receive(start, from(t, ours, &ndp.RouterSolicitation{})); err != nil {
				t.Fatal(err)
			}
		}
		at := a.Next()
		if at.Sub(start) > 500*time.Millisecond {
			t.Fatalf("answers after %v", at.Sub(start))
		}
		if m := a.Advance(at); m.Data == nil || m.To != ours {
			t.Errorf("answers with %+v", m)
		}
		if m := a.Advance(at); m.Data != nil {
			t.Errorf("answers twice")
		}
	}
	a := newAdvertiser(t, as)
	a.Advance(start)
	if err := a.Receive(start, from(t, netip.IPv6Unspecified(), &ndp.RouterSolicitation{})); err != nil {
		t.Fatal(err)
	}
	if m := a.Advance(a.Next()); m.To != allNodes {
		t.Errorf("who has no address yet is answered with %+v", m)
	}
}

// TestBadSolicitation: RFC 4861 section 6.1.1.
func TestBadSolicitation(t *testing.T) {
	good := from(t, ours, &ndp.RouterSolicitation{Options: []ndp.Option{&ndp.LinkLayerAddress{Direction: ndp.Source, Addr: make([]byte, 6)}}})
	for name, c := range map[string]struct {
		spoil func(*Packet)
		want  error
	}{
		"good":                              {func(*Packet) {}, nil},
		"hop limit":                         {func(p *Packet) { p.HopLimit = 64 }, ErrHopLimit},
		"code":                              {func(p *Packet) { p.Data[1] = 1 }, ErrMessage},
		"short":                             {func(p *Packet) { p.Data = p.Data[:7] }, ErrMessage},
		"option length 0":                   {func(p *Packet) { p.Data[9] = 0 }, ErrOption},
		"link-layer address without source": {func(p *Packet) { p.Source = netip.IPv6Unspecified() }, ErrSource},
	} {
		p := good
		p.Data = slices.Clone(good.Data)
		c.spoil(&p)
		if err := newAdvertiser(t, as).Receive(start, p); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestBadAdvertiser(t *testing.T) {
	for name, cfg := range map[string]AdvertiserConfig{
		"too often":     {Interval: time.Second},
		"too rarely":    {Interval: time.Hour},
		"not masked":    {Prefixes: []netip.Prefix{netip.MustParsePrefix("2001:db8::1/64")}},
		"no domain":     {SearchDomains: []string{"a b"}},
		"IPv4 resolver": {NameServers: []netip.Addr{netip.MustParseAddr("192.0.2.1")}},
	} {
		cfg.Rand = newRand()
		if _, err := NewAdvertiser(start, &cfg); !errors.Is(err, ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestOffer: delegated prefixes are advertised soon, their lifetimes decrease, and their removal is
// advertised (RFC 7084 L-13).
func TestOffer(t *testing.T) {
	a, err := NewAdvertiser(start, &AdvertiserConfig{Rand: newRand()})
	if err != nil {
		t.Fatal(err)
	}
	h := newHost()
	tell := func(now time.Time) HostState {
		t.Helper()
		m := a.Advance(now)
		if m.Data == nil {
			t.Fatalf("nothing is advertised after %v, but after %v", now.Sub(start), a.Next().Sub(start))
		}
		return receiveBytes(t, h, now, m)
	}
	if v := tell(start); len(v.Routers)+len(v.Addresses)+len(v.NameServers) > 0 {
		t.Errorf("without an offer there is %+v", v)
	}
	p := netip.MustParsePrefix("2001:db8:100::/64")
	bad := netip.MustParsePrefix("fe80::/64")
	offer := Parameters{
		DefaultRouter: true, Prefixes: []AdvertisedPrefix{{p, lifetime.New(start, time.Hour, 10*time.Hour)}, {bad, lifetime.Lifetime{}}},
		NameServers: []netip.Addr{netip.MustParseAddr("2001:db8::53"), netip.MustParseAddr("fe80::1%ppp0")}, SearchDomains: []string{"example.org", "a b"},
	}
	a.Update(start, offer)
	a.Update(start, offer)
	now := start.Add(minDelayBetweenRAs)
	if m := a.Advance(now.Add(-1)); m.Data != nil {
		t.Error("two advertisements are less than 3 s apart")
	}
	v := tell(now)
	if len(v.Routers) != 1 || len(v.Addresses) != 1 || len(v.OnLink) != 1 || len(v.NameServers) != 1 || len(v.SearchDomains) != 1 {
		t.Fatalf("reported %+v", v)
	}
	if got := v.Addresses[0]; got.Preferred != now.Add(45*time.Minute) || got.Valid != now.Add(90*time.Minute) {
		t.Errorf("the address is preferred for %v and valid for %v, want the limits of RFC 9096", got.Preferred.Sub(now), got.Valid.Sub(now))
	}
	now = start.Add(time.Minute)
	a.Update(now, Parameters{DefaultRouter: true})
	v = tell(now)
	if len(v.Addresses) != 1 || !v.Addresses[0].Deprecated(now) || v.Addresses[0].Valid.After(now.Add(ValidLimit)) || len(v.OnLink) > 0 {
		t.Errorf("what is withdrawn is %+v", v.Addresses)
	}
	m := a.Final(now)
	if v = receiveBytes(t, h, now, m); len(v.Routers) > 0 {
		t.Errorf("in the end there is %+v", v)
	}
	if h.Advance(now.Add(ValidLimit)); len(h.State().Addresses) > 0 {
		t.Errorf("two hours later there is %+v", h.State().Addresses)
	}
}

func receiveBytes(t *testing.T, h *Host, now time.Time, m Message) HostState {
	t.Helper()
	if err := h.Receive(now, Packet{Data: m.Data, Source: peer, HopLimit: 255}); err != nil {
		t.Fatal(err)
	}
	return h.State()
}

// FuzzAdvertiser: for any input there is at most one answer.
func FuzzAdvertiser(f *testing.F) {
	f.Add([]byte{133, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		a := newAdvertiser(t, as)
		a.Advance(start)
		a.Receive(start, Packet{Data: b, Source: ours, HopLimit: 255})
		a.Advance(start.Add(time.Second))
		if m := a.Advance(start.Add(time.Second)); m.Data != nil {
			t.Errorf("answers twice, with %+v", m)
		}
	})
}

// networksOf returns the prefix options of an advertisement, with flags and lifetimes as on the
// wire (RFC 4861 section 4.6.2).
func networksOf(t *testing.T, m Message) (list []string) {
	t.Helper()
	if len(m.Data) < 16 || m.Data[0] != 134 {
		t.Fatalf("advertised % x", m.Data)
	}
	for b := m.Data[16:]; len(b) > 0; b = b[8*int(b[1]):] {
		if b[0] == 3 {
			list = append(list, fmt.Sprintf("%v/%d flags %02x preferred %d valid %d", netip.AddrFrom16([16]byte(b[16:32])), b[2], b[3],
				binary.BigEndian.Uint32(b[8:]), binary.BigEndian.Uint32(b[4:])))
		}
	}
	return list
}

// TestStale is RFC 9096 section 3.5: each advertisement has stale prefixes with their flags and
// lifetimes of 0, for as long as hosts can use them; and section 3.4, which limits that.
func TestStale(t *testing.T) {
	a, err := NewAdvertiser(start, &AdvertiserConfig{Rand: newRand()})
	if err != nil {
		t.Fatal(err)
	}
	said := func(now time.Time, want ...string) {
		t.Helper()
		m := a.Advance(now)
		if got := networksOf(t, m); !slices.Equal(got, want) {
			t.Errorf("after %v: %q, want %q", now.Sub(start), got, want)
		}
	}
	old, new := netip.MustParsePrefix("2001:db8:1::/64"), netip.MustParsePrefix("2001:db8:2::/64")
	a.Update(start, Parameters{Prefixes: []AdvertisedPrefix{{old, lifetime.New(start, 24*time.Hour, lifetime.Infinity)}}})
	said(start, "2001:db8:1::/64 flags c0 preferred 2700 valid 5400")
	now := start.Add(time.Minute)
	a.Update(now, Parameters{Prefixes: []AdvertisedPrefix{{new, lifetime.New(now, 100*time.Second, 200*time.Second)}}})
	said(now, "2001:db8:2::/64 flags c0 preferred 100 valid 200", "2001:db8:1::/64 flags c0 preferred 0 valid 0")
	stale := "2001:db8:1::/64 flags c0 preferred 0 valid 0"
	for times := 0; ; times++ {
		at := a.Next()
		if !at.Before(now.Add(5400 * time.Second)) {
			if times < 9 {
				t.Errorf("it is advertised %d times in 90 minutes", times)
			}
			break
		}
		if at.Before(now.Add(200 * time.Second)) {
			said(at, "2001:db8:2::/64 flags c0 preferred "+fmt.Sprint(max(100-int(at.Sub(now)/time.Second), 0))+" valid "+fmt.Sprint(200-int(at.Sub(now)/time.Second)), stale)
		} else {
			said(at, stale)
		}
	}
	if got := a.StalePrefixes(now.Add(5400*time.Second - 1)); len(got) != 1 {
		t.Errorf("just before the end stale are %v", got)
	}
	if got := a.StalePrefixes(now.Add(5400 * time.Second)); len(got) != 0 {
		t.Errorf("in the end stale are %v", got)
	}
	a.Advance(now.Add(5400 * time.Second))
	if len(a.stale) != 0 {
		t.Errorf("in the end %v are kept", a.stale)
	}
}

// TestStaleComesBack: a prefix that is assigned again is not stale, and is advertised once.
func TestStaleComesBack(t *testing.T) {
	a, err := NewAdvertiser(start, &AdvertiserConfig{Rand: newRand()})
	if err != nil {
		t.Fatal(err)
	}
	p := netip.MustParsePrefix("2001:db8:1::/64")
	one := AdvertisedPrefix{p, lifetime.New(start, time.Hour, time.Hour)}
	a.Deprecate(start, []AdvertisedPrefix{one, one, {p, lifetime.New(start, 0, 0)}, {netip.MustParsePrefix("fe80::/64"), one.Lifetime}})
	if got := networksOf(t, a.Advance(start)); !slices.Equal(got, []string{"2001:db8:1::/64 flags c0 preferred 0 valid 0"}) {
		t.Errorf("withdrawn: %q", got)
	}
	now := start.Add(time.Minute)
	a.Update(now, Parameters{Prefixes: []AdvertisedPrefix{one}})
	if got := networksOf(t, a.Advance(now)); !slices.Equal(got, []string{"2001:db8:1::/64 flags c0 preferred 2700 valid 3540"}) || len(a.Prefixes()) != 1 {
		t.Errorf("offered again: %q, %v", got, a.Prefixes())
	}
	a.Deprecate(now, []AdvertisedPrefix{one})
	if got := a.StalePrefixes(now); len(got) != 0 {
		t.Errorf("what is offered is stale: %v", got)
	}
	if at := a.Next().Sub(now); at != minDelayBetweenRAs {
		t.Errorf("advertised after %v, want %v", at, minDelayBetweenRAs)
	}
	for i := range 17 {
		a.Deprecate(now, []AdvertisedPrefix{{netip.PrefixFrom(netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 1, byte(i)}), 64), one.Lifetime}})
	}
	if got := a.StalePrefixes(now); len(got) != 16 || got[0].Prefix.String() != "2001:db8:101::/64" {
		t.Errorf("of seventeen %d are kept, from %v on", len(got), got[0])
	}
}
