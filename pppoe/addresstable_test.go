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
	a := newAddressTable()
	ref := func(t *sessionState) sessionRef { return sessionRef{state: t} }
	one, two, three := &sessionState{}, &sessionState{}, &sessionState{}
	always, never := func(SessionInfo) bool { return true }, func(SessionInfo) bool { return false }
	if _, _, _, ok := a.claim(x, ref(one), always); !ok {
		t.Fatal("an address that nobody has is not given")
	}
	if _, _, _, ok := a.claim(x, ref(one), never); !ok {
		t.Error("nor to the one who has it")
	}
	if older, _, waits, ok := a.claim(x, ref(two), never); ok || waits || older.state != one {
		t.Error("another has it too")
	}
	if _, ok := a.release(x, two); ok {
		t.Error("who was refused waits")
	}
	if older, displaced, waits, ok := a.claim(x, ref(two), always); ok || !waits || older.state != one || displaced.state != nil {
		t.Error("the second does not wait for the first")
	}
	if _, displaced, _, _ := a.claim(x, ref(two), always); displaced.state != nil {
		t.Error("one displaces itself")
	}
	if _, _, waits, _ := a.claim(x, sessionRef{state: three}, func(l SessionInfo) bool { return l.User != "waits" }); !waits {
		t.Error("the third does not wait for the first and in place of the second")
	}
	if _, ok := a.release(x, three); ok {
		t.Error("who waits has had the address")
	}
	a.claim(x, sessionRef{state: two, info: SessionInfo{User: "waits"}}, always)
	if _, _, waits, _ := a.claim(x, ref(three), func(l SessionInfo) bool { return l.User != "waits" }); waits || a.by[x].next.state != two {
		t.Error("the third replaces the second, which it may not")
	}
	if older, displaced, waits, ok := a.claim(x, ref(three), always); ok || !waits || older.state != one || displaced.state != two {
		t.Error("the third does not take the second's place")
	}
	if _, ok := a.release(x, two); ok || a.by[x].next.state != three {
		t.Error("who was displaced takes the newer's place away")
	}
	if _, ok := a.release(y, one); ok {
		t.Error("an address of nobody is handed on")
	}
	if !a.isFree(y, nil) || a.isFree(x, three) || !a.isFree(x, one) {
		t.Error("what is free is not told rightly")
	}
	if next, ok := a.release(x, one); !ok || next.state != three {
		t.Error("the address is not handed on")
	}
	if _, ok := a.release(x, one); ok || a.isFree(x, nil) {
		t.Error("who has lost it drops it again")
	}
	if _, ok := a.release(x, three); ok || !a.isFree(x, nil) || len(a.by) != 0 {
		t.Error("an address that nobody has is remembered")
	}
	a.claim(x, ref(one), always)
	a.claim(x, ref(two), always)
	if a.release(x, two); a.by[x].next.state != nil {
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
		a := newAddressTable()
		for addr, station := range c.taken {
			a.claim(addr, sessionRef{state: &sessionState{}, info: SessionInfo{Peer: station}}, func(SessionInfo) bool { return true })
		}
		if got := a.choose(x, c.own, wire.Addr{2}); got != c.want {
			t.Errorf("%s: %v, want %v", c.what, got, c.want)
		}
	}
}

// TestReleaseAddresses: a session that negotiates anew gives back the address before, as soon as its device
// has lost it, and no sooner.
func TestReleaseAddresses(t *testing.T) {
	x, y := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	o := &serverLoop{server: &Server{addresses: newAddressTable()}}
	s := &sessionState{}
	has := func(a netip.Addr) Addressing { return Addressing{IPv4: ipcp.Agreement{Local: a, Remote: a}} }
	free := func(wantX, wantY bool, when string) {
		t.Helper()
		if gotX, gotY := o.server.addresses.isFree(x, nil), o.server.addresses.isFree(y, nil); gotX != wantX || gotY != wantY {
			t.Errorf("%s: free are %v, %v; want %v, %v", when, gotX, gotY, wantX, wantY)
		}
	}
	claim := func(a netip.Addr) {
		if !o.claimAddress(epoch, s, has(a).IPv4) {
			t.Fatalf("%v is not had", a)
		}
		s.desired.IPv4 = has(a).IPv4
	}
	claim(x)
	o.releaseAddresses(s, Addressing{})
	free(false, true, "before the device has it")
	o.releaseAddresses(s, has(x))
	free(false, true, "when it has it")
	s.desired.IPv4 = ipcp.Agreement{}
	o.releaseAddresses(s, has(x))
	free(false, true, "when it is wanted no more")
	claim(y)
	free(false, false, "while the device has the one before")
	o.releaseAddresses(s, has(y))
	free(true, false, "with another")
	s.desired.IPv4 = ipcp.Agreement{}
	o.releaseAddresses(s, Addressing{})
	free(true, true, "when it has none")
}
