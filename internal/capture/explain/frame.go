package explain

import (
	"encoding/binary"
	"slices"
	"time"

	"upppoe/internal/capture/reader"
	"upppoe/ppp"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// frame is a captured PPPoE packet.
type frame struct {
	number    int
	at        time.Time
	place     place
	cooked    bool // the destination is unknown
	src, dst  wire.Addr
	discovery bool
	packet    []byte // from VER and TYPE on; nil for data
	data      bool   // carries a packet of a network protocol
	length    int    // LENGTH, in octets
	id        uint16
	truncated bool // in the capture
	comments  []string
}

// place is where frames belong to the same Ethernet.
type place struct {
	iface int
	vlan  vlan.Stack
}

// kind is what a packet of a capture is.
type kind uint8

const (
	notPPPoE kind = iota
	isPPPoE
	isTooDeep // more VLAN tags than are supported
)

// parseFrame returns the PPPoE frame of a packet. It copies what it keeps of the packet.
func parseFrame(p *reader.Packet) (f frame, k kind) {
	b, cooked, ok := p.Ethernet()
	if !ok {
		return f, notPPPoE
	}
	tags, etherType, ok := vlan.Split(b)
	switch {
	case !ok && vlan.IsTPID(binary.BigEndian.Uint16(b[12:])):
		return f, isTooDeep
	case !ok || etherType != wire.EtherTypeDiscovery && etherType != wire.EtherTypeSession:
		return f, notPPPoE
	}
	f = frame{number: p.Number, at: p.Time, cooked: cooked, dst: wire.Addr(b), src: wire.Addr(b[6:]), comments: p.Comments}
	f.place = place{p.Interface, tags.WithoutPriorityTag()}
	f.discovery = etherType == wire.EtherTypeDiscovery
	f.parseHeader(b[14+tags.Depth()*vlan.TagLen:], p.Truncated())
	return f, isPPPoE
}

// parseHeader reads the PPPoE header, and the Protocol field of a session frame, without an error: what is
// malformed becomes an event. Data is not copied.
func (f *frame) parseHeader(b []byte, cut bool) {
	if len(b) >= wire.HeaderLen {
		f.id, f.length = binary.BigEndian.Uint16(b[2:]), int(binary.BigEndian.Uint16(b[4:]))
		f.truncated = cut && len(b) < wire.HeaderLen+f.length
	} else {
		f.truncated = cut
	}
	if !f.discovery && len(b) >= wire.HeaderLen+2 && wire.Code(b[1]) == wire.CodeSession {
		p, _, err := ppp.ParseFrame(b[wire.HeaderLen:])
		f.data = err == nil && p.IsData()
	}
	if !f.data {
		f.packet = slices.Clone(b)
	}
}
