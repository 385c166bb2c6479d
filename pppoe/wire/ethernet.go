package wire

import (
	"encoding/binary"

	"upppoe/pppoe/vlan"
)

// DiscoveryFrame is a discovery packet in its Ethernet frame.
type DiscoveryFrame struct {
	Dst, Src Addr
	VLAN     vlan.Stack // tags of the frame
	Discovery
}

// addressesLen is the length of both Ethernet addresses, which tags follow.
const addressesLen = 12

// ParseDiscoveryFrame parses a whole Ethernet frame. An only tag with VLAN identifier 0 belongs to
// no VLAN (IEEE 802.1Q section 6.9.1). The result does not alias b.
func ParseDiscoveryFrame(b []byte) (f DiscoveryFrame, err error) {
	tags, etherType, ok := vlan.Split(b)
	if !ok {
		return f, ErrShort
	}
	if etherType != EtherTypeDiscovery {
		return f, ErrCode
	}
	f.Dst, f.Src = Addr(b[:6]), Addr(b[6:addressesLen])
	if f.VLAN = tags; tags.Depth() == 1 && tags[0].VID == 0 {
		f.VLAN = vlan.Stack{}
	}
	f.Discovery, err = ParseDiscovery(b[addressesLen+tags.Depth()*vlan.TagLen+2:])
	f.Tags = append(Tags(nil), f.Tags...)
	return f, err
}

// AppendTo appends the whole Ethernet frame, with its tags without priority, and without padding,
// which the network card adds.
func (d DiscoveryFrame) AppendTo(b []byte) []byte {
	b = append(append(b, d.Dst[:]...), d.Src[:]...)
	b = d.VLAN.Append(b, 0)
	return d.Discovery.AppendTo(binary.BigEndian.AppendUint16(b, EtherTypeDiscovery))
}

// Queue is a queue of discovery packets to be sent. The zero value is empty.
type Queue struct{ frames []DiscoveryFrame }

// Add appends a packet.
func (q *Queue) Add(f DiscoveryFrame) { q.frames = append(q.frames, f) }

// All returns the packets, valid until Reset.
func (q *Queue) All() []DiscoveryFrame { return q.frames }

// Reset empties the queue.
func (q *Queue) Reset() { q.frames = q.frames[:0] }

// NewPADT makes the packet that ends a session (RFC 2516 section 5.5). A non-empty text becomes its
// Generic-Error tag.
func NewPADT(dst, src Addr, id uint16, text string) DiscoveryFrame {
	var tags Tags
	if text != "" {
		tags = tags.Append(TagGenericError, []byte(text))
	}
	return DiscoveryFrame{Dst: dst, Src: src, Discovery: Discovery{PADT, id, tags}}
}
