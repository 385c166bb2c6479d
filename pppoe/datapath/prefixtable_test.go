package datapath

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"slices"
	"sync"
	"testing"
)

// owner is the owner of prefixes in tests, with the list that a session would keep.
type owner struct {
	name string
	has  []netip.Prefix
}

// set replaces the prefixes of an owner.
func (o *owner) set(t *prefixTable[owner], after ...netip.Prefix) error {
	err := t.replace(o, o.has, after)
	if err == nil {
		o.has = after
	}
	return err
}

// of returns the owner of an address.
func (t *prefixTable[V]) of(a netip.Addr) *V {
	if a.Is4() {
		return t.ipv4.longest(newAddressBits(a))
	}
	return t.ipv6.longest(newAddressBits(a))
}

func TestPrefixTable(t *testing.T) {
	var table prefixTable[owner]
	all := map[string]*owner{}
	for name, list := range map[string][]string{
		"a":       {"192.0.2.1/32", "2001:db8:0:1::/64", "2001:db8:100::/56"},
		"b":       {"192.0.2.2/32", "198.51.100.0/24", "2001:db8:0:2::/64", "2001:db8:0:2::5/128"},
		"c":       {"198.51.100.64/26", "198.51.100.77/32", "2001:db8:100:ff::/64", "::ffff:203.0.113.1/128"},
		"default": {"0.0.0.0/1", "2001::/16"},
	} {
		all[name] = &owner{name: name}
		if err := all[name].set(&table, prefixes(list...)...); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ address, want string }{
		{"192.0.2.1", "a"}, {"192.0.2.2", "b"}, {"192.0.2.3", ""}, {"127.255.255.255", "default"},
		{"198.51.100.63", "b"}, {"198.51.100.64", "c"}, {"198.51.100.127", "c"}, {"198.51.100.128", "b"},
		{"2001:db8:0:1:ffff::", "a"}, {"2001:db8:0:2::5", "b"}, {"2001:db8:0:3::", "default"}, {"2002::", ""},
		{"2001:db8:100:fe::1", "a"}, {"2001:db8:100:ff::1", "c"}, {"2001:db8:100:100::1", "default"},
		{"203.0.113.1", ""}, {"::ffff:203.0.113.1", "c"}, {"::", ""}, {"0.0.0.0", "default"},
	} {
		if got := table.of(netip.MustParseAddr(c.address)); got != all[c.want] {
			t.Errorf("%s belongs to %v, want %q", c.address, got, c.want)
		}
	}
}

// TestPrefixTableReplace: a set is replaced as a whole or not at all. No two owners have the same
// prefix.
func TestPrefixTableReplace(t *testing.T) {
	var table prefixTable[owner]
	a, b := &owner{name: "a"}, &owner{name: "b"}
	if err := a.set(&table, prefixes("192.0.2.1/32", "192.0.2.7/24", "192.0.2.1/32")...); err != nil {
		t.Fatal(err)
	}
	err := b.set(&table, prefixes("203.0.113.1/32", "192.0.2.99/24")...)
	if !errors.Is(err, ErrPrefixInUse) || err.Error() != "192.0.2.99/24: "+ErrPrefixInUse.Error() {
		t.Errorf("the prefix of another: %v", err)
	}
	if err := b.set(&table, netip.MustParsePrefix("203.0.113.1/32"), netip.Prefix{}); !errors.Is(err, ErrPrefix) {
		t.Errorf("an invalid prefix: %v", err)
	}
	if got := table.of(netip.MustParseAddr("203.0.113.1")); got != nil {
		t.Errorf("of a refused set, 203.0.113.1 belongs to %v", got)
	}
	if err := a.set(&table, prefixes("192.0.2.1/32", "203.0.113.1/32")...); err != nil {
		t.Fatal(err)
	}
	if err := b.set(&table, prefixes("192.0.2.0/24")...); err != nil {
		t.Errorf("a prefix that its owner has returned: %v", err)
	}
	for address, want := range map[string]*owner{"192.0.2.1": a, "203.0.113.1": a, "192.0.2.7": b} {
		if got := table.of(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s belongs to %v, want %v", address, got, want)
		}
	}
	a.set(&table)
	b.set(&table)
	if table.ipv4.root.Load() != nil || table.ipv6.root.Load() != nil {
		t.Error("nodes are left after all prefixes were removed")
	}
}

