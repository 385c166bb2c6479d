package afpacket

import (
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// Attachment is a place on the Ethernet: an interface, the VLAN on it, and how we appear there.
type Attachment struct {
	// Interface is the name of an Ethernet interface that is up. It may be a VLAN
	// device of the kernel, whose tag is the kernel's business.
	Interface string
	// VLAN are the tags that frames have on the interface; none: untagged frames.
	// A VLAN of identifier 0, alone, is none (IEEE 802.1Q section 6.9.1): frames go
	// out with a tag that has only a priority, and come with one or without.
	VLAN vlan.Stack
	// Source is our address; zero: the interface's own.
	Source wire.Addr
	// ControlPriority is the priority code point, 0 to 7, of all frames but those
	// that carry IP packets; DataPriority is theirs. They need a tag to stand in.
	ControlPriority, DataPriority uint8
}

// Errors of Open about a line.
var (
	ErrSource   = errors.New("the source address is a group's: the first octet of a station's is even")
	ErrPriority = errors.New("a priority is a number from 0 to 7")
	ErrNoTag    = errors.New("a priority needs a VLAN tag to stand in: VLAN 0 is one for frames of no VLAN")
)

// String is the interface with its tags, like eth0.50.100.
func (a Attachment) String() string {
	if a.VLAN == (vlan.Stack{}) {
		return a.Interface
	}
	return a.Interface + "." + a.VLAN.String()
}

func (a Attachment) check() error {
	switch {
	case a.Source != wire.Addr{} && !a.Source.IsUnicast():
		return fmt.Errorf("%v: %w", a.Source, ErrSource)
	case a.ControlPriority > 7 || a.DataPriority > 7:
		return ErrPriority
	case a.VLAN.Depth() == 0 && (a.ControlPriority > 0 || a.DataPriority > 0):
		return ErrNoTag
	}
	return nil
}

// protocol is what the socket is bound to. The kernel takes the outer tag off before it
// looks for sockets of an ethertype, then forgets it, and marks the frame as somebody
// else's. Only a socket for all ethertypes is given the tag, and can tell a tagged frame
// from one for an address that is not the interface's.
func (a Attachment) protocol(etherType uint16) int {
	if a.VLAN.Depth() > 0 || a.Source != (wire.Addr{}) {
		return unix.ETH_P_ALL
	}
	return int(etherType)
}

// stripped reports whether the kernel moves a tag of this ethertype from the frame to the
// auxiliary data, if it is the outermost, whatever the network card does. It leaves
// others in band.
func stripped(tpid uint16) bool { return tpid == vlan.CTag || tpid == vlan.STag }

// tagBuffer are the tags that stay in a frame.
func (a Attachment) inBand() []vlan.Tag {
	tags := a.VLAN.Tags()
	if len(tags) > 0 && stripped(tags[0].TPID) {
		return tags[1:]
	}
	return tags
}

// InterfaceMTU is the MTU that the interface must have for a Port.MTU, both in octets.
// Raise it to that before the line is opened.
func (a Attachment) InterfaceMTU(mtu int) int { return mtu + a.overhead() }

// overhead is what tags take of an interface's MTU. Packet sockets have room for one tag
// beyond it, of ethertype 0x8100 (packet_extra_vlan_len_allowed in Linux).
func (a Attachment) overhead() int {
	need := a.VLAN.Depth() * vlan.TagLen
	if a.VLAN[0].TPID == vlan.CTag {
		need -= vlan.TagLen
	}
	return need
}

// tagger has the tags of a line as they are sent. It is not changed after init.
type tagger struct {
	control, data []byte
	same          bool
}

func (t *tagger) init(a Attachment) {
	t.control = a.VLAN.Append(nil, a.ControlPriority)
	t.data = a.VLAN.Append(nil, a.DataPriority)
	t.same = a.ControlPriority == a.DataPriority
}

// of returns the tags for a frame.
func (t *tagger) of(frame []byte) []byte {
	if t.same || !carriesData(frame) {
		return t.control
	}
	return t.data
}

// carriesData reports whether a frame is one of a session that carries a packet of the
// network layer: PPP's Protocol field, behind the PPPoE header, is then below 0x4000
// (RFC 1661 section 2).
func carriesData(frame []byte) bool {
	const protocol = 14 + wire.HeaderLen
	return len(frame) > protocol && frame[protocol] < 0x40 && binary.BigEndian.Uint16(frame[12:]) == wire.EtherTypeSession
}
