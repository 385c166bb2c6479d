package ebpf

import "github.com/cilium/ebpf/asm"

// Each processor keeps destinations that it has looked up lately: among the prefixes of 10,000
// sessions a look-up takes ten times as long. They are valid until any prefix changes. The key is a
// hash of the address.
const (
	recentChange       = 0  // 8: the number of the last change
	recentKey          = 8  // 24: the key of the address in the trie
	recentSlot         = 32 // 4
	recentLen          = 40 // padded
	recentDestinations = 1024
)

// lookUpDestination sets R0 to the address of the slot of the session that has the address at an
// offset of the packet. The device is in the key at stackPrefix.
func (p *program) lookUpDestination(m *mapFDs, prefixes int, offset, octets int32) {
	unknown, found := p.newLabel(), p.newLabel()
	p.add(asm.StoreImm(asm.RFP, stackPrefix+prefixLen, int64(8*(4+octets)), asm.Word))
	for i := int16(0); i < 16; i += 4 {
		p.add(asm.StoreImm(asm.RFP, stackPrefix+prefixAddress+i, 0, asm.Word))
	}
	p.add(asm.Mov.Imm(asm.R2, offset))
	p.load(inSKB, stackPrefix+prefixAddress, octets, "leave")
	p.hashAddress()
	p.add( // before the look-up: a later change has another number
		asm.LoadMapValue(asm.R1, m.control, controlChange),
		asm.LoadMem(asm.R1, asm.R1, 0, asm.DWord),
		asm.StoreMem(asm.RFP, stackChange, asm.R1, asm.DWord),
	)
	p.lookup(m.recent, stackTag, "leave")
	p.add(
		asm.LoadMem(asm.R1, asm.R0, recentChange, asm.DWord),
		asm.LoadMem(asm.R2, asm.RFP, stackChange, asm.DWord),
		asm.JNE.Reg(asm.R1, asm.R2, unknown),
	)
	for i := int16(0); i < prefix6Len; i += 8 {
		p.add(
			asm.LoadMem(asm.R1, asm.R0, recentKey+i, asm.DWord),
			asm.LoadMem(asm.R2, asm.RFP, stackPrefix+i, asm.DWord),
			asm.JNE.Reg(asm.R1, asm.R2, unknown),
		)
	}
	p.add(asm.Ja.Label(found))
	p.label(unknown)
	p.lookup(prefixes, stackPrefix, "leave")
	p.add(asm.LoadMem(asm.R8, asm.R0, 0, asm.Word))
	p.lookup(m.recent, stackTag, "leave")
	p.move(asm.R0, recentChange, asm.RFP, stackChange, 8)
	p.move(asm.R0, recentKey, asm.RFP, stackPrefix, prefix6Len)
	p.add(asm.StoreMem(asm.R0, recentSlot, asm.R8, asm.Word))
	p.label(found)
	p.add(asm.Add.Imm(asm.R0, recentSlot))
}

// hashAddress stores a hash of the address in the key at stackPrefix, at stackTag. Its words are
// those of a network and a host: the bits of both are different between neighbours.
func (p *program) hashAddress() {
	p.add(asm.Mov.Imm(asm.R1, 0))
	for i := int16(0); i < 16; i += 4 {
		p.add(
			asm.LoadMem(asm.R2, asm.RFP, stackPrefix+prefixAddress+i, asm.Word),
			asm.Xor.Reg(asm.R1, asm.R2),
		)
	}
	for _, shift := range []int32{16, 8} {
		p.add(asm.Mov.Reg(asm.R2, asm.R1), asm.RSh.Imm(asm.R2, shift), asm.Xor.Reg(asm.R1, asm.R2))
	}
	p.add(
		asm.And.Imm(asm.R1, recentDestinations-1),
		asm.StoreMem(asm.RFP, stackTag, asm.R1, asm.Word),
	)
}
