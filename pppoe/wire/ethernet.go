package wire

import (
	"bytes"
	"net"

	"github.com/mdlayher/ethernet"

	"upppoe/pppoe/vlan"
)

// DiscoveryFrame is a discovery packet in its Ethernet frame.
type DiscoveryFrame struct {
	Dst, Src Addr
	VLAN     vlan.Stack // tags of the frame
	Discovery
}

// minPayload is the length in octets to which package ethernet pads payloads.
const minPayload = 46

// ParseDiscoveryFrame parses a whole Ethernet frame. A priority tag is no VLAN (see
// vlan.Stack.WithoutPriorityTag). The result does not alias b.
func ParseDiscoveryFrame(b []byte) (d DiscoveryFrame, err error) {
	tags, untagged, ok := vlan.Strip(bytes.Clone(b))
	var f ethernet.Frame
	if !ok || f.UnmarshalBinary(untagged) != nil {
		return d, ErrShort
	}
	if f.EtherType != EtherTypeDiscovery {
		return d, ErrCode
	}
	d.Dst, d.Src = Addr(f.Destination), Addr(f.Source)
	d.VLAN = tags.WithoutPriorityTag()
	d.Discovery, err = ParseDiscovery(f.Payload)
	return d, err
}

// AppendTo appends the whole Ethernet frame, with its tags without priority, and without padding,
// which the network card adds.
func (d DiscoveryFrame) AppendTo(b []byte) []byte {
	payload := d.Discovery.AppendTo(nil)
	f := ethernet.Frame{
		Destination: net.HardwareAddr(d.Dst[:]),
		Source:      net.HardwareAddr(d.Src[:]),
		EtherType:   EtherTypeDiscovery,
		Payload:     payload,
	}
	frame, err := f.MarshalBinary()
	if err != nil {
		panic("wire: a frame without VLAN tags cannot fail to encode: " + err.Error())
	}
	return append(b, d.VLAN.Insert(frame[:len(frame)-max(0, minPayload-len(payload))], 0)...)
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
