package ebpf

import (
	"github.com/cilium/ebpf/asm"

	"upppoe/ppp"
)

// Offsets in the value of the offloads map, which may change at any time.
const (
	offloadFlags = 0 // 4: softwareGSO, softwareChecksum
	offloadPair  = 4 // 4: the index of the pair's upper device; 0: there is no pair
	offloadLen   = 8
)

// Flags: what the Ethernet interface leaves to the kernel.
const (
	// softwareGSO: the interface does not accept GSO packets, so the kernel segments them before
	// it, with the same header on each segment. That is right if all have the same length.
	softwareGSO = 1 << iota
	// softwareChecksum: the interface would complete checksums only of frames that it can parse.
	softwareChecksum
)

// The stack of transmit. classify.go has stackIP and stackTCP.
const (
	stackHeader   = -32  // the header, right-aligned
	stackLength   = -108 // LENGTH and Protocol, 4
	stackProtocol = -76
	stackPackets  = -88
	stackIndex    = -92
	stackOffloads = -104 // the value of the offloads map, 8
)

// transmit is the program at TC egress of a TUN. A packet has no link-layer header there. It may be
// a GSO packet, and its checksum may be partial (CHECKSUM_PARTIAL).
//
// GSO packets that only the segmentation pair can send are counted, and left to user space while
// there is no pair.
func transmit(sessions, counters, offloads, gsoPackets, ethernet int) asm.Instructions {
	p := &program{}
	p.add(asm.Mov.Reg(asm.R6, asm.R1))
	p.field(asm.R1, skbIfindex)
	p.add(asm.StoreMem(asm.RFP, stackIndex, asm.R1, asm.Word))
	p.lookup(sessions, stackIndex, "leave")
	p.add(
		asm.Mov.Reg(asm.R7, asm.R0),
		asm.LoadMapValue(asm.R1, offloads, offloadFlags),
		asm.LoadMem(asm.R1, asm.R1, 0, asm.DWord), // both fields at once
		asm.StoreMem(asm.RFP, stackOffloads, asm.R1, asm.DWord),
		asm.Mov.Imm(asm.R2, 0),
	)
	p.readIP()
	p.excludeSYN(inSKB, "leave")
	p.field(asm.R9, skbLen)
	p.field(asm.R5, skbGSOSize)
	p.add(asm.Mov.Imm(asm.R3, 1), asm.JEq.Imm(asm.R5, 0, "single"))
	p.measureGSO()
	p.add(asm.Ja.Label("gso"))
	p.label("single")
	p.setRoute(asm.StoreImm(asm.RFP, stackIndex, int64(ethernet), asm.Word), asm.R9)
	p.label("gso")
	p.segment(gsoPackets, ethernet)
	p.label("go")
	p.count(counters, asm.LoadMem(asm.R1, asm.R7, transmitSlot, asm.Word), countersSent,
		asm.LoadMem(asm.R2, asm.RFP, stackPackets, asm.DWord), "leave")
	p.pushHeader()
	p.field(asm.R1, skbGSOSize)
	p.add(asm.JNE.Imm(asm.R1, 0, "protocol set"), asm.LoadMem(asm.R1, asm.RFP, stackOffloads+offloadFlags, asm.Word))
	p.resetProtocol(asm.R1)
	p.label("protocol set")
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

// readIP checks the IP headers of the packet, and that their family is open in the session (R7).
// After: PPP's Protocol is at stackLength+2, the transport protocol (0: this fragment has no
// transport header) at stackProtocol, and the length of the IP header in R2 and R8.
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

// measureGSO computes for a GSO packet: the length of the headers of each segment, in R8; the
// number of segments, in R3; the octets of all segments, in R9; the payload of a shorter last
// segment, in R2 (0: all have the same length). R5 is the payload of a segment.
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

// segment sends a GSO packet: directly if all its segments will have the same length, otherwise by
// the segmentation pair. UDP always takes the pair: the payload may be a tunnel (VXLAN, say), whose
// inner headers are repeated on each segment, so the length of a segment is unknown here.
func (p *program) segment(gsoPackets, ethernet int) {
	p.add(
		asm.LoadMem(asm.R1, asm.RFP, stackOffloads+offloadFlags, asm.Word),
		asm.And.Imm(asm.R1, softwareGSO|softwareChecksum),
		asm.JNE.Imm(asm.R1, softwareGSO, "pair"),
		asm.LoadMem(asm.R4, asm.RFP, stackProtocol, asm.Word),
		asm.JNE.Imm(asm.R4, protocolTCP, "pair"),
		asm.JNE.Imm(asm.R2, 0, "pair"),
		asm.Add.Reg(asm.R5, asm.R8), // a segment's length
	)
	p.setRoute(asm.StoreImm(asm.RFP, stackIndex, int64(ethernet), asm.Word), asm.R5)
	p.label("pair")
	p.field(asm.R1, skbGSOSegs)
	p.field(asm.R2, skbLen)
	p.add(
		asm.JGT.Imm(asm.R1, 1, "counted"),
		asm.JLT.Imm(asm.R2, maxUnsegmentedLen, "leave"), // the pair would not segment it
	)
	p.label("counted")
	p.add(
		asm.LoadMapValue(asm.R1, gsoPackets, 0),
		asm.Mov.Imm(asm.R2, 1),
		asm.AddAtomic.Mem(asm.R1, asm.R2, asm.DWord, 0),
		asm.LoadMem(asm.R1, asm.RFP, stackOffloads+offloadPair, asm.Word),
		asm.JEq.Imm(asm.R1, 0, "leave"),
	)
	p.setRoute(asm.StoreMem(asm.RFP, stackIndex, asm.R1, asm.Word), asm.R9)
}

// setRoute stores the index of the device that the packet goes to, set by an instruction; the
// number of packets, from R3; and LENGTH, for PPP's Protocol and a packet of the length in a
// register.
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

// headerLens are the possible lengths of a header: with no tag, one and two.
var headerLens = []int32{22, 26, 30}

// pushHeader adds the header in front of the packet.
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

// writeHeader writes a header of a length, for which room has been made.
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
