package pppoe

import (
	"net/netip"
	"testing"

	"upppoe/ipcp"
	"upppoe/pppoe/wire"
)

// TestAddresses: an address has one holder, and one who waits for it, the newest.
func TestAddresses(t *testing.T) {
	x, y := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	a := newAddresses()
	ref := func(t *tunnel) sessionRef { return sessionRef{t: t} }
	one, two, three := &tunnel{}, &tunnel{}, &tunnel{}
	always, never := func(SessionInfo) bool { return true }, func(SessionInfo) bool { return false }
	if _, _, _, ok := a.take(x, ref(one), always); !ok {
		t.Fatal("an address that nobody has is not given")
	}
	if _, _, _, ok := a.take(x, ref(one), never); !ok {
		t.Error("nor to the one who has it")
	}
	if older, _, waits, ok := a.take(x, ref(two), never); ok || waits || older.t != one {
		t.Error("another has it too")
	}
	if _, ok := a.drop(x, two); ok {
		t.Error("who was refused waits")
	}
	if older, displaced, waits, ok := a.take(x, ref(two), always); ok || !waits || older.t != one || displaced.t != nil {
		t.Error("the second does not wait for the first")
	}
	if _, displaced, _, _ := a.take(x, ref(two), always); displaced.t != nil {
		t.Error("one displaces itself")
	}
	if _, _, waits, _ := a.take(x, sessionRef{t: three}, func(l SessionInfo) bool { return l.User != "waits" }); !waits {
		t.Error("the third does not wait for the first and in place of the second")
	}
	if _, ok := a.drop(x, three); ok {
		t.Error("who waits has had the address")
	}
	a.take(x, sessionRef{t: two, line: SessionInfo{User: "waits"}}, always)
	if _, _, waits, _ := a.take(x, ref(three), func(l SessionInfo) bool { return l.User != "waits" }); waits || a.by[x].next.t != two {
		t.Error("the third replaces the second, which it may not")
	}
	if older, displaced, waits, ok := a.take(x, ref(three), always); ok || !waits || older.t != one || displaced.t != two {
		t.Error("the third does not take the second's place")
	}
	if _, ok := a.drop(x, two); ok || a.by[x].next.t != three {
		t.Error("who was displaced takes the newer's place away")
	}
	if _, ok := a.drop(y, one); ok {
		t.Error("an address of nobody is handed on")
	}
	if !a.isFree(y, nil) || a.isFree(x, three) || !a.isFree(x, one) {
		t.Error("what is free is not told rightly")
	}
	if next, ok := a.drop(x, one); !ok || next.t != three {
		t.Error("the address is not handed on")
	}
	if _, ok := a.drop(x, one); ok || a.isFree(x, nil) {
		t.Error("who has lost it drops it again")
	}
	if _, ok := a.drop(x, three); ok || !a.isFree(x, nil) || len(a.by) != 0 {
		t.Error("an address that nobody has is remembered")
	}
	a.take(x, ref(one), always)
	a.take(x, ref(two), always)
	if a.drop(x, two); a.by[x].next.t != nil {
		t.Error("who waits no more is waited for")
	}
}

// TestChoose: of an account's addresses a session has that of the one it takes the place of, or
// the first that is free.
func TestChoose(t *testing.T) {
	x, y, z := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2"), netip.MustParseAddr("192.0.2.3")
	all := []netip.Addr{x, y, z}
	for _, c := range []struct {
		what  string
		taken map[netip.Addr]wire.Addr
		own   []netip.Addr
		want  netip.Addr
	}{
		{"no other", nil, nil, x},
		{"one", nil, all[:1], x},
		{"all free", nil, all, x},
		{"the first taken", map[netip.Addr]wire.Addr{x: {4}}, all, y},
		{"the first two taken", map[netip.Addr]wire.Addr{x: {4}, y: {4}}, all, z},
		{"all taken", map[netip.Addr]wire.Addr{x: {4}, y: {4}, z: {4}}, all, x},
		{"its own before", map[netip.Addr]wire.Addr{x: {4}, y: {2}}, all, y},
		{"its own before, though another is free", map[netip.Addr]wire.Addr{z: {2}}, all, z},
		{"the only one, taken", map[netip.Addr]wire.Addr{x: {4}}, all[:1], x},
	} {
		a := newAddresses()
		for addr, station := range c.taken {
			a.take(addr, sessionRef{t: &tunnel{}, line: SessionInfo{Peer: station}}, func(SessionInfo) bool { return true })
		}
		if got := a.choose(x, c.own, wire.Addr{2}); got != c.want {
			t.Errorf("%s: %v, want %v", c.what, got, c.want)
		}
	}
}

// TestUnclaim: a session that negotiates anew gives back the address before, as soon as its device
// has lost it, and no sooner.
func TestUnclaim(t *testing.T) {
	x, y := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	o := &serverLoop{server: &Server{addresses: newAddresses()}}
	s := &tunnel{}
	has := func(a netip.Addr) Addressing { return Addressing{IPv4: ipcp.Agreement{Local: a, Remote: a}} }
	free := func(wantX, wantY bool, when string) {
		t.Helper()
		if gotX, gotY := o.server.addresses.isFree(x, nil), o.server.addresses.isFree(y, nil); gotX != wantX || gotY != wantY {
			t.Errorf("%s: free are %v, %v; want %v, %v", when, gotX, gotY, wantX, wantY)
		}
	}
	claim := func(a netip.Addr) {
		if !o.claim(epoch, s, has(a).IPv4) {
			t.Fatalf("%v is not had", a)
		}
		s.want.IPv4 = has(a).IPv4
	}
	claim(x)
	o.unclaim(s, Addressing{})
	free(false, true, "before the device has it")
	o.unclaim(s, has(x))
	free(false, true, "when it has it")
	s.want.IPv4 = ipcp.Agreement{}
	o.unclaim(s, has(x))
	free(false, true, "when it is wanted no more")
	claim(y)
	free(false, false, "while the device has the one before")
	o.unclaim(s, has(y))
	free(true, false, "with another")
	s.want.IPv4 = ipcp.Agreement{}
	o.unclaim(s, Addressing{})
	free(true, true, "when it has none")
}
