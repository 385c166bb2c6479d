package ebpf

import (
	"encoding/binary"

	"github.com/cilium/ebpf/asm"

	"upppoe/ppp"
)

// minCoalescedLen is the length, in octets, from which a TCP packet is sent by the coalescing pair.
// Shorter ones are mostly acknowledgements, which cannot be coalesced.
const minCoalescedLen = 500

// The source address of a packet in the coalescing pair: a mark, 2 octets, and the index of the TUN,
// 4. The kernel coalesces (GRO) only packets with equal Ethernet headers.
const (
	coalescingMark   = 0x5002
	coalescingSource = 6 // offset in the frame
)

// coalesce is the part of receive, after the header has been removed, that counts long TCP packets,
// and sends them by the coalescing pair while there is one. R9 is the length of the packet. R8 is
// clobbered.
func (p *program) coalesce(m *mapFDs) {
	p.add(
		asm.JLT.Imm(asm.R9, minCoalescedLen, "alone"),
		asm.LoadMem(asm.R1, asm.RFP, stackIP+9, asm.Byte), // IPv4's Protocol
		asm.LoadMem(asm.R2, asm.RFP, stackHead+8, asm.Half),
		asm.JEq.Imm(asm.R2, networkOrder(uint16(ppp.IPv4)), "transport known"),
		asm.LoadMem(asm.R1, asm.RFP, stackIP+6, asm.Byte), // IPv6's Next Header
	)
	p.label("transport known")
	p.add(asm.JNE.Imm(asm.R1, protocolTCP, "alone"))
	p.lookupAt(m.longPackets, asm.R7, sessionInterface, "alone")
	p.add(asm.Mov.Imm(asm.R2, 1))
	p.increase(0, asm.R2)
	p.lookupAt(m.interfaces, asm.R7, sessionInterface, "alone")
	p.add(
		asm.LoadMem(asm.R8, asm.R0, interfaceCoalescing, asm.Word),
		asm.JEq.Imm(asm.R8, 0, "alone"),
		asm.FnGetSmpProcessorId.Call(),
		asm.Add.Imm(asm.R0, 1), // 0: none
		asm.StoreMem(asm.R6, skbQueueMapping, asm.R0, asm.Word),
		asm.Mov.Imm(asm.R2, 0),
	)
	p.point(asm.R1, inSKB, asm.R2, 12, "alone")
	for i := int16(0); i < 6; i += 2 {
		p.add(asm.StoreImm(asm.R1, i, int64(binary.NativeEndian.Uint16(coalescingMAC[i:])), asm.Half))
	}
	p.add(
		asm.LoadMem(asm.R2, asm.R7, sessionDevice, asm.Word),
		asm.StoreImm(asm.R1, coalescingSource, coalescingMark, asm.Half),
		asm.StoreMem(asm.R1, coalescingSource+2, asm.R2, asm.Half),
		asm.RSh.Imm(asm.R2, 16),
		asm.StoreMem(asm.R1, coalescingSource+4, asm.R2, asm.Half),
		asm.Mov.Reg(asm.R1, asm.R8),
		asm.Mov.Imm(asm.R2, 0),
		asm.FnRedirect.Call(),
		asm.Return(),
	)
	p.label("alone")
}

// receiveCoalesced is the program at TC ingress of the receiving end of the coalescing pair: it
// redirects packets to the TUN of their session. Others are dropped.
func receiveCoalesced() asm.Instructions {
	const source = -8 // on the stack
	p := &program{}
	p.add(asm.Mov.Reg(asm.R6, asm.R1), asm.Mov.Imm(asm.R2, coalescingSource))
	p.load(inSKB, source, 6, "drop")
	p.add(
		asm.LoadMem(asm.R1, asm.RFP, source, asm.Half),
		asm.JNE.Imm(asm.R1, coalescingMark, "drop"),
		asm.LoadMem(asm.R2, asm.RFP, source+2, asm.Half),
		asm.LoadMem(asm.R1, asm.RFP, source+4, asm.Half),
		asm.LSh.Imm(asm.R1, 16),
		asm.Or.Reg(asm.R1, asm.R2),
		asm.Mov.Imm(asm.R2, 1), // BPF_F_INGRESS
		asm.FnRedirect.Call(),
		asm.Return(),
	)
	p.label("drop")
	p.ret(tcActShot)
	return p.ins
}
