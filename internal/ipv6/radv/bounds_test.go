package radv

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/mdlayher/ndp"

	"upppoe/internal/ipv6/lifetime"
)

// TestAdvertisementOctets is RFC 4861 sections 4.2 and 4.6, RFC 8106 section 5, octet by octet.
func TestAdvertisementOctets(t *testing.T) {
	a := newAdvertiser(t, func(c *AdvertiserConfig) { c.Managed, c.Valid = true, lifetime.Infinity+1 })
	got := hex.EncodeToString(a.Advance(start).Data)
	want := "86000000" + "40" + "80" + "0708" + "00000000" + "00000000" + // hop limit 64, M, lifetime 1800 s
		"03044040" + "ffffffff" + "00000e10" + "00000000" + "20010db8000100000000000000000000" + // A without L
		"05010000" + "000005d4" +
		"19030000" + "00000708" + "20010db8000000000000000000000053" +
		"1f030000" + "00000708" + "076578616d706c65036f726700000000"
	if got != want {
		t.Errorf("advertised %s, want %s", got, want)
	}
	a = newAdvertiser(t, func(c *AdvertiserConfig) { *c = AdvertiserConfig{Other: true, Rand: newRand()} })
	if got := hex.EncodeToString(a.Advance(start).Data); got != "86000000"+"40"+"40"+"0000"+"0000000000000000" {
		t.Errorf("with nothing to tell advertised %s", got)
	}
	for interval, want := range map[time.Duration]string{4 * time.Second: "000c", 30 * time.Minute: "1518"} {
		a = newAdvertiser(t, func(c *AdvertiserConfig) { c.Interval = interval })
		if got := hex.EncodeToString(a.Advance(start).Data[6:8]); got != want {
			t.Errorf("each %v: the router's lifetime is %s, want %s", interval, got, want)
		}
	}
}

// TestAdvertiserBounds: both sides of each bound (RFC 4861 section 6.2.1, RFC 8200 section 5).
func TestAdvertiserBounds(t *testing.T) {
	for _, c := range []struct {
		cfg  AdvertiserConfig
		good bool
	}{
		{AdvertiserConfig{Interval: 4*time.Second - 1}, false}, {AdvertiserConfig{Interval: 4 * time.Second}, true},
		{AdvertiserConfig{Interval: 30 * time.Minute}, true}, {AdvertiserConfig{Interval: 30*time.Minute + 1}, false},
		{AdvertiserConfig{MTU: -1}, false}, {AdvertiserConfig{MTU: 0}, true}, {AdvertiserConfig{MTU: 1}, false}, {AdvertiserConfig{MTU: 1279}, false}, {AdvertiserConfig{MTU: 1280}, true},
		{AdvertiserConfig{MTU: 65535}, true}, {AdvertiserConfig{MTU: 65536}, false},
		{AdvertiserConfig{Prefixes: []netip.Prefix{netip.MustParsePrefix("2001:db8::/64")}}, true},
		{AdvertiserConfig{Prefixes: []netip.Prefix{netip.MustParsePrefix("2001:db8::/63")}}, false},
		{AdvertiserConfig{Prefixes: []netip.Prefix{netip.MustParsePrefix("2001:db8::/65")}}, false},
		{AdvertiserConfig{Prefixes: []netip.Prefix{netip.MustParsePrefix("fe80::/64")}}, false},
		{AdvertiserConfig{Prefixes: []netip.Prefix{{}}}, false},
		{AdvertiserConfig{NameServers: []netip.Addr{netip.MustParseAddr("fe80::1")}}, true},
		{AdvertiserConfig{SearchDomains: []string{strings.Repeat("a", 64)}}, false}, // a label of 64 octets
	} {
		c.cfg.Rand = newRand()
		if _, err := NewAdvertiser(start, &c.cfg); (err == nil) != c.good || err != nil && !errors.Is(err, ErrConfig) {
			t.Errorf("%+v: %v", c.cfg, err)
		}
	}
}

