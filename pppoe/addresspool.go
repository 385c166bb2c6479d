package pppoe

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// AddressPool is a pool of IPv4 addresses, from which sessions get one each: the one that has been free
// longest, so that an address is reused as late as possible. At first that is their order in Ranges. All
// addresses of a prefix are assigned, also the first and the last one, unless they are in Exclude.
type AddressPool struct {
	Name    string
	Ranges  []AddressRange
	Exclude []AddressRange
	// Next is the pool that sessions get an address of when this one is exhausted; empty: their login is
	// refused.
	Next string
}

// FirstPool is the name of the pool that Pool.First has.
const FirstPool = "ipv4"

// MaxPoolAddresses is the largest number of addresses of all pools of a Server.
const MaxPoolAddresses = 1 << 22

// AddressRange is a range of IPv4 addresses, with both ends.
type AddressRange struct{ First, Last netip.Addr }

// ErrAddressRange is the error for text that is not an AddressRange (wrapped).
var ErrAddressRange = errors.New("no range of IPv4 addresses")

// ParseAddressRange parses an address, a prefix (192.0.2.0/24), or a range: 192.0.2.10-192.0.2.99, or as
// in rp-pppoe and accel-ppp 192.0.2.10-99, where the last octet of the end is given.
func ParseAddressRange(text string) (r AddressRange, err error) {
	if first, last, is := strings.Cut(text, "-"); is {
		return parseEnds(first, last, text)
	}
	if p, err := netip.ParsePrefix(text); err == nil && p.Addr().Is4() {
		if p != p.Masked() {
			return r, fmt.Errorf("%w: %s: the prefix of this length begins with %v", ErrAddressRange, text, p.Masked().Addr())
		}
		return AddressRange{p.Addr(), toAddr(toUint(p.Addr()) | uint32(1<<(32-p.Bits())-1))}, nil
	}
	return parseEnds(text, text, text)
}

func parseEnds(first, last, text string) (r AddressRange, err error) {
	r.First, err = netip.ParseAddr(first)
	if err == nil && r.First.Is4() {
		if n, notOctet := strconv.ParseUint(last, 10, 8); notOctet == nil {
			r.Last = toAddr(toUint(r.First)&^0xff | uint32(n))
		} else {
			r.Last, err = netip.ParseAddr(last)
		}
	}
	switch {
	case err != nil || !r.First.Is4() || !r.Last.Is4():
		return AddressRange{}, fmt.Errorf("%w: %q", ErrAddressRange, text)
	case r.Last.Less(r.First):
		return AddressRange{}, fmt.Errorf("%w: %s: its end is before its beginning", ErrAddressRange, text)
	}
	return r, nil
}

// String returns the range as ParseAddressRange accepts it.
func (r AddressRange) String() string {
	if r.First == r.Last {
		return r.First.String()
	}
	if p := netip.PrefixFrom(r.First, 32-bitLen(r.Len()-1)); r.Len()&(r.Len()-1) == 0 && p == p.Masked() {
		return p.String()
	}
	return r.First.String() + "-" + r.Last.String()
}

func bitLen(n uint64) (bits int) {
	for ; n > 0; n >>= 1 {
		bits++
	}
	return bits
}

// Len returns the number of addresses.
func (r AddressRange) Len() uint64 { return uint64(toUint(r.Last)) - uint64(toUint(r.First)) + 1 }

// Contains reports whether an address is in the range.
func (r AddressRange) Contains(a netip.Addr) bool {
	return a.Is4() && !a.Less(r.First) && !r.Last.Less(a)
}

func (r AddressRange) isValid() bool { return r.First.Is4() && r.Last.Is4() && !r.Last.Less(r.First) }

// toUint returns an IPv4 address as a number.
func toUint(a netip.Addr) uint32 {
	octets := a.As4()
	return binary.BigEndian.Uint32(octets[:])
}

func toAddr(n uint32) netip.Addr {
	var octets [4]byte
	binary.BigEndian.PutUint32(octets[:], n)
	return netip.AddrFrom4(octets)
}

// Addresses returns the ranges without what is excluded, in the order of Ranges.
func (p AddressPool) Addresses() (all []AddressRange) {
	exclude := slices.Clone(p.Exclude)
	slices.SortFunc(exclude, func(a, b AddressRange) int { return a.First.Compare(b.First) })
	exclude = mergeRanges(exclude)
	for _, r := range p.Ranges {
		all = append(all, r.without(exclude)...)
	}
	return all
}

// mergeRanges joins ranges that overlap, which are sorted.
func mergeRanges(sorted []AddressRange) (merged []AddressRange) {
	for _, r := range sorted {
		if n := len(merged); n > 0 && !merged[n-1].Last.Less(r.First) {
			if merged[n-1].Last.Less(r.Last) {
				merged[n-1].Last = r.Last
			}
			continue
		}
		merged = append(merged, r)
	}
	return merged
}

