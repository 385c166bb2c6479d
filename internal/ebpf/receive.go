package ebpf

import (
	"github.com/cilium/ebpf/asm"

	"upppoe/ppp"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// receive is the program at TC ingress of the Ethernet interface. The kernel has already removed
// the outermost tag from the frame, if it is an IEEE 802.1Q tag.
func receive(m *mapFDs) asm.Instructions {
	p := &program{}
	p.add(asm.Mov.Reg(asm.R6, asm.R1))
	p.redirectStripped()
	p.readTagsTC(inSKB, "leave")
	p.field(asm.R9, skbLen)
	p.classify(inSKB, m, "leave")
	p.checkAddresses(inSKB, m, "leave")
	p.fence(m)
	p.policeReceived(m, "leave")
	p.count(m, countersReceived, asm.Mov.Imm(asm.R2, 1), "leave")
	p.stripTC()
	p.coalesce(m)
	p.field(asm.R1, skbPktType)
	p.add(asm.JEq.Imm(asm.R1, 0, "to host"))
	// A frame to an address other than the interface's is PACKET_OTHERHOST.
	p.add(asm.Mov.Reg(asm.R1, asm.R6), asm.Mov.Imm(asm.R2, 0), asm.FnSkbChangeType.Call())
	p.label("to host")
	p.add(
		asm.LoadMem(asm.R1, asm.R7, sessionDevice, asm.Word),
		asm.Mov.Imm(asm.R2, 1), // BPF_F_INGRESS
		asm.FnRedirect.Call(),
		asm.Return(),
	)
	p.label("leave")
	p.ret(tcxNext)
	p.label("drop")
	p.ret(tcActShot)
	p.dropReceived(m, tcActShot)
	return p.ins
}

// readTagsTC writes the tags of the frame to the key, and the offset of PPPoE's EtherType to R8. A
// single tag with VLAN identifier 0 means no VLAN (IEEE 802.1Q section 6.9.1).
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

// stripTC removes the PPPoE header. The kernel shrinks only frames whose protocol is IP, and reads
// the EtherType when it pops tags. So tags are pushed until the frame has one in its metadata and
// one in its data; the EtherType after them is replaced by that of IP; both are popped, and the
// rest of the header is removed.
func (p *program) stripTC() {
	p.add(asm.JEq.Imm(asm.R8, 16, "stacked"))
	p.field(asm.R1, skbVLANPresent)
	p.add(asm.JNE.Imm(asm.R1, 0, "in metadata"))
	p.pushTag()
	p.label("in metadata")
	p.pushTag()
	p.label("stacked")
	p.replaceEtherType()
	p.popTag()
	p.popTag()
	const (
		adjustRoomMAC = 1           // BPF_ADJ_ROOM_MAC
		adjustFlags   = 1<<0 | 1<<5 // BPF_F_ADJ_ROOM_FIXED_GSO, BPF_F_ADJ_ROOM_NO_CSUM_RESET
	)
	p.add(
		asm.Mov.Reg(asm.R1, asm.R6),
		asm.Mov.Imm(asm.R2, -8),
		asm.Mov.Imm(asm.R3, adjustRoomMAC),
		asm.Mov.Imm(asm.R4, adjustFlags),
		asm.FnSkbAdjustRoom.Call(),
		asm.JNE.Imm(asm.R0, 0, "drop"),
	)
}

// replaceEtherType writes IP's EtherType after the tag in the data. The difference between the two
// EtherTypes is added to that tag, which is popped, to keep the sum of both: with CHECKSUM_COMPLETE
// the card's sum covers either neither or both, because a tag that the kernel pushed belongs to the
// Ethernet header, which is not in the sum, or does not, depending on the kernel version.
func (p *program) replaceEtherType() {
	const tci = 14
	p.add(asm.Mov.Imm(asm.R8, tci))
	p.point(asm.R1, inSKB, asm.R8, 4, "pull")
	p.add(asm.Ja.Label("linear"))
	p.label("pull")
	p.add(asm.Mov.Reg(asm.R1, asm.R6), asm.Mov.Imm(asm.R2, tci+4), asm.FnSkbPullData.Call())
	p.point(asm.R1, inSKB, asm.R8, 4, "drop")
	p.label("linear")
	p.add(
		asm.LoadMem(asm.R2, asm.R1, 0, asm.Half),
		asm.LoadMem(asm.R3, asm.RFP, stackHead+8, asm.Half),
		asm.JNE.Imm(asm.R3, networkOrder(uint16(ppp.IPv4)), "ipv6 ethertype"),
		asm.Add.Imm(asm.R2, networkOrder(wire.EtherTypeSession-etherTypeIPv4)),
		asm.Mov.Imm(asm.R3, networkOrder(etherTypeIPv4)),
		asm.Ja.Label("ethertype"),
	)
	p.label("ipv6 ethertype")
	p.add(asm.Add.Imm(asm.R2, networkOrder(wire.EtherTypeSession-etherTypeIPv6)), asm.Mov.Imm(asm.R3, networkOrder(etherTypeIPv6)))
	p.label("ethertype")
	p.add( // ones' complement addition, in any byte order (RFC 1071 section 2)
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
