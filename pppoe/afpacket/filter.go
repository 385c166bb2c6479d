package afpacket

import (
	"encoding/binary"
	"slices"

	"golang.org/x/net/bpf"

	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// What a filter returns: how much of a frame the socket gets.
const (
	drop = 0
	pass = 1 << 18 // more than any frame has
)

// Packet types. PACKET_OTHERHOST is also that of a frame with a VLAN tag for which
// there is no device. The kernel takes the tag off before it looks for sockets of our
// ethertype, so that the tag itself is not to be seen there.
const (
	otherHost = 3
	outgoing  = 4
)

// station is who hears: a filter's frames are for its address, on its interface.
type station struct {
	addr  wire.Addr
	index uint32
}

// filterFor makes the filter of a port. Frames pass that have the line's tags and the
// ethertype, are for us (or, in discovery, for all), and are not our own come back. What
// belongs to one VLAN must not reach a session on another, or on the parent interface.
// A frame that is too short for a question is dropped by the kernel.
func filterFor(line Attachment, etherType uint16) func(station) []bpf.Instruction {
	return func(s station) []bpf.Instruction {
		return slices.Concat(
			tagged(line, etherType),
			unless(bpf.LoadExtension{Num: bpf.ExtInterfaceIndex}, bpf.JumpEqual, s.index),
			meant(s.addr, etherType))
	}
}

// tagged drops frames of other tags and ethertypes.
func tagged(line Attachment, etherType uint16) (program []bpf.Instruction) {
	at, inBand := uint32(addresses), line.inBand()
	for _, tag := range inBand {
		program = append(program, unless(halfWord(at), bpf.JumpEqual, uint32(tag.TPID))...)
		program = append(program, unlessVID(halfWord(at+2), tag.VID)...)
		at += vlan.TagLen
	}
	program = append(program, unless(halfWord(at), bpf.JumpEqual, uint32(etherType))...)
	switch {
	case line.VLAN.Depth() == len(inBand):
		program = append(program, unless(present, bpf.JumpEqual, 0)...)
	case line.VLAN.Depth() == 1 && line.VLAN[0].VID == 0:
		program = append(program, unlessVID(tci, 0)...) // 0 too if there is none
	default:
		program = append(program, unless(present, bpf.JumpNotEqual, 0)...)
		program = append(program, unless(tpid, bpf.JumpEqual, uint32(line.VLAN[0].TPID))...)
		program = append(program, unlessVID(tci, line.VLAN[0].VID)...)
	}
	return append(program, unless(bpf.LoadExtension{Num: bpf.ExtType}, bpf.JumpNotEqual, line.foreign(etherType))...)
}

// foreign is the packet type that the socket does not want: among all frames, those that
// go out; among those of an ethertype, those that had a tag.
func (l Attachment) foreign(etherType uint16) uint32 {
	if l.protocol(etherType) == int(etherType) {
		return otherHost
	}
	return outgoing
}

// What the kernel says beside a frame's octets. The interface is not always that of the
// socket: what the kernel hands on to a VLAN device, without its tag, a socket for an
// ethertype on the parent is given too.
var (
	present = bpf.LoadExtension{Num: bpf.ExtVLANTagPresent}
	tpid    = bpf.LoadExtension{Num: bpf.ExtVLANProto}
	tci     = bpf.LoadExtension{Num: bpf.ExtVLANTag}
)

func halfWord(at uint32) bpf.Instruction { return bpf.LoadAbsolute{Off: at, Size: 2} }

// meant passes frames for our address, or for all in discovery, from others.
func meant(own wire.Addr, etherType uint16) []bpf.Instruction {
	const destination, source = 0, 6
	program := append(where(source, own, drop), where(destination, own, pass)...)
	if etherType == wire.EtherTypeDiscovery {
		program = append(program, where(destination, wire.Broadcast, pass)...)
	}
	return append(program, bpf.RetConstant{Val: drop})
}

// unless drops frames of which a test does not hold; others go on.
func unless(load bpf.Instruction, test bpf.JumpTest, value uint32) []bpf.Instruction {
	return []bpf.Instruction{
		load,
		bpf.JumpIf{Cond: test, Val: value, SkipTrue: 1},
		bpf.RetConstant{Val: drop},
	}
}

// unlessVID drops frames of which the tag that is loaded has another VLAN identifier.
func unlessVID(load bpf.Instruction, vid uint16) []bpf.Instruction {
	and := bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: 0xfff}
	return append([]bpf.Instruction{load}, unless(and, bpf.JumpEqual, uint32(vid))...)
}

// where returns a verdict on frames that have an address at an offset; others go on.
func where(offset uint32, addr wire.Addr, verdict uint32) []bpf.Instruction {
	high, low := binary.BigEndian.Uint32(addr[:]), uint32(binary.BigEndian.Uint16(addr[4:]))
	return []bpf.Instruction{
		bpf.LoadAbsolute{Off: offset, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: high, SkipTrue: 3},
		bpf.LoadAbsolute{Off: offset + 4, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: low, SkipTrue: 1},
		bpf.RetConstant{Val: verdict},
	}
}
