package afpacket

import (
	"encoding/binary"
	"slices"

	"golang.org/x/net/bpf"

	"upppoe/pppoe"
)

// What a filter returns: how much of a frame the socket gets.
const (
	drop = 0
	pass = 1 << 18 // more than any frame has
)

// otherHost is the packet type PACKET_OTHERHOST: also that of a frame with a VLAN
// tag for which there is no device. The kernel takes the tag off before it looks for
// sockets of our ethertype, so that the tag itself is not to be seen here.
const otherHost = 3

// assemble makes the socket's filter. Frames pass that have the ethertype, are
// for us (or, in discovery, for all), are not our own come back, and bear no VLAN
// tag: what belongs to a VLAN must not reach a session on the parent interface.
// A frame that is too short for a question is dropped by the kernel.
func assemble(own pppoe.Addr, etherType uint16) ([]bpf.RawInstruction, error) {
	const destination, source = 0, 6
	program := slices.Concat(
		unless(bpf.LoadAbsolute{Off: 12, Size: 2}, bpf.JumpEqual, uint32(etherType)),
		unless(bpf.LoadExtension{Num: bpf.ExtVLANTagPresent}, bpf.JumpEqual, 0),
		unless(bpf.LoadExtension{Num: bpf.ExtType}, bpf.JumpNotEqual, otherHost),
		where(source, own, drop),
		where(destination, own, pass),
	)
	if etherType == pppoe.EtherTypeDiscovery {
		program = append(program, where(destination, pppoe.Broadcast, pass)...)
	}
	return bpf.Assemble(append(program, bpf.RetConstant{Val: drop}))
}

// unless drops frames of which a test does not hold; others go on.
func unless(load bpf.Instruction, test bpf.JumpTest, value uint32) []bpf.Instruction {
	return []bpf.Instruction{
		load,
		bpf.JumpIf{Cond: test, Val: value, SkipTrue: 1},
		bpf.RetConstant{Val: drop},
	}
}

// where returns a verdict on frames that have an address at an offset; others go on.
func where(offset uint32, addr pppoe.Addr, verdict uint32) []bpf.Instruction {
	high, low := binary.BigEndian.Uint32(addr[:]), uint32(binary.BigEndian.Uint16(addr[4:]))
	return []bpf.Instruction{
		bpf.LoadAbsolute{Off: offset, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: high, SkipTrue: 3},
		bpf.LoadAbsolute{Off: offset + 4, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: low, SkipTrue: 1},
		bpf.RetConstant{Val: verdict},
	}
}