// TestHostBounds: how much a host keeps, and that known entries are updated when the list is full.
func TestHostBounds(t *testing.T) {
	h := newHost()
	var options []ndp.Option
	for i := range 17 {
		options = append(options, prefix(fmt.Sprintf("2001:db8:%x::/64", i+1), time.Hour, time.Hour))
	}
	for i := range 9 {
		options = append(options, &ndp.RecursiveDNSServer{Lifetime: time.Hour, Servers: []netip.Addr{netip.MustParseAddr(fmt.Sprintf("2001:db8::%x", i+1))}})
		options = append(options, &ndp.DNSSearchList{Lifetime: time.Hour, DomainNames: []string{fmt.Sprintf("d%d.example", i)}})
	}
	v := receive(t, h, start, advertise(options...))
	if len(v.Addresses) != 16 || len(v.OnLink) != 16 || len(v.NameServers) != 8 || len(v.SearchDomains) != 8 {
		t.Errorf("%d addresses, %d networks, %d servers, %d domains", len(v.Addresses), len(v.OnLink), len(v.NameServers), len(v.SearchDomains))
	}
	v = receive(t, h, start, advertise(prefix("2001:db8:10::/64", time.Hour, 2*time.Hour), &ndp.RecursiveDNSServer{Lifetime: 2 * time.Hour, Servers: []netip.Addr{netip.MustParseAddr("2001:db8::8")}}))
	last := v.Addresses[len(v.Addresses)-1]
	if last.Valid != start.Add(2*time.Hour) || v.OnLink[len(v.OnLink)-1].Until != last.Valid {
		t.Errorf("the last one is not renewed: %+v", last)
	}
	h.Advance(start.Add(time.Hour))
	if v = h.State(); len(v.Addresses) != 1 || len(v.OnLink) != 1 || len(v.NameServers) != 1 || len(v.SearchDomains) != 0 {
		t.Errorf("an hour later %+v", v)
	}
	h = newHost()
	for i := range 5 {
		if err := h.Receive(start, from(t, netip.MustParseAddr(fmt.Sprintf("fe80::%d", i+1)), advertise())); err != nil {
			t.Fatal(err)
		}
	}
	if v = h.State(); len(v.Routers) != 4 {
		t.Errorf("routers are %v", v.Routers)
	}
}

// TestHostMTU: both sides of each bound.
func TestHostMTU(t *testing.T) {
	for mtu, want := range map[uint32]int{0: 0, 1279: 0, 1280: 1280, 1281: 1281, 65535: 65535, 65536: 0} {
		if v := receive(t, newHost(), start, advertise(ndp.NewMTU(mtu))); v.MTU != want {
			t.Errorf("of %d the MTU is %d", mtu, v.MTU)
		}
	}
}

// TestTwoHours is RFC 4862 section 5.5.3 e, both sides: a router cannot shorten an address's valid
// lifetime below two hours.
func TestTwoHours(t *testing.T) {
	hour := time.Hour
	for _, c := range []struct{ left, told, want time.Duration }{
		{10 * hour, 2*hour + time.Second, 2*hour + time.Second}, {10 * hour, 2 * hour, 2 * hour}, {10 * hour, hour, 2 * hour}, {10 * hour, 0, 2 * hour},
		{2 * hour, hour, 2 * hour}, {hour, 0, hour}, {hour, hour - time.Second, hour}, {hour, hour, hour}, {hour, hour + time.Second, hour + time.Second},
		{2*hour + time.Second, hour, 2 * hour}, {lifetime.Infinity, hour, 2 * hour},
	} {
		h := newHost()
		receive(t, h, start, advertise(prefix("2001:db8::/64", 0, c.left)))
		v := receive(t, h, start, advertise(prefix("2001:db8::/64", 0, c.told)))
		if len(v.Addresses) != 1 || v.Addresses[0].Valid != start.Add(c.want) {
			t.Errorf("%+v: %+v", c, v.Addresses)
		}
	}
	// On-link prefixes are not protected (RFC 4861 section 6.3.4).
	h := newHost()
	receive(t, h, start, advertise(prefix("2001:db8::/64", 0, hour)))
	if v := receive(t, h, start, advertise(prefix("2001:db8::/64", 0, 0))); len(v.OnLink) != 0 {
		t.Errorf("on the link are %v", v.OnLink)
	}
}

