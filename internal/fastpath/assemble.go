package fastpath

import (
	"encoding/binary"
	"strconv"

	"github.com/cilium/ebpf/asm"
)

// program is one under assembly. Registers are used alike in all of them: R6 is the
// context, R7 the session found, R8 and R9 as each says.
type program struct {
	ins     asm.Instructions
	symbol  string // of the next instruction
	uniques int
}

func (p *program) add(ins ...asm.Instruction) {
	if p.symbol != "" && len(ins) > 0 {
		ins[0] = ins[0].WithSymbol(p.symbol)
		p.symbol = ""
	}
	p.ins = append(p.ins, ins...)
}

// label names the place of the next instruction.
func (p *program) label(name string) {
	if p.symbol != "" {
		p.add(asm.Mov.Reg(asm.R0, asm.R0)) // two names for one place: part them
	}
	p.symbol = name
}

// unique makes a label's name that no other has.
func (p *program) unique() string {
	p.uniques++
	return "at" + strconv.Itoa(p.uniques)
}

// ret ends the program with a verdict.
func (p *program) ret(verdict int32) {
	p.add(asm.Mov.Imm(asm.R0, verdict), asm.Return())
}

// field loads a word of the context.
func (p *program) field(to asm.Register, offset int16) {
	p.add(asm.LoadMem(to, asm.R6, offset, asm.Word))
}

// loadBytes copies from the packet to the stack, or goes to a label if the packet is
// shorter. The offset in the packet is in R2 already.
func (p *program) loadBytes(with asm.BuiltinFunc, to int16, size int32, short string) {
	p.add(
		asm.Mov.Reg(asm.R1, asm.R6),
		asm.Mov.Reg(asm.R3, asm.RFP),
		asm.Add.Imm(asm.R3, int32(to)),
		asm.Mov.Imm(asm.R4, size),
		with.Call(),
		asm.JNE.Imm(asm.R0, 0, short),
	)
}

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

// wire is a number of two octets as it is in memory when it is on the wire.
func wire(v uint16) int32 {
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
