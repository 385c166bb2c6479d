package ebpf

import (
	"github.com/cilium/ebpf/asm"

	"upppoe/ppp"
)

// Offsets in the one value of the map of what can change at any time.
const (
	offloadFlags = 0 // 4: what the Ethernet interface leaves to the kernel
	offloadPair  = 4 // 4: the index of the detour's upper device. 0: there is none yet
	offloadLen   = 8
)

// What the Ethernet interface leaves to the kernel.
const (
	// segmented: the interface does not take packets that are yet to be cut, so that the
	// kernel does it before it, with the same header on each segment. Where all are of one
	// length, that is right.
	softwareGSO = 1 << iota
	// finish: the interface would finish checksums only in frames that it understands.
	softwareChecksum
)

// The stack of transmit. classify.go has stackIP and stackTCP.
const (
	stackHeader   = -32  // the header, at its end
	stackLength   = -108 // LENGTH and Protocol, 4
	stackProtocol = -76
	stackPackets  = -88
	stackIndex    = -92
	stackOffloads = -104 // what can change, 8
)

// transmit is the program at TC egress of a TUN. A packet has no header of the link
// there. It may have to be cut yet (GSO), and its checksum finished.
//
// What can only be sent by the detour is counted, and left to user space while there is none.
func transmit(sessions, counters, offloads, uncut, ethernet int) asm.Instructions {
	p := &program{}
	p.add(asm.Mov.Reg(asm.R6, asm.R1))
	p.field(asm.R1, skbIfindex)
	p.add(asm.StoreMem(asm.RFP, stackIndex, asm.R1, asm.Word))
	p.lookup(sessions, stackIndex, "leave")
	p.add(
		asm.Mov.Reg(asm.R7, asm.R0),
		asm.LoadMapValue(asm.R1, offloads, offloadFlags),
		asm.LoadMem(asm.R1, asm.R1, 0, asm.DWord), // both at once
		asm.StoreMem(asm.RFP, stackOffloads, asm.R1, asm.DWord),
		asm.Mov.Imm(asm.R2, 0),
	)
	p.readIP()
	p.excludeSYN(inSKB, "leave")
	p.field(asm.R9, skbLen)
	p.field(asm.R5, skbGSOSize)
	p.add(asm.Mov.Imm(asm.R3, 1), asm.JEq.Imm(asm.R5, 0, "whole"))
	p.measureGSO()
	p.add(asm.Ja.Label("cut"))
	p.label("whole")
	p.setRoute(asm.StoreImm(asm.RFP, stackIndex, int64(ethernet), asm.Word), asm.R9)
	p.label("cut")
	p.segment(uncut, ethernet)
	p.label("go")
	p.count(counters, asm.LoadMem(asm.R1, asm.R7, transmitSlot, asm.Word), countersSent,
		asm.LoadMem(asm.R2, asm.RFP, stackPackets, asm.DWord), "leave")
	p.pushHeader()
	p.field(asm.R1, skbGSOSize)
	p.add(asm.JNE.Imm(asm.R1, 0, "declared"), asm.LoadMem(asm.R1, asm.RFP, stackOffloads+offloadFlags, asm.Word))
	p.resetProtocol(asm.R1)
	p.label("declared")
	p.add(
		asm.LoadMem(asm.R1, asm.RFP, stackIndex, asm.Word),
		asm.Mov.Imm(asm.R2, 0),
		asm.FnRedirect.Call(),
		asm.Return(),
	)
	p.label("leave")
	p.ret(tcxNext)
	p.label("drop")
	p.ret(tcActShot)
	return p.ins
}

