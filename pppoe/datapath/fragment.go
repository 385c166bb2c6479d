package datapath

import "encoding/binary"

// Flags of IPv4's fragment offset field (RFC 791 section 3.1).
const (
	flagDF = 0x4000
	flagMF = 0x2000
)

// maxHeader4 is the length of the longest IPv4 header, in octets.
const maxHeader4 = 60

// fragmenter fragments IPv4 packets, one after the other (RFC 791 section 3.2). Payload is not
// copied. The zero value has nothing to fragment.
type fragmenter struct {
	header  []byte           // of the next fragment
	later   [maxHeader4]byte // header of all fragments but the first
	lateLen int
	payload []byte // not yet fragmented
	mtu     int
	offset  uint16 // of the next fragment, in units of eight octets
	flags   uint16 // of the last fragment
}

// start starts fragmenting a packet into fragments of at most mtu octets. The packet must not be
// changed until the fragments have been sent. It returns false for a packet that must not be
// fragmented, or cannot be.
func (f *fragmenter) start(packet []byte, mtu int) bool {
	f.payload = nil
	if len(packet) < 20 || packet[0]>>4 != 4 {
		return false
	}
	header, total := int(packet[0]&0xf)*4, int(binary.BigEndian.Uint16(packet[2:]))
	field := binary.BigEndian.Uint16(packet[6:])
	if header < 20 || total <= header || total > len(packet) || header+8 > mtu || field&flagDF != 0 {
		return false
	}
	offset := field & 0x1fff
	if int(offset)*8+total-header > 0xffff || !f.copyOptions(packet[:header]) {
		return false
	}
	f.header, f.payload, f.mtu = packet[:header], packet[header:total], mtu
	f.offset, f.flags = offset, field&flagMF
	return true
}

// copyOptions makes the header of the later fragments: it has the options whose copied flag is set
// (RFC 791 section 3.1). It returns false if the options are malformed.
func (f *fragmenter) copyOptions(header []byte) bool {
	const copied = 0x80
	n := copy(f.later[:], header[:20])
	for b := header[20:]; len(b) > 0 && b[0] != optionEnd; {
		length := 1
		if b[0] != optionNOP {
			if len(b) < 2 || b[1] < 2 || int(b[1]) > len(b) {
				return false
			}
			length = int(b[1])
		}
		if b[0]&copied != 0 {
			n += copy(f.later[n:], b[:length])
		}
		b = b[length:]
	}
	f.lateLen = (n + 3) &^ 3
	clear(f.later[n:f.lateLen]) // end of option list
	f.later[0] = 4<<4 | byte(f.lateLen/4)
	return true
}

// more reports whether there is another fragment.
func (f *fragmenter) more() bool { return len(f.payload) > 0 }

// next writes the header of the next fragment to b, which must have room for maxHeader4 octets, and
// returns its length and the fragment's payload.
func (f *fragmenter) next(b []byte) (header int, payload []byte) {
	header = copy(b, f.header)
	length, flags := len(f.payload), f.flags
	if header+length > f.mtu {
		length, flags = (f.mtu-header)&^7, flagMF
	}
	payload, f.payload = f.payload[:length], f.payload[length:]
	binary.BigEndian.PutUint16(b[2:], uint16(header+length))
	binary.BigEndian.PutUint16(b[6:], flags|f.offset)
	b[10], b[11] = 0, 0
	binary.BigEndian.PutUint16(b[10:], ^foldSum(sumWords(0, b[:header])))
	f.offset += uint16(length / 8)
	f.header = f.later[:f.lateLen]
	return header, payload
}
