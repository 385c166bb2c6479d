package assign

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"

	"pgregory.net/rapid"
)

func pfx(s string) netip.Prefix { return netip.MustParsePrefix(s) }

func newPool(t testing.TB, base string, bits int) *Pool {
	t.Helper()
	p, err := NewPool(pfx(base), bits)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestPoolAllocatesAll: every prefix once, and then no more.
func TestPoolAllocatesAll(t *testing.T) {
	for _, c := range []struct {
		base string
		bits int
		size int
	}{
		{"2001:db8:100::/40", 48, 256}, {"2001:db8:100::/56", 56, 1}, {"2001:db8:100::/56", 64, 256},
		{"2001:db8::/120", 128, 255}, {"2001:db8::/127", 128, 1}, {"2001:db8::1/128", 128, 1}, {"2001:db8::/60", 68, 256},
	} {
		p := newPool(t, c.base, c.bits)
		seen := map[netip.Prefix]bool{}
		for i := range c.size {
			part, err := p.Allocate(fmt.Sprint(i))
			if err != nil || seen[part] || !pfx(c.base).Contains(part.Addr()) || part.Bits() != c.bits || part != part.Masked() {
				t.Fatalf("%v: part %d is %v, %v", p, i, part, err)
			}
			seen[part] = true
		}
		if part, err := p.Allocate("one more"); !errors.Is(err, ErrExhausted) {
			t.Errorf("%v: one more part is %v, %v", p, part, err)
		}
		if bits := pfx(c.base).Bits(); c.bits == 128 && bits < 128 && seen[netip.PrefixFrom(pfx(c.base).Addr(), 128)] {
			t.Errorf("%v: the routers' anycast address is allocated", p)
		}
		for part := range seen {
			p.Free(part)
		}
		if p.Used() != 0 {
			t.Errorf("%v: %d are in use though all are free", p, p.Used())
		}
	}
}

// TestPoolKeepsKey: the same key gets the same prefix.
func TestPoolKeepsKey(t *testing.T) {
	p := newPool(t, "2001:db8:100::/40", 56)
	first, _ := p.Allocate("alice")
	p.Free(first)
	again, _ := p.Allocate("alice")
	other, _ := p.Allocate("alice")
	if again != first || other == first {
		t.Errorf("first %v, again %v, a second line has %v", first, again, other)
	}
}

// TestPoolIndexFromKey: the prefix of a key follows from the key alone, in any process: its index
// is the FNV-1a hash modulo the pool's size, or the next free one.
func TestPoolIndexFromKey(t *testing.T) {
	for range 2 {
		p := newPool(t, "2001:db8::/56", 64)
		for _, c := range []struct{ key, part string }{
			{"", "2001:db8:0:25::/64"}, {"a", "2001:db8:0:8c::/64"}, {"b", "2001:db8:0:a5::/64"}, {"a", "2001:db8:0:8d::/64"}, {"foobar", "2001:db8:0:e8::/64"},
		} {
			if part, err := p.Allocate(c.key); err != nil || part != pfx(c.part) {
				t.Errorf("%q has %v, %v, want %v", c.key, part, err, c.part)
			}
		}
	}
	last := newPool(t, "2001:db8::/63", 64)
	for _, want := range []string{"2001:db8:0:1::/64", "2001:db8::/64"} { // wraps around
		if part, err := last.Allocate(""); err != nil || part != pfx(want) {
			t.Errorf("has %v, %v, want %v", part, err, want)
		}
	}
}

func TestPoolIgnoresForeignPrefix(t *testing.T) {
	p := newPool(t, "2001:db8:100::/40", 56)
	p.Allocate("alice")
	for _, other := range []string{"2001:db9::/56", "2001:db8:100::/57", "192.0.2.0/24"} {
		p.Free(pfx(other))
	}
	p.Free(netip.Prefix{})
	if p.Used() != 1 {
		t.Errorf("%d are in use", p.Used())
	}
}

func TestBadPool(t *testing.T) {
	for _, c := range []struct {
		base netip.Prefix
		bits int
	}{{netip.Prefix{}, 64}, {pfx("192.0.2.0/24"), 64}, {pfx("2001:db8::/64"), 56}, {pfx("2001:db8::/64"), 129}} {
		if p, err := NewPool(c.base, c.bits); !errors.Is(err, ErrPool) {
			t.Errorf("%v in /%d is %v, %v", c.base, c.bits, p, err)
		}
	}
}

// TestPoolIndex: indexOf is the inverse of prefixAt, for all lengths.
func TestPoolIndex(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		bits := rapid.IntRange(1, 128).Draw(r, "bits")
		base := rapid.IntRange(0, bits).Draw(r, "base")
		p, err := NewPool(netip.PrefixFrom(netip.MustParseAddr("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"), base), bits)
		if err != nil {
			r.Fatal(err)
		}
		i := rapid.Uint64Range(0, p.size-1).Draw(r, "index") + p.first
		if part := p.prefixAt(i); p.indexOf(part) != i || !p.base.Contains(part.Addr()) {
			r.Errorf("%v: part %d is %v, whose index is %d", p, i, part, p.indexOf(part))
		}
	})
}