// TestAutonomous: no address is made of a prefix with a preferred lifetime above the valid one, of
// another length than /64, without the autonomous flag, or with a valid lifetime of 0.
func TestAutonomous(t *testing.T) {
	off := prefix("2001:db8::/64", time.Hour, time.Hour)
	off.AutonomousAddressConfiguration = false
	for name, c := range map[string]struct {
		o    *ndp.PrefixInformation
		want int
	}{
		"as long": {prefix("2001:db8::/64", time.Hour, time.Hour), 1}, "longer": {prefix("2001:db8::/64", time.Hour+time.Second, time.Hour), 0},
		"/63": {prefix("2001:db8::/63", 1, time.Hour), 0}, "/65": {prefix("2001:db8::/65", 1, time.Hour), 0}, "over": {prefix("2001:db8::/64", 0, 0), 0},
		"a second": {prefix("2001:db8::/64", 0, time.Second), 1}, "not autonomous": {off, 0}, "link-local": {prefix("fe80::/64", time.Hour, time.Hour), 0},
	} {
		if v := receive(t, newHost(), start, advertise(c.o)); len(v.Addresses) != c.want {
			t.Errorf("%s: %v", name, v.Addresses)
		}
	}
}

// TestHeaders: a message has at least its header, with its type and code 0.
func TestHeaders(t *testing.T) {
	for length, want := range map[int]bool{15: false, 16: true} {
		_, err := parseAdvertisement(Packet{Data: append([]byte{134}, make([]byte, length-1)...), Source: peer, HopLimit: 255})
		if (err == nil) != want {
			t.Errorf("an advertisement of %d octets: %v", length, err)
		}
	}
	for length, want := range map[int]bool{7: false, 8: true} {
		err := checkSolicitation(Packet{Data: append([]byte{133}, make([]byte, length-1)...), Source: ours, HopLimit: 255})
		if (err == nil) != want {
			t.Errorf("a solicitation of %d octets: %v", length, err)
		}
	}
	if AllRouters.String() != "ff02::2" || allNodes.String() != "ff02::1" {
		t.Errorf("groups are %v and %v", AllRouters, allNodes)
	}
}

// TestExpiry: an entry ends at its time, not before, and Next returns that time.
func TestExpiry(t *testing.T) {
	for name, c := range map[string]struct {
		ra    *ndp.RouterAdvertisement
		there func(HostState) int
	}{
		"router":  {&ndp.RouterAdvertisement{RouterLifetime: 100 * time.Second}, func(v HostState) int { return len(v.Routers) }},
		"address": {advertise(prefix("2001:db8::/64", 100*time.Second, 100*time.Second)), func(v HostState) int { return len(v.Addresses) }},
		"network": {advertise(prefix("2001:db8::/64", 100*time.Second, 100*time.Second)), func(v HostState) int { return len(v.OnLink) }},
		"server":  {advertise(&ndp.RecursiveDNSServer{Lifetime: 100 * time.Second, Servers: []netip.Addr{peer}}), func(v HostState) int { return len(v.NameServers) }},
		"domain":  {advertise(&ndp.DNSSearchList{Lifetime: 100 * time.Second, DomainNames: []string{"a.example"}}), func(v HostState) int { return len(v.SearchDomains) }},
	} {
		h := newHost()
		h.Advance(start)
		receive(t, h, start, c.ra)
		end := start.Add(100 * time.Second)
		if h.Next() != end {
			t.Errorf("%s: next after %v", name, h.Next().Sub(start))
		}
		if h.Advance(end.Add(-1)); c.there(h.State()) != 1 {
			t.Errorf("%s: gone too early", name)
		}
		if h.Advance(end); c.there(h.State()) != 0 {
			t.Errorf("%s: still there", name)
		}
	}
	// A lifetime of 0 ends an earlier entry (RFC 8106 section 5.1).
	h := newHost()
	for _, life := range []time.Duration{time.Hour, 0} {
		v := receive(t, h, start, advertise(&ndp.RecursiveDNSServer{Lifetime: life, Servers: []netip.Addr{peer}}, &ndp.DNSSearchList{Lifetime: life, DomainNames: []string{"a.example"}}))
		if want := min(int(life), 1); len(v.NameServers) != want || len(v.SearchDomains) != want {
			t.Errorf("lifetime %v: %v, %v", life, v.NameServers, v.SearchDomains)
		}
	}
}

