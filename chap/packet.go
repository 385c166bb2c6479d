package chap

import (
	"errors"

	"upppoe/ppp"
)

// Codes of CHAP packets (RFC 1994 section 4).
const (
	Challenge ppp.Code = 1
	Response  ppp.Code = 2
	Success   ppp.Code = 3
	Failure   ppp.Code = 4
)

// ErrValue reports a Value-Size field that is zero or extends beyond the packet.
var ErrValue = errors.New("chap: Value-Size field zero or beyond the packet")

// ParseValue splits the data of a Challenge or Response (RFC 1994 section 4.1)
// into its value, of 1 to 255 octets, and the name of the sender, which may be empty.
// Both alias data.
func ParseValue(data []byte) (value, name []byte, err error) {
	if len(data) < 1 || data[0] == 0 || 1+int(data[0]) > len(data) {
		return nil, nil, ErrValue
	}
	n := 1 + int(data[0])
	return data[1:n:n], data[n:], nil
}

// AppendValue appends the data of a Challenge or Response. A value
// longer than 255 octets does not fit the Value-Size field and is truncated.
func AppendValue(b, value []byte, name string) []byte {
	value = value[:min(len(value), 0xff)]
	b = append(b, byte(len(value)))
	b = append(b, value...)
	return append(b, name...)
}
