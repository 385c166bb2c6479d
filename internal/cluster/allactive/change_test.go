package allactive

import (
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"
)

func routes(all ...string) (w Want) {
	for _, text := range all {
		w.Routes = append(w.Routes, netip.MustParsePrefix(text))
	}
	return w
}

// TestChange: what the policy of an open session gets is claimed before, and what it loses is free then. What another
// machine has, or another session, or cannot be claimed at once, changes nothing; the machine that has it keeps it, and what a dead
// machine has had is free.
func TestChange(t *testing.T) {
	inBubble(t, func(t *testing.T, b *testbed, one, two *machine) {
		const x, y, z = "203.0.113.0/28", "203.0.113.16/28", "203.0.113.32/28"
		carol := routes(x)
		carol.User, carol.Limit, carol.Replace = "carol", 1, true
		first := mustDial(t, one, carol)
		check := func(what string, want ...string) {
			t.Helper()
			time.Sleep(time.Second)
			var has []string
			for key, machine := range b.keys(routeKey) {
				p, _, _ := cutRoute(key)
				has = append(has, p.String()+" "+machine)
			}
			if slices.Sort(has); !slices.Equal(has, want) {
				t.Errorf("%s: etcd has %v, want %v", what, has, want)
			}
			if keys := b.keys(userKey + "carol/"); len(keys) != 1 {
				t.Errorf("%s: etcd has %v", what, keys)
			}
		}
		change := func(m *machine, session uint64, w Want) error { return m.member.Change(t.Context(), session, w) }
		if err := change(one, first, routes(x, y)); err != nil || !one.member.Has(first, routes(x, y)) {
			t.Errorf("a further route: %v", err)
		}
		check("a further route", x+" a", y+" a")
		one.member.GiveBack(first, routes(x), routes(x, y))
		one.member.GiveBack(first, routes(x, y), routes(y))
		check("one route less", y+" a")

		second, third := mustDial(t, two, routes(z)), mustDial(t, one, Want{User: "third", Limit: 1})
		var inUse InUseError
		if err := change(two, second, routes(x, y, z)); !errors.As(err, &inUse) || inUse.Machines[0] != "a" || two.member.Has(second, routes(x)) || !one.has(first) {
			t.Errorf("a route that another machine has: %v", err)
		}
		if err := change(one, third, routes(x, y)); !errors.As(err, &inUse) || inUse.Machines[0] != "a" || !one.has(first) {
			t.Errorf("a route that another session has: %v", err)
		}
		check("after refusals", y+" a", z+" b")

		two.cut(true)
		if err := change(two, second, routes(x, z)); !errors.Is(err, ErrAway) || two.member.Has(second, routes(x)) {
			t.Errorf("etcd does not answer: %v", err)
		}
		time.Sleep(2 * time.Second)
		if err := change(two, second, routes(x, z)); !errors.Is(err, ErrAway) {
			t.Errorf("etcd is away: %v", err)
		}
		if err := change(two, second, routes(z)); err != nil {
			t.Errorf("nothing new, while etcd is away: %v", err)
		}
		two.cut(false)
		time.Sleep(2 * time.Second)
		check("etcd is back", y+" a", z+" b")
		if err := change(two, second+1, routes(x)); !errors.Is(err, ErrEnded) {
			t.Errorf("a session that has ended: %v", err)
		}
		two.kill()
		time.Sleep(5 * time.Second)
		if err := change(one, first, routes(y, z)); err != nil {
			t.Errorf("a route of a dead machine: %v", err)
		}
		check("a dead machine", y+" a", z+" a")
	})
}

// TestChangeWhileClaiming: while a login of a session claims, its policy cannot change otherwise, and nothing of it is
// given back.
func TestChangeWhileClaiming(t *testing.T) {
	inBubble(t, func(t *testing.T, b *testbed, one, two *machine) {
		const x, y = "203.0.113.0/28", "203.0.113.16/28"
		first := mustDial(t, one, routes(x))
		mustDial(t, two, routes(y))
		claimed := make(chan error, 1)
		wanted := routes(x, y)
		wanted.Replace = true
		go func() { claimed <- one.member.Claim(t.Context(), first, wanted) }()
		time.Sleep(time.Millisecond)
		if err := one.member.Change(t.Context(), first, routes("203.0.113.32/28")); !errors.Is(err, ErrClaiming) {
			t.Errorf("a change: %v", err)
		}
		one.member.GiveBack(first, routes(x), Want{})
		if err := <-claimed; err != nil || !one.member.Has(first, wanted) {
			t.Errorf("the login: %v", err)
		}
	})
}
