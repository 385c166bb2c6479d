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
	is, of, err := SplitVersion(b)
	switch {
	case len(b) > 0 && is != version:
		return fmt.Errorf("%w %d, not %d", ErrVersion, is, version)
	case err != nil:
		return err
	}
	return Parse(of, fields)
}

// SplitVersion returns the version, and the fields, of what AppendVersion has written. With an error the
// version is that of the first octet, if there is one.
func SplitVersion(b []byte) (version uint8, fields []byte, err error) {
	if len(b) == 0 {
		return 0, nil, fmt.Errorf("%w: it is empty", ErrFormat)
	}
	n, size := binary.Uvarint(b[1:])
	if size <= 0 || n != uint64(len(b)-1-size) {
		return b[0], nil, fmt.Errorf("%w: %d octets, which is not the length that it begins with", ErrFormat, len(b))
	}
	return b[0], b[1+size:], nil
}
