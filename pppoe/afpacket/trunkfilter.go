package afpacket

import (
	"slices"

	"golang.org/x/net/bpf"

	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// Words of a filter's scratch memory: the outer and the inner tag of a frame, each as ethertype and
// VLAN identifier; 0: none.
const (
	outerWord = 0
	innerWord = 1
)

const (
	// tagMask has the bits of an encoded tag without its priority.
	tagMask = 0xffff0fff
	// priorityTag is a tag that belongs to no VLAN (IEEE 802.1Q section 6.9.1).
	priorityTag = uint32(vlan.CTag) << 16
	// maxFilter is the number of instructions of a filter that the kernel accepts by default: it
	// makes up to three of one, of 8 octets each, and net.core.optmem_max was 20,480 octets until
	// Linux 6.7.
	maxFilter = 700
)

// trunkFilter is the filter of a trunk. It passes frames of an ethertype that are for a station,
// and whose tags are in a set, or any tags if the set has too many ranges.
func trunkFilter(s station, mask wire.Addr, of vlan.Set, etherType uint16) []bpf.Instruction {
	front := slices.Concat(
		require(bpf.LoadExtension{Num: bpf.ExtType}, bpf.JumpNotEqual, outgoing),
		requireStation(s.addr, mask, etherType),
		readTags(etherType))
	if of.IsAny() {
		return append(front, verdict(pass))
	}
	program := slices.Concat(front, untagPriority(), passSet(of))
	if len(program) > maxFilter {
		return append(front, verdict(pass))
	}
	return program
}

// readTags stores the tags of a frame in the scratch memory, and drops those of other ethertypes.
func readTags(etherType uint16) []bpf.Instruction {
	inBand := slices.Concat(loadTag(addressesLen), storeWord(outerWord), readInner(addressesLen+vlan.TagLen, etherType))
	inBand = slices.Concat(noTag(addressesLen, etherType, []int{outerWord, innerWord}, len(inBand)), inBand)
	removed := slices.Concat([]bpf.Instruction{
		vlanTPID,
		bpf.ALUOpConstant{Op: bpf.ALUOpShiftLeft, Val: 16},
		bpf.TAX{},
		vlanTCI,
		bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: 0xfff},
		bpf.ALUOpX{Op: bpf.ALUOpOr},
	}, storeWord(outerWord), readInner(addressesLen, etherType), []bpf.Instruction{bpf.Jump{Skip: uint32(len(inBand))}})
	return slices.Concat(
		[]bpf.Instruction{vlanPresent, bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0, SkipTrue: uint8(len(removed))}},
		removed, inBand)
}

// readInner stores the inner tag, if there is one at an offset. The ethertype must follow.
func readInner(at uint32, etherType uint16) []bpf.Instruction {
	tag := slices.Concat(
		require(halfWord(at+vlan.TagLen), bpf.JumpEqual, uint32(etherType)), loadTag(at), storeWord(innerWord))
	return slices.Concat(noTag(at, etherType, []int{innerWord}, len(tag)), tag)
}

// noTag stores that there are no tags, and skips the next instructions, of that number, if the
// ethertype is at an offset.
func noTag(at uint32, etherType uint16, words []int, next int) []bpf.Instruction {
	program := []bpf.Instruction{
		halfWord(at),
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: uint32(etherType), SkipTrue: uint8(2 + len(words))},
		bpf.LoadConstant{Dst: bpf.RegA, Val: 0},
	}
	for _, word := range words {
		program = append(program, storeWord(word)...)
	}
	return append(program, bpf.Jump{Skip: uint32(next)})
}

// loadTag loads the tag at an offset; frames with another ethertype there are dropped.
func loadTag(at uint32) []bpf.Instruction {
	program := []bpf.Instruction{halfWord(at)}
	for i, tpid := range vlan.TPIDs {
		program = append(program, bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(tpid), SkipTrue: uint8(len(vlan.TPIDs) - i)})
	}
	return append(program, verdict(drop),
		bpf.LoadAbsolute{Off: at, Size: 4}, bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: tagMask})
}

func storeWord(word int) []bpf.Instruction {
	return []bpf.Instruction{bpf.StoreScratch{Src: bpf.RegA, N: word}}
}

func loadWord(word int) bpf.Instruction { return bpf.LoadScratch{Dst: bpf.RegA, N: word} }

// untagPriority makes a frame with a priority tag an untagged one.
func untagPriority() []bpf.Instruction {
	return []bpf.Instruction{
		loadWord(innerWord),
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: 0, SkipTrue: 4},
		loadWord(outerWord),
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: priorityTag, SkipTrue: 2},
		bpf.LoadConstant{Dst: bpf.RegA, Val: 0},
		bpf.StoreScratch{Src: bpf.RegA, N: outerWord},
	}
}

// branch is what to do with a tag in a range.
type branch struct {
	low, high uint32
	then      []bpf.Instruction
}

// passSet passes frames whose tags are in a set, and drops others.
func passSet(of vlan.Set) []bpf.Instruction {
	var outer []branch
	inner := make(map[uint32][]branch) // by the lowest outer tag
	for r := range of.Ranges {
		low, high := number(r.Low[0]), number(r.High[0])
		if inner[low] == nil {
			outer = append(outer, branch{low: low, high: high})
		}
		inner[low] = append(inner[low], branch{number(r.Low[1]), number(r.High[1]), []bpf.Instruction{verdict(pass)}})
	}
	for i := range outer {
		outer[i].then = append([]bpf.Instruction{loadWord(innerWord)}, search(inner[outer[i].low])...)
	}
	return append([]bpf.Instruction{loadWord(outerWord)}, search(outer)...)
}

func number(t vlan.Tag) uint32 { return uint32(t.TPID)<<16 | uint32(t.VID) }

// search continues with the branch of the loaded tag, and drops frames with tags in none. It is a
// binary search: the branches are in order.
func search(in []branch) []bpf.Instruction {
	switch len(in) {
	case 0:
		return []bpf.Instruction{verdict(drop)}
	case 1:
		return append(in[0].require(), in[0].then...)
	}
	middle := len(in) / 2
	left := search(in[:middle])
	return slices.Concat([]bpf.Instruction{
		bpf.JumpIf{Cond: bpf.JumpLessThan, Val: in[middle].low, SkipTrue: 1},
		bpf.Jump{Skip: uint32(len(left))},
	}, left, search(in[middle:]))
}

// require drops frames whose loaded tag is not in the range.
func (b branch) require() []bpf.Instruction {
	if b.low == b.high {
		return []bpf.Instruction{bpf.JumpIf{Cond: bpf.JumpEqual, Val: b.low, SkipTrue: 1}, verdict(drop)}
	}
	return []bpf.Instruction{
		bpf.JumpIf{Cond: bpf.JumpLessThan, Val: b.low, SkipTrue: 1},
		bpf.JumpIf{Cond: bpf.JumpLessOrEqual, Val: b.high, SkipTrue: 1},
		verdict(drop),
	}
}