// readIP checks the packet's headers of IP, and that their family is open in the session (R7).
// After: PPP's Protocol is at stackLength+2, the transport's protocol (0: no header of its stands
// in this fragment) at stackProtocol, and the length of IP's headers in R2 and R8.
func (p *program) readIP() {
	p.load(inSKB, stackIP, 20, "leave")
	p.field(asm.R9, skbLen)
	p.field(asm.R1, skbProtocol)
	p.add(
		asm.LoadMem(asm.R5, asm.R7, transmitOpen, asm.Half),
		asm.JEq.Imm(asm.R1, networkOrder(etherTypeIPv4), "ipv4"),
		asm.JNE.Imm(asm.R1, networkOrder(etherTypeIPv6), "leave"),
	)
	p.ipv6("leave")
	p.add(asm.Mov.Imm(asm.R1, networkOrder(uint16(ppp.IPv6))), asm.Ja.Label("transport"))
	p.label("ipv4")
	p.ipv4("leave")
	p.add(asm.Mov.Imm(asm.R1, networkOrder(uint16(ppp.IPv4))))
	p.label("transport")
	p.add(
		asm.StoreMem(asm.RFP, stackLength+2, asm.R1, asm.Half),
		asm.Mov.Reg(asm.R8, asm.R3),
		asm.Mov.Reg(asm.R2, asm.R3),
		asm.StoreMem(asm.RFP, stackProtocol, asm.R4, asm.Word),
	)
}

// measureGSO finds, for a packet that is yet to be cut: the length of the headers that each
// segment has, in R8; the number of segments, in R3; the octets of all, in R9; of the last
// segment's payload what is missing to the others', in R2 (0: nothing). R5 is the payload of
// a segment.
func (p *program) measureGSO() {
	p.add(
		asm.LoadMem(asm.R4, asm.RFP, stackProtocol, asm.Word),
		asm.JEq.Imm(asm.R4, protocolTCP, "tcp"),
		asm.JNE.Imm(asm.R4, protocolUDP, "leave"),
		asm.LoadMem(asm.R1, asm.R7, transmitOpen, asm.Half),
		asm.And.Imm(asm.R1, segmentUDP),
		asm.JEq.Imm(asm.R1, 0, "leave"),
		asm.Add.Imm(asm.R8, 8),
		asm.Ja.Label("headers"),
	)
	p.label("tcp")
	p.add(
		asm.LoadMem(asm.R1, asm.RFP, stackTCP, asm.Byte),
		asm.RSh.Imm(asm.R1, 4),
		asm.LSh.Imm(asm.R1, 2),
		asm.Add.Reg(asm.R8, asm.R1),
	)
	p.label("headers")
	p.add(
		asm.JGE.Reg(asm.R8, asm.R9, "leave"),
		asm.Mov.Reg(asm.R3, asm.R9),
		asm.Sub.Reg(asm.R3, asm.R8), // payload of all
		asm.Mov.Reg(asm.R2, asm.R3),
		asm.Mod.Reg(asm.R2, asm.R5),
		asm.Add.Reg(asm.R3, asm.R5),
		asm.Sub.Imm(asm.R3, 1),
		asm.Div.Reg(asm.R3, asm.R5),
		asm.Mov.Reg(asm.R1, asm.R3),
		asm.Sub.Imm(asm.R1, 1),
		asm.Mul.Reg(asm.R1, asm.R8),
		asm.Add.Reg(asm.R9, asm.R1),
	)
}

// segment sends a packet that is yet to be cut: as it is, if all its segments will be of one
// length, and by way of the detour else. UDP's is never sent as it is: within may be a tunnel
// (VXLAN, say), whose inner headers each segment has as well, so that nobody here knows how
// long a segment is.
func (p *program) segment(uncut, ethernet int) {
	p.add(
		asm.LoadMem(asm.R1, asm.RFP, stackOffloads+offloadFlags, asm.Word),
		asm.And.Imm(asm.R1, softwareGSO|softwareChecksum),
		asm.JNE.Imm(asm.R1, softwareGSO, "detour"),
		asm.LoadMem(asm.R4, asm.RFP, stackProtocol, asm.Word),
		asm.JNE.Imm(asm.R4, protocolTCP, "detour"),
		asm.JNE.Imm(asm.R2, 0, "detour"),
		asm.Add.Reg(asm.R5, asm.R8), // a segment's length
	)
	p.setRoute(asm.StoreImm(asm.RFP, stackIndex, int64(ethernet), asm.Word), asm.R5)
	p.label("detour")
	p.field(asm.R1, skbGSOSegs)
	p.field(asm.R2, skbLen)
	p.add(
		asm.JGT.Imm(asm.R1, 1, "counted"),
		asm.JLT.Imm(asm.R2, maxUnsegmentedLen, "leave"), // the detour would not cut it
	)
	p.label("counted")
	p.add(
		asm.LoadMapValue(asm.R1, uncut, 0),
		asm.Mov.Imm(asm.R2, 1),
		asm.AddAtomic.Mem(asm.R1, asm.R2, asm.DWord, 0),
		asm.LoadMem(asm.R1, asm.RFP, stackOffloads+offloadPair, asm.Word),
		asm.JEq.Imm(asm.R1, 0, "leave"),
	)
	p.setRoute(asm.StoreMem(asm.RFP, stackIndex, asm.R1, asm.Word), asm.R9)
}

