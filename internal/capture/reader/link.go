package reader

import (
	"encoding/binary"
	"fmt"

	"github.com/gopacket/gopacket/layers"
)

// LinkType is the link layer of a packet, a number of the registry of LINKTYPE values.
type LinkType uint16

// Link layers that carry PPPoE.
const (
	LinkEthernet LinkType = 1
	LinkSLL      LinkType = 113 // Linux cooked capture, of tcpdump -i any
	LinkSLL2     LinkType = 276 // its second version

	linkUnknown LinkType = 0xffff
)

// Supported reports whether packets of the link layer can be decoded.
func (t LinkType) Supported() bool { return t == LinkEthernet || t == LinkSLL || t == LinkSLL2 }

// linkNames are the names of link layers that people capture on by mistake, with what to capture on
// instead. The numbers are LINKTYPE values, or those that some systems write in their place.
var linkNames = map[LinkType]string{
	0: "BSD loopback", 9: "PPP", 12: "raw IP", 50: "PPP in HDLC-like framing", 51: "PPPoE without Ethernet",
	101: "raw IP", 105: "IEEE 802.11", 108: "OpenBSD loopback", 127: "IEEE 802.11 with radiotap", 189: "USB", 220: "USB",
	228: "raw IPv4", 229: "raw IPv6", 253: "netlink",
}

// String returns the name and the number of the link layer.
func (t LinkType) String() string {
	name := linkNames[t]
	switch {
	case t == LinkEthernet:
		name = "Ethernet"
	case t == LinkSLL:
		name = "Linux cooked"
	case t == LinkSLL2:
		name = "Linux cooked v2"
	case name == "":
		return fmt.Sprintf("link type %d", uint16(t))
	}
	return fmt.Sprintf("%s (link type %d)", name, uint16(t))
}

func toLinkType(value any) (LinkType, bool) {
	link, ok := value.(layers.LinkType)
	return LinkType(link), ok
}

// LinkError reports a capture of a link layer that does not carry PPPoE.
type LinkError struct{ Link LinkType }

func (e *LinkError) Error() string {
	return fmt.Sprintf("the capture is of %v, which has no PPPoE frames: capture on the Ethernet interface below it, "+
		"like tcpdump -i eth0 -s 0 -w FILE pppoed or pppoes or vlan", e.Link)
}

// Lengths of the headers of Linux cooked captures, in octets.
const (
	sllHeader   = 16
	sll2Header  = 20
	etherHeader = 14
)

// Ethernet returns the packet as an Ethernet frame, from its destination address on. In a cooked capture
// that is unknown: it is zero, and cooked is true. ok is false if the packet has no such form. The frame
// aliases Data and is made in it, so that Ethernet may be called only once.
func (p *Packet) Ethernet() (frame []byte, cooked, ok bool) {
	b := p.Data
	switch {
	case p.Link == LinkEthernet && len(b) >= etherHeader:
		return b, false, true
	case p.Link == LinkSLL && len(b) >= sllHeader && binary.BigEndian.Uint16(b[4:]) == 6:
		// Type, ARPHRD, address length, address of 8 octets, protocol.
		copy(b[8:14], b[6:12])
		clear(b[2:8])
		return b[2:], true, true
	case p.Link == LinkSLL2 && len(b) >= sll2Header && b[11] == 6:
		// Protocol, reserved, interface, ARPHRD, type, address length, address of 8 octets.
		p.Interface = int(binary.BigEndian.Uint32(b[4:]) & 0x7fffffff)
		copy(b[18:20], b[:2])
		clear(b[6:12])
		return b[6:], true, true
	}
	return nil, false, false
}
