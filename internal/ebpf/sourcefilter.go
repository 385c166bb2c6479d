package ebpf

import (
	"github.com/cilium/ebpf/asm"

	"upppoe/ppp"
)

// The prefixes behind each device are in one trie for each family. Its key is the length of the
// prefix in bits, 4 octets; the index of the device, 4; and the address. The value is the slot of
// the session whose prefix it is. To the wire, the longest match of the destination finds the
// session. From the wire, the longest match of the source must be the session that the frame is
// from (BCP 38, RFC 3704 section 2.1).
const (
	prefixLen     = 0
	prefixDevice  = 4
	prefixAddress = 8
	prefix4Len    = prefixAddress + 4
	prefix6Len    = prefixAddress + 16
)

// checkAddresses checks the inner addresses of a received frame: it jumps to "spoofed" if the source
// is not the session's, to "isolated" if the destination is another session's and must not be, and
// to the label if user space has to decide. Before: as after classify. R8 and R9 are unchanged.
func (p *program) checkAddresses(from access, m *mapFDs, leave string) {
	p.skipUnless(checkSource|isolate, "addresses checked")
	p.add(
		asm.LoadMem(asm.R1, asm.R7, sessionDevice, asm.Word),
		asm.StoreMem(asm.RFP, stackPrefix+prefixDevice, asm.R1, asm.Word),
		asm.LoadMem(asm.R1, asm.RFP, stackHead+8, asm.Half),
		asm.JNE.Imm(asm.R1, networkOrder(uint16(ppp.IPv4)), "ipv6 addresses"),
	)
	for i := int16(0); i < 8; i += 2 {
		p.add(
			asm.LoadMem(asm.R1, asm.RFP, stackIP+12+i, asm.Half),
			asm.StoreMem(asm.RFP, stackAddresses+i, asm.R1, asm.Half),
		)
	}
	p.lookUpAddresses(m, m.prefixes4, 4, countersChange4, countersSource4)
	p.label("ipv6 addresses")
	p.add(asm.Mov.Reg(asm.R2, asm.R8), asm.Add.Imm(asm.R2, 10+8))
	p.load(from, stackAddresses, 32, leave)
	p.leaveNeighbors(leave)
	p.lookUpAddresses(m, m.prefixes6, 16, countersChange6, countersSource6)
	p.label("addresses checked")
}

// lookUpAddresses looks up source and destination, of a number of octets each. The last source and
// the number of a change are at offsets in the counters.
func (p *program) lookUpAddresses(m *mapFDs, prefixes int, octets, change, source int16) {
	anySource, another := p.newLabel(), p.newLabel()
	p.add(asm.StoreImm(asm.RFP, stackPrefix+prefixLen, int64(8*(4+octets)), asm.Word))
	p.skipUnless(checkSource, anySource)
	p.sameSource(m, octets, change, source, another)
	p.add(asm.Ja.Label(anySource))
	p.label(another)
	p.move(asm.RFP, stackPrefix+prefixAddress, asm.RFP, stackAddresses, octets)
	p.lookup(prefixes, stackPrefix, "spoofed")
	p.add(
		asm.LoadMem(asm.R1, asm.R0, 0, asm.Word),
		asm.LoadMem(asm.R2, asm.R7, sessionSlot, asm.Word),
		asm.JNE.Reg(asm.R1, asm.R2, "spoofed"),
	)
	p.lookupAt(m.counters, asm.R7, sessionSlot, anySource)
	p.move(asm.R0, source, asm.RFP, stackAddresses, octets)
	p.add(
		asm.LoadMem(asm.R1, asm.RFP, stackChange, asm.Word),
		asm.StoreMem(asm.R0, change, asm.R1, asm.Word),
	)
	p.label(anySource)
	p.skipUnless(isolate, "addresses checked")
	p.move(asm.RFP, stackPrefix+prefixAddress, asm.RFP, stackAddresses+octets, octets)
	p.lookup(prefixes, stackPrefix, "addresses checked")
	p.add(
		asm.LoadMem(asm.R1, asm.R0, 0, asm.Word),
		asm.LoadMem(asm.R2, asm.R7, sessionSlot, asm.Word),
		asm.JNE.Reg(asm.R1, asm.R2, "isolated"),
		asm.Ja.Label("addresses checked"),
	)
}

// sameSource jumps to a label unless the source is the one that this CPU has found allowed last. That
// takes a tenth of a look-up among many prefixes. It stores the number of the last change, which is
// read before the look-up: a later change has another.
func (p *program) sameSource(m *mapFDs, octets, change, source int16, another string) {
	p.add(
		asm.LoadMem(asm.R1, asm.R7, sessionChange, asm.Word),
		asm.StoreMem(asm.RFP, stackChange, asm.R1, asm.Word),
	)
	p.lookupAt(m.counters, asm.R7, sessionSlot, another)
	p.add(
		asm.LoadMem(asm.R1, asm.RFP, stackChange, asm.Word),
		asm.LoadMem(asm.R2, asm.R0, change, asm.Word),
		asm.JNE.Reg(asm.R1, asm.R2, another),
	)
	for i := int16(0); i < octets; i += 4 {
		p.add(
			asm.LoadMem(asm.R1, asm.R0, source+i, asm.Word),
			asm.LoadMem(asm.R2, asm.RFP, stackAddresses+i, asm.Word),
			asm.JNE.Reg(asm.R1, asm.R2, another),
		)
	}
}

// leaveNeighbors leaves to user space what a neighbour sends that has no prefix: packets from a
// link-local address, which two peers may share, or from the unspecified one (Neighbor Discovery,
// MLD, DHCPv6), and on a shared device packets to a link-local or multicast address, which user
// space answers in place of the kernel.
func (p *program) leaveNeighbors(leave string) {
	const source, destination = stackAddresses, stackAddresses + 16
	specified := p.newLabel()
	p.leaveLinkLocal(source, leave)
	p.add(
		asm.LoadMem(asm.R1, asm.RFP, source, asm.DWord),
		asm.LoadMem(asm.R2, asm.RFP, source+8, asm.DWord),
		asm.Or.Reg(asm.R1, asm.R2),
		asm.JEq.Imm(asm.R1, 0, leave),
	)
	p.skipUnless(sharedDevice, specified)
	p.leaveLinkLocal(destination, leave)
	p.add(
		asm.LoadMem(asm.R1, asm.RFP, destination, asm.Byte),
		asm.JEq.Imm(asm.R1, 0xff, leave),
	)
	p.label(specified)
}

// leaveLinkLocal leaves packets to user space whose address, on the stack, is in fe80::/10.
func (p *program) leaveLinkLocal(address int16, leave string) {
	p.half(asm.R1, address)
	p.add(asm.And.Imm(asm.R1, 0xffc0), asm.JEq.Imm(asm.R1, 0xfe80, leave))
}