// TestPrefixTablePackets: the addresses are those of the packet's version; a truncated packet has
// none.
func TestPrefixTablePackets(t *testing.T) {
	var table prefixTable[owner]
	a, b := &owner{name: "a"}, &owner{name: "b"}
	a.set(&table, prefixes("192.0.2.1/32", "2001:db8:5::/64")...)
	b.set(&table, prefixes("0.0.0.0/32", "2001:db8::1/128")...)
	for _, source := range []string{"192.0.2.1", "2001:db8:5::9"} {
		p := packetFrom(source)
		if table.source(p) != a || table.destination(p) != b {
			t.Errorf("from %s: source %v, destination %v", source, table.source(p), table.destination(p))
		}
		short := p[:19]
		if p[0]>>4 == 6 {
			short = p[:39]
		}
		if table.source(short) != nil || table.destination(short) != nil {
			t.Errorf("from %s: a truncated packet has an owner", source)
		}
	}
	if table.source(nil) != nil || table.destination(make([]byte, 60)) != nil {
		t.Error("a packet of no version has an owner")
	}
}

// naiveTable is a prefixTable without structure.
type naiveTable map[netip.Prefix]*owner

func (n naiveTable) of(a netip.Addr) (best *owner) {
	longest := -1
	for p, o := range n {
		if p.Contains(a) && p.Bits() > longest {
			best, longest = o, p.Bits()
		}
	}
	return best
}

// FuzzPrefixTable changes a table and a naive one alike: each three octets of the input are a
// change. Short addresses make prefixes that share branches.
func FuzzPrefixTable(f *testing.F) {
	f.Add([]byte("\x00\x10\x20\x00\x11\x20\x00\x10\x1f\x01\x10\x20\x80\x10\x20"))
	for seed := range byte(50) {
		r, b := rand.New(rand.NewPCG(uint64(seed), 7)), make([]byte, 3*300)
		for i := range b {
			b[i] = byte(r.Uint32()) >> (seed % 3)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var table prefixTable[owner]
		naive := naiveTable{}
		owners := [4]owner{}
		for ; len(b) >= 3; b = b[3:] {
			p, probe := fuzzPrefix(b)
			o := &owners[b[0]>>6]
			before, held := naive[p]
			switch {
			case held && before != o:
				if err := table.replace(o, nil, []netip.Prefix{p}); !errors.Is(err, ErrPrefixInUse) {
					t.Fatalf("%v in use: %v", p, err)
				}
			case held:
				table.replace(o, []netip.Prefix{p}, nil)
				delete(naive, p)
			default:
				if err := table.replace(o, nil, []netip.Prefix{p}); err != nil {
					t.Fatal(err)
				}
				naive[p] = o
			}
			for _, a := range []netip.Addr{p.Addr(), probe} {
				if got, want := table.of(a), naive.of(a); got != want {
					t.Fatalf("%v belongs to %p, want %p", a, got, want)
				}
			}
		}
	})
}

// fuzzPrefix returns a prefix, and an address like it.
func fuzzPrefix(b []byte) (netip.Prefix, netip.Addr) {
	var a [16]byte
	a[0], a[1], a[9], a[3], a[15] = b[1]&0xf, b[1]>>4, b[1]>>4, b[0]&0x1f, b[1]&0x3
	like := a
	like[b[2]&0xf] ^= 1 << (b[0] & 7)
	if b[0]&0x20 == 0 {
		p := netip.PrefixFrom(netip.AddrFrom4([4]byte(a[:])), int(b[2])%33)
		return p.Masked(), netip.AddrFrom4([4]byte(like[:]))
	}
	return netip.PrefixFrom(netip.AddrFrom16(a), int(b[2])%129).Masked(), netip.AddrFrom16(like)
}

