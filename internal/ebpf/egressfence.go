package ebpf

import (
	"encoding/binary"

	"github.com/cilium/ebpf/asm"

	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// Offsets in the map of an EgressFence, which begins like the control map.
const (
	fenceDropped = controlLen // 8: frames dropped
	fenceLen     = controlLen + 8
)

// Offsets on the stack of egressFence, and of the source address in a frame.
const (
	stackSource = -16             // the source address, 6
	stackType   = stackSource + 6 // the EtherType, 2

	sourceOffset = 6
)

// egressFence is the program at TC egress of an Ethernet interface. From the deadline on it drops frames from an
// address with one of the EtherTypes, which may follow up to two tags in the data. The kernel may have moved another
// tag to the metadata (a VLAN device does), which does not matter.
func egressFence(control int, source wire.Addr, etherTypes []uint16) asm.Instructions {
	p := &program{}
	p.add(asm.Mov.Reg(asm.R6, asm.R1), asm.Mov.Imm(asm.R2, sourceOffset))
	p.load(inSKB, stackSource, 8, "pass")
	p.add(
		asm.LoadMem(asm.R1, asm.RFP, stackSource, asm.Word),
		asm.JNE.Imm32(asm.R1, native(source[:4]), "pass"),
		asm.LoadMem(asm.R1, asm.RFP, stackSource+4, asm.Half),
		asm.JNE.Imm(asm.R1, int32(binary.NativeEndian.Uint16(source[4:])), "pass"),
	)
	for tags := range int32(vlan.MaxDepth) {
		p.matchType(etherTypes, "fence")
		p.skipTag(12+(tags+1)*vlan.TagLen, "pass")
	}
	p.matchType(etherTypes, "fence")
	p.label("pass")
	p.ret(tcxNext)
	p.label("fence")
	p.fence(&mapFDs{control: control})
	p.add(asm.Ja.Label("pass"))
	p.label("fenced")
	p.add(
		asm.LoadMapValue(asm.R1, control, fenceDropped),
		asm.Mov.Imm(asm.R2, 1),
		asm.AddAtomic.Mem(asm.R1, asm.R2, asm.DWord, 0),
	)
	p.ret(tcActShot)
	return p.ins
}

// matchType jumps to a label if the EtherType on the stack is one of a list. R1 is the EtherType afterwards.
func (p *program) matchType(etherTypes []uint16, to string) {
	p.add(asm.LoadMem(asm.R1, asm.RFP, stackType, asm.Half))
	for _, t := range etherTypes {
		p.add(asm.JEq.Imm(asm.R1, networkOrder(t), to))
	}
}

// skipTag loads the EtherType at an offset to the stack if that in R1 is of a tag, and else jumps to a label.
func (p *program) skipTag(offset int32, none string) {
	tag := p.newLabel()
	for _, t := range vlan.TPIDs {
		p.add(asm.JEq.Imm(asm.R1, networkOrder(t), tag))
	}
	p.add(asm.Ja.Label(none))
	p.label(tag)
	p.add(asm.Mov.Imm(asm.R2, offset))
	p.load(inSKB, stackType, 2, none)
}
