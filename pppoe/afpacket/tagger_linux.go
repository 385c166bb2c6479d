package afpacket

import (
	"encoding/binary"

	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// tagger has the tags of a port's sent frames, or for a trunk, whose frames have theirs, only the
// priorities. It is not changed after init.
type tagger struct {
	control, data []byte // the encoded tags
	same          bool   // control is data

	prioritize                    bool // a trunk's tags get the following priorities
	controlPriority, dataPriority uint8
}

func (t *tagger) init(a Attachment) {
	t.control = a.VLAN.Append(nil, a.ControlPriority)
	t.data = a.VLAN.Append(nil, a.DataPriority)
	t.same = a.ControlPriority == a.DataPriority
}

// initTrunk is init for a trunk. Without priorities the frames are sent as they are.
func (t *tagger) initTrunk(a Attachment) {
	t.same = true
	t.prioritize = a.ControlPriority > 0 || a.DataPriority > 0
	t.controlPriority, t.dataPriority = a.ControlPriority, a.DataPriority
}

// setBuffer sets message i's buffers to a frame with its tags.
func (t *tagger) setBuffer(b *batch, i int, frame []byte) {
	if !t.prioritize {
		b.setBuffer(i, frame, t.of(frame))
		return
	}
	tags, rest := b.tags[i][:0], addressesLen
	for ; len(tags) < cap(tags) && len(frame) >= rest+vlan.TagLen && vlan.IsTPID(binary.BigEndian.Uint16(frame[rest:])); rest += vlan.TagLen {
		tags = append(tags, frame[rest:rest+vlan.TagLen]...)
	}
	if len(tags) == 0 {
		b.setBuffer(i, frame, nil)
		return
	}
	priority := t.controlPriority
	if carriesData(frame[rest:]) {
		priority = t.dataPriority
	}
	for at := 2; at < len(tags); at += vlan.TagLen {
		tags[at] = tags[at]&0x1f | priority<<5 // IEEE 802.1Q section 9.6
	}
	b.setBuffers(i, frame[:addressesLen], tags, frame[rest:])
}

// of returns the tags for a frame.
func (t *tagger) of(frame []byte) []byte {
	if t.same || len(frame) < addressesLen || !carriesData(frame[addressesLen:]) {
		return t.control
	}
	return t.data
}

// carriesData reports whether a frame, given from its ethertype on, is a session frame with a
// packet of the network layer: PPP's Protocol field, after the PPPoE header, is below 0x4000 (RFC
// 1661 section 2).
func carriesData(frame []byte) bool {
	const protocol = 2 + wire.HeaderLen
	return len(frame) > protocol && frame[protocol] < 0x40 && binary.BigEndian.Uint16(frame) == wire.EtherTypeSession
}
