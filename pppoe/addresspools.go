package pppoe

import (
	"net/netip"
	"slices"
	"sort"
)

// addressPools are the pools of a server. Each address has an index: those of a pool follow each other,
// in the order of its ranges. The addresses that are free form two lists for each pool, the one free
// longest first: those that accounts have for their own are in the second, so that others get them last.
// To take an address, to release it, and to take this one takes the same time in any pool. The owner
// locks it.
type addressPools struct {
	pools     []poolState
	byName    map[string]int
	segments  []poolSegment // by index
	byAddress []int32       // segments, by address
	// The lists are circular. Their heads follow the indexes, two for each pool. Of an address that is
	// leased, next is the slot.
	next, prev []uint32
	flags      []addressFlags
	leases     []uint32 // by slot: the address as a number; 0: none
	withholds  bool     // addresses are withheld until they are provided
}

// poolState is a pool: the indexes from first on.
type poolState struct {
	AddressPool
	first, n       uint32
	next           int       // -1: none
	free, reserved [2]uint32 // lengths of the lists are [0]; heads are [1]
	refused        uint64
	withheld       uint32 // addresses that are withheld, and no session has
}

// poolSegment is a part of a range.
type poolSegment struct {
	addr, n uint32 // the first address as a number, and how many there are
	index   uint32 // of the first address
	pool    int32
}

// addressFlags say why an address is not free, and in which list it is when it is.
type addressFlags uint8

const (
	leased   addressFlags = 1 << iota // assigned to a slot
	claimed                           // a session has it: addressTable
	reserved                          // an account has named it, and may do so again
	withheld                          // not to be assigned now: Server.Provide
)

func newAddressPools(pools []AddressPool, slots int, withholds bool) *addressPools {
	p := &addressPools{withholds: withholds, byName: make(map[string]int), leases: make([]uint32, slots)}
	for i, pool := range pools {
		p.byName[pool.Name] = i
		p.addPool(pool, int32(i))
	}
	n := p.size()
	p.next, p.prev, p.flags = make([]uint32, n+2*uint32(len(pools))), make([]uint32, n+2*uint32(len(pools))), make([]addressFlags, n)
	for i := range p.pools {
		at := &p.pools[i]
		at.next = -1
		if next, ok := p.byName[at.Next]; ok && at.Next != "" {
			at.next = next
		}
		at.free[1], at.reserved[1] = n+2*uint32(i), n+2*uint32(i)+1
		for _, head := range []uint32{at.free[1], at.reserved[1]} {
			p.next[head], p.prev[head] = head, head
		}
	}
	return p
}

// addPool adds a pool's segments.
func (p *addressPools) addPool(pool AddressPool, number int32) {
	at := poolState{AddressPool: pool, first: p.size()}
	for _, r := range pool.Addresses() {
		p.segments = append(p.segments, poolSegment{toUint(r.First), uint32(r.Len()), at.first + at.n, number})
		at.n += uint32(r.Len())
	}
	p.pools = append(p.pools, at)
	p.byAddress = p.byAddress[:0]
	for i := range p.segments {
		p.byAddress = append(p.byAddress, int32(i))
	}
	slices.SortFunc(p.byAddress, func(a, b int32) int {
		if p.segments[a].addr < p.segments[b].addr {
			return -1
		}
		return 1
	})
}

// size returns the number of addresses.
func (p *addressPools) size() uint32 {
	if len(p.pools) == 0 {
		return 0
	}
	last := p.pools[len(p.pools)-1]
	return last.first + last.n
}

// indexOf returns the index of an address that a pool has.
func (p *addressPools) indexOf(addr uint32) (index uint32, ok bool) {
	i := sort.Search(len(p.byAddress), func(i int) bool { return p.segments[p.byAddress[i]].addr > addr })
	if i == 0 {
		return 0, false
	}
	s := p.segments[p.byAddress[i-1]]
	return s.index + (addr - s.addr), addr-s.addr < s.n
}

// addrAt returns the address of an index, as a number.
func (p *addressPools) addrAt(index uint32) uint32 {
	s := p.segmentAt(index)
	return s.addr + (index - s.index)
}

// poolAt returns the pool of an index.
func (p *addressPools) poolAt(index uint32) *poolState { return &p.pools[p.segmentAt(index).pool] }

func (p *addressPools) segmentAt(index uint32) *poolSegment {
	return &p.segments[sort.Search(len(p.segments), func(i int) bool { return p.segments[i].index > index })-1]
}

func (p *addressPools) isFree(index uint32) bool {
	return p.flags[index]&(leased|claimed|withheld) == 0
}

// isIdle reports whether an address is withheld, and no session has it.
func (p *addressPools) isIdle(index uint32) bool {
	return p.flags[index]&(leased|claimed|withheld) == withheld
}

// listOf returns the length and the head of the list that an address is in while it is free.
func (p *addressPools) listOf(index uint32) *[2]uint32 {
	if p.flags[index]&reserved != 0 {
		return &p.poolAt(index).reserved
	}
	return &p.poolAt(index).free
}

// link makes an address the last of its list.
func (p *addressPools) link(index uint32) {
	list := p.listOf(index)
	head := list[1]
	p.next[index], p.prev[index] = head, p.prev[head]
	p.next[p.prev[head]], p.prev[head] = index, index
	list[0]++
}

