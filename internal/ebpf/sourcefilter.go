package ebpf

import "github.com/cilium/ebpf/asm"

// checkSource leaves IPv4 packets to user space that are not from the source address of the session
// in R7, if it has one.
func (p *program) checkSource(leave string) {
	anySource := p.newLabel()
	p.add(
		asm.LoadMem(asm.R1, asm.R7, receiveOpen, asm.Half),
		asm.And.Imm(asm.R1, singleSource),
		asm.JEq.Imm(asm.R1, 0, anySource),
	)
	for i := int16(0); i < 4; i += 2 {
		p.add(
			asm.LoadMem(asm.R1, asm.RFP, stackIP+12+i, asm.Half),
			asm.LoadMem(asm.R2, asm.R7, receiveSource+i, asm.Half),
			asm.JNE.Reg(asm.R1, asm.R2, leave),
		)
	}
	p.label(anySource)
}
