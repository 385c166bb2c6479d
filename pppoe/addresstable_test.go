package pppoe

import (
	"net/netip"
	"testing"

	"upppoe/ipcp"
	"upppoe/pppoe/wire"
)

// TestAddresses: an address has one holder and at most one waiting session, the newest.
func TestAddresses(t *testing.T) {
	x, y := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	a := newAddressTable(nil, 0, false)
	ref := func(t *sessionState) sessionRef { return sessionRef{state: t} }
	one, two, three := &sessionState{}, &sessionState{}, &sessionState{}
	always, never := func(sessionRef) bool { return true }, func(sessionRef) bool { return false }
	if _, _, _, ok := a.claim(x, ref(one), always); !ok {
		t.Fatal("a free address is not assigned")
	}
	if _, _, _, ok := a.claim(x, ref(one), never); !ok {
		t.Error("an address is not assigned to its holder again")
	}
	if older, _, waits, ok := a.claim(x, ref(two), never); ok || waits || older.state != one {
		t.Error("two sessions have the address")
	}
	if _, ok := a.release(x, two); ok {
		t.Error("a session that may not replace the holder waits")
	}
	if older, displaced, waits, ok := a.claim(x, ref(two), always); ok || !waits || older.state != one || displaced.state != nil {
		t.Error("the second session does not wait for the first")
	}
	if _, displaced, _, _ := a.claim(x, ref(two), always); displaced.state != nil {
		t.Error("a waiting session displaces itself")
	}
	if _, _, waits, _ := a.claim(x, sessionRef{state: three}, func(l sessionRef) bool { return l.user != "waits" }); !waits {
		t.Error("the third session does not displace the second")
	}
	if _, ok := a.release(x, three); ok {
		t.Error("a waiting session releases the address to another")
	}
	a.claim(x, sessionRef{state: two, user: "waits"}, always)
	if _, _, waits, _ := a.claim(x, ref(three), func(l sessionRef) bool { return l.user != "waits" }); waits || a.by.Get(keyOf(x)).next.state != two {
		t.Error("the third session displaces the second, which is not allowed")
	}
	if older, displaced, waits, ok := a.claim(x, ref(three), always); ok || !waits || older.state != one || displaced.state != two {
		t.Error("the third session does not wait in place of the second")
	}
	if _, ok := a.release(x, two); ok || a.by.Get(keyOf(x)).next.state != three {
		t.Error("a displaced session removes the newer one's wait")
	}
	if _, ok := a.release(y, one); ok {
		t.Error("a free address is passed to a session")
	}
	if !a.isFreeFor(y, nil, SessionInfo{}) || a.isFreeFor(x, three, SessionInfo{}) || !a.isFreeFor(x, one, SessionInfo{}) {
		t.Error("isFree is wrong")
	}
	if next, ok := a.release(x, one); !ok || next.state != three {
		t.Error("the address is not passed to the waiting session")
	}
	if _, ok := a.release(x, one); ok || a.isFreeFor(x, nil, SessionInfo{}) {
		t.Error("a session releases an address that it does not have")
	}
	if _, ok := a.release(x, three); ok || !a.isFreeFor(x, nil, SessionInfo{}) || a.by.Len() != 0 {
		t.Error("a free address is kept in the table")
	}
	a.claim(x, ref(one), always)
	a.claim(x, ref(two), always)
	if a.release(x, two); a.by.Get(keyOf(x)).next != nil {
		t.Error("a session that released its wait still waits")
	}
}

// TestChoose: a session gets the address of an older session of the same station, or the first free
// one of the account.
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
		a := newAddressTable(nil, 0, false)
		for addr, station := range c.taken {
			a.claim(addr, sessionRef{state: &sessionState{sessionIdentity: sessionIdentity{Peer: station}}}, func(sessionRef) bool { return true })
		}
		if got := a.choose(x, c.own, wire.Addr{2}); got != c.want {
			t.Errorf("%s: %v, want %v", c.what, got, c.want)
		}
	}
}

// TestReleaseAddresses: a session that renegotiates releases its old address when its device has
// lost it, and no sooner.
func TestReleaseAddresses(t *testing.T) {
	x, y := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	o := &serverLoop{server: &Server{addresses: newAddressTable(nil, 0, false)}}
	s := &sessionState{}
	has := func(a netip.Addr) Addressing { return Addressing{IPv4: ipcp.Agreement{Local: a, Remote: a}} }
	free := func(wantX, wantY bool, when string) {
		t.Helper()
		if gotX, gotY := o.server.addresses.isFreeFor(x, nil, SessionInfo{}), o.server.addresses.isFreeFor(y, nil, SessionInfo{}); gotX != wantX || gotY != wantY {
			t.Errorf("%s: free are %v, %v; want %v, %v", when, gotX, gotY, wantX, wantY)
		}
	}
	claim := func(a netip.Addr) {
		if !o.claimAddress(epoch, s, has(a).IPv4) {
			t.Fatalf("%v is not claimed", a)
		}
		s.desired.IPv4 = newAgreement(has(a).IPv4)
	}
	claim(x)
	o.releaseAddresses(s, Addressing{})
	free(false, true, "before the device has it")
	o.releaseAddresses(s, has(x))
	free(false, true, "while the device has it")
	s.desired.IPv4 = agreement{}
	o.releaseAddresses(s, has(x))
	free(false, true, "while the device has it, though the session does not want it")
	claim(y)
	free(false, false, "while the device has the old address")
	o.releaseAddresses(s, has(y))
	free(true, false, "when the device has another")
	s.desired.IPv4 = agreement{}
	o.releaseAddresses(s, Addressing{})
	free(true, true, "when the device has none")
}
