package netconfig

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// attribute is a rtnetlink(7) attribute: length, type, value, padded to four octets.
type attribute struct {
	typ   uint16 // with its flags
	value []byte
}

// baseType is the type without its flags (NLA_F_NESTED, NLA_F_NET_BYTEORDER).
func (a attribute) baseType() uint16 { return a.typ & 0x3fff }

// parseAttributes parses a list of attributes, up to its end or the first invalid one.
func parseAttributes(b []byte) (list []attribute, ok bool) {
	for len(b) >= unix.SizeofRtAttr {
		length := int(binary.NativeEndian.Uint16(b))
		if length < unix.SizeofRtAttr || length > len(b) {
			return list, false
		}
		list = append(list, attribute{binary.NativeEndian.Uint16(b[2:]), b[unix.SizeofRtAttr:length]})
		b = b[min(padded(length), len(b)):]
	}
	return list, true
}

// appendTo encodes the attribute.
func (a attribute) appendTo(b []byte) []byte {
	length := unix.SizeofRtAttr + len(a.value)
	b = binary.NativeEndian.AppendUint16(b, uint16(length))
	b = binary.NativeEndian.AppendUint16(b, a.typ)
	b = append(b, a.value...)
	return append(b, make([]byte, padded(length)-length)...)
}

func padded(length int) int { return (length + unix.RTA_ALIGNTO - 1) &^ (unix.RTA_ALIGNTO - 1) }
