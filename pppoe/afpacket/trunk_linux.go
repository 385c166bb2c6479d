package afpacket

import (
	"encoding/binary"
	"fmt"
	"syscall"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"upppoe/pppoe/datapath"
	"upppoe/pppoe/vlan"
)

// OpenTrunk opens a port for frames of one ethertype behind any VLAN tags, two at most.
// The tags stand in the frames, both ways, with priority and all, as they have them on
// the wire: vlan.Split reads them. The line must have no VLAN of its own, and no
// priorities. MTU has room for the tags. Errors are Open's.
func OpenTrunk(line Attachment, etherType uint16) (*Port, error) {
	line.VLAN = vlan.Stack{}
	if err := line.check(); err != nil {
		return nil, fmt.Errorf("%s: %w", line, err)
	}
	p := &Port{trunk: true}
	if err := p.bind(line, unix.ETH_P_ALL, trunkFilter(etherType), alone); err != nil {
		return nil, fmt.Errorf("%s: %w", line, err)
	}
	p.mtu = p.iface.MTU + vlan.MaxDepth*vlan.TagLen
	return p, nil
}

func trunkFilter(etherType uint16) func(station) []bpf.Instruction {
	return func(s station) []bpf.Instruction {
		return append(anyTags(etherType), meant(s.addr, etherType)...)
	}
}

// anyTags drops frames of other ethertypes, behind whatever tags the kernel has left in
// band, and those that go out.
func anyTags(etherType uint16) []bpf.Instruction {
	innermost := halfWord(addresses + vlan.MaxDepth*vlan.TagLen)
	behind := append(unless(present, bpf.JumpEqual, 0), // or it would be a tag too many
		unless(innermost, bpf.JumpEqual, uint32(etherType))...)
	for i := vlan.MaxDepth - 1; i >= 0; i-- {
		behind = append(ethertypeOrTag(uint32(addresses+i*vlan.TagLen), etherType, len(behind)), behind...)
	}
	return append(behind, unless(bpf.LoadExtension{Num: bpf.ExtType}, bpf.JumpNotEqual, outgoing)...)
}

// ethertypeOrTag goes on behind the next instructions if the ethertype is there; with
// them, if a tag is; and else drops the frame.
func ethertypeOrTag(at uint32, etherType uint16, next int) []bpf.Instruction {
	left := len(vlan.TPIDs) + 1 // instructions in front of the next
	program := []bpf.Instruction{
		halfWord(at),
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(etherType), SkipTrue: uint8(left + next)},
	}
	for _, t := range vlan.TPIDs {
		left--
		program = append(program, bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(t), SkipTrue: uint8(left)})
	}
	return append(program, bpf.RetConstant{Val: drop})
}

// readTrunk fills frames, and puts back the tag that the kernel took off. It may return no
// frame, and no error.
func (b *batch) readTrunk(raw syscall.RawConn, frames []datapath.Frame) (int, error) {
	b.held = min(len(frames), batchSize)
	for i := range b.held {
		b.leaveRoom(i, frames[i].Data[:cap(frames[i].Data)])
	}
	if err := b.receive(raw); err != nil {
		return 0, err
	}
	kept := 0
	for i := range b.done {
		if b.messages[i].Hdr.Flags&unix.MSG_TRUNC == 0 {
			length := b.restore(i, frames[i].Data[:cap(frames[i].Data)])
			b.keep(frames, kept, i, length)
			kept++
		}
	}
	return kept, nil
}

// leaveRoom has a message read with a gap behind its addresses, for one tag.
func (b *batch) leaveRoom(i int, buf []byte) {
	if len(buf) < addresses+vlan.TagLen {
		b.point(i, nil, nil) // so that whatever comes is cut short
		return
	}
	b.vectors[i][0], b.vectors[i][1] = vector(buf[:addresses]), vector(buf[addresses+vlan.TagLen:])
	b.messages[i].Hdr.SetIovlen(2)
}

// restore fills the gap with the tag, or closes it, and returns the frame's length.
func (b *batch) restore(i int, buf []byte) int {
	length := int(b.messages[i].Len)
	gap := buf[addresses:]
	aux := b.auxiliary(i)
	if aux == nil || aux.Status&unix.TP_STATUS_VLAN_VALID == 0 {
		copy(gap, gap[vlan.TagLen:vlan.TagLen+length-addresses])
		return length
	}
	tpid := vlan.CTag
	if aux.Status&unix.TP_STATUS_VLAN_TPID_VALID != 0 {
		tpid = aux.Vlan_tpid
	}
	binary.BigEndian.PutUint16(gap, tpid)
	binary.BigEndian.PutUint16(gap[2:], aux.Vlan_tci)
	return length + vlan.TagLen
}