func (p *addressPools) unlink(index uint32) {
	p.next[p.prev[index]], p.prev[p.next[index]] = p.next[index], p.prev[index]
	p.listOf(index)[0]--
}

// set sets flags of an address. One that is free leaves its list, or changes to that of reserved ones.
func (p *addressPools) set(index uint32, flags addressFlags) {
	if p.flags[index]&flags == flags {
		return
	}
	if p.isFree(index) {
		p.unlink(index)
	}
	p.countIdle(index, -1)
	p.flags[index] |= flags
	p.countIdle(index, 1)
	if p.isFree(index) {
		p.link(index)
	}
}

// countIdle counts an address if it is idle.
func (p *addressPools) countIdle(index uint32, by int32) {
	if p.isIdle(index) {
		p.poolAt(index).withheld += uint32(by)
	}
}

// clear clears flags of an address. One that becomes free is the last of its list.
func (p *addressPools) clear(index uint32, flags addressFlags) {
	was := p.isFree(index)
	p.countIdle(index, -1)
	p.flags[index] &^= flags
	p.countIdle(index, 1)
	if !was && p.isFree(index) {
		p.link(index)
	}
}

// lease assigns an address to a slot instead of the one that it had. Another slot loses it.
func (p *addressPools) lease(slot int, index uint32) {
	addr := p.addrAt(index)
	if p.leases[slot] == addr {
		return
	}
	p.release(slot)
	if p.flags[index]&leased != 0 {
		p.leases[p.next[index]] = 0
	}
	p.set(index, leased)
	p.leases[slot], p.next[index] = addr, uint32(slot)
}

// release takes the address of a slot from it.
func (p *addressPools) release(slot int) {
	addr := p.leases[slot]
	p.leases[slot] = 0
	if index, ok := p.indexOf(addr); ok && addr != 0 {
		p.clear(index, leased)
	}
}

// setClaimed records whether a session has an address, if a pool has it.
func (p *addressPools) setClaimed(addr netip.Addr, is bool) {
	if index, ok := p.indexOf(toUint(addr)); ok && is {
		p.set(index, claimed)
	} else if ok {
		p.clear(index, claimed)
	}
}

// pick returns the address of a pool that a session gets: of those that are allowed, its slot's own, or
// the one free longest; reserved ones last.
func (p *addressPools) pick(of *poolState, slot int, own func(index uint32) bool, allowed func(addr uint32) bool) (index uint32, ok bool) {
	for _, list := range [...][2]uint32{of.free, of.reserved} {
		wantReserved := list[1] == of.reserved[1]
		if index, ok = p.indexOf(p.leases[slot]); ok && p.leases[slot] != 0 && index-of.first < of.n && own(index) && (p.flags[index]&reserved != 0) == wantReserved {
			return index, true
		}
		for index = p.next[list[1]]; index != list[1]; index = p.next[index] {
			if allowed(p.addrAt(index)) {
				return index, true
			}
		}
	}
	return 0, false
}

// takeOver copies the state from the pools before a change: what is leased or reserved stays so, and
// addresses that were not in a pool before come first, because nobody has had them. The address of
// a slot stays its own even if no pool has it any more. claimed are the addresses that sessions have.
func (p *addressPools) takeOver(from *addressPools, claimedAddrs func(yield func(netip.Addr))) {
	p.leases = from.leases
	for slot, addr := range p.leases {
		if index, ok := p.indexOf(addr); ok && addr != 0 {
			p.flags[index], p.next[index] = leased, uint32(slot)
		}
	}
	claimedAddrs(func(a netip.Addr) {
		if index, ok := p.indexOf(toUint(a)); ok {
			p.flags[index] |= claimed
		}
	})
	known := make([]bool, p.size())
	var order []uint32
	for i := range from.flags {
		index, ok := p.indexOf(from.addrAt(uint32(i)))
		if ok {
			known[index] = true
			p.flags[index] |= from.flags[i] & (reserved | withheld)
		}
	}
	for i := range from.pools {
		for _, head := range []uint32{from.pools[i].free[1], from.pools[i].reserved[1]} {
			for at := from.next[head]; at != head; at = from.next[at] {
				if index, ok := p.indexOf(from.addrAt(at)); ok {
					order = append(order, index)
				}
			}
		}
	}
	linked := make([]bool, p.size())
	link := func(index uint32) {
		if p.isFree(index) && !linked[index] {
			p.link(index)
			linked[index] = true
		}
	}
	for index := range p.size() {
		if !known[index] {
			p.flags[index] |= p.initialFlags()
			link(index)
		}
	}
	for _, index := range order {
		link(index)
	}
	for index := range p.size() {
		link(index)
		p.countIdle(index, 1)
	}
	for i := range p.pools {
		if was, ok := from.byName[p.pools[i].Name]; ok {
			p.pools[i].refused = from.pools[was].refused
		}
	}
}

// linkAll makes all addresses free, or withholds them.
func (p *addressPools) linkAll() {
	for index := range p.size() {
		if p.flags[index] = p.initialFlags(); p.isFree(index) {
			p.link(index)
		}
		p.countIdle(index, 1)
	}
}

// initialFlags are those of an address that no session has had.
func (p *addressPools) initialFlags() addressFlags {
	if p.withholds {
		return withheld
	}
	return 0
}
