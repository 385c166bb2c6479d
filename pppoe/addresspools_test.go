package pppoe

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

func addr4(text string) netip.Addr { return netip.MustParseAddr(text) }

func ranges(text ...string) (all []AddressRange) {
	for _, t := range text {
		r, err := ParseAddressRange(t)
		if err != nil {
			panic(err)
		}
		all = append(all, r)
	}
	return all
}

// TestParseAddressRange: the forms of a range, and what is none.
func TestParseAddressRange(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.10":              "192.0.2.10",
		"192.0.2.10-192.0.2.99":   "192.0.2.10-192.0.2.99",
		"192.0.2.10-99":           "192.0.2.10-192.0.2.99",
		"192.0.2.0/24":            "192.0.2.0/24",
		"192.0.2.0-192.0.2.255":   "192.0.2.0/24",
		"0.0.0.0/0":               "0.0.0.0/0",
		"192.0.2.4/32":            "192.0.2.4",
		"192.0.2.1/24":            "!the prefix of this length begins with 192.0.2.0",
		"192.0.2.10-9":            "!its end is before its beginning",
		"192.0.2.10-256":          "!no range",
		"192.0.2.10-":             "!no range",
		"2001:db8::1":             "!no range",
		"192.0.2.1-2001:db8::1":   "!no range",
		"::ffff:192.0.2.1":        "!no range",
		"":                        "!no range",
		"192.0.2.1 - 192.0.2.2":   "!no range",
		"192.0.2.1-192.0.2.3-192": "!no range",
	} {
		r, err := ParseAddressRange(text)
		wrong, isWrong := strings.CutPrefix(want, "!")
		if isWrong != errors.Is(err, ErrAddressRange) || isWrong && !strings.Contains(err.Error(), wrong) || !isWrong && r.String() != want {
			t.Errorf("%q is %v, %v; want %s", text, r, err, want)
		}
	}
}

// FuzzParseAddressRange: a range that is parsed is the same when it is written and parsed again.
func FuzzParseAddressRange(f *testing.F) {
	for _, text := range []string{"192.0.2.1", "192.0.2.0/25", "192.0.2.1-9", "192.0.2.1-192.0.3.1", "0.0.0.0/0"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ParseAddressRange(text)
		if err != nil {
			return
		}
		if again, err := ParseAddressRange(r.String()); err != nil || again != r || !r.isValid() {
			t.Errorf("%q is %v, and again %v, %v", text, r, again, err)
		}
	})
}

// TestPoolAddresses: ranges without what is excluded.
func TestPoolAddresses(t *testing.T) {
	for _, c := range []struct {
		exclude []string
		want    string
	}{
		{nil, "[192.0.2.8/29 192.0.2.0/30]"},
		{[]string{"192.0.2.8", "192.0.2.15", "192.0.2.0"}, "[192.0.2.9-192.0.2.14 192.0.2.1-192.0.2.3]"},
		{[]string{"192.0.2.10-12", "192.0.2.11-13"}, "[192.0.2.8/31 192.0.2.14/31 192.0.2.0/30]"},
		{[]string{"192.0.2.0/28"}, "[]"},
		{[]string{"0.0.0.0/0"}, "[]"},
		{[]string{"198.51.100.0/24"}, "[192.0.2.8/29 192.0.2.0/30]"},
	} {
		p := AddressPool{Ranges: ranges("192.0.2.8/29", "192.0.2.0/30"), Exclude: ranges(c.exclude...)}
		if got := fmt.Sprint(p.Addresses()); got != c.want {
			t.Errorf("without %v: %v, want %v", c.exclude, got, c.want)
		}
	}
}

