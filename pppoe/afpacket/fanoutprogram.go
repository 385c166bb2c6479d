package afpacket

import (
	"slices"

	"golang.org/x/net/bpf"

	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// fanoutProgram is the program that selects the port of a fanout group for a session frame: the
// first, 0, for control frames and truncated ones; else a hash that is the same for all packets of
// a session's TCP or UDP flow, in both directions. The kernel takes it modulo the number of ports.
//
// Unlike a socket's filter it sees a received frame without the Ethernet header. Outgoing frames,
// which sockets for all ethertypes receive too, are dropped by the filters.
func fanoutProgram(a Attachment) []bpf.Instruction {
	return hashSession(uint32(len(a.inBand()) * vlan.TagLen))
}

// trunkFanout is fanoutProgram for frames with any tags, of which all but one of the kernel's
// ethertypes are in band.
func trunkFanout() []bpf.Instruction {
	programs := [vlan.MaxDepth + 1][]bpf.Instruction{}
	for tags := range programs {
		programs[tags] = hashSession(uint32(tags * vlan.TagLen))
	}
	all := programs[vlan.MaxDepth]
	for tags := vlan.MaxDepth - 1; tags >= 0; tags-- {
		all = slices.Concat(ifSession(tags, len(programs[tags])), programs[tags], all)
	}
	return all
}

// ifSession continues with the next instructions, of that number, if the ethertype of session
// frames follows so many tags, and else skips them.
func ifSession(tags, next int) []bpf.Instruction {
	load := bpf.Instruction(bpf.LoadExtension{Num: bpf.ExtProto})
	if tags > 0 {
		load = halfWord(uint32(tags*vlan.TagLen) - 2)
	}
	return []bpf.Instruction{
		load,
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(wire.EtherTypeSession), SkipTrue: 1},
		bpf.Jump{Skip: uint32(next)},
	}
}

// hashSession is fanoutProgram for a PPPoE header at an offset.
func hashSession(at uint32) []bpf.Instruction {
	const v1Type1Data = 0x1100 // RFC 2516 section 4: VER, TYPE and CODE
	session, protocol, packet := at+2, at+wire.HeaderLen, at+wire.HeaderLen+2
	v4 := slices.Concat([]bpf.Instruction{
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0x21, SkipTrue: 1},
		bpf.RetConstant{Val: 0},
	}, hashIPv4(session, packet))
	return slices.Concat(
		require(halfWord(at), bpf.JumpEqual, v1Type1Data),
		[]bpf.Instruction{halfWord(protocol), bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0x57, SkipTrue: uint8(len(v4))}},
		v4, hashIPv6(session, packet))
}

// hashIPv4 returns the hash of an IPv4 packet. Fragments are hashed without ports, which only the
// first has.
func hashIPv4(session, packet uint32) []bpf.Instruction {
	ports := append([]bpf.Instruction{bpf.LoadMemShift{Off: packet}}, hashPorts(packet)...)
	ports = append(skipUnlessTransport(packet+9, len(ports)), ports...)
	fragment := []bpf.Instruction{
		halfWord(packet + 6),
		bpf.JumpIf{Cond: bpf.JumpBitsSet, Val: 0x3fff, SkipTrue: uint8(len(ports))},
	}
	return slices.Concat(hashAddresses(session, packet+12, 2), fragment, ports, returnHash())
}

// hashIPv6 is hashIPv4 for IPv6. Packets with extension headers are hashed without ports.
func hashIPv6(session, packet uint32) []bpf.Instruction {
	ports := append([]bpf.Instruction{bpf.LoadConstant{Dst: bpf.RegX, Val: 40}}, hashPorts(packet)...)
	ports = append(skipUnlessTransport(packet+6, len(ports)), ports...)
	return slices.Concat(hashAddresses(session, packet+8, 8), ports, returnHash())
}

// hashAddresses hashes the session ID and both addresses, which have so many 32-bit words in total.
// The hash is kept in scratch word 0.
func hashAddresses(session, at uint32, words int) []bpf.Instruction {
	program := []bpf.Instruction{halfWord(session)}
	for i := range uint32(words) {
		program = append(program, bpf.TAX{}, bpf.LoadAbsolute{Off: at + 4*i, Size: 4}, bpf.ALUOpX{Op: bpf.ALUOpXor})
	}
	return append(program, bpf.StoreScratch{Src: bpf.RegA})
}

// skipUnlessTransport skips the next instructions unless the octet at an offset is TCP or UDP.
func skipUnlessTransport(at uint32, next int) []bpf.Instruction {
	return []bpf.Instruction{
		bpf.LoadAbsolute{Off: at, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 6, SkipTrue: 1},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: 17, SkipTrue: uint8(next)},
	}
}

// hashPorts hashes both ports of a packet whose headers before the transport have the length in
// register X.
func hashPorts(packet uint32) []bpf.Instruction {
	return []bpf.Instruction{
		bpf.LoadIndirect{Off: packet, Size: 4},
		bpf.TAX{},
		bpf.ALUOpConstant{Op: bpf.ALUOpShiftRight, Val: 16},
		bpf.ALUOpX{Op: bpf.ALUOpXor},
		bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: 0xffff},
		bpf.TAX{},
		bpf.LoadScratch{Dst: bpf.RegA},
		bpf.ALUOpX{Op: bpf.ALUOpXor},
		bpf.StoreScratch{Src: bpf.RegA},
	}
}

// returnHash returns the hash after multiplication, which mixes all bits into the upper ones: ports
// chosen by a host differ in few.
func returnHash() []bpf.Instruction {
	const golden = 0x9e3779b1 // 2^32 over the golden ratio (Knuth, section 6.4)
	return []bpf.Instruction{
		bpf.LoadScratch{Dst: bpf.RegA},
		bpf.ALUOpConstant{Op: bpf.ALUOpMul, Val: golden},
		bpf.ALUOpConstant{Op: bpf.ALUOpShiftRight, Val: 16},
		bpf.RetA{},
	}
}
