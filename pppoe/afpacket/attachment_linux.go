package afpacket

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// Attachment is where PPPoE runs on the Ethernet: an interface, the VLAN on it, and our source
// address and priorities there.
type Attachment struct {
	// Interface is the name of an Ethernet interface that is up. It may be a VLAN device of the
	// kernel, which handles its tag itself.
	Interface string
	// VLAN is the stack of tags that frames have on the interface; empty: untagged frames. A single
	// tag with VLAN identifier 0 is a priority tag (IEEE 802.1Q section 6.9.1): frames are sent
	// with it, and received with or without it.
	VLAN vlan.Stack
	// Source is our Ethernet address; zero: that of the interface.
	Source wire.Addr
	// SourcePrefix makes a port that of many stations: all addresses that have the first
	// SourcePrefix bits of Source are ours, and the network card is set to promiscuous mode. The
	// program writes the source addresses of its frames; Port.Addr is Source. 0: only Source is.
	SourcePrefix int
	// ControlPriority is the priority code point, 0 to 7, of all frames but those that carry IP
	// packets; DataPriority is that of those. They need a VLAN tag.
	ControlPriority, DataPriority uint8
}

// Errors of Open about an Attachment, wrapped.
var (
	ErrSource   = errors.New("the source address is a multicast address: the first octet of a station's address is even")
	ErrPrefix   = errors.New("a prefix of source addresses has 8 to 48 bits and needs a source address")
	ErrPriority = errors.New("a priority is a number from 0 to 7")
	ErrNoTag    = errors.New("a priority needs a VLAN tag: VLAN 0 adds a priority tag")
)

// String is the interface with its tags, such as eth0.50.100.
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
	case a.SourcePrefix != 0 && (a.SourcePrefix < minPrefix || a.SourcePrefix > 48 || a.Source == wire.Addr{}):
		return fmt.Errorf("%d: %w", a.SourcePrefix, ErrPrefix)
	case a.ControlPriority > 7 || a.DataPriority > 7:
		return ErrPriority
	case a.VLAN.Depth() == 0 && (a.ControlPriority > 0 || a.DataPriority > 0):
		return ErrNoTag
	}
	return nil
}

// minPrefix keeps the bits I/G and U/L of the first octet fixed (IEEE 802 section 8.2).
const minPrefix = 8

// stationMask has the bits set in which an address must be Source to be ours.
func (a Attachment) stationMask() (mask wire.Addr) {
	if a.SourcePrefix == 0 {
		return wire.Broadcast
	}
	for bit := range a.SourcePrefix {
		mask[bit/8] |= 0x80 >> (bit % 8)
	}
	return mask
}

// protocol returns the protocol that the socket is bound to. For sockets of one ethertype the
// kernel removes the outer tag, forgets it, and marks the frame PACKET_OTHERHOST. Only a socket for
// all ethertypes gets the tag, and can distinguish a tagged frame from one for another address.
func (a Attachment) protocol(etherType uint16) int {
	if a.VLAN.Depth() > 0 || a.Source != (wire.Addr{}) {
		return unix.ETH_P_ALL
	}
	return int(etherType)
}

// stripped reports whether the kernel always moves an outermost tag of this ethertype from the
// frame to the auxiliary data. Others stay in band.
func stripped(tpid uint16) bool { return tpid == vlan.CTag || tpid == vlan.STag }

// inBand returns the tags that stay in a received frame.
func (a Attachment) inBand() []vlan.Tag {
	tags := a.VLAN.Tags()
	if len(tags) > 0 && stripped(tags[0].TPID) {
		return tags[1:]
	}
	return tags
}

// InterfaceMTU returns the MTU that the interface must have for a Port with an MTU, both in octets.
// Set it before Open.
func (a Attachment) InterfaceMTU(mtu int) int { return mtu + a.overhead() }

// overhead is the part of the interface's MTU that the tags take. Packet sockets allow one tag of
// ethertype 0x8100 beyond the MTU (packet_extra_vlan_len_allowed in Linux).
func (a Attachment) overhead() int {
	need := a.VLAN.Depth() * vlan.TagLen
	if a.VLAN[0].TPID == vlan.CTag {
		need -= vlan.TagLen
	}
	return need
}
