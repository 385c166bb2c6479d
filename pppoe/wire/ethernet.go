package wire

import (
	"net"

	"github.com/mdlayher/ethernet"
)

// minPayload is what package ethernet pads to.
const minPayload = 46

// DiscoveryFrame is a discovery packet in its Ethernet frame.
type DiscoveryFrame struct {
	Dst, Src Addr
	Discovery
}

// ParseDiscoveryFrame reads a whole Ethernet frame. A frame with VLAN tags is
// read through them. Tags alias a copy of b.
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

// AppendTo appends the whole Ethernet frame, without padding: that is the
// network card's to add.
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
		panic("pppoe: a frame without VLAN tags cannot fail to encode: " + err.Error())
	}
	return append(b, frame[:len(frame)-max(0, minPayload-len(payload))]...)
}

// Queue collects discovery packets to be sent, in order. The zero value is
// empty.
type Queue struct{ frames []DiscoveryFrame }

func (q *Queue) Add(f DiscoveryFrame) { q.frames = append(q.frames, f) }

// All returns the packets, valid until Reset.
func (q *Queue) All() []DiscoveryFrame { return q.frames }

// Reset empties the queue.
func (q *Queue) Reset() { q.frames = q.frames[:0] }

// NewPADT makes the packet that ends a session (RFC 2516 section 5.5).
func NewPADT(dst, src Addr, id uint16, text string) DiscoveryFrame {
	var tags Tags
	if text != "" {
		tags = tags.Append(TagGenericError, []byte(text))
	}
	return DiscoveryFrame{dst, src, Discovery{PADT, id, tags}}
}
