package main

import (
	"bytes"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"upppoe/internal/ratelimit"
	"upppoe/pppoe"
)

// overlapLog is a sessionOverlaps with what it logs.
type overlapLog struct {
	*sessionOverlaps
	out bytes.Buffer
}

func newOverlapLog() *overlapLog {
	l := &overlapLog{}
	l.sessionOverlaps = newSessionOverlaps(slog.New(slog.NewTextHandler(&l.out, nil)), ratelimit.New(1000, time.Hour))
	return l
}

func prefixes(all ...string) (parsed []netip.Prefix) {
	for _, p := range all {
		parsed = append(parsed, netip.MustParsePrefix(p))
	}
	return parsed
}

func framed(all ...string) *pppoe.SessionPolicy {
	return &pppoe.SessionPolicy{FramedRoutes: prefixes(all...)}
}

// TestSessionOverlaps: a framed route that contains or is within a prefix of another user's session is warned of once,
// with both, in whatever order they begin.
func TestSessionOverlaps(t *testing.T) {
	delegated := &pppoe.SessionPolicy{DelegatedPrefix: netip.MustParsePrefix("2001:db8:5::/48")}
	network := &pppoe.SessionPolicy{IPv6Prefix: netip.MustParsePrefix("2001:db8:5:1::/64")}
	inVRF := framed("203.0.113.0/28")
	inVRF.VRF = "red"
	for name, c := range map[string]struct {
		inner, outer *pppoe.SessionPolicy // of alice, of bob
		want         string               // empty: no warning
	}{
		"within":             {framed("203.0.113.16/28"), framed("203.0.113.0/24"), `the framed route 203.0.113.16/28 is within the framed route 203.0.113.0/24`},
		"within one of many": {framed("10.0.0.0/8", "203.0.113.16/28"), framed("192.168.0.0/16", "203.0.0.0/16", "2001:db8::/32"), `the framed route 203.0.113.16/28 is within the framed route 203.0.0.0/16`},
		"one address":        {framed("203.0.113.16/32"), framed("203.0.113.0/24"), `the framed route 203.0.113.16/32 is within the framed route 203.0.113.0/24`},
		"beside":             {framed("203.0.113.16/28"), framed("203.0.113.32/28"), ""},
		"the same":           {framed("203.0.113.16/28"), framed("203.0.113.16/28"), ""},
		"in a VRF":           {inVRF, framed("203.0.113.0/24"), ""},
		"within a delegated": {framed("2001:db8:5:7::/64"), delegated, `the framed route 2001:db8:5:7::/64 is within the delegated prefix 2001:db8:5::/48`},
		"around a delegated": {delegated, framed("2001:db8::/32"), `the delegated prefix 2001:db8:5::/48 is within the framed route 2001:db8::/32`},
		"around a network":   {network, framed("2001:db8:5::/56"), `the IPv6 prefix 2001:db8:5:1::/64 is within the framed route 2001:db8:5::/56`},
		"no framed route":    {network, delegated, ""},
	} {
		for _, innerFirst := range []bool{true, false} {
			o := newOverlapLog()
			alice, bob := pppoe.SessionInfo{SessionID: 7, Generation: 1, User: "alice"}, pppoe.SessionInfo{SessionID: 8, Generation: 2, User: "bob"}
			begin := []func(){
				func() { o.notify(alice, pppoe.Configured{Policy: c.inner}) },
				func() { o.notify(bob, pppoe.Adopted{Policy: c.outer}) },
			}
			if !innerFirst {
				slices.Reverse(begin)
			}
			for range 2 { // a user who dials again, or IPv6 that comes up
				begin[0]()
				begin[1]()
				o.notify(bob, pppoe.PolicyChanged{Policy: c.outer})
				o.notify(alice, pppoe.Ended{})
				o.notify(alice, pppoe.PolicyChanged{Policy: c.inner})
			}
			log := strings.ReplaceAll(o.out.String(), `\"`, `"`)
			if n := strings.Count(log, "level=WARN"); c.want == "" && n != 0 || c.want != "" && n != 1 {
				t.Errorf("%s, the inner one first %v: %d warnings:\n%s", name, innerFirst, n, log)
			}
			if c.want != "" && (!strings.Contains(log, c.want) || !strings.Contains(log, `user "alice", session 7 of`) || !strings.Contains(log, `of user "bob", session 8 of`)) {
				t.Errorf("%s, the inner one first %v: %s", name, innerFirst, log)
			}
			o.notify(alice, pppoe.Ended{})
			o.notify(bob, pppoe.Ended{})
			if len(o.by) > 0 || len(o.vrfs) > 0 {
				t.Errorf("%s: when the sessions have ended, %v and %v are left", name, o.by, o.vrfs)
			}
		}
	}
}