// TestPrefixLifetimes: lifetimes of a configured prefix in seconds (RFC 4861 section 4.6.2), at
// most infinity.
func TestPrefixLifetimes(t *testing.T) {
	for _, c := range []struct {
		preferred, valid time.Duration
		want             string
	}{
		{time.Hour, 2 * time.Hour, "00001c20" + "00000e10"}, {0, time.Second, "00000001" + "00000000"},
		{lifetime.Infinity - time.Second, lifetime.Infinity, "ffffffff" + "fffffffe"},
		{lifetime.Infinity + time.Second, lifetime.Infinity + time.Second, "ffffffff" + "ffffffff"},
	} {
		a := newAdvertiser(t, func(cfg *AdvertiserConfig) { cfg.Preferred, cfg.Valid = c.preferred, c.valid })
		if got := hex.EncodeToString(a.Advance(start).Data[20:28]); got != c.want {
			t.Errorf("%v, %v: advertised as %s, want %s", c.preferred, c.valid, got, c.want)
		}
	}
}

// TestAdvertisedPrefixOctets is the prefix option of a delegated prefix, octet by octet, within the
// limits of RFC 9096 (ND_PREFERRED_LIMIT 2700 s, ND_VALID_LIMIT 5400 s), and after it has become
// stale.
func TestAdvertisedPrefixOctets(t *testing.T) {
	const on, network = "86000000" + "40" + "00" + "0708" + "00000000" + "00000000" + "030440c0", "20010db8010000000000000000000000"
	for _, c := range []struct {
		preferred, valid time.Duration
		want             string
	}{
		{2699 * time.Second, 5399 * time.Second, "00001517" + "00000a8b"}, {2700 * time.Second, 5400 * time.Second, "00001518" + "00000a8c"},
		{2701 * time.Second, 5401 * time.Second, "00001518" + "00000a8c"}, {lifetime.Infinity, lifetime.Infinity, "00001518" + "00000a8c"},
	} {
		a := newAdvertiser(t, func(cfg *AdvertiserConfig) { *cfg = AdvertiserConfig{Rand: newRand()} })
		offer := Parameters{DefaultRouter: true, Prefixes: []AdvertisedPrefix{{netip.MustParsePrefix("2001:db8:100::/64"), lifetime.New(start, c.preferred, c.valid)}}}
		a.Update(start, offer)
		if got := hex.EncodeToString(a.Advance(start).Data); got != on+c.want+"00000000"+network {
			t.Errorf("%v, %v: advertised %s", c.preferred, c.valid, got)
		}
		a.Update(start, Parameters{DefaultRouter: true})
		if got := hex.EncodeToString(a.Advance(start.Add(3 * time.Second)).Data); got != on+"00000000"+"00000000"+"00000000"+network {
			t.Errorf("%v, %v: stale it is advertised as %s", c.preferred, c.valid, got)
		}
	}
}