// TestCheckPools: pools that share addresses or names, and that name others which are not there.
func TestCheckPools(t *testing.T) {
	a := AddressPool{Name: "a", Ranges: ranges("192.0.2.0/28")}
	for _, c := range []struct {
		what string
		all  []AddressPool
		want string
	}{
		{"fine", []AddressPool{a, {Name: "b", Ranges: ranges("192.0.2.16/28"), Next: "a"}}, ""},
		{"fine, as the common part is excluded", []AddressPool{a, {Name: "b", Ranges: ranges("192.0.2.0/27"), Exclude: ranges("192.0.2.0-15")}}, ""},
		{"overlap", []AddressPool{a, {Name: "b", Ranges: ranges("192.0.2.15-99")}}, `1 Ranges 192.0.2.15-192.0.2.99 overlaps 192.0.2.0/28 of the pool "a"`},
		{"overlap of the other order", []AddressPool{{Name: "b", Ranges: ranges("192.0.2.15-99")}, a}, `1 Ranges 192.0.2.0/28 overlaps 192.0.2.15-192.0.2.99 of the pool "b"`},
		{"one address twice", []AddressPool{{Name: "a", Ranges: ranges("192.0.2.1", "192.0.2.1")}}, `0 Ranges 192.0.2.1 overlaps 192.0.2.1`},
		{"a long one over two", []AddressPool{{Name: "l", Ranges: ranges("192.0.2.0/24")}, {Name: "b", Ranges: ranges("192.0.2.9")}, {Name: "c", Ranges: ranges("192.0.2.20")}},
			`1 Ranges 192.0.2.9 overlaps 192.0.2.0/24 of the pool "l"; 2 Ranges 192.0.2.20 overlaps 192.0.2.0/24 of the pool "l"`},
		{"a name twice", []AddressPool{a, {Name: "a", Ranges: ranges("192.0.2.16")}}, `1 Name there are two pools "a", the first is number 1`},
		{"no name", []AddressPool{{Ranges: ranges("192.0.2.16")}}, `0 Name it is empty`},
		{"no address", []AddressPool{{Name: "a"}}, `0 Ranges the pool "a" has no address`},
		{"all are excluded", []AddressPool{{Name: "a", Ranges: a.Ranges, Exclude: a.Ranges}}, `0 Ranges the pool "a" has no address`},
		{"no next", []AddressPool{{Name: "a", Ranges: a.Ranges, Next: "b"}}, `0 Next there is no pool "b"`},
		{"a circle", []AddressPool{{Name: "a", Ranges: a.Ranges, Next: "b"}, {Name: "b", Ranges: ranges("192.0.2.16"), Next: "a"}},
			`0 Next the pools that follow "a" lead back to it; 1 Next the pools that follow "b" lead back to it`},
		{"too many", []AddressPool{{Name: "a", Ranges: ranges("10.0.0.0/8")}}, `0 Ranges with the pool "a" there are 16777216 addresses`},
		{"not a range", []AddressPool{{Name: "a", Ranges: []AddressRange{{}}}}, `0 Ranges a range is not valid`},
	} {
		var got []string
		for _, p := range CheckPools(c.all) {
			got = append(got, fmt.Sprint(p.Pool, " ", p.Field, " ", p.Text))
		}
		if strings.Join(got, "; ") != c.want {
			t.Errorf("%s: %q, want %q", c.what, got, c.want)
		}
	}
}

// check fails if the lists are not those of the flags, or a slot's address is not its own.
func (p *addressPools) check(t *testing.T) {
	t.Helper()
	listed := make(map[uint32]bool)
	for i := range p.pools {
		for n, list := range [][2]uint32{p.pools[i].free, p.pools[i].reserved} {
			length := uint32(0)
			for at := p.next[list[1]]; at != list[1]; at = p.next[at] {
				if length++; p.poolAt(at) != &p.pools[i] || !p.isFree(at) || (p.flags[at]&reserved != 0) != (n == 1) || p.prev[p.next[at]] != at {
					t.Fatalf("index %d with flags %b is in list %d of pool %d", at, p.flags[at], n, i)
				}
				listed[at] = true
			}
			if length != list[0] {
				t.Fatalf("list %d of pool %d has %d, not %d", n, i, length, list[0])
			}
		}
	}
	for index := range p.size() {
		if back, ok := p.indexOf(p.addrAt(index)); !ok || back != index || p.isFree(index) != listed[index] {
			t.Fatalf("index %d: its address has %d; flags %b, listed: %v", index, back, p.flags[index], listed[index])
		}
		if p.flags[index]&leased != 0 && p.leases[p.next[index]] != p.addrAt(index) {
			t.Fatalf("index %d is leased to slot %d, which has another", index, p.next[index])
		}
	}
}