// setRoute notes, by an instruction, where a packet goes; the number of packets, which is in
// R3; and LENGTH: PPP's Protocol and a packet as long as a register says.
func (p *program) setRoute(index asm.Instruction, length asm.Register) {
	p.add(
		index,
		asm.Mov.Reg(asm.R1, length),
		asm.Add.Imm(asm.R1, 2),
		asm.HostTo(asm.BE, asm.R1, asm.Half),
		asm.StoreMem(asm.RFP, stackLength, asm.R1, asm.Half),
		asm.StoreMem(asm.RFP, stackPackets, asm.R3, asm.DWord),
		asm.Ja.Label("go"),
	)
}

// headerLens are the lengths that a header can have: with no tag, one and two.
var headerLens = []int32{22, 26, 30}

// pushHeader puts the header in front of the packet.
func (p *program) pushHeader() {
	p.add(asm.LoadMem(asm.R8, asm.R7, transmitLength, asm.Half))
	for _, n := range headerLens {
		other := p.newLabel()
		p.add(
			asm.JNE.Imm(asm.R8, n, other),
			asm.Mov.Reg(asm.R1, asm.R6),
			asm.Mov.Imm(asm.R2, n),
			asm.Mov.Imm(asm.R3, 0),
			asm.FnSkbChangeHead.Call(),
			asm.JNE.Imm(asm.R0, 0, "drop"),
		)
		p.writeHeader(int16(n))
		p.label(other)
	}
	p.add(asm.Ja.Label("drop"))
	p.label("pushed")
}

// writeHeader writes the session's header of a length where there is room for it now.
func (p *program) writeHeader(n int16) {
	notLinear := p.newLabel()
	if unaligned {
		p.add(asm.Mov.Imm(asm.R2, 0))
		p.point(asm.R1, inSKB, asm.R2, int32(n), notLinear)
		p.move(asm.R1, 0, asm.R7, transmitLen-n, n-4)
		p.add(
			asm.LoadMem(asm.R2, asm.RFP, stackLength, asm.Word),
			asm.StoreMem(asm.R1, n-4, asm.R2, asm.Word),
			asm.Ja.Label("pushed"),
		)
		p.label(notLinear)
	}
	p.move(asm.RFP, stackHeader, asm.R7, transmitHeader, headerRoom)
	p.add(
		asm.LoadMem(asm.R2, asm.RFP, stackLength, asm.Word),
		asm.StoreMem(asm.RFP, stackHeader+headerRoom-4, asm.R2, asm.Word),
		asm.Mov.Reg(asm.R1, asm.R6),
		asm.Mov.Imm(asm.R2, 0),
		asm.Mov.Reg(asm.R3, asm.RFP),
		asm.Add.Imm(asm.R3, -int32(n)),
		asm.Mov.Imm(asm.R4, int32(n)),
		asm.Mov.Imm(asm.R5, 0),
		asm.FnSkbStoreBytes.Call(),
		asm.JNE.Imm(asm.R0, 0, "drop"),
		asm.Ja.Label("pushed"),
	)
}
