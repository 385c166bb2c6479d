package ebpf

import (
	"github.com/cilium/ebpf/asm"

	"upppoe/ppp"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// Verdicts of XDP programs, and fields of xdp_md (linux/bpf.h).
const (
	xdpDrop = 1
	xdpPass = 2

	xdpData     = 0
	xdpDataEnd  = 4
	xdpDataMeta = 8
)

var inXDP = access{data: xdpData, end: xdpDataEnd, call: asm.FnXdpLoadBytes}

// Metadata that receiveXDP writes in front of a frame for receive: a mark, and the index of the
// TUN. The kernel coalesces (GRO) only packets with equal metadata.
const (
	metadataMagic  = 0x75504f45
	metadataDevice = 4
	metadataLen    = 8
)

// receiveXDP is the program in the driver of the Ethernet interface. It removes the header before
// GRO, which cannot coalesce PPPoE, so that receive gets coalesced packets. It cannot see a tag
// that the network card has removed: such a frame looks untagged here, and receive detects it.
func receiveXDP(m *mapFDs) asm.Instructions {
	p := &program{}
	p.add(asm.Mov.Reg(asm.R6, asm.R1), asm.FnXdpGetBuffLen.Call(), asm.Mov.Reg(asm.R9, asm.R0))
	p.readTagsXDP("leave")
	p.classify(inXDP, m, "leave")
	p.skipUnless(unambiguous, "leave")
	p.checkAddresses(inXDP, m, "leave")
	p.fence(m)
	p.policeReceived(m, "leave")
	p.count(m, countersReceived, asm.Mov.Imm(asm.R2, 1), "leave")
	p.stripXDP()
	p.writeMetadata()
	p.ret(xdpPass)
	p.label("leave")
	p.ret(xdpPass)
	p.label("drop")
	p.ret(xdpDrop)
	p.dropReceived(m, xdpDrop)
	return p.ins
}

// readTagsXDP is readTagsTC where all tags are in the data of the frame.
func (p *program) readTagsXDP(leave string) {
	p.add(clearTags()...)
	p.add(asm.Mov.Imm(asm.R8, 12))
	for i := range int16(vlan.MaxDepth) {
		tag := p.newLabel()
		p.add(asm.Mov.Reg(asm.R2, asm.R8))
		p.load(inXDP, stackTag, 4, leave)
		p.add(
			asm.LoadMem(asm.R1, asm.RFP, stackTag, asm.Half),
			asm.JEq.Imm(asm.R1, networkOrder(wire.EtherTypeSession), "found"),
			asm.JEq.Imm(asm.R1, networkOrder(vlan.CTag), tag),
			asm.JNE.Imm(asm.R1, networkOrder(vlan.STag), leave),
		)
		p.label(tag)
		p.add(asm.StoreMem(asm.RFP, stackKey+8+4*i, asm.R1, asm.Half))
		p.half(asm.R1, stackTag+2)
		p.add(
			asm.And.Imm(asm.R1, 0x0fff),
			asm.StoreMem(asm.RFP, stackKey+10+4*i, asm.R1, asm.Half),
			asm.Add.Imm(asm.R8, vlan.TagLen),
		)
	}
	p.label("found")
	p.add(
		asm.JNE.Imm(asm.R8, 12+vlan.TagLen, "tagged"),
		asm.LoadMem(asm.R1, asm.RFP, stackKey+10, asm.Half),
		asm.JNE.Imm(asm.R1, 0, "tagged"),
	)
	p.add(clearTags()...)
	p.label("tagged")
}

// stripXDP removes tags and PPPoE header. The new Ethernet header ends where the IP packet begins,
// 10 octets after PPPoE's EtherType.
func (p *program) stripXDP() {
	p.add(
		asm.LoadMem(asm.R1, asm.RFP, stackHead+8, asm.Half),
		asm.Mov.Imm(asm.R2, networkOrder(etherTypeIPv4)),
		asm.JEq.Imm(asm.R1, networkOrder(uint16(ppp.IPv4)), "ethertype"),
		asm.Mov.Imm(asm.R2, networkOrder(etherTypeIPv6)),
	)
	p.label("ethertype")
	p.add(
		asm.StoreMem(asm.RFP, stackAddr+12, asm.R2, asm.Half),
		asm.Mov.Reg(asm.R1, asm.R6),
		asm.Mov.Reg(asm.R2, asm.R8),
		asm.Add.Imm(asm.R2, 10-14),
		asm.FnXdpAdjustHead.Call(),
		asm.JNE.Imm(asm.R0, 0, "drop"),
	)
	if unaligned {
		return // writeMetadata writes the Ethernet header
	}
	p.add(
		asm.Mov.Reg(asm.R1, asm.R6),
		asm.Mov.Imm(asm.R2, 0),
		asm.Mov.Reg(asm.R3, asm.RFP),
		asm.Add.Imm(asm.R3, stackAddr),
		asm.Mov.Imm(asm.R4, 14),
		asm.FnXdpStoreBytes.Call(),
		asm.JNE.Imm(asm.R0, 0, "drop"),
	)
}

// writeMetadata writes the metadata, and the Ethernet header if unaligned.
func (p *program) writeMetadata() {
	p.add(
		asm.Mov.Reg(asm.R1, asm.R6),
		asm.Mov.Imm(asm.R2, -metadataLen),
		asm.FnXdpAdjustMeta.Call(),
		asm.JNE.Imm(asm.R0, 0, "drop"),
	)
	p.field(asm.R1, xdpDataMeta)
	p.field(asm.R2, xdpData)
	p.add(
		asm.Mov.Reg(asm.R3, asm.R1),
		asm.Add.Imm(asm.R3, metadataLen),
		asm.JGT.Reg(asm.R3, asm.R2, "drop"),
		asm.LoadMem(asm.R3, asm.R7, sessionDevice, asm.Word),
		asm.StoreImm(asm.R1, 0, metadataMagic, asm.Word),
		asm.StoreMem(asm.R1, metadataDevice, asm.R3, asm.Word),
	)
	if !unaligned {
		return
	}
	p.field(asm.R3, xdpDataEnd)
	p.add(
		asm.Mov.Reg(asm.R1, asm.R2),
		asm.Add.Imm(asm.R1, 14),
		asm.JGT.Reg(asm.R1, asm.R3, "drop"),
		asm.LoadMem(asm.R1, asm.RFP, stackAddr, asm.DWord),
		asm.StoreMem(asm.R2, 0, asm.R1, asm.DWord),
		asm.LoadMem(asm.R1, asm.RFP, stackAddr+8, asm.Word),
		asm.StoreMem(asm.R2, 8, asm.R1, asm.Word),
		asm.LoadMem(asm.R1, asm.RFP, stackAddr+12, asm.Half),
		asm.StoreMem(asm.R2, 12, asm.R1, asm.Half),
	)
}

// redirectStripped redirects a frame that receiveXDP has stripped. If the frame has a tag in its
// metadata, which XDP could not see, its session does not exist, and it is dropped.
func (p *program) redirectStripped() {
	p.field(asm.R1, skbDataMeta)
	p.field(asm.R2, skbData)
	p.add(
		asm.Mov.Reg(asm.R3, asm.R1),
		asm.Add.Imm(asm.R3, metadataLen),
		asm.JGT.Reg(asm.R3, asm.R2, "complete"),
		asm.LoadMem(asm.R3, asm.R1, 0, asm.Word),
		asm.JNE.Imm(asm.R3, metadataMagic, "complete"),
		asm.LoadMem(asm.R7, asm.R1, metadataDevice, asm.Word),
	)
	p.field(asm.R1, skbVLANPresent)
	p.add(asm.JEq.Imm(asm.R1, 0, "stripped"))
	p.field(asm.R1, skbVLANTCI)
	p.add(asm.And.Imm(asm.R1, 0x0fff), asm.JNE.Imm(asm.R1, 0, "drop"))
	p.label("stripped")
	p.field(asm.R1, skbPktType)
	p.add(asm.JEq.Imm(asm.R1, 0, "host"))
	p.add(asm.Mov.Reg(asm.R1, asm.R6), asm.Mov.Imm(asm.R2, 0), asm.FnSkbChangeType.Call())
	p.label("host")
	p.add(
		asm.Mov.Reg(asm.R1, asm.R7),
		asm.Mov.Imm(asm.R2, 1), // BPF_F_INGRESS
		asm.FnRedirect.Call(),
		asm.Return(),
	)
	p.label("complete")
}