// TestPoolBounds: the shortest and the longest prefixes.
func TestPoolBounds(t *testing.T) {
	for _, c := range []struct {
		base string
		bits int
		good bool
	}{{"2001:db8::/64", 64, true}, {"2001:db8::/64", 63, false}, {"2001:db8::/64", 128, true}, {"2001:db8::/64", 129, false}, {"2001:db8::/128", 128, true}} {
		p, err := NewPool(pfx(c.base), c.bits)
		if (err == nil) != c.good {
			t.Errorf("%s in /%d: %v", c.base, c.bits, err)
		}
		if err == nil {
			if part, err := p.Allocate("alice"); err != nil || part.Bits() != c.bits || !pfx(c.base).Contains(part.Addr()) {
				t.Errorf("%v: took %v, %v", p, part, err)
			}
		}
	}
	p := newPool(t, "2001:db8::/126", 128) // without the subnet-router anycast address
	for i := range 4 {
		part, err := p.Allocate("alice")
		if (err == nil) != (i < 3) || part == pfx("2001:db8::/128") {
			t.Errorf("time %d: %v, %v", i, part, err)
		}
	}
	if _, err := p.Allocate("bob"); !errors.Is(err, ErrExhausted) {
		t.Errorf("without anything: %v", err)
	}
}

// TestPoolSize: the size is what Allocate can allocate, without what is excluded.
func TestPoolSize(t *testing.T) {
	for _, c := range []struct {
		base    string
		bits    int
		exclude string
		want    uint64
	}{
		{"2001:db8::/48", 64, "", 65536}, {"2001:db8::/48", 64, "2001:db8:0:100::/56", 65280}, {"2001:db8::/126", 128, "", 3},
		{"2001:db8::/128", 128, "", 1}, {"2001:db8::/64", 128, "", 1<<32 - 1}, {"2001::/20", 64, "", 1 << 32},
	} {
		p := newPool(t, c.base, c.bits)
		if c.exclude != "" {
			if err := p.Exclude(pfx(c.exclude)); err != nil {
				t.Fatal(err)
			}
		}
		p.Allocate("alice")
		if p.Size() != c.want || p.Used() != 1 || p.Prefix() != pfx(c.base) || p.Length() != c.bits {
			t.Errorf("%v without %q: %d, used %d; want %d", p, c.exclude, p.Size(), p.Used(), c.want)
		}
	}
}

// TestPoolNextFree: a pool allocates as the rule says, the hash modulo the size or the next free
// one, whatever has been allocated, reserved and freed before.
func TestPoolNextFree(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		length := rapid.IntRange(114, 128).Draw(r, "length")
		p := newPool(t, "2001:db8::/114", length)
		used := map[uint64]bool{}
		for range rapid.IntRange(1, 600).Draw(r, "steps") {
			hash := rapid.Uint64Range(0, 2*p.size).Draw(r, "hash")
			part := p.prefixAt(hash%p.size + p.first)
			switch rapid.IntRange(0, 9).Draw(r, "step") {
			case 0:
				p.Free(part)
				delete(used, hash%p.size)
			case 1:
				if p.Reserve(part) == used[hash%p.size] {
					r.Fatalf("%v: reserve %v, with %v in use", p, part, used)
				}
				used[hash%p.size] = true
			default:
				want := hash % p.size
				for n := uint64(0); used[want] && n < p.size; n++ {
					want = (want + 1) % p.size
				}
				got, err := p.AllocateHash(hash)
				if uint64(len(used)) == p.size {
					if !errors.Is(err, ErrExhausted) {
						r.Fatalf("%v is full and gives %v, %v", p, got, err)
					}
				} else if err != nil || got != p.prefixAt(want+p.first) {
					r.Fatalf("%v: got %v, %v, want %v", p, got, err, p.prefixAt(want+p.first))
				}
				used[want] = true
			}
			if p.Used() != len(used) {
				r.Fatalf("%v: %d in use, want %d", p, p.Used(), len(used))
			}
		}
	})
}

// TestPoolReserve: a prefix that the pool would not allocate is not the pool's.
func TestPoolReserve(t *testing.T) {
	p := newPool(t, "2001:db8::/126", 128)
	for _, part := range []string{"2001:db8::/128", "2001:db8::2/127", "2001:db8::4/128", "192.0.2.0/24"} {
		for range 2 {
			if !p.Reserve(pfx(part)) || p.Used() != 0 {
				t.Errorf("%s: %d in use", part, p.Used())
			}
		}
	}
	if !p.Reserve(pfx("2001:db8::3/128")) || p.Reserve(pfx("2001:db8::3/128")) || p.Used() != 1 {
		t.Errorf("an address reserved twice: %d in use", p.Used())
	}
}

// BenchmarkPoolNearlyFull: of 65,536 prefixes one is free.
func BenchmarkPoolNearlyFull(b *testing.B) {
	p := newPool(b, "2001:db8::/40", 56)
	for i := range 1<<16 - 1 {
		p.AllocateHash(uint64(i))
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		part, err := p.AllocateHash(uint64(i))
		if err != nil {
			b.Fatal(err)
		}
		p.Free(part)
	}
}
