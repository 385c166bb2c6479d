package ppp

import (
	"encoding/binary"
	"errors"
)

// Code is the Code field of a control packet. The codes below are LCP's; the network
// control protocols use the first seven of them. PAP, CHAP and EAP have codes of their
// own.
type Code uint8

// Codes of RFC 1661 section 5, and of RFC 1570 sections 2.1 and 2.2.
const (
	ConfigureRequest Code = 1
	ConfigureAck     Code = 2
	ConfigureNak     Code = 3
	ConfigureReject  Code = 4
	TerminateRequest Code = 5
	TerminateAck     Code = 6
	CodeReject       Code = 7
	ProtocolReject   Code = 8
	EchoRequest      Code = 9
	EchoReply        Code = 10
	DiscardRequest   Code = 11
	Identification   Code = 12
	TimeRemaining    Code = 13
)

// ControlHeaderLen is the length of a control packet's Code, Identifier and
// Length fields.
const ControlHeaderLen = 4

// Control is a control packet of LCP or a network control protocol (RFC 1661 section 5),
// or of PAP, CHAP or EAP, which use the same format.
type Control struct {
	Code Code
	ID   uint8
	Data []byte // what follows the Length field, without padding
}

// Errors of ParseControl. RFC 1661 section 5: packets with an invalid Length are silently
// discarded.
var (
	ErrShortControl  = errors.New("ppp: control packet shorter than its header")
	ErrControlLength = errors.New("ppp: control packet's Length field below 4 or beyond the packet")
)

// ParseControl parses a control packet. Data aliases b. Octets beyond the Length are
// padding, and not part of Data (RFC 1661 section 5).
func ParseControl(b []byte) (Control, error) {
	if len(b) < ControlHeaderLen {
		return Control{}, ErrShortControl
	}
	n := int(binary.BigEndian.Uint16(b[2:]))
	if n < ControlHeaderLen || n > len(b) {
		return Control{}, ErrControlLength
	}
	return Control{Code: Code(b[0]), ID: b[1], Data: b[ControlHeaderLen:n:n]}, nil
}

// AppendTo appends the packet. Data longer than 65531 octets does not fit the Length
// field and is truncated.
func (c Control) AppendTo(b []byte) []byte {
	data := c.Data[:min(len(c.Data), 0xffff-ControlHeaderLen)]
	b = append(b, byte(c.Code), c.ID)
	b = binary.BigEndian.AppendUint16(b, uint16(ControlHeaderLen+len(data)))
	return append(b, data...)
}
