package ebpf

import (
	"github.com/cilium/ebpf/asm"

	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// finishSegment is the program at TC egress of the lower device of the segmentation pair, after
// segmentation: it writes the LENGTH of each frame, and redirects the frame to the Ethernet
// interface, which has a slot in the map of interfaces. Other packets sent by that device are
// dropped.
func finishSegment(m *mapFDs, slot uint32, ethernet int) asm.Instructions {
	const head, length, key = -16, -24, -32 // on the stack: the EtherTypes, from offset 12 on; LENGTH; slot
	p := &program{}
	p.add(asm.Mov.Reg(asm.R6, asm.R1))
	p.field(asm.R9, skbLen)
	p.add(asm.Mov.Imm(asm.R2, 12))
	p.load(inSKB, head, 10, "drop")
	p.add(asm.Mov.Imm(asm.R8, 12))
	for i := range int16(vlan.MaxDepth + 1) {
		p.add(
			asm.LoadMem(asm.R1, asm.RFP, head+4*i, asm.Half),
			asm.JEq.Imm(asm.R1, networkOrder(wire.EtherTypeSession), "measure"),
			asm.Add.Imm(asm.R8, vlan.TagLen),
		)
	}
	p.add(asm.Ja.Label("drop"))
	p.label("measure")
	p.add(
		asm.Sub.Reg(asm.R9, asm.R8),
		asm.Sub.Imm(asm.R9, 2+6),
		asm.HostTo(asm.BE, asm.R9, asm.Half),
		asm.Add.Imm(asm.R8, 2+4),
	)
	if unaligned {
		p.point(asm.R1, inSKB, asm.R8, 2, "not linear")
		p.add(asm.StoreMem(asm.R1, 0, asm.R9, asm.Half), asm.Ja.Label("measured"))
		p.label("not linear")
	}
	p.add(
		asm.StoreMem(asm.RFP, length, asm.R9, asm.Half),
		asm.Mov.Reg(asm.R1, asm.R6),
		asm.Mov.Reg(asm.R2, asm.R8),
		asm.Mov.Reg(asm.R3, asm.RFP),
		asm.Add.Imm(asm.R3, length),
		asm.Mov.Imm(asm.R4, 2),
		asm.Mov.Imm(asm.R5, 0),
		asm.FnSkbStoreBytes.Call(),
		asm.JNE.Imm(asm.R0, 0, "drop"),
	)
	p.label("measured")
	p.add(asm.StoreImm(asm.RFP, key, int64(slot), asm.Word))
	p.lookup(m.interfaces, key, "drop")
	p.add(asm.LoadMem(asm.R1, asm.R0, interfaceFlags, asm.Word))
	p.resetProtocol(asm.R1)
	p.add(
		asm.Mov.Imm(asm.R1, int32(ethernet)),
		asm.Mov.Imm(asm.R2, 0),
		asm.FnRedirect.Call(),
		asm.Return(),
	)
	p.label("drop")
	p.ret(tcActShot)
	return p.ins
}

// resetProtocol has the kernel treat a frame as PPPoE if the flags in a register have
// softwareChecksum: until then its protocol is IP, and the interface would be trusted to find IP's
// checksum. The kernel reads the EtherType when it pops tags, so two tags are pushed and popped.
// The outermost tag of the frame's own ends up in its metadata, as on any other path.
func (p *program) resetProtocol(flags asm.Register) {
	done := p.newLabel()
	p.add(asm.And.Imm(flags, softwareChecksum), asm.JEq.Imm(flags, 0, done))
	for range 2 {
		p.pushTag()
	}
	for range 2 {
		p.popTag()
	}
	p.label(done)
}

// pushTag and popTag push a tag on the frame, and pop one, or drop the frame.
func (p *program) pushTag() {
	p.add(
		asm.Mov.Reg(asm.R1, asm.R6),
		asm.Mov.Imm(asm.R2, networkOrder(vlan.CTag)),
		asm.Mov.Imm(asm.R3, 1),
		asm.FnSkbVlanPush.Call(),
		asm.JNE.Imm(asm.R0, 0, "drop"),
	)
}

func (p *program) popTag() {
	p.add(asm.Mov.Reg(asm.R1, asm.R6), asm.FnSkbVlanPop.Call(), asm.JNE.Imm(asm.R0, 0, "drop"))
}