// TestPoolsModel: random requests, claims, releases and changes of the pools. No two slots ever have the
// same address; a slot gets one as long as one is free; of those that are free, it is the one free longest.
func TestPoolsModel(t *testing.T) {
	const slots = 24
	sets := [][]AddressPool{
		{{Name: "a", Ranges: ranges("192.0.2.0/28"), Exclude: ranges("192.0.2.0", "192.0.2.15"), Next: "b"}, {Name: "b", Ranges: ranges("198.51.100.9", "198.51.100.1-3")}},
		{{Name: "a", Ranges: ranges("192.0.2.4-11"), Next: "b"}, {Name: "b", Ranges: ranges("198.51.100.0/28")}},
		{{Name: "a", Ranges: ranges("203.0.113.0/29")}},
		{},
	}
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 1))
		a := newAddressTable(sets[0], slots, false)
		var states [slots]*sessionState // nil: the slot is free
		held := make(map[netip.Addr]int)
		for step := range 600 {
			slot := r.IntN(slots)
			switch op := r.IntN(10); {
			case op == 0 && step%50 == 0:
				a.setPools(sets[r.IntN(len(sets))])
			case op < 2:
				a.reserve(netip.AddrFrom4([4]byte{192, 0, 2, byte(r.IntN(16))}))
			case op < 6 && states[slot] == nil:
				states[slot] = &sessionState{}
				q := addressRequest{state: states[slot], info: SessionInfo{Unit: slot}, pool: "a", leaving: func(int) bool { return false }}
				if r.IntN(2) == 0 {
					q.preferred = []uint32{toUint(netip.AddrFrom4([4]byte{192, 0, 2, byte(r.IntN(16))}))}
				}
				got, err := a.assign(q)
				if err != nil {
					continue
				}
				if other, twice := held[got]; twice {
					t.Fatalf("seed %d: slots %d and %d have %v", seed, other, slot, got)
				}
				held[got] = slot
				if r.IntN(3) > 0 {
					a.claim(got, sessionRef{state: states[slot]}, func(sessionRef) bool { return false })
				}
			case states[slot] != nil:
				for addr, of := range held {
					if of == slot {
						a.release(addr, states[slot])
						delete(held, addr)
					}
				}
				a.releaseLease(slot)
				states[slot] = nil
			}
			a.pools.check(t)
		}
	}
}

// TestPoolsLongestFree: the address that is free longest is taken first, a reserved one last, and a pool
// that is exhausted refers to the next.
func TestPoolsLongestFree(t *testing.T) {
	a := newAddressTable([]AddressPool{{Name: "a", Ranges: ranges("192.0.2.1-4"), Next: "b"}, {Name: "b", Ranges: ranges("198.51.100.1")}}, 8, false)
	get := func(slot int, want string) {
		t.Helper()
		got, err := a.assign(addressRequest{info: SessionInfo{Unit: slot, User: "alice"}, pool: "a", leaving: func(int) bool { return false }})
		if text := fmt.Sprint(got, err); text != want {
			t.Errorf("slot %d gets %s, want %s", slot, text, want)
		}
	}
	a.reserve(addr4("192.0.2.2"))
	get(0, "192.0.2.1 <nil>")
	get(1, "192.0.2.3 <nil>")
	a.releaseLease(0)
	get(2, "192.0.2.4 <nil>")
	get(2, "192.0.2.4 <nil>") // again, as after renegotiation
	get(3, "192.0.2.1 <nil>")
	get(4, "192.0.2.2 <nil>")
	get(5, "198.51.100.1 <nil>")
	get(6, `invalid IP address pool "a" exhausted: none of its 5 addresses is free, for user "alice"`)
	if p := a.pools.pools[0]; p.refused != 1 {
		t.Errorf("%d were refused", p.refused)
	}
}

// BenchmarkPools: to take and release an address of 65,534.
func BenchmarkPools(b *testing.B) {
	for _, n := range []string{"10.0.0.0/28", "10.0.0.0/16"} {
		b.Run(n, func(b *testing.B) {
			a := newAddressTable([]AddressPool{{Name: "a", Ranges: ranges(n)}}, 16, false)
			q := addressRequest{pool: "a", leaving: func(int) bool { return false }}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := a.assign(q); err != nil {
					b.Fatal(err)
				}
				a.releaseLease(0)
			}
		})
	}
}

// TestPoolAddress: the addresses of slots.
func TestPoolAddress(t *testing.T) {
	p := Pool{Max: 3, First: addr4("192.0.2.254")}
	got := []netip.Addr{p.Address(0), p.Address(1), p.Address(2), p.Address(-1)}
	if want := []netip.Addr{addr4("192.0.2.254"), addr4("192.0.2.255"), addr4("192.0.3.0"), {}}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