// TestPrefixTableConcurrent: readers find a prefix that is not changed, and of one that is, its
// owner or that of the shorter prefix, while others are added and removed. The race detector
// checks it.
func TestPrefixTableConcurrent(t *testing.T) {
	var table prefixTable[owner]
	stable, outer := &owner{name: "stable"}, &owner{name: "outer"}
	stable.set(&table, prefixes("10.0.5.7/32")...)
	outer.set(&table, prefixes("10.0.0.0/8")...)
	var writers, readers sync.WaitGroup
	done := make(chan struct{})
	owners := make([]owner, 4)
	for w := range owners {
		writers.Go(func() {
			r := rand.New(rand.NewPCG(uint64(w), 1))
			for range 2000 {
				a := netip.AddrFrom4([4]byte{10, 0, byte(r.IntN(8)), byte(8 + 4*r.IntN(16) + w)})
				owners[w].set(&table, netip.PrefixFrom(a, 32))
			}
		})
	}
	for range 2 {
		readers.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-done:
					return
				default:
				}
				if got := table.of(netip.AddrFrom4([4]byte{10, 0, 5, 7})); got != stable {
					t.Errorf("10.0.5.7 belongs to %v", got)
					return
				}
				last := byte(8 + i%64)
				if got := table.of(netip.AddrFrom4([4]byte{10, 0, byte(i) & 7, last})); got != outer && got != &owners[last&3] {
					t.Errorf("10.0.%d.%d belongs to %v", i&7, last, got)
					return
				}
			}
		})
	}
	writers.Wait()
	close(done)
	readers.Wait()
}

const fullTable = 65_534

// sessionPrefixes are the address and the /64 of a session.
func sessionPrefixes(i int) []netip.Prefix {
	a4, a6 := [4]byte{100, 64}, [16]byte{0x20, 0x01, 0x0d, 0xb8}
	binary.BigEndian.PutUint16(a4[2:], uint16(i))
	binary.BigEndian.PutUint16(a6[6:], uint16(i))
	return []netip.Prefix{netip.PrefixFrom(netip.AddrFrom4(a4), 32), netip.PrefixFrom(netip.AddrFrom16(a6), 64)}
}

// newFullTable returns the table of an interface's sessions.
func newFullTable(tb testing.TB) *prefixTable[owner] {
	table, owners := &prefixTable[owner]{}, make([]owner, fullTable)
	for i := range owners {
		if err := table.replace(&owners[i], nil, sessionPrefixes(i)); err != nil {
			tb.Fatal(err)
		}
	}
	return table
}

// TestPrefixTableMemory: 65,534 sessions, each with an address and a /64, take at most 150 octets
// each.
func TestPrefixTableMemory(t *testing.T) {
	before := heapInUse()
	table := newFullTable(t)
	after := heapInUse()
	runtime.KeepAlive(table)
	owners := uint64(fullTable) * uint64(40) // the test's own
	if each := (int64(after) - int64(before) - int64(owners)) / fullTable; each > 150 {
		t.Errorf("%d octets a session", each)
	}
}

// heapInUse returns the octets of the heap that are reachable.
func heapInUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestPrefixTableNoAllocation: finding an owner does not allocate.
func TestPrefixTableNoAllocation(t *testing.T) {
	table := newFullTable(t)
	packet := packetFrom("100.64.7.9")
	if n := testing.AllocsPerRun(100, func() { table.source(packet) }); n != 0 || table.source(packet) == nil {
		t.Errorf("%v allocations", n)
	}
}

// BenchmarkPrefixTable finds the sessions of packets, not in the order of memory, and changes the
// prefixes of one among 65,534 and among 100.
func BenchmarkPrefixTable(b *testing.B) {
	table := newFullTable(b)
	for _, family := range []int{0, 1} {
		var packets [4096][]byte
		for i := range packets {
			packets[i] = packetFrom(sessionPrefixes(i * 4099 % fullTable)[family].Addr().String())
		}
		b.Run(fmt.Sprintf("find/IPv%d", 4+2*family), func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if table.source(packets[i%len(packets)]) == nil {
					b.Fatal("not found")
				}
			}
		})
	}
	for _, sessions := range []int{100, fullTable} {
		table, owners := &prefixTable[owner]{}, make([]owner, sessions)
		for i := range owners {
			table.replace(&owners[i], nil, sessionPrefixes(i))
		}
		one := slices.Clone(sessionPrefixes(sessions / 2))
		b.Run(fmt.Sprintf("change/of-%d", sessions), func(b *testing.B) {
			for b.Loop() {
				table.replace(&owners[sessions/2], one, nil)
				table.replace(&owners[sessions/2], nil, one)
			}
		})
	}
}
