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
func filterFor(a Attachment, etherType uint16) func(station) []bpf.Instruction {
	return func(s station) []bpf.Instruction {
		return slices.Concat(
			requireTags(a, etherType),
			require(bpf.LoadExtension{Num: bpf.ExtInterfaceIndex}, bpf.JumpEqual, s.index),
			forStation(s.addr, etherType))
	}
}

// requireTags drops frames of other tags and ethertypes.
func requireTags(a Attachment, etherType uint16) (program []bpf.Instruction) {
	at, inBand := uint32(addressesLen), a.inBand()
	for _, tag := range inBand {
		program = append(program, require(halfWord(at), bpf.JumpEqual, uint32(tag.TPID))...)
		program = append(program, requireVID(halfWord(at+2), tag.VID)...)
		at += vlan.TagLen
	}
	program = append(program, require(halfWord(at), bpf.JumpEqual, uint32(etherType))...)
	switch {
	case a.VLAN.Depth() == len(inBand):
		program = append(program, require(vlanPresent, bpf.JumpEqual, 0)...)
	case a.VLAN.Depth() == 1 && a.VLAN[0].VID == 0:
		program = append(program, requireVID(vlanTCI, 0)...) // 0 too if there is none
	default:
		program = append(program, require(vlanPresent, bpf.JumpNotEqual, 0)...)
		program = append(program, require(vlanTPID, bpf.JumpEqual, uint32(a.VLAN[0].TPID))...)
		program = append(program, requireVID(vlanTCI, a.VLAN[0].VID)...)
	}
	return append(program, require(bpf.LoadExtension{Num: bpf.ExtType}, bpf.JumpNotEqual, a.excludedType(etherType))...)
}

// excludedType is the packet type that the socket does not want: among all frames, those that
// go out; among those of an ethertype, those that had a tag.
func (a Attachment) excludedType(etherType uint16) uint32 {
	if a.protocol(etherType) == int(etherType) {
		return otherHost
	}
	return outgoing
}

// What the kernel says beside a frame's octets. The interface is not always that of the
// socket: what the kernel hands on to a VLAN device, without its tag, a socket for an
// ethertype on the parent is given too.
var (
	vlanPresent = bpf.LoadExtension{Num: bpf.ExtVLANTagPresent}
	vlanTPID    = bpf.LoadExtension{Num: bpf.ExtVLANProto}
	vlanTCI     = bpf.LoadExtension{Num: bpf.ExtVLANTag}
)

func halfWord(at uint32) bpf.Instruction { return bpf.LoadAbsolute{Off: at, Size: 2} }

// forStation passes frames for our address, or for all in discovery, from others.
func forStation(own wire.Addr, etherType uint16) []bpf.Instruction {
	const destination, source = 0, 6
	program := append(ifAddress(source, own, drop), ifAddress(destination, own, pass)...)
	if etherType == wire.EtherTypeDiscovery {
		program = append(program, ifAddress(destination, wire.Broadcast, pass)...)
	}
	return append(program, bpf.RetConstant{Val: drop})
}

// require drops frames of which a test does not hold; others go on.
func require(load bpf.Instruction, test bpf.JumpTest, value uint32) []bpf.Instruction {
	return []bpf.Instruction{
		load,
		bpf.JumpIf{Cond: test, Val: value, SkipTrue: 1},
		bpf.RetConstant{Val: drop},
	}
}

// requireVID drops frames of which the tag that is loaded has another VLAN identifier.
func requireVID(load bpf.Instruction, vid uint16) []bpf.Instruction {
	and := bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: 0xfff}
	return append([]bpf.Instruction{load}, require(and, bpf.JumpEqual, uint32(vid))...)
}

// ifAddress returns a verdict on frames that have an address at an offset; others go on.
func ifAddress(offset uint32, addr wire.Addr, verdict uint32) []bpf.Instruction {
	high, low := binary.BigEndian.Uint32(addr[:]), uint32(binary.BigEndian.Uint16(addr[4:]))
	return []bpf.Instruction{
		bpf.LoadAbsolute{Off: offset, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: high, SkipTrue: 3},
		bpf.LoadAbsolute{Off: offset + 4, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: low, SkipTrue: 1},
		bpf.RetConstant{Val: verdict},
	}
}
