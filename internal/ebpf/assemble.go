package ebpf

import (
	"encoding/binary"
	"runtime"
	"strconv"

	"github.com/cilium/ebpf/asm"
)

// program is one under assembly. Registers are used alike in all of them: R6 is the
// context, R7 the session found, R8 and R9 as each says.
type program struct {
	ins          asm.Instructions
	pendingLabel string // of the next instruction
	labels       int
}

func (p *program) add(ins ...asm.Instruction) {
	if p.pendingLabel != "" && len(ins) > 0 {
		ins[0] = ins[0].WithSymbol(p.pendingLabel)
		p.pendingLabel = ""
	}
	p.ins = append(p.ins, ins...)
}

// label names the place of the next instruction.
func (p *program) label(name string) {
	if p.pendingLabel != "" {
		p.add(asm.Mov.Reg(asm.R0, asm.R0)) // two names for one place: part them
	}
	p.pendingLabel = name
}

// newLabel makes a label's name that no other has.
func (p *program) newLabel() string {
	p.labels++
	return "at" + strconv.Itoa(p.labels)
}

// ret ends the program with a verdict.
func (p *program) ret(verdict int32) {
	p.add(asm.Mov.Imm(asm.R0, verdict), asm.Return())
}

// field loads a word of the context.
func (p *program) field(to asm.Register, offset int16) {
	p.add(asm.LoadMem(to, asm.R6, offset, asm.Word))
}

// access is how programs of a kind get at the packet.
type access struct {
	// data and end are fields of the context: where what is at hand begins and ends.
	// Both 0: nothing is.
	data, end int16
	// call copies what is not at hand.
	call asm.BuiltinFunc
}

// load copies octets of the packet to the stack, or goes to a label if the packet is
// shorter. Their offset in the packet is in R2, which the verifier must know to be small. What
// is at hand, as headers usually are, is copied by the program itself.
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

// point has a register point to octets of the packet, at an offset that is in a register
// which the verifier must know to be small, or goes to a label if they are not at hand. R0 and
// R3 are used up.
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

// unaligned reports whether the verifier lets programs load numbers from where they happen to
// be in a packet.
const unaligned = runtime.GOARCH == "amd64" || runtime.GOARCH == "arm64"

// move copies octets from behind one register to behind another, by R2, in steps as large as
// the place there allows: the stack is aligned at its top.
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

// half loads two octets of the stack in the order of the wire, as a number.
func (p *program) half(to asm.Register, at int16) {
	p.add(asm.LoadMem(to, asm.RFP, at, asm.Half), asm.HostTo(asm.BE, to, asm.Half))
}

// lookup finds the value for the key on the stack, in R0, or goes to a label.
func (p *program) lookup(fd int, key int16, missing string) {
	p.add(
		asm.LoadMapPtr(asm.R1, fd),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, int32(key)),
		asm.FnMapLookupElem.Call(),
		asm.JEq.Imm(asm.R0, 0, missing),
	)
}

// networkOrder is a number of two octets as it is in memory when it is on the wire.
func networkOrder(v uint16) int32 {
	var b [2]byte
	binary.BigEndian.PutUint16(b[:], v)
	return int32(binary.NativeEndian.Uint16(b[:]))
}

// wireWord is wire for four octets.
func wireWord(v uint32) int32 {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], v)
	return int32(binary.NativeEndian.Uint32(b[:]))
}
