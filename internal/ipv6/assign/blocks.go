package assign

import (
	"fmt"
	"net/netip"
	"slices"
)

// blocks are the parts of a Pool that it allocates from, of several machines that share the pool. nil: all.
type blocks struct {
	bits   int // length of a block
	all    []*poolBlock
	by     map[netip.Prefix]*poolBlock
	unused uint64 // prefixes of them that are free
}

type poolBlock struct {
	netip.Prefix
	first, n     uint64 // indexes from Pool.first on
	used, usable uint64
}

// Restrict makes the pool allocate only from blocks of a length, which Provide provides. It must be called before
// the methods that allocate.
func (p *Pool) Restrict(bits int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.blocks = &blocks{bits: bits, by: make(map[netip.Prefix]*poolBlock)}
}

// Provide lets the pool allocate from a block, and returns how many prefixes that has.
func (p *Pool) Provide(block netip.Prefix) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if b := p.blocks.by[block]; b != nil {
		return int(b.usable)
	}
	first := p.indexOf(netip.PrefixFrom(block.Addr(), p.length))
	last := first + 1<<(p.length-block.Bits()) - 1
	first = max(first, p.first)
	b := &poolBlock{Prefix: block, first: first - p.first, n: min(last-p.first+1, p.size) - (first - p.first)}
	for i := b.first; i < b.first+b.n; i++ {
		switch {
		case !p.used.has(i):
			b.usable++
		case !p.isExcluded(p.prefixAt(i + p.first)): // a session has it, since the block was withdrawn by force
			b.usable, b.used = b.usable+1, b.used+1
		}
	}
	p.blocks.all, p.blocks.by[block] = append(p.blocks.all, b), b
	p.blocks.unused += b.usable - b.used
	return int(b.usable)
}

func (p *Pool) isExcluded(part netip.Prefix) bool {
	return slices.ContainsFunc(p.exclude, part.Overlaps)
}

// Withdraw ends Provide, and reports whether it has: not while a session has a prefix of the block, unless it is
// forced.
func (p *Pool) Withdraw(block netip.Prefix, force bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := p.blocks.by[block]
	switch {
	case b == nil:
		return true
	case b.used > 0 && !force:
		return false
	}
	p.blocks.all = slices.DeleteFunc(p.blocks.all, func(o *poolBlock) bool { return o == b })
	delete(p.blocks.by, block)
	p.blocks.unused -= b.usable - b.used
	return true
}

// Usage returns how many prefixes are allocated, and how many of the blocks are free.
func (p *Pool) Usage() (used, free uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.used.count - p.excluded, p.blocks.unused
}

// allocateInBlocks is AllocateHash with blocks. p.mu is held.
func (p *Pool) allocateInBlocks(hash uint64) (netip.Prefix, error) {
	n := uint64(len(p.blocks.all))
	for at := range n {
		b := p.blocks.all[(hash+at)%n]
		if b.used == b.usable {
			continue
		}
		i := p.used.nextFree(b.first + hash/n%b.n)
		if i >= b.first+b.n {
			i = p.used.nextFree(b.first)
		}
		p.used.add(i)
		b.used++
		p.blocks.unused--
		return p.prefixAt(i + p.first), nil
	}
	return netip.Prefix{}, fmt.Errorf("%v: this machine has no block with a free prefix: %w", p, ErrExhausted)
}

// blockOf returns the block of a prefix; nil: it is not provided.
func (b *blocks) blockOf(part netip.Prefix) *poolBlock {
	return b.by[netip.PrefixFrom(part.Addr(), b.bits).Masked()]
}

// take counts a prefix that is allocated; false: its block is not provided.
func (b *blocks) take(part netip.Prefix) bool {
	if b == nil {
		return true
	}
	of := b.blockOf(part)
	if of == nil {
		return false
	}
	of.used++
	b.unused--
	return true
}

// free counts a prefix that is freed.
func (b *blocks) free(part netip.Prefix) {
	if b == nil {
		return
	}
	if of := b.blockOf(part); of != nil {
		of.used--
		b.unused++
	}
}
