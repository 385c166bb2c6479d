package pppoe

import (
	"hash/maphash"
	"iter"

	"upppoe/pppoe/wire"
)

// clientSlots finds the slots of a client. They form a ring, in the order in which they were taken. The oldest
// ones are in chains, by a hash of the client, which take a tenth of the memory of a table.
type clientSlots struct {
	all    []slot
	seed   maphash.Seed
	chains []int32 // the first of each; -1: none. A power of two, and more than half of the slots
}

// newClientSlots returns those of a number of slots.
func newClientSlots(n int) clientSlots {
	chains := 1
	for 2*chains <= n {
		chains *= 2
	}
	c := clientSlots{all: make([]slot, n), seed: maphash.MakeSeed(), chains: make([]int32, chains)}
	for i := range c.chains {
		c.chains[i] = -1
	}
	return c
}

// oldest returns what refers to the oldest slot of a client: -1, at the end of a chain, if it has none.
func (c *clientSlots) oldest(client wire.Addr) *int32 {
	at := &c.chains[maphash.Comparable(c.seed, client)&uint64(len(c.chains)-1)]
	for *at >= 0 && c.all[*at].origin.Client != client {
		at = &c.all[*at].next
	}
	return at
}

// count returns the number of slots that a client has.
func (c *clientSlots) count(client wire.Addr) int {
	if oldest := *c.oldest(client); oldest >= 0 {
		return int(c.all[oldest].count)
	}
	return 0
}

// of yields the slots of a client, the oldest first.
func (c *clientSlots) of(client wire.Addr) iter.Seq[int] {
	return func(yield func(int) bool) {
		at := *c.oldest(client)
		for range c.count(client) {
			if !yield(int(at)) {
				return
			}
			at = c.all[at].newer
		}
	}
}

// link adds a slot as the newest of its client.
func (c *clientSlots) link(number int32) {
	is := &c.all[number]
	oldest := c.oldest(is.origin.Client)
	if *oldest < 0 {
		*oldest = number
		is.older, is.newer, is.next, is.count = number, number, -1, 1
		return
	}
	first := &c.all[*oldest]
	is.older, is.newer = first.older, *oldest
	c.all[first.older].newer, first.older = number, number
	first.count++
}

// unlink removes a slot from those of its client.
func (c *clientSlots) unlink(number int32) {
	is := &c.all[number]
	oldest := c.oldest(is.origin.Client)
	if is.newer == number {
		*oldest = is.next
		return
	}
	c.all[*oldest].count--
	c.all[is.older].newer, c.all[is.newer].older = is.newer, is.older
	if *oldest == number {
		c.all[is.newer].next, c.all[is.newer].count = is.next, is.count
		*oldest = is.newer
	}
}
