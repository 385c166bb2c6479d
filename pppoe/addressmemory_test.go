package pppoe

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"

	"upppoe/pppoe/wire"
)

// TestAddressMemory: which clients are remembered, under which keys, and how many.
func TestAddressMemory(t *testing.T) {
	r := newAddressMemory(4)
	of := func(station byte, user string) SessionInfo {
		return SessionInfo{Peer: wire.Addr{2, station}, User: user}
	}
	check := func(l SessionInfo, when string, want ...uint32) {
		t.Helper()
		if got := r.addressesOf(l); !slices.Equal(got, want) {
			t.Errorf("%s: %v %q had addresses %v, want %v", when, l.Peer, l.User, got, want)
		}
	}
	check(of(1, ""), "at first")
	r.remember(of(1, ""), 7)
	check(of(1, ""), "a station", 7)
	check(of(2, ""), "another station")
	check(of(1, "alice"), "with a user, which the station's entry does not match")
	r.remember(of(1, ""), 8)
	check(of(1, ""), "the latest counts", 8)
	r.remember(of(1, "alice"), 9)
	check(of(1, "alice"), "a user", 9, 9)
	check(of(2, "alice"), "with a new router", 9)
	r.remember(of(2, "alice"), 10) // at two stations at a time
	check(of(1, "alice"), "a user at one station", 9, 10)
	check(of(2, "alice"), "a user at the other", 10, 10)
	check(of(1, ""), "four are remembered", 8)
	r.remember(of(3, ""), 11) // the fifth: station 1 is the oldest entry
	check(of(1, ""), "and the oldest entry is removed")
	check(of(3, ""), "for the latest", 11)

	for i := range uint32(1000) {
		var l SessionInfo
		binary.BigEndian.PutUint32(l.Peer[2:], i)
		r.remember(l, 1)
	}
	if len(r.all) != 1+4 || len(r.chains) > 4 {
		t.Errorf("%d are remembered, in %d chains, want 4", len(r.all)-1, len(r.chains))
	}
}

// TestAddressMemoryOrder: a client that returns is the latest, and is not removed before one that
// did not.
func TestAddressMemoryOrder(t *testing.T) {
	r := newAddressMemory(2)
	a, b, c := SessionInfo{Peer: wire.Addr{2, 1}}, SessionInfo{Peer: wire.Addr{2, 2}}, SessionInfo{Peer: wire.Addr{2, 3}}
	for i, l := range []SessionInfo{a, b, a, c} {
		r.remember(l, uint32(i))
	}
	if got := r.addressesOf(a); !slices.Equal(got, []uint32{2}) {
		t.Errorf("the client that returned had addresses %v, want 2", got)
	}
	if got := r.addressesOf(b); got != nil {
		t.Errorf("the client that did not is still remembered, with %v", got)
	}
}

// TestAddressMemoryAgainstModel: clients that come in a random order are remembered as by a list of the latest.
func TestAddressMemoryAgainstModel(t *testing.T) {
	const limit, clients = 100, 150
	r, random := newAddressMemory(limit), rand.New(rand.NewPCG(1, 2))
	var latest []byte // clients, the latest last
	addrs := make(map[byte]uint32)
	for addr := range uint32(5000) {
		c := byte(random.IntN(clients))
		r.remember(SessionInfo{Peer: wire.Addr{2, c}}, addr)
		latest = append(slices.DeleteFunc(latest, func(of byte) bool { return of == c }), c)
		if addrs[c] = addr; len(latest) > limit {
			delete(addrs, latest[0])
			latest = latest[1:]
		}
	}
	for c := range byte(clients) {
		var want []uint32
		if addr, remembered := addrs[c]; remembered {
			want = []uint32{addr}
		}
		if got := r.addressesOf(SessionInfo{Peer: wire.Addr{2, c}}); !slices.Equal(got, want) {
			t.Errorf("client %d had addresses %v, want %v", c, got, want)
		}
	}
}
