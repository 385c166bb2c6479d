package etcdstore

import (
	"container/list"
	"slices"

	"upppoe/internal/state"
)

// pending is what has to be written: of each session that has changed only the latest value of each
// part, so that its size is bounded by the number of sessions however long etcd is away.
//
// Sessions are written in the order in which they changed last, so that of two sessions that had the same
// address one after the other the records never have both in the wrong order. Those of which only
// counters have changed come after all others.
type pending struct {
	changed map[state.Generation]*change
	records list.List // of *change
	numbers list.List // of *change, with counters only
	// written are the sessions that etcd has, or may have, records of. A session that begins and ends
	// while etcd is away leaves nothing.
	written map[state.Generation]struct{}
}

// change is what has to be written of a session.
type change struct {
	of      state.Generation
	parts   map[state.Part][]byte
	ended   bool // all parts are deleted
	place   *list.Element
	numbers bool // the place is in numbers
}

func newPending(written []state.Generation) *pending {
	p := &pending{changed: make(map[state.Generation]*change), written: make(map[state.Generation]struct{})}
	for _, g := range written {
		p.written[g] = struct{}{}
	}
	return p
}

func (p *pending) put(of state.Generation, part state.Part, value []byte) {
	c := p.changed[of]
	if c == nil {
		c = &change{of: of, parts: make(map[state.Part][]byte, 1)}
		p.changed[of] = c
	}
	if c.ended {
		return // generations are not used again
	}
	c.parts[part] = append(c.parts[part][:0], value...)
	switch {
	case part != state.Counters:
		p.place(c, false)
	case c.place == nil:
		p.place(c, true)
	}
}

func (p *pending) delete(of state.Generation) {
	c := p.changed[of]
	if _, written := p.written[of]; !written {
		if c != nil {
			p.remove(c)
		}
		return
	}
	if c == nil {
		c = &change{of: of}
		p.changed[of] = c
	}
	c.parts, c.ended = nil, true
	p.place(c, false)
}

// place puts a session behind all others.
func (p *pending) place(c *change, numbers bool) {
	p.unplace(c)
	c.numbers = numbers
	c.place = p.listOf(c).PushBack(c)
}

func (p *pending) unplace(c *change) {
	if c.place != nil {
		p.listOf(c).Remove(c.place)
		c.place = nil
	}
}

func (p *pending) listOf(c *change) *list.List {
	if c.numbers {
		return &p.numbers
	}
	return &p.records
}

func (p *pending) remove(c *change) {
	p.unplace(c)
	delete(p.changed, c.of)
}

// take removes and returns what is to be written first, up to a number of operations and of octets.
func (p *pending) take(operations, octets int) (batch []*change) {
	for {
		first := p.records.Front()
		if first == nil {
			first = p.numbers.Front()
		}
		if first == nil {
			return batch
		}
		c := first.Value.(*change)
		operations -= c.operations()
		octets -= c.octets()
		if len(batch) > 0 && (operations < 0 || octets < 0) {
			return batch
		}
		p.remove(c)
		p.taken(c)
		batch = append(batch, c)
	}
}

// taken records what etcd may have from now on.
func (p *pending) taken(c *change) {
	if c.ended {
		delete(p.written, c.of)
	} else {
		p.written[c.of] = struct{}{}
	}
}

// operations is how many operations of a transaction write it.
func (c *change) operations() int {
	if c.ended {
		return 1
	}
	return len(c.parts)
}

func (c *change) octets() (n int) {
	for _, value := range c.parts {
		n += len(value) + keyOctets
	}
	return n
}

// keyOctets is more than a key, and what encloses it, has.
const keyOctets = 128

// partNumbers returns the parts in the order of their numbers.
func (c *change) partNumbers() []state.Part {
	numbers := make([]state.Part, 0, len(c.parts))
	for part := range c.parts {
		numbers = append(numbers, part)
	}
	slices.Sort(numbers)
	return numbers
}
