package afpacket

import (
	"encoding/binary"

	"golang.org/x/net/bpf"

	"upppoe/pppoe"
)

// accept is a length beyond any frame's: all of it.
const accept = 1 << 18

// assemble makes the socket's filter. Frames pass that have the ethertype, are
// for us (or, in discovery, for all), are not our own come back, and bear no VLAN
// tag: what belongs to a VLAN must not reach a session on the parent interface.
func assemble(own pppoe.Addr, etherType uint16) ([]bpf.RawInstruction, error) {
	high, low := binary.BigEndian.Uint32(own[:4]), uint32(binary.BigEndian.Uint16(own[4:]))
	// For a destination that begins with ones, discovery goes on to the source
	// check; session frames are for one station.
	const source, drop = 10, 15
	toAll := func(at uint8) uint8 { return source - at - 1 }
	if etherType != pppoe.EtherTypeDiscovery {
		toAll = func(at uint8) uint8 { return drop - at - 1 }
	}
	return bpf.Assemble([]bpf.Instruction{
		/*  0 */ bpf.LoadAbsolute{Off: 12, Size: 2},
		/*  1 */ bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: uint32(etherType), SkipTrue: drop - 1 - 1},
		/*  2 */ bpf.LoadExtension{Num: bpf.ExtVLANTagPresent},
		/*  3 */ bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: 0, SkipTrue: drop - 3 - 1},
		/*  4 */ bpf.LoadAbsolute{Off: 0, Size: 4},
		/*  5 */ bpf.JumpIf{Cond: bpf.JumpEqual, Val: high, SkipFalse: 2},
		/*  6 */ bpf.LoadAbsolute{Off: 4, Size: 2},
		/*  7 */ bpf.JumpIf{Cond: bpf.JumpEqual, Val: low, SkipTrue: source - 7 - 1, SkipFalse: drop - 7 - 1},
		/*  8 */ bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: 0xffffffff, SkipTrue: drop - 8 - 1},
		/*  9 */ bpf.Jump{Skip: uint32(toAll(9))},
		/* 10 */ bpf.LoadAbsolute{Off: 6, Size: 4},
		/* 11 */ bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: high, SkipTrue: 2},
		/* 12 */ bpf.LoadAbsolute{Off: 10, Size: 2},
		/* 13 */ bpf.JumpIf{Cond: bpf.JumpEqual, Val: low, SkipTrue: drop - 13 - 1},
		/* 14 */ bpf.RetConstant{Val: accept},
		/* 15 */ bpf.RetConstant{Val: 0},
	})
}