// TestSessionOverlapsOfOneUser: prefixes of one session, or of sessions of one user, may overlap.
func TestSessionOverlapsOfOneUser(t *testing.T) {
	o := newOverlapLog()
	for generation := range uint64(2) {
		o.notify(pppoe.SessionInfo{Generation: generation, User: "alice"}, pppoe.Configured{Policy: framed("10.0.0.0/8", "10.1.0.0/16")})
	}
	if o.out.Len() > 0 {
		t.Error(&o.out)
	}
}

// TestSessionOverlapsChanged: a route that a session does not have any more, by another policy or by its end, overlaps
// with nothing.
func TestSessionOverlapsChanged(t *testing.T) {
	o := newOverlapLog()
	alice, bob := pppoe.SessionInfo{Generation: 1, User: "alice"}, pppoe.SessionInfo{Generation: 2, User: "bob"}
	o.notify(alice, pppoe.Configured{Policy: framed("10.0.0.0/8")})
	o.notify(alice, pppoe.PolicyChanged{Policy: framed("172.16.0.0/12")})
	o.notify(bob, pppoe.Configured{Policy: framed("10.1.0.0/16")})
	o.notify(alice, pppoe.Ended{})
	o.notify(bob, pppoe.PolicyChanged{Policy: framed("172.16.1.0/24")})
	if o.out.Len() > 0 {
		t.Error(&o.out)
	}
}

// TestSessionOverlapsBounded: a route around those of many sessions is compared with a bounded number of them, and what
// was warned of is remembered up to a bound.
func TestSessionOverlapsBounded(t *testing.T) {
	o := newOverlapLog()
	for i := range uint64(10000) {
		p := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 0}), 24)
		o.notify(pppoe.SessionInfo{Generation: i + 1}, pppoe.Configured{Policy: &pppoe.SessionPolicy{FramedRoutes: []netip.Prefix{p}}})
	}
	o.notify(pppoe.SessionInfo{Generation: 20000, User: "alice"}, pppoe.Configured{Policy: framed("10.0.0.0/8")})
	if n := strings.Count(o.out.String(), "level=WARN"); n != maxCompared {
		t.Errorf("%d warnings, want %d", n, maxCompared)
	}
}

// TestPrefixTree: the tree finds what a comparison with each prefix finds, while prefixes come and go.
func TestPrefixTree(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	draw := func() netip.Prefix {
		if random.IntN(2) == 0 {
			return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(random.IntN(4)), byte(random.IntN(4) << 6), byte(random.IntN(256))}), random.IntN(33)).Masked()
		}
		return netip.PrefixFrom(netip.AddrFrom16([16]byte{0x20, 1, byte(random.IntN(4)), byte(random.IntN(4) << 6), 15: byte(random.IntN(256))}), random.IntN(129)).Masked()
	}
	tree, has := prefixTree{}, []prefixHolder{}
	for i := range 5000 {
		if len(has) > 0 && random.IntN(100) < 48 {
			at := random.IntN(len(has))
			tree.remove(has[at])
			has = slices.Delete(has, at, at+1)
		} else {
			h := prefixHolder{prefix: draw(), generation: uint64(i)}
			tree.add(h)
			has = append(has, h)
		}
		p := draw()
		want := map[prefixHolder]bool{}
		for _, h := range has {
			if h.prefix.Overlaps(p) {
				want[h] = true
			}
		}
		n := 0
		for h := range tree.overlapping(p) {
			if n++; !want[h] {
				t.Fatalf("step %d: %v is found to overlap with %v", i, h.prefix, p)
			}
		}
		if n != len(want) {
			t.Fatalf("step %d: %d prefixes overlap with %v, want %d", i, n, p, len(want))
		}
	}
	for _, h := range has {
		tree.remove(h)
	}
	if !tree.isEmpty() {
		t.Error("the tree is not empty")
	}
}
