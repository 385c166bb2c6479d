package ebpf

import "github.com/cilium/ebpf/asm"

// Offsets in the control map, which all programs of an Engine look at.
const (
	controlChange   = 0 // 8: the number of the last change of prefixes
	controlDeadline = 8 // 8: the time of CLOCK_BOOTTIME, in nanoseconds, from which no packet passes; 0: none
	controlLen      = 16
)

// fence jumps to "fenced" if the deadline has passed. Packets are dropped, not left to user space: what
// set the deadline may not run. R0 to R5 are clobbered.
func (p *program) fence(m *mapFDs) {
	open := p.newLabel()
	p.add(
		asm.LoadMapValue(asm.R1, m.control, controlDeadline),
		asm.LoadMem(asm.R1, asm.R1, 0, asm.DWord),
		asm.JEq.Imm(asm.R1, 0, open),
		asm.StoreMem(asm.RFP, stackNow, asm.R1, asm.DWord),
		asm.FnKtimeGetBootNs.Call(),
		asm.LoadMem(asm.R1, asm.RFP, stackNow, asm.DWord),
		asm.JGE.Reg(asm.R0, asm.R1, "fenced"),
	)
	p.label(open)
}
