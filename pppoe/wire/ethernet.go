package wire

import (
	"net"

	"github.com/mdlayher/ethernet"
)

// minPayload is the length in octets to which package ethernet pads payloads.
const minPayload = 46

// DiscoveryFrame is a discovery packet in its Ethernet frame.
type DiscoveryFrame struct {
	Dst, Src Addr
	Discovery
}

// ParseDiscoveryFrame parses a whole Ethernet frame. VLAN tags are skipped. The tags do not alias
// b.
func ParseDiscoveryFrame(b []byte) (DiscoveryFrame, error) {
	var f ethernet.Frame
	if err := f.UnmarshalBinary(b); err != nil {
		return DiscoveryFrame{}, ErrShort
	}
	if f.EtherType != EtherTypeDiscovery {
		return DiscoveryFrame{}, ErrCode
	}
	d, err := ParseDiscovery(f.Payload)
	return DiscoveryFrame{Addr(f.Destination), Addr(f.Source), d}, err
}

// AppendTo appends the whole Ethernet frame, without padding, which the network card adds.
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
	return append(b, frame[:len(frame)-max(0, minPayload-len(payload))]...)
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
	return DiscoveryFrame{dst, src, Discovery{PADT, id, tags}}
}