// without returns the parts of the range that are not excluded. exclude is sorted, and does not overlap.
func (r AddressRange) without(exclude []AddressRange) (parts []AddressRange) {
	first, last := uint64(toUint(r.First)), uint64(toUint(r.Last))
	i := sort.Search(len(exclude), func(i int) bool { return !exclude[i].Last.Less(r.First) })
	for ; i < len(exclude) && !r.Last.Less(exclude[i].First); i++ {
		if begin := uint64(toUint(exclude[i].First)); begin > first {
			parts = append(parts, AddressRange{toAddr(uint32(first)), toAddr(uint32(begin - 1))})
		}
		first = uint64(toUint(exclude[i].Last)) + 1
	}
	if first <= last {
		parts = append(parts, AddressRange{toAddr(uint32(first)), r.Last})
	}
	return parts
}

// Size returns the number of addresses.
func (p AddressPool) Size() (n uint64) {
	for _, r := range p.Addresses() {
		n += r.Len()
	}
	return n
}

// PoolProblem is what is wrong with a pool of a list.
type PoolProblem struct {
	Pool        int    // its number in the list, from 0
	Field       string // of AddressPool
	Text, Wants string
}

// CheckPools returns what is wrong with the pools of a server: names that are empty or given twice,
// ranges that overlap, and names of pools that do not exist.
func CheckPools(pools []AddressPool) (problems []PoolProblem) {
	fail := func(pool int, field, text, wants string) {
		problems = append(problems, PoolProblem{pool, field, text, wants})
	}
	byName := make(map[string]int)
	total := uint64(0)
	for i, p := range pools {
		switch first, twice := byName[p.Name]; {
		case p.Name == "":
			fail(i, "Name", "it is empty", "a name")
		case twice:
			fail(i, "Name", fmt.Sprintf("there are two pools %q, the first is number %d", p.Name, first+1), "another name")
		default:
			byName[p.Name] = i
		}
		if i := slices.IndexFunc(slices.Concat(p.Ranges, p.Exclude), func(r AddressRange) bool { return !r.isValid() }); i >= 0 {
			fail(i, "Ranges", "a range is not valid", "two IPv4 addresses, the first first")
			return problems
		}
		n := p.Size()
		if n == 0 {
			fail(i, "Ranges", fmt.Sprintf("the pool %q has no address", p.Name), `a list like ["192.0.2.10-192.0.2.99"], not all of it excluded`)
		}
		if total += n; total > MaxPoolAddresses && total-n <= MaxPoolAddresses {
			fail(i, "Ranges", fmt.Sprintf("with the pool %q there are %d addresses", p.Name, total), fmt.Sprintf("%d in all pools together, at most", MaxPoolAddresses))
		}
	}
	return append(append(problems, checkNext(pools, byName)...), checkOverlap(pools)...)
}

// checkNext returns pools that name another one that does not exist, or in a circle.
func checkNext(pools []AddressPool, byName map[string]int) (problems []PoolProblem) {
	for i, p := range pools {
		if p.Next == "" {
			continue
		}
		if _, is := byName[p.Next]; !is {
			problems = append(problems, PoolProblem{i, "Next", fmt.Sprintf("there is no pool %q", p.Next), "the name of another pool"})
			continue
		}
		for at, n := i, 0; pools[at].Next != "" && n <= len(pools); n++ {
			next, is := byName[pools[at].Next]
			if is && next == i {
				problems = append(problems, PoolProblem{i, "Next", fmt.Sprintf("the pools that follow %q lead back to it", p.Name), "the name of a pool that is none of them"})
				break
			}
			if !is {
				break
			}
			at = next
		}
	}
	return problems
}

// checkOverlap returns pools that have addresses of others, or one twice.
func checkOverlap(pools []AddressPool) (problems []PoolProblem) {
	type part struct {
		AddressRange
		pool int
	}
	var all []part
	for i, p := range pools {
		for _, r := range p.Addresses() {
			all = append(all, part{r, i})
		}
	}
	slices.SortStableFunc(all, func(a, b part) int { return a.First.Compare(b.First) })
	for i := 1; i < len(all); i++ {
		before, r := all[i-1], all[i]
		if before.Last.Less(r.First) {
			continue
		}
		later, other := r, before
		if later.pool < other.pool {
			later, other = other, later
		}
		text := fmt.Sprintf("%v overlaps %v of the pool %q", later.AddressRange, other.AddressRange, pools[other.pool].Name)
		if later.pool == other.pool {
			text = fmt.Sprintf("%v overlaps %v", later.AddressRange, other.AddressRange)
		}
		problems = append(problems, PoolProblem{later.pool, "Ranges", text, "each address once"})
		if before.Last.Compare(r.Last) > 0 { // the next is compared with the one that ends later
			all[i] = before
		}
	}
	return problems
}
