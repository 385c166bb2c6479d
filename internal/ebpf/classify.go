package ebpf

import (
	"github.com/cilium/ebpf/asm"

	"upppoe/ppp"
	"upppoe/pppoe/wire"
)

// Verdicts of TC programs (linux/bpf.h, tcx_action_base; linux/pkt_cls.h).
const (
	tcxNext       = -1 // continue as if there were no program
	tcActShot     = 2  // drop
	tcActRedirect = 7
)

// Offsets of fields of __sk_buff (linux/bpf.h).
const (
	skbLen          = 0
	skbPktType      = 4
	skbQueueMapping = 12
	skbProtocol     = 16
	skbVLANPresent  = 20
	skbVLANTCI      = 24
	skbVLANProto    = 28
	skbIfindex      = 40
	skbData         = 76
	skbDataEnd      = 80
	skbDataMeta     = 140
	skbGSOSegs      = 164
	skbGSOSize      = 176
)

var inSKB = access{data: skbData, end: skbDataEnd, call: asm.FnSkbLoadBytes}

// The stack of programs for received frames, from the top down.
const (
	stackKey  = -16            // receiveKey
	stackAddr = -32            // destination and source, 12
	stackHead = -64            // from PPPoE's EtherType on, 30
	stackIP   = stackHead + 10 // the first 20 octets of the IP packet
	stackTag  = -72            // scratch
	stackTCP  = -72
)

// The stack of all programs, below what differs.
const (
	stackNow       = -136 // readClock, fence
	stackFullAt    = -144 // police
	stackPrefix    = -168 // the key of a prefix, 24
	stackAddresses = -200 // source and destination, 32
	stackChange    = -208 // checkSource
	stackBucket    = -216 // the address of a bucket
)

// headLen is the length of PPPoE's EtherType and header, the Protocol field, and an IPv4 header.
const headLen = 2 + 6 + 2 + 20

// clearTags sets the tags of the key to those of an untagged frame.
func clearTags() []asm.Instruction {
	return []asm.Instruction{
		asm.StoreImm(asm.RFP, stackKey+8, 0, asm.Word),
		asm.StoreImm(asm.RFP, stackKey+12, 0, asm.Word),
	}
}

// classify decides whether a received frame is carried in the kernel; if not, it jumps to the
// label. Before: R8 is the offset of PPPoE's EtherType, R9 the length of the frame, and the tags
// are in the key. After: R7 is the session, R8 is unchanged, R9 is the number of octets to count:
// LENGTH without the Protocol field. PPP's Protocol is at stackHead+8. LENGTH is trusted; octets
// after it are padding (RFC 2516 section 4).
func (p *program) classify(from access, m *mapFDs, leave string) {
	p.add(asm.Mov.Imm(asm.R2, 0))
	p.load(from, stackAddr, 12, leave)
	p.add(asm.Mov.Reg(asm.R2, asm.R8))
	p.load(from, stackHead, headLen, leave)
	p.add(
		asm.LoadMem(asm.R1, asm.RFP, stackHead, asm.Word),
		asm.JNE.Imm32(asm.R1, wireWord(uint32(wire.EtherTypeSession)<<16|0x1100), leave),
	)
	for i := int16(0); i < 6; i += 2 {
		p.add(asm.LoadMem(asm.R1, asm.RFP, stackAddr+6+i, asm.Half), asm.StoreMem(asm.RFP, stackKey+i, asm.R1, asm.Half))
	}
	p.add(asm.LoadMem(asm.R1, asm.RFP, stackHead+4, asm.Half), asm.StoreMem(asm.RFP, stackKey+6, asm.R1, asm.Half))
	p.lookup(m.received, stackKey, leave)
	p.lookupAt(m.sessions, asm.R0, 0, leave)
	p.add(asm.Mov.Reg(asm.R7, asm.R0))
	for i := int16(0); i < 6; i += 2 {
		p.add(
			asm.LoadMem(asm.R1, asm.RFP, stackAddr+i, asm.Half),
			asm.LoadMem(asm.R2, asm.R7, sessionLocal+i, asm.Half),
			asm.JNE.Reg(asm.R1, asm.R2, leave),
		)
	}
	// LENGTH must fit in the frame. R9: the maximum length of the IP packet.
	p.half(asm.R1, stackHead+6)
	p.add(
		asm.Sub.Reg(asm.R9, asm.R8),
		asm.Sub.Imm(asm.R9, 2+6),
		asm.JGT.Reg(asm.R1, asm.R9, leave),
		asm.JLT.Imm(asm.R1, 2+20, leave),
		asm.Mov.Reg(asm.R9, asm.R1),
		asm.Sub.Imm(asm.R9, 2),
		asm.LoadMem(asm.R5, asm.R7, sessionFlags, asm.Half),
		asm.LoadMem(asm.R1, asm.RFP, stackHead+8, asm.Half),
		asm.JEq.Imm(asm.R1, networkOrder(uint16(ppp.IPv4)), "ipv4"),
		asm.JNE.Imm(asm.R1, networkOrder(uint16(ppp.IPv6)), leave),
	)
	p.ipv6(leave)
	p.add(asm.Ja.Label("transport"))
	p.label("ipv4")
	p.ipv4(leave)
	p.label("transport")
	p.add(asm.Mov.Reg(asm.R2, asm.R8), asm.Add.Imm(asm.R2, 10), asm.Add.Reg(asm.R2, asm.R3))
	p.excludeSYN(from, leave)
	p.half(asm.R9, stackHead+6)
	p.add(asm.Sub.Imm(asm.R9, 2))
}

