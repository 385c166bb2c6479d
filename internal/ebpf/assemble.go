package ebpf

import (
	"encoding/binary"
	"runtime"
	"strconv"

	"github.com/cilium/ebpf/asm"
)

// program is a program under assembly. All programs use R6 for the context and R7 for the session
// that was found; R8 and R9 are documented with each function.
type program struct {
	ins          asm.Instructions
	pendingLabel string // label of the next instruction
	labels       int
}

func (p *program) add(ins ...asm.Instruction) {
	if p.pendingLabel != "" && len(ins) > 0 {
		ins[0] = ins[0].WithSymbol(p.pendingLabel)
		p.pendingLabel = ""
	}
	p.ins = append(p.ins, ins...)
}

// label sets the label of the next instruction.
func (p *program) label(name string) {
	if p.pendingLabel != "" {
		p.add(asm.Mov.Reg(asm.R0, asm.R0)) // an instruction has one label: separate them
	}
	p.pendingLabel = name
}

// newLabel returns a unique label.
func (p *program) newLabel() string {
	p.labels++
	return "at" + strconv.Itoa(p.labels)
}

// ret returns a verdict from the program.
func (p *program) ret(verdict int32) {
	p.add(asm.Mov.Imm(asm.R0, verdict), asm.Return())
}

// field loads a field of the context, 4 octets.
func (p *program) field(to asm.Register, offset int16) {
	p.add(asm.LoadMem(to, asm.R6, offset, asm.Word))
}

// access is how a type of program reads the packet.
type access struct {
	// data and end are fields of the context: the bounds of the linear data, which the program can
	// read directly. Both 0: there is none.
	data, end int16
	// call copies octets of the packet, also those that are not linear.
	call asm.BuiltinFunc
}

// load copies octets of the packet to the stack, or jumps to a label if the packet is too short. R2
// holds their offset in the packet, which must have a small upper bound for the verifier. Octets in
// the linear data, such as most headers, are copied without a helper call.
func (p *program) load(from access, to int16, size int32, short string) {
	notLinear, done := p.newLabel(), p.newLabel()
	if unaligned && from.end != 0 {
		p.point(asm.R4, from, asm.R2, size, notLinear)
		p.move(asm.RFP, to, asm.R4, 0, int16(size))
		p.add(asm.Ja.Label(done))
		p.label(notLinear)
	}
	p.add(
		asm.Mov.Reg(asm.R1, asm.R6),
		asm.Mov.Reg(asm.R3, asm.RFP),
		asm.Add.Imm(asm.R3, int32(to)),
		asm.Mov.Imm(asm.R4, size),
		from.call.Call(),
		asm.JNE.Imm(asm.R0, 0, short),
	)
	p.label(done)
}

// point sets a register to the address of octets of the packet, or jumps to a label if they are not
// in the linear data. The register offset must have a small upper bound for the verifier. R0 and R3
// are clobbered.
func (p *program) point(to asm.Register, from access, offset asm.Register, size int32, notLinear string) {
	p.field(to, from.data)
	p.field(asm.R3, from.end)
	p.add(
		asm.Add.Reg(to, offset),
		asm.Mov.Reg(asm.R0, to),
		asm.Add.Imm(asm.R0, size),
		asm.JGT.Reg(asm.R0, asm.R3, notLinear),
	)
}

// unaligned reports whether the verifier lets programs load numbers from unaligned addresses of a
// packet.
const unaligned = runtime.GOARCH == "amd64" || runtime.GOARCH == "arm64"

// move copies octets from an offset of one register to an offset of another, by R2, in steps as
// large as the alignment of the destination allows: the top of the stack is aligned.
func (p *program) move(to asm.Register, at int16, from asm.Register, offset, size int16) {
	for i := int16(0); i < size; {
		step := asm.DWord
		for int16(step.Sizeof()) > size-i || (at+i)%int16(step.Sizeof()) != 0 {
			step = smaller[step]
		}
		p.add(asm.LoadMem(asm.R2, from, offset+i, step), asm.StoreMem(to, at+i, asm.R2, step))
		i += int16(step.Sizeof())
	}
}

var smaller = map[asm.Size]asm.Size{asm.DWord: asm.Word, asm.Word: asm.Half, asm.Half: asm.Byte}

// skipUnless jumps to a label if the session in R7 has none of the flags. R1 is clobbered.
func (p *program) skipUnless(flags int32, to string) {
	p.add(
		asm.LoadMem(asm.R1, asm.R7, sessionFlags, asm.Half),
		asm.And.Imm(asm.R1, flags),
		asm.JEq.Imm(asm.R1, 0, to),
	)
}

// half loads two octets of the stack, in network byte order, as a number.
func (p *program) half(to asm.Register, at int16) {
	p.add(asm.LoadMem(to, asm.RFP, at, asm.Half), asm.HostTo(asm.BE, to, asm.Half))
}

// lookup sets R0 to the address of the map's value for the key on the stack, or jumps to a label.
func (p *program) lookup(fd int, key int16, missing string) {
	p.lookupAt(fd, asm.RFP, key, missing)
}

// lookupAt is lookup for a key at an offset of a register.
func (p *program) lookupAt(fd int, base asm.Register, key int16, missing string) {
	p.add(
		asm.Mov.Reg(asm.R2, base),
		asm.Add.Imm(asm.R2, int32(key)),
		asm.LoadMapPtr(asm.R1, fd),
		asm.FnMapLookupElem.Call(),
		asm.JEq.Imm(asm.R0, 0, missing),
	)
}

// networkOrder returns the number that a program loads from two octets that hold v in network byte
// order.
func networkOrder(v uint16) int32 {
	var b [2]byte
	binary.BigEndian.PutUint16(b[:], v)
	return int32(binary.NativeEndian.Uint16(b[:]))
}

// wireWord is networkOrder for four octets.
func wireWord(v uint32) int32 {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], v)
	return int32(binary.NativeEndian.Uint32(b[:]))
}
