package fastpath

import (
	"github.com/cilium/ebpf/asm"

	"upppoe/pppoe"
	"upppoe/pppoe/vlan"
)

// measureSegment is the program at the far end of the detour, where the packet has been
// cut: it writes the LENGTH of each frame, and sends the frame back as if it came in at the near
// end. The outermost tag is beside the frame by now.
func measureSegment(far int) asm.Instructions {
	p := &program{}
	p.add(asm.Mov.Reg(asm.R6, asm.R1))
	p.field(asm.R1, skbProtocol)
	p.field(asm.R2, skbLen)
	p.add(
		asm.Mov.Imm(asm.R8, 18),
		asm.JEq.Imm(asm.R1, wire(pppoe.EtherTypeSession), "measure"),
		asm.Mov.Imm(asm.R8, 22),
		asm.JEq.Imm(asm.R1, wire(vlan.CTag), "measure"),
		asm.JNE.Imm(asm.R1, wire(vlan.STag), "drop"),
	)
	p.label("measure")
	p.add(
		asm.Sub.Reg(asm.R2, asm.R8),
		asm.Sub.Imm(asm.R2, 2),
		asm.HostTo(asm.BE, asm.R2, asm.Half),
		asm.StoreMem(asm.RFP, -2, asm.R2, asm.Half),
		asm.Mov.Reg(asm.R1, asm.R6),
		asm.Mov.Reg(asm.R2, asm.R8),
		asm.Mov.Reg(asm.R3, asm.RFP),
		asm.Add.Imm(asm.R3, -2),
		asm.Mov.Imm(asm.R4, 2),
		asm.Mov.Imm(asm.R5, 0),
		asm.FnSkbStoreBytes.Call(),
		asm.JNE.Imm(asm.R0, 0, "drop"),
		asm.Mov.Imm(asm.R1, int32(far)),
		asm.Mov.Imm(asm.R2, 0),
		asm.FnRedirectPeer.Call(),
		asm.Return(),
	)
	p.label("drop")
	p.ret(shot)
	return p.ins
}

// forward is the program at the near end: out of the Ethernet interface.
func forward(ethernet int) asm.Instructions {
	return asm.Instructions{
		asm.Mov.Imm(asm.R1, int32(ethernet)),
		asm.Mov.Imm(asm.R2, 0),
		asm.FnRedirect.Call(),
		asm.Return(),
	}
}
