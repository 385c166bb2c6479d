package vlan

import (
	"fmt"
	"strconv"
)

// Range is a range of stacks with the same ethertypes: those whose tags are each within the tags of
// Low and High.
type Range struct{ Low, High Stack }

// Ranges calls yield with the ranges of a set, in ascending order, until it returns false. They do
// not overlap. A set of all stacks has none: see IsAny.
func (s Set) Ranges(yield func(Range) bool) {
	for _, of := range s.segments {
		for _, inner := range of.inner {
			r := Range{Low: Stack{tagOf(of.low), tagOf(inner.low)}, High: Stack{tagOf(of.high), tagOf(inner.high)}}
			if !yield(r) {
				return
			}
		}
	}
}

// String is the range as ParseSet reads it, such as 100-199.1-4094.
func (r Range) String() string {
	depth := r.Low.Depth()
	if depth == 0 {
		return untagged
	}
	text, usual := "", r.Low.isDefault()
	for i := range depth {
		low, high := r.Low[i], r.High[i]
		if i > 0 {
			text += "."
		}
		if !usual {
			text += fmt.Sprintf("%#04x:", low.TPID)
		}
		text += strconv.Itoa(int(low.VID))
		if low != high {
			text += "-" + strconv.Itoa(int(high.VID))
		}
	}
	return text
}
