package allactive

import "fmt"

// Problem is what is wrong with the size of blocks.
type Problem struct{ Text, Wants string }

// CheckPools returns what is wrong with pools for blocks of a size and a number of machines: some with fewer blocks
// than machines, and blocks of two pools.
func CheckPools(pools []Pool, blockSize, machines int) (problems []Problem) {
	var spaces []blockSpace
	for i, p := range pools {
		s := newBlockSpace(p.Ranges, BlockBits(p.Bits, blockSize))
		if s.n < uint64(machines) {
			problems = append(problems, Problem{fmt.Sprintf("pool %s (%s, %s) has %d blocks of %d, fewer than there are machines: %d", p.Name, p.Kind, p.Text, s.n, blockSize, machines), "a smaller power of two, or a larger pool"})
		}
		for j, other := range spaces {
			if block, is := s.shares(other); is {
				problems = append(problems, Problem{fmt.Sprintf("pools %s and %s have addresses in one block, %v", pools[j].Name, pools[i].Name, block), "a smaller power of two, or pools that begin at multiples of it"})
			}
		}
		spaces = append(spaces, s)
	}
	return problems
}

// shares returns a block that both have.
func (s blockSpace) shares(o blockSpace) (block any, is bool) {
	if s.bits != o.bits || s.is4 != o.is4 {
		return nil, false
	}
	for _, a := range s.all {
		for _, b := range o.all {
			first := a.first
			if first.less(b.first) {
				first = b.first
			}
			if first.less(a.first.plus(a.n)) && first.less(b.first.plus(b.n)) {
				return s.at(a.index + first.minus(a.first)), true
			}
		}
	}
	return nil, false
}
