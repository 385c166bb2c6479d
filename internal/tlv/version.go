package tlv

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrVersion reports a version that the reader does not know.
var ErrVersion = errors.New("unknown version")

// AppendVersion appends a version in one octet, the length of the fields as a uvarint, and the fields. No
// prefix of it is valid.
func AppendVersion(b []byte, version uint8, fields func(*Codec)) []byte {
	return appendCounted(append(b, version), func(b []byte) []byte { return Append(b, fields) })
}

// ParseVersion calls the function to read what AppendVersion has written with the same version.
func ParseVersion(b []byte, version uint8, fields func(*Codec)) error {
	if len(b) == 0 {
		return fmt.Errorf("%w: it is empty", ErrFormat)
	}
	if b[0] != version {
		return fmt.Errorf("%w %d, not %d", ErrVersion, b[0], version)
	}
	n, size := binary.Uvarint(b[1:])
	if size <= 0 || n != uint64(len(b)-1-size) {
		return fmt.Errorf("%w: its length is another", ErrFormat)
	}
	return Parse(b[1+size:], fields)
}
