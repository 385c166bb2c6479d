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

// OpenTrunk opens a port for frames of one ethertype with up to two VLAN tags. The tags, with their
// priorities, are in the frames at the port's methods, as on the wire: see vlan.Split. The
// attachment's VLAN is ignored, and its priorities must be zero. MTU includes room for the tags.
// Errors are those of Open.
func OpenTrunk(a Attachment, etherType uint16) (*Port, error) {
	a.VLAN = vlan.Stack{}
	if err := a.check(); err != nil {
		return nil, fmt.Errorf("%s: %w", a, err)
	}
	p := &Port{trunk: true}
	if err := p.bind(a, unix.ETH_P_ALL, trunkFilter(a, etherType), noGroup); err != nil {
		return nil, fmt.Errorf("%s: %w", a, err)
	}
	p.mtu = p.iface.MTU + vlan.MaxDepth*vlan.TagLen
	return p, nil
}

func trunkFilter(a Attachment, etherType uint16) func(station) []bpf.Instruction {
	return func(s station) []bpf.Instruction {
		return append(anyTags(etherType), forStation(s.addr, a.stationMask(), etherType)...)
	}
}

// anyTags drops frames of other ethertypes, after any tags that the kernel has left in band, and
// outgoing frames.
func anyTags(etherType uint16) []bpf.Instruction {
	innermost := halfWord(addressesLen + vlan.MaxDepth*vlan.TagLen)
	behind := append(require(vlanPresent, bpf.JumpEqual, 0), // otherwise there would be one tag too many
		require(innermost, bpf.JumpEqual, uint32(etherType))...)
	for i := vlan.MaxDepth - 1; i >= 0; i-- {
		behind = append(matchEtherTypeOrTag(uint32(addressesLen+i*vlan.TagLen), etherType, len(behind)), behind...)
	}
	return append(behind, require(bpf.LoadExtension{Num: bpf.ExtType}, bpf.JumpNotEqual, outgoing)...)
}

// matchEtherTypeOrTag skips the next instructions if the ethertype is at an offset, continues with
// them if a tag is, and else drops the frame.
func matchEtherTypeOrTag(at uint32, etherType uint16, next int) []bpf.Instruction {
	left := len(vlan.TPIDs) + 1 // instructions before the next ones
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

// readTrunk reads frames, and restores the tag that the kernel has removed. It may return no frame
// and no error.
func (b *batch) readTrunk(raw syscall.RawConn, frames []datapath.Frame) (int, error) {
	b.count = min(len(frames), batchSize)
	for i := range b.count {
		b.setBufferWithGap(i, frames[i].Data[:cap(frames[i].Data)])
	}
	if err := b.receive(raw); err != nil {
		return 0, err
	}
	kept := 0
	for i := range b.done {
		if b.messages[i].Hdr.Flags&unix.MSG_TRUNC == 0 {
			length := b.restoreTag(i, frames[i].Data[:cap(frames[i].Data)])
			b.deliver(frames, kept, i, length)
			kept++
		}
	}
	return kept, nil
}

// setBufferWithGap sets a message's buffer with a gap after the addresses, for one tag.
func (b *batch) setBufferWithGap(i int, buf []byte) {
	if len(buf) < addressesLen+vlan.TagLen {
		b.setBuffer(i, nil, nil) // any frame is truncated
		return
	}
	b.vectors[i][0], b.vectors[i][1] = vector(buf[:addressesLen]), vector(buf[addressesLen+vlan.TagLen:])
	b.messages[i].Hdr.SetIovlen(2)
}

// restoreTag fills the gap with the tag, or closes it, and returns the frame's length.
func (b *batch) restoreTag(i int, buf []byte) int {
	length := int(b.messages[i].Len)
	gap := buf[addressesLen:]
	aux := b.auxiliary(i)
	if aux == nil || aux.Status&unix.TP_STATUS_VLAN_VALID == 0 {
		copy(gap, gap[vlan.TagLen:vlan.TagLen+length-addressesLen])
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
