package vlan

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Set is a set of stacks, kept as ranges: its size in memory is that of its text. The zero value is
// empty. It is not changed once made, and may be used concurrently.
type Set struct {
	any      bool
	segments []segment // disjoint, in ascending order
}

// segment is the stacks whose outer tag is in a range, and whose inner tag is in one of others. The
// stack of an untagged frame is in the range that has only no tag, and so is a missing inner tag.
type segment struct {
	span
	inner []span // disjoint, in ascending order
}

// span is a range of tags of one ethertype, as numbers: see Tag.number.
type span struct{ low, high uint32 }

// number returns a tag as a number: ethertype and VLAN identifier; 0: no tag.
func (t Tag) number() uint32 { return uint32(t.TPID)<<16 | uint32(t.VID) }

// anyStack is ParseSet's and String's name for the set of all stacks.
const anyStack = "any"

// MaxRanges is the maximum number of ranges in a Set, once overlapping ones are split.
const MaxRanges = 4096

// Errors of ParseSet in addition to those of ParseList, wrapped together with the invalid text.
var (
	ErrTooManyRanges = fmt.Errorf("more than %d ranges of VLANs: join them, or give any", MaxRanges)
	ErrUnknownTPID   = errors.New("several VLANs have tags of the ethertypes 0x8100, 0x88a8, 0x9100, 0x9200 and 0x9300 only")
)

// ParseSet parses a set of stacks: a list as for ParseList, whose number of stacks is not bounded,
// or "any". A set of several with VLAN identifier 0, a priority tag, has the untagged frames, too
// (IEEE 802.1Q section 6.9.1). The error wraps one of the package's errors and quotes the invalid text.
func ParseSet(text string) (Set, error) {
	var list []pattern
	all := false
	for _, item := range strings.Split(text, ",") {
		p, err := parseItem(item)
		switch {
		case item == anyStack:
			all = true
		case err != nil:
			return Set{}, err
		default:
			list = append(list, p)
		}
	}
	if all {
		return Any(), nil
	}
	s, ok := setOf(list)
	if _, one := s.One(); ok && !one && s.Contains(priorityTag) {
		s, ok = setOf(append(list, nil))
	}
	if !ok {
		return Set{}, fmt.Errorf("VLANs %.40q: %w", text, ErrTooManyRanges)
	}
	return s, s.checkTPIDs()
}

// priorityTag is the stack of a frame with a priority tag, which belongs to no VLAN.
var priorityTag = Stack{{TPID: CTag}}

// parseItem parses an item of a list.
func parseItem(item string) (pattern, error) {
	if item == untagged {
		return nil, nil
	}
	return parsePattern(item)
}

// Any returns the set of all stacks of tags that Split recognizes.
func Any() Set { return Set{any: true} }

// SetOf returns the set of one stack.
func SetOf(s Stack) Set {
	of := segment{span: span{s[0].number(), s[0].number()}}
	of.inner = []span{{s[1].number(), s[1].number()}}
	return Set{segments: []segment{of}}
}

// setOf returns the set of patterns, unless it has too many ranges.
func setOf(list []pattern) (s Set, ok bool) {
	ranges := 0
	for _, outer := range splitOuter(list) {
		var inner []span
		for _, p := range list {
			if p.at(0).contains(outer.low) {
				inner = append(inner, p.at(1))
			}
		}
		if inner = merge(inner); len(inner) == 0 {
			continue
		}
		if ranges += len(inner); ranges > MaxRanges {
			return Set{}, false
		}
		s.segments = append(s.segments, segment{outer, inner})
	}
	s.join()
	return s, true
}

// splitOuter returns the ranges between all bounds of the patterns' outer tags.
func splitOuter(list []pattern) (all []span) {
	var bounds []uint32
	for _, p := range list {
		bounds = append(bounds, p.at(0).low, p.at(0).high+1)
	}
	slices.Sort(bounds)
	bounds = slices.Compact(bounds)
	for i := range len(bounds) - 1 {
		all = append(all, span{bounds[i], bounds[i+1] - 1})
	}
	return all
}

// at returns the range of tag i, which is that of no tag if the pattern has fewer.
func (p pattern) at(i int) span {
	if i >= len(p) {
		return span{}
	}
	return span{Tag{p[i].tpid, p[i].low}.number(), Tag{p[i].tpid, p[i].high}.number()}
}

func (s span) contains(n uint32) bool { return s.low <= n && n <= s.high }

// merge returns ranges in order, and joins those that overlap or touch.
func merge(list []span) (merged []span) {
	slices.SortFunc(list, func(a, b span) int { return int(int64(a.low) - int64(b.low)) })
	for _, s := range list {
		if n := len(merged); n > 0 && s.low <= merged[n-1].high+1 {
			merged[n-1].high = max(merged[n-1].high, s.high)
		} else {
			merged = append(merged, s)
		}
	}
	return merged
}

// join joins segments that touch and have the same inner tags.
func (s *Set) join() {
	joined := s.segments[:0]
	for _, next := range s.segments {
		if n := len(joined); n > 0 && joined[n-1].high+1 == next.low && slices.Equal(joined[n-1].inner, next.inner) {
			joined[n-1].high = next.high
		} else {
			joined = append(joined, next)
		}
	}
	s.segments = joined
}

// checkTPIDs returns an error if there are several stacks, and tags that Split does not recognize.
func (s Set) checkTPIDs() error {
	if _, one := s.One(); one {
		return nil
	}
	for _, of := range s.segments {
		for _, r := range append([]span{of.span}, of.inner...) {
			if tpid := uint16(r.low >> 16); tpid != 0 && !IsTPID(tpid) {
				return fmt.Errorf("VLAN ethertype %#04x: %w", tpid, ErrUnknownTPID)
			}
		}
	}
	return nil
}

// Contains reports whether a stack is in the set.
func (s Set) Contains(of Stack) bool {
	if s.any {
		return true
	}
	at, ok := find(s.segments, of[0].number(), func(s segment) span { return s.span })
	if !ok {
		return false
	}
	_, ok = find(s.segments[at].inner, of[1].number(), func(s span) span { return s })
	return ok
}

// find returns the index of the element whose range has a number.
func find[E any](in []E, n uint32, of func(E) span) (i int, ok bool) {
	i, ok = slices.BinarySearchFunc(in, n, func(e E, n uint32) int {
		switch s := of(e); {
		case s.high < n:
			return -1
		case s.low > n:
			return 1
		}
		return 0
	})
	return i, ok
}

// One returns the only stack of the set, if it has one.
func (s Set) One() (only Stack, ok bool) {
	if s.any || len(s.segments) != 1 {
		return Stack{}, false
	}
	of := s.segments[0]
	if of.low != of.high || len(of.inner) != 1 || of.inner[0].low != of.inner[0].high {
		return Stack{}, false
	}
	return Stack{tagOf(of.low), tagOf(of.inner[0].low)}, true
}

// IsEmpty reports whether the set has no stack.
func (s Set) IsEmpty() bool { return !s.any && len(s.segments) == 0 }

// IsAny reports whether the set has all stacks.
func (s Set) IsAny() bool { return s.any }

func tagOf(n uint32) Tag { return Tag{TPID: uint16(n >> 16), VID: uint16(n)} }

// String is the set as ParseSet reads it, with its ranges in order; "any" if it has all stacks,
// empty if it has none.
func (s Set) String() string {
	if s.any {
		return anyStack
	}
	var items []string
	for r := range s.Ranges {
		items = append(items, r.String())
	}
	return strings.Join(items, ",")
}