// TestParametersBounds: entries beyond a host's bounds are left out.
func TestParametersBounds(t *testing.T) {
	for _, c := range []struct{ told, networks, others int }{{8, 8, 8}, {9, 9, 8}, {16, 16, 8}, {17, 16, 8}} {
		var o Parameters
		for i := range c.told {
			o.Prefixes = append(o.Prefixes, AdvertisedPrefix{netip.MustParsePrefix(fmt.Sprintf("2001:db8:%x::/64", i)), lifetime.New(start, time.Hour, time.Hour)})
			o.NameServers = append(o.NameServers, netip.MustParseAddr(fmt.Sprintf("2001:db8::%x", i+1)))
			o.SearchDomains = append(o.SearchDomains, fmt.Sprintf("d%d.example", i))
		}
		if got := o.sanitized(); len(got.Prefixes) != c.networks || len(got.NameServers) != c.others || len(got.SearchDomains) != c.others {
			t.Errorf("with %d each there are %d networks, %d servers, %d domains", c.told, len(got.Prefixes), len(got.NameServers), len(got.SearchDomains))
		}
	}
}

// TestSolicitationFromUnspecified: with the unspecified source, only a source link-layer address
// option is forbidden (RFC 4861 section 6.1.1).
func TestSolicitationFromUnspecified(t *testing.T) {
	for kind, want := range map[byte]error{0: nil, 1: ErrSource, 2: nil, 14: nil} {
		for position := range 2 { // the first or the second option
			data := append([]byte{133, 0, 0, 0, 0, 0, 0, 0}, make([]byte, 8*position)...)
			if position > 0 {
				data[8], data[9] = 14, 1 // a nonce (RFC 3971 section 5.3.2)
			}
			data = append(data, kind, 1, 0, 0, 0, 0, 0, 0)
			if err := checkSolicitation(Packet{Data: data, Source: netip.IPv6Unspecified(), HopLimit: 255}); !errors.Is(err, want) {
				t.Errorf("option %d, type %d: %v, want %v", position, kind, err, want)
			}
		}
	}
}

// TestSendFailedAfterRestart: after Restart, failed sends are retried as often as at first.
func TestSendFailedAfterRestart(t *testing.T) {
	a := newAdvertiser(t, as)
	now := start
	for round := range 2 {
		for i := range 31 {
			if a.Advance(now).Data == nil {
				t.Fatalf("round %d: nothing is sent at time %d", round, i)
			}
			want := 100 * time.Millisecond
			if i == 30 {
				want = 3 * time.Second
			}
			if a.SendFailed(now); a.Next().Sub(now) != want {
				t.Errorf("round %d: after %d failures it tries again in %v, want %v", round, i+1, a.Next().Sub(now), want)
			}
			now = a.Next()
		}
		a.Restart(now)
	}
}

// TestSendFailedLater: only a failed first solicitation is taken back: later ones are repeated
// anyway.
func TestSendFailedLater(t *testing.T) {
	h := newHost()
	for i := range 3 {
		now := start.Add(time.Duration(i) * 4 * time.Second)
		if h.Advance(now).Data == nil {
			t.Fatalf("solicitation %d is not sent", i)
		}
		if i > 0 {
			h.SendFailed(now)
		}
		if gap := h.Next().Sub(now); gap < 3600*time.Millisecond || gap > 4400*time.Millisecond {
			t.Errorf("after solicitation %d the next one is %v later", i, gap)
		}
	}
}

// TestJitter: up to a tenth in either direction, over the whole range.
func TestJitter(t *testing.T) {
	r := newRand()
	least, most := time.Hour, time.Duration(0)
	for range 10_000 {
		d := jitter(10*time.Second, r)
		least, most = min(least, d), max(most, d)
	}
	if least < 9*time.Second || least > 9010*time.Millisecond || most > 11*time.Second || most < 10990*time.Millisecond {
		t.Errorf("10 s become %v to %v", least, most)
	}
	if d := jitter(10, r); d < 9 || d > 11 {
		t.Errorf("10 ns become %v", d)
	}
}
