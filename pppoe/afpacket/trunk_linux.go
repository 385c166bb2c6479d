package afpacket

import (
	"encoding/binary"
	"fmt"
	"syscall"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// Trunk is where PPPoE runs in many VLANs of an interface at once. The fields of the Attachment
// apply to all of them, except VLAN, which is ignored.
type Trunk struct {
	Attachment
	VLANs vlan.Set
}

// String is the interface.
func (t Trunk) String() string { return t.Interface }

func (t Trunk) check() error {
	a := t.Attachment
	a.VLAN = vlan.Stack{{TPID: vlan.CTag}} // frames of some of them have tags, and a priority
	return a.check()
}

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
	if err := p.bindTrunk(Trunk{a, vlan.Any()}, etherType, noGroup); err != nil {
		return nil, fmt.Errorf("%s: %w", a, err)
	}
	return p, nil
}

// OpenTrunkQueues opens the ports of a trunk, with several for session frames, at least one. Frames
// have their tags at the ports' methods, as for OpenTrunk, except that a priority tag (IEEE 802.1Q
// section 6.9.1) is removed from received frames, and that the trunk's priorities are written into
// the tags of sent ones. Ports.PayloadMTU says how much the tags leave. Where the set has too many
// ranges for a filter of the kernel, the ports receive frames of all VLANs. Errors are those of
// Open.
func OpenTrunkQueues(t Trunk, sessions int) (ports pppoe.Ports, err error) {
	discovery, err := openTagged(t, wire.EtherTypeDiscovery, noGroup)
	if err != nil {
		return ports, fmt.Errorf("%s: %w", t, err)
	}
	session, err := openTagged(t, wire.EtherTypeSession, noGroup)
	if err != nil {
		discovery.Close()
		return ports, fmt.Errorf("%s: %w", t, err)
	}
	ports = pppoe.Ports{Discovery: discovery, Session: session, PayloadMTU: session.payloadMTU}
	if err := t.complete(&ports, sessions); err != nil {
		ports.Close()
		return pppoe.Ports{}, fmt.Errorf("%s: %d ports for sessions: %w", t, sessions, err)
	}
	return ports, nil
}

// complete opens further ports of session frames, and sets Ports.Shared.
func (t Trunk) complete(ports *pppoe.Ports, sessions int) error {
	if sessions > 1 {
		err := addSessionPorts(ports, trunkFanout(), sessions, func(group int) (*Port, error) {
			return openTagged(t, wire.EtherTypeSession, group)
		})
		if err != nil {
			return err
		}
	}
	return t.share(ports)
}

// share sets Ports.Shared if other programs receive our untagged frames.
func (t Trunk) share(ports *pppoe.Ports) error {
	if !t.VLANs.Contains(vlan.Stack{}) || t.Source != (wire.Addr{}) {
		return nil
	}
	return setShared(t.Interface, ports)
}

// openTagged opens a port of a trunk.
func openTagged(t Trunk, etherType uint16, group int) (*Port, error) {
	if err := t.check(); err != nil {
		return nil, err
	}
	p := &Port{trunk: true, untagPriority: true}
	p.tagger.initTrunk(t.Attachment)
	if err := p.bindTrunk(t, etherType, group); err != nil {
		return nil, err
	}
	return p, nil
}

func (p *Port) bindTrunk(t Trunk, etherType uint16, group int) error {
	filter := func(s station) []bpf.Instruction {
		return trunkFilter(s, t.stationMask(), t.VLANs, etherType)
	}
	if err := p.bind(t.Attachment, unix.ETH_P_ALL, filter, group); err != nil {
		return err
	}
	p.mtu = p.iface.MTU + vlan.MaxDepth*vlan.TagLen
	return nil
}

// payloadMTU is Ports.PayloadMTU.
func (p *Port) payloadMTU(tags vlan.Stack) int {
	return p.iface.MTU - Attachment{VLAN: tags}.overhead()
}

// readTrunk reads frames, and restores the tag that the kernel has removed. It may return no frame
// and no error.
func (b *batch) readTrunk(raw syscall.RawConn, frames []datapath.Frame, untagPriority bool) (int, error) {
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
			length := b.restoreTag(i, frames[i].Data[:cap(frames[i].Data)], untagPriority)
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
func (b *batch) restoreTag(i int, buf []byte, untagPriority bool) int {
	length := int(b.messages[i].Len)
	gap := buf[addressesLen:]
	tag, ok := b.removedTag(i)
	if !ok || untagPriority && isPriorityTag(tag, gap[vlan.TagLen:]) {
		copy(gap, gap[vlan.TagLen:vlan.TagLen+length-addressesLen])
		return length
	}
	binary.BigEndian.PutUint32(gap, tag)
	return length + vlan.TagLen
}

// removedTag returns the tag that the kernel has removed from message i's frame, as encoded.
func (b *batch) removedTag(i int) (tag uint32, ok bool) {
	aux := b.auxiliary(i)
	if aux == nil || aux.Status&unix.TP_STATUS_VLAN_VALID == 0 {
		return 0, false
	}
	tpid := vlan.CTag
	if aux.Status&unix.TP_STATUS_VLAN_TPID_VALID != 0 {
		tpid = aux.Vlan_tpid
	}
	return uint32(tpid)<<16 | uint32(aux.Vlan_tci), true
}

// isPriorityTag reports whether a tag, before the rest of a frame, is the only one and belongs to
// no VLAN.
func isPriorityTag(tag uint32, rest []byte) bool {
	return tag&tagMask == priorityTag && len(rest) >= 2 && !vlan.IsTPID(binary.BigEndian.Uint16(rest))
}
