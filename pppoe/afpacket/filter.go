package afpacket

import (
	"encoding/binary"
	"slices"

	"golang.org/x/net/bpf"

	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// Results of a filter: the number of octets of a frame that the socket receives.
const (
	drop = 0
	pass = 1 << 18 // more than any frame has
)

// Packet types. A frame with a VLAN tag for which there is no device has PACKET_OTHERHOST, too. The
// kernel removes the tag before it looks for sockets of our ethertype, so that their filters cannot
// see it.
const (
	otherHost = 3
	outgoing  = 4
)

// station is the receiver: a filter passes frames for its address, on its interface.
type station struct {
	addr  wire.Addr
	index uint32
}

// filterFor returns the filter of a port. It passes frames with the attachment's tags and the
// ethertype that are for our address (or broadcast, in discovery) and not from it. Frames of one
// VLAN must not reach a session on another, or on the parent interface. The kernel drops a frame
// that is too short for a load.
func filterFor(a Attachment, etherType uint16) func(station) []bpf.Instruction {
	return func(s station) []bpf.Instruction {
		return slices.Concat(
			requireTags(a, etherType),
			require(bpf.LoadExtension{Num: bpf.ExtInterfaceIndex}, bpf.JumpEqual, s.index),
			forStation(s.addr, a.stationMask(), etherType))
	}
}

// requireTags drops frames with other tags and ethertypes.
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
		program = append(program, requireVID(vlanTCI, 0)...) // 0 if there is none, too
	default:
		program = append(program, require(vlanPresent, bpf.JumpNotEqual, 0)...)
		program = append(program, require(vlanTPID, bpf.JumpEqual, uint32(a.VLAN[0].TPID))...)
		program = append(program, requireVID(vlanTCI, a.VLAN[0].VID)...)
	}
	return append(program, require(bpf.LoadExtension{Num: bpf.ExtType}, bpf.JumpNotEqual, a.excludedType(etherType))...)
}

// excludedType is the packet type that is dropped: of all ethertypes, outgoing frames; of one
// ethertype, frames that had a tag.
func (a Attachment) excludedType(etherType uint16) uint32 {
	if a.protocol(etherType) == int(etherType) {
		return otherHost
	}
	return outgoing
}

// The kernel's metadata of a frame. Its interface may differ from that of the socket: a frame that
// the kernel passes to a VLAN device, without its tag, is received by a socket for an ethertype on
// the parent, too.
var (
	vlanPresent = bpf.LoadExtension{Num: bpf.ExtVLANTagPresent}
	vlanTPID    = bpf.LoadExtension{Num: bpf.ExtVLANProto}
	vlanTCI     = bpf.LoadExtension{Num: bpf.ExtVLANTag}
)

func halfWord(at uint32) bpf.Instruction { return bpf.LoadAbsolute{Off: at, Size: 2} }

// forStation passes frames for our addresses, and broadcasts in discovery, unless they are from one
// of our addresses.
func forStation(own, mask wire.Addr, etherType uint16) []bpf.Instruction {
	const destination, source = 0, 6
	program := append(ifAddress(source, own, mask, verdict(drop)), ifAddress(destination, own, mask, verdict(pass))...)
	if etherType == wire.EtherTypeDiscovery {
		program = append(program, ifAddress(destination, wire.Broadcast, wire.Broadcast, verdict(pass))...)
	}
	return append(program, verdict(drop))
}

// requireStation drops the frames that forStation does; others continue.
func requireStation(own, mask wire.Addr, etherType uint16) []bpf.Instruction {
	const destination, source = 0, 6
	last := []bpf.Instruction{verdict(drop)}
	if etherType == wire.EtherTypeDiscovery {
		last = append(ifAddress(destination, wire.Broadcast, wire.Broadcast, bpf.Jump{Skip: 1}), last...)
	}
	return slices.Concat(
		ifAddress(source, own, mask, verdict(drop)),
		ifAddress(destination, own, mask, bpf.Jump{Skip: uint32(len(last))}),
		last)
}

// verdict ends a program.
func verdict(octets uint32) bpf.Instruction { return bpf.RetConstant{Val: octets} }

// require drops frames that fail a test; others continue.
func require(load bpf.Instruction, test bpf.JumpTest, value uint32) []bpf.Instruction {
	return []bpf.Instruction{
		load,
		bpf.JumpIf{Cond: test, Val: value, SkipTrue: 1},
		bpf.RetConstant{Val: drop},
	}
}

// requireVID drops frames whose loaded tag has another VLAN identifier.
func requireVID(load bpf.Instruction, vid uint16) []bpf.Instruction {
	and := bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: 0xfff}
	return append([]bpf.Instruction{load}, require(and, bpf.JumpEqual, uint32(vid))...)
}

// ifAddress has an instruction for frames with an address at an offset, in the bits of the mask;
// others continue after it.
func ifAddress(offset uint32, addr, mask wire.Addr, then bpf.Instruction) []bpf.Instruction {
	high, low := binary.BigEndian.Uint32(mask[:]), uint32(binary.BigEndian.Uint16(mask[4:]))
	return []bpf.Instruction{
		bpf.LoadAbsolute{Off: offset, Size: 4},
		bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: high},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: binary.BigEndian.Uint32(addr[:]) & high, SkipTrue: 4},
		bpf.LoadAbsolute{Off: offset + 4, Size: 2},
		bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: low},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: uint32(binary.BigEndian.Uint16(addr[4:])) & low, SkipTrue: 1},
		then,
	}
}
