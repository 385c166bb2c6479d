package ebpf

import (
	"github.com/cilium/ebpf/asm"

	"upppoe/ppp"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// receive is the program at TC ingress of the Ethernet interface. The kernel has taken
// the outermost tag off the frame already, if it is one of IEEE 802.1Q's.
func receive(sessions, counters int) asm.Instructions {
	p := &program{}
	p.add(asm.Mov.Reg(asm.R6, asm.R1))
	p.redirectStripped()
	p.readTagsTC(inSKB, "leave")
	p.field(asm.R9, skbLen)
	p.classify(inSKB, sessions, "leave")
	p.count(counters, asm.LoadMem(asm.R1, asm.R7, receiveSlot, asm.Word), countersReceived, asm.Mov.Imm(asm.R2, 1), "leave")
	p.stripTC()
	p.field(asm.R1, skbPktType)
	p.add(asm.JEq.Imm(asm.R1, 0, "ours"))
	// An address of our own choosing is, to the interface, somebody else's.
	p.add(asm.Mov.Reg(asm.R1, asm.R6), asm.Mov.Imm(asm.R2, 0), asm.FnSkbChangeType.Call())
	p.label("ours")
	p.add(
		asm.LoadMem(asm.R1, asm.R7, receiveDevice, asm.Word),
		asm.Mov.Imm(asm.R2, 1), // BPF_F_INGRESS
		asm.FnRedirect.Call(),
		asm.Return(),
	)
	p.label("leave")
	p.ret(tcxNext)
	p.label("drop")
	p.ret(tcActShot)
	return p.ins
}

// readTagsTC writes the frame's tags to the key, and the offset of PPPoE's ethertype to
// R8. A VLAN of identifier 0, alone, is none (IEEE 802.1Q section 6.9.1).
func (p *program) readTagsTC(from access, leave string) {
	p.add(clearTags()...)
	p.field(asm.R7, skbProtocol)
	p.field(asm.R0, skbVLANPresent)
	p.add(asm.Mov.Imm(asm.R8, 12), asm.JEq.Imm(asm.R0, 0, "untagged"))
	p.field(asm.R1, skbVLANProto)
	p.field(asm.R2, skbVLANTCI)
	p.add(
		asm.And.Imm(asm.R2, 0x0fff),
		asm.StoreMem(asm.RFP, stackKey+8, asm.R1, asm.Half),
		asm.StoreMem(asm.RFP, stackKey+10, asm.R2, asm.Half),
		asm.JEq.Imm(asm.R7, networkOrder(vlan.CTag), "inner"),
		asm.JEq.Imm(asm.R7, networkOrder(vlan.STag), "inner"),
		asm.JNE.Imm(asm.R2, 0, "untagged"),
	)
	p.add(clearTags()...)
	p.add(asm.Ja.Label("untagged"))
	p.label("inner")
	p.add(asm.Mov.Imm(asm.R2, 12))
	p.load(from, stackTag, 4, leave)
	p.half(asm.R1, stackTag+2)
	p.add(
		asm.And.Imm(asm.R1, 0x0fff),
		asm.StoreMem(asm.RFP, stackKey+14, asm.R1, asm.Half),
		asm.LoadMem(asm.R1, asm.RFP, stackTag, asm.Half),
		asm.StoreMem(asm.RFP, stackKey+12, asm.R1, asm.Half),
		asm.Mov.Imm(asm.R8, 16),
		asm.Ja.Label("tagged"),
	)
	p.label("untagged")
	p.add(asm.JNE.Imm(asm.R7, networkOrder(wire.EtherTypeSession), leave))
	p.label("tagged")
}

// stripTC takes the PPPoE header off. The kernel shrinks only frames that it takes for
// IP's, and looks at the ethertype when it takes tags off. So the frame is given tags until it
// has one beside it and one in it; the ethertype behind these becomes IP's; both are taken
// off, and what is left of the header.
func (p *program) stripTC() {
	p.add(asm.JEq.Imm(asm.R8, 16, "stacked"))
	p.field(asm.R1, skbVLANPresent)
	p.add(asm.JNE.Imm(asm.R1, 0, "beside"))
	p.pushTag()
	p.label("beside")
	p.pushTag()
	p.label("stacked")
	p.replaceEtherType()
	p.popTag()
	p.popTag()
	const (
		behindMAC = 1           // BPF_ADJ_ROOM_MAC
		asItIs    = 1<<0 | 1<<5 // BPF_F_ADJ_ROOM_FIXED_GSO, and _NO_CSUM_RESET
	)
	p.add(
		asm.Mov.Reg(asm.R1, asm.R6),
		asm.Mov.Imm(asm.R2, -8),
		asm.Mov.Imm(asm.R3, behindMAC),
		asm.Mov.Imm(asm.R4, asItIs),
		asm.FnSkbAdjustRoom.Call(),
		asm.JNE.Imm(asm.R0, 0, "drop"),
	)
}

// replaceEtherType writes IP's ethertype behind the tag that is in the frame. That tag, which goes, is
// given what IP's ethertype is short of PPPoE's. For if the network card has summed the
// octets of the frame (CHECKSUM_COMPLETE), the sum is of neither or of both: a tag that the
// kernel has put in counts as Ethernet's header, which is not in the sum, or does not, by
// its version.
func (p *program) replaceEtherType() {
	const tci = 14
	p.add(asm.Mov.Imm(asm.R8, tci))
	p.point(asm.R1, inSKB, asm.R8, 4, "distant")
	p.add(asm.Ja.Label("near"))
	p.label("distant")
	p.add(asm.Mov.Reg(asm.R1, asm.R6), asm.Mov.Imm(asm.R2, tci+4), asm.FnSkbPullData.Call())
	p.point(asm.R1, inSKB, asm.R8, 4, "drop")
	p.label("near")
	p.add(
		asm.LoadMem(asm.R2, asm.R1, 0, asm.Half),
		asm.LoadMem(asm.R3, asm.RFP, stackHead+8, asm.Half),
		asm.JNE.Imm(asm.R3, networkOrder(uint16(ppp.IPv4)), "ipv6 disguise"),
		asm.Add.Imm(asm.R2, networkOrder(wire.EtherTypeSession-etherTypeIPv4)),
		asm.Mov.Imm(asm.R3, networkOrder(etherTypeIPv4)),
		asm.Ja.Label("disguise"),
	)
	p.label("ipv6 disguise")
	p.add(asm.Add.Imm(asm.R2, networkOrder(wire.EtherTypeSession-etherTypeIPv6)), asm.Mov.Imm(asm.R3, networkOrder(etherTypeIPv6)))
	p.label("disguise")
	p.add( // in ones' complement, in whatever order of octets (RFC 1071 section 2)
		asm.Mov.Reg(asm.R4, asm.R2),
		asm.RSh.Imm(asm.R4, 16),
		asm.Add.Reg(asm.R2, asm.R4),
		asm.StoreMem(asm.R1, 0, asm.R2, asm.Half),
		asm.StoreMem(asm.R1, 2, asm.R3, asm.Half),
	)
}

const (
	etherTypeIPv4 = 0x0800
	etherTypeIPv6 = 0x86dd
)
