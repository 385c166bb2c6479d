package ebpf

import (
	"encoding/binary"

	"github.com/cilium/ebpf/asm"

	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

const skbOutgoing = 4 // PACKET_OUTGOING

var inSocket = access{call: asm.FnSkbLoadBytes}

// sessionFilter is the filter of a session port that receives all EtherTypes, as it must in a VLAN.
// Such a socket receives frames before TC does. The filter passes what the port's own would, data
// and control frames to one address with exactly the given tags, except what receive will carry or
// drop.
func sessionFilter(m *mapFDs, tags vlan.Stack, own wire.Addr) asm.Instructions {
	p := &program{}
	p.beginFilter("drop")
	key := receiveKey(own, 0, tags)
	for i := int16(8); i < receiveKeyLen; i += 4 {
		p.add(asm.LoadMem(asm.R1, asm.RFP, stackKey+i, asm.Word), asm.JNE.Imm32(asm.R1, native(key[i:]), "drop"))
	}
	p.passUnlessCarried(m, own)
	return p.ins
}

// trunkFilter is sessionFilter for a port that receives the frames of all VLANs. Frames with tags
// of other EtherTypes than receive knows are left to user space.
func trunkFilter(m *mapFDs, own wire.Addr) asm.Instructions {
	p := &program{}
	p.beginFilter("odd")
	p.passUnlessCarried(m, own)
	p.label("odd")
	for _, tpid := range vlan.TPIDs {
		if tpid != vlan.CTag && tpid != vlan.STag { // the frame is truncated
			p.add(asm.JEq.Imm(asm.R7, networkOrder(tpid), "odd tag"))
		}
	}
	p.add(asm.Ja.Label("drop"))
	p.label("odd tag")
	p.requireDestination(own)
	p.add(asm.Ja.Label("pass"))
	return p.ins
}

// beginFilter drops outgoing frames, and reads the tags of others; frames with tags that it does
// not know go to the label.
func (p *program) beginFilter(odd string) {
	p.add(asm.Mov.Reg(asm.R6, asm.R1))
	p.field(asm.R1, skbPktType)
	p.add(asm.JEq.Imm(asm.R1, skbOutgoing, "drop"))
	p.readTagsTC(inSocket, odd)
}

// passUnlessCarried passes session frames to an address, except what receive will carry or drop.
func (p *program) passUnlessCarried(m *mapFDs, own wire.Addr) {
	p.requireDestination(own)
	p.add(asm.Mov.Reg(asm.R2, asm.R8))
	p.load(inSocket, stackTag, 2, "drop")
	p.add(asm.LoadMem(asm.R1, asm.RFP, stackTag, asm.Half), asm.JNE.Imm(asm.R1, networkOrder(wire.EtherTypeSession), "drop"))
	p.field(asm.R9, skbLen)
	p.classify(inSocket, m, "pass")
	p.checkAddresses(inSocket, m, "pass")
	for _, label := range []string{"spoofed", "isolated", "drop"} {
		p.label(label)
	}
	p.ret(0)
	p.label("pass")
	p.ret(1 << 18)
}

// requireDestination drops frames to other addresses.
func (p *program) requireDestination(own wire.Addr) {
	p.add(asm.Mov.Imm(asm.R2, 0))
	p.load(inSocket, stackAddr, 12, "drop")
	p.add(
		asm.LoadMem(asm.R1, asm.RFP, stackAddr, asm.Word),
		asm.JNE.Imm32(asm.R1, native(own[:4]), "drop"),
		asm.LoadMem(asm.R1, asm.RFP, stackAddr+4, asm.Half),
		asm.JNE.Imm(asm.R1, int32(binary.NativeEndian.Uint16(own[4:])), "drop"),
	)
}

// native returns the number that a program loads from four octets.
func native(b []byte) int32 { return int32(binary.NativeEndian.Uint32(b)) }