// ipv4 checks an IPv4 header at stackIP, and that the family is open, by the flags in R5. R9 is the
// maximum length of the packet, and afterwards its length. After: R3 is the length of the header;
// R4 the protocol, or 0 if this fragment has no transport header.
func (p *program) ipv4(leave string) {
	first := p.newLabel()
	p.add(
		asm.And.Imm(asm.R5, openIPv4),
		asm.JEq.Imm(asm.R5, 0, leave),
		asm.LoadMem(asm.R3, asm.RFP, stackIP, asm.Byte),
		asm.Mov.Reg(asm.R1, asm.R3),
		asm.RSh.Imm(asm.R1, 4),
		asm.JNE.Imm(asm.R1, 4, leave),
		asm.And.Imm(asm.R3, 0x0f),
		asm.LSh.Imm(asm.R3, 2),
		asm.JLT.Imm(asm.R3, 20, leave),
	)
	p.half(asm.R1, stackIP+2)
	p.add(
		asm.JGT.Reg(asm.R1, asm.R9, leave),
		asm.JLT.Reg(asm.R1, asm.R3, leave),
		asm.Mov.Reg(asm.R9, asm.R1),
		asm.LoadMem(asm.R4, asm.RFP, stackIP+9, asm.Byte),
	)
	p.half(asm.R1, stackIP+6)
	p.add(
		asm.And.Imm(asm.R1, 0x1fff),
		asm.JEq.Imm(asm.R1, 0, first),
		asm.Mov.Imm(asm.R4, 0),
	)
	p.label(first)
}

// Protocol numbers of the transport layer, and IPv6 extension headers (IANA).
const (
	protocolTCP = 6
	protocolUDP = 17
)

var extensionHeaders = []int32{0, 43, 44, 51, 60, 135, 139, 140}

// ipv6 does for IPv6 what ipv4 does for IPv4. A packet with extension headers is left to user
// space, which can parse them.
func (p *program) ipv6(leave string) {
	p.add(
		asm.And.Imm(asm.R5, openIPv6),
		asm.JEq.Imm(asm.R5, 0, leave),
		asm.LoadMem(asm.R1, asm.RFP, stackIP, asm.Byte),
		asm.RSh.Imm(asm.R1, 4),
		asm.JNE.Imm(asm.R1, 6, leave),
	)
	p.half(asm.R1, stackIP+4)
	p.add(
		asm.Add.Imm(asm.R1, 40),
		asm.JGT.Reg(asm.R1, asm.R9, leave),
		asm.Mov.Reg(asm.R9, asm.R1),
		asm.Mov.Imm(asm.R3, 40),
		asm.LoadMem(asm.R4, asm.RFP, stackIP+6, asm.Byte),
	)
	for _, extension := range extensionHeaders {
		p.add(asm.JEq.Imm(asm.R4, extension, leave))
	}
}

// excludeSYN leaves TCP segments with SYN, which carry the MSS, to user space. R2 is the offset of
// the transport header in the frame, R4 the protocol. For TCP, data offset and flags are at
// stackTCP afterwards.
func (p *program) excludeSYN(from access, leave string) {
	const syn = 0x02
	other := p.newLabel()
	p.add(asm.JNE.Imm(asm.R4, protocolTCP, other), asm.Add.Imm(asm.R2, 12))
	p.load(from, stackTCP, 2, leave)
	p.add(
		asm.LoadMem(asm.R1, asm.RFP, stackTCP+1, asm.Byte),
		asm.And.Imm(asm.R1, syn),
		asm.JNE.Imm(asm.R1, 0, leave),
	)
	p.label(other)
}

// count adds to the counters of the session in R7: packets, and the octets in R9. Each CPU has
// counters of its own, which no other program updates meanwhile, so no atomic operation is needed. A
// session without counters is left to user space.
func (p *program) count(m *mapFDs, direction int16, packets asm.Instruction, leave string) {
	p.lookupAt(m.counters, asm.R7, sessionSlot, leave)
	p.add(packets)
	for i, more := range []asm.Register{asm.R2, asm.R9} {
		p.increase(direction+8*int16(i), more)
	}
}

// increase adds a register to a counter; R0 points to the counters.
func (p *program) increase(counter int16, more asm.Register) {
	p.add(
		asm.LoadMem(asm.R1, asm.R0, counter, asm.DWord),
		asm.Add.Reg(asm.R1, more),
		asm.StoreMem(asm.R0, counter, asm.R1, asm.DWord),
	)
}

// drop is the end of a program, at a label, for packets that are dropped and counted.
func (p *program) drop(m *mapFDs, label string, counter int16, packets asm.Instruction, verdict int32) {
	uncounted := p.newLabel()
	p.label(label)
	p.lookupAt(m.counters, asm.R7, sessionSlot, uncounted)
	p.add(packets)
	p.increase(counter, asm.R2)
	p.label(uncounted)
	p.ret(verdict)
}

// dropReceived is the end of a program for received frames that are dropped and counted.
func (p *program) dropReceived(m *mapFDs, verdict int32) {
	one := asm.Mov.Imm(asm.R2, 1)
	p.drop(m, "spoofed", countersSpoofed, one, verdict)
	p.drop(m, "isolated", countersIsolated, one, verdict)
	p.drop(m, "exceeded", countersExceeded, one, verdict)
	p.drop(m, "fenced", countersDropped, one, verdict)
}
