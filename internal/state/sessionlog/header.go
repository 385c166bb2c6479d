package sessionlog

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"time"

	"upppoe/internal/state"
)

const (
	magic     = "upppoeSL"
	format    = 1
	maxString = 255
	// fixedHeader is the length of the fields before the strings, and longestHeader that of a header of
	// any format.
	fixedHeader   = len(magic) + 2 + 2 + 4 + 8 + 8
	longestHeader = 1 << 16
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var (
	errMagic  = errors.New("it is not a file of sessions")
	errShort  = errors.New("its header is cut off")
	errHeader = errors.New("its header is damaged")
)

// header is what a file says of itself.
type header struct {
	format  uint16
	salt    uint32
	created time.Time
	largest state.Generation
	boot    string
	program string
}

// appendTo encodes the header. Strings are cut off after 255 octets.
func (h header) appendTo(b []byte) []byte {
	start := len(b)
	b = append(b, magic...)
	b = binary.BigEndian.AppendUint16(b, h.format)
	b = append(b, 0, 0)
	b = binary.BigEndian.AppendUint32(b, h.salt)
	b = binary.BigEndian.AppendUint64(b, uint64(h.created.UnixNano()))
	b = binary.BigEndian.AppendUint64(b, h.largest)
	for _, s := range []string{h.boot, h.program} {
		s = s[:min(len(s), maxString)]
		b = append(append(b, byte(len(s))), s...)
	}
	binary.BigEndian.PutUint16(b[start+len(magic)+2:], uint16(len(b)-start+4))
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b[start:], castagnoli))
}

// parseHeader decodes the header at the beginning of a file, of any format, and returns its length.
// The error is errMagic, errShort or errHeader.
func parseHeader(b []byte) (h header, length int, err error) {
	if n := min(len(b), len(magic)); string(b[:n]) != magic[:n] {
		return h, 0, errMagic
	}
	if len(b) < fixedHeader {
		return h, 0, errShort
	}
	be, at := binary.BigEndian, len(magic)
	h.format, length = be.Uint16(b[at:]), int(be.Uint16(b[at+2:]))
	h.salt, h.created = be.Uint32(b[at+4:]), time.Unix(0, int64(be.Uint64(b[at+8:])))
	h.largest = be.Uint64(b[at+16:])
	if length < fixedHeader+2+4 {
		return h, 0, errHeader
	}
	if len(b) < length {
		return h, 0, errShort
	}
	body := b[:length-4]
	if crc32.Checksum(body, castagnoli) != be.Uint32(b[length-4:]) {
		return h, 0, errHeader
	}
	rest := body[fixedHeader:]
	for _, to := range []*string{&h.boot, &h.program} {
		if len(rest) == 0 || len(rest) < 1+int(rest[0]) {
			return h, 0, errHeader
		}
		*to, rest = string(rest[1:1+int(rest[0])]), rest[1+int(rest[0]):]
	}
	return h, length, nil
}
