package ebpf

import (
	"github.com/cilium/ebpf/asm"

	"upppoe/ppp"
)

// Offsets in the value of an Ethernet interface; flags and pairs may change at any time.
const (
	interfaceFlags      = 0  // 4: softwareGSO, softwareChecksum
	interfacePair       = 4  // 4: the index of the pair's upper device; 0: there is no pair
	interfaceIndex      = 8  // 4
	interfaceCoalescing = 12 // 4: the index of the coalescing pair; 0: there is no pair
	interfaceLen        = 16
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
	stackOffloads = -104 // flags and pair of the interface, 8
	stackEthernet = -112 // the index of the interface
)

// transmit is the program at TC egress of a session's own TUN. A packet has no link-layer header
// there. It may be a GSO packet, and its checksum may be partial (CHECKSUM_PARTIAL).
//
// GSO packets that only the segmentation pair can send are counted, and left to user space while
// there is no pair.
func transmit(m *mapFDs) asm.Instructions {
	p := &program{}
	p.add(asm.Mov.Reg(asm.R6, asm.R1))
	p.field(asm.R1, skbIfindex)
	p.add(asm.StoreMem(asm.RFP, stackIndex, asm.R1, asm.Word))
	p.lookup(m.devices, stackIndex, "leave")
	return p.send(m)
}

// transmitShared is transmit for a TUN of many sessions, which are found by the longest match of the
// destination. Destinations of no session are left to user space.
func transmitShared(m *mapFDs) asm.Instructions {
	p := &program{}
	p.add(asm.Mov.Reg(asm.R6, asm.R1))
	p.field(asm.R1, skbIfindex)
	p.add(asm.StoreMem(asm.RFP, stackPrefix+prefixDevice, asm.R1, asm.Word))
	p.field(asm.R1, skbProtocol)
	p.add(asm.JEq.Imm(asm.R1, networkOrder(etherTypeIPv4), "to ipv4"))
	p.lookUpDestination(m, m.prefixes6, 24, 16)
	p.add(asm.Ja.Label("session found"))
	p.label("to ipv4")
	p.lookUpDestination(m, m.prefixes4, 16, 4)
	p.label("session found")
	return p.send(m)
}

// send is the rest of the programs that transmit. R0 points to the slot of the session.
func (p *program) send(m *mapFDs) asm.Instructions {
	p.lookupAt(m.sessions, asm.R0, 0, "leave")
	p.add(asm.Mov.Reg(asm.R7, asm.R0))
	p.lookupAt(m.interfaces, asm.R7, sessionInterface, "leave")
	p.add(
		asm.LoadMem(asm.R1, asm.R0, interfaceFlags, asm.DWord), // and the pair
		asm.StoreMem(asm.RFP, stackOffloads, asm.R1, asm.DWord),
		asm.LoadMem(asm.R1, asm.R0, interfaceIndex, asm.Word),
		asm.StoreMem(asm.RFP, stackEthernet, asm.R1, asm.Word),
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
	p.leaveTooBig(asm.R9)
	p.setRoute(stackEthernet, asm.R9)
	p.label("gso")
	p.segment(m)
	p.label("go")
	packets := asm.LoadMem(asm.R2, asm.RFP, stackPackets, asm.DWord)
	p.fence(m)
	p.policeSent(m, "leave")
	p.count(m, countersSent, packets, "leave")
	p.pushHeader()
	p.field(asm.R1, skbGSOSize)
	p.add(asm.JNE.Imm(asm.R1, 0, "protocol set"), asm.LoadMem(asm.R1, asm.RFP, stackOffloads+interfaceFlags, asm.Word))
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
	p.drop(m, "exceeded", countersExceeded, packets, tcActShot)
	p.drop(m, "fenced", countersDropped, packets, tcActShot)
	return p.ins
}

// leaveTooBig leaves packets to user space that are longer than the session's MTU, in octets in a
// register: it answers with ICMP. R1 is clobbered.
func (p *program) leaveTooBig(octets asm.Register) {
	p.add(
		asm.LoadMem(asm.R1, asm.R7, sessionMTU, asm.Half),
		asm.JGT.Reg(octets, asm.R1, "leave"),
	)
}

// readIP checks the IP headers of the packet, and that their family is open in the session (R7).
// After: PPP's Protocol is at stackLength+2, the transport protocol (0: this fragment has no
// transport header) at stackProtocol, and the length of the IP header in R2 and R8.
func (p *program) readIP() {
	p.load(inSKB, stackIP, 20, "leave")
	p.field(asm.R9, skbLen)
	p.field(asm.R1, skbProtocol)
	p.add(
		asm.LoadMem(asm.R5, asm.R7, sessionFlags, asm.Half),
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
	)
	p.skipUnless(segmentUDP, "leave")
	p.add(
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
	p.add(asm.Mov.Reg(asm.R2, asm.R5), asm.Add.Reg(asm.R2, asm.R8))
	p.leaveTooBig(asm.R2)
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
func (p *program) segment(m *mapFDs) {
	p.add(
		asm.LoadMem(asm.R1, asm.RFP, stackOffloads+interfaceFlags, asm.Word),
		asm.And.Imm(asm.R1, softwareGSO|softwareChecksum),
		asm.JNE.Imm(asm.R1, softwareGSO, "pair"),
		asm.LoadMem(asm.R4, asm.RFP, stackProtocol, asm.Word),
		asm.JNE.Imm(asm.R4, protocolTCP, "pair"),
		asm.JNE.Imm(asm.R2, 0, "pair"),
		asm.Add.Reg(asm.R5, asm.R8), // a segment's length
	)
	p.setRoute(stackEthernet, asm.R5)
	p.label("pair")
	p.field(asm.R1, skbGSOSegs)
	p.field(asm.R2, skbLen)
	p.add(
		asm.JGT.Imm(asm.R1, 1, "counted"),
		asm.JLT.Imm(asm.R2, maxUnsegmentedLen, "leave"), // the pair would not segment it
	)
	p.label("counted")
	p.add(asm.StoreMem(asm.RFP, stackPackets, asm.R3, asm.DWord))
	p.lookupAt(m.gsoPackets, asm.R7, sessionInterface, "leave")
	p.add(
		asm.Mov.Imm(asm.R2, 1),
		asm.AddAtomic.Mem(asm.R0, asm.R2, asm.DWord, 0),
		asm.LoadMem(asm.R1, asm.RFP, stackOffloads+interfacePair, asm.Word),
		asm.JEq.Imm(asm.R1, 0, "leave"),
		asm.LoadMem(asm.R3, asm.RFP, stackPackets, asm.DWord),
	)
	p.setRoute(stackOffloads+interfacePair, asm.R9)
}

// setRoute stores the index of the device that the packet goes to, from the stack; the number of
// packets, from R3; and LENGTH, for PPP's Protocol and a packet of the length in a register.
func (p *program) setRoute(index int16, length asm.Register) {
	p.add(
		asm.LoadMem(asm.R1, asm.RFP, index, asm.Word),
		asm.StoreMem(asm.RFP, stackIndex, asm.R1, asm.Word),
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
	p.add(asm.LoadMem(asm.R8, asm.R7, sessionHeaderLen, asm.Half))
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
		p.move(asm.R1, 0, asm.R7, sessionLen-n, n-4)
		p.add(
			asm.LoadMem(asm.R2, asm.RFP, stackLength, asm.Word),
			asm.StoreMem(asm.R1, n-4, asm.R2, asm.Word),
			asm.Ja.Label("pushed"),
		)
		p.label(notLinear)
	}
	p.move(asm.RFP, stackHeader, asm.R7, sessionHeader, headerRoom)
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
