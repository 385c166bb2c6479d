package pap

import (
	"errors"

	"upppoe/ppp"
)

// Codes of PAP packets (RFC 1334 section 2.2).
const (
	AuthenticateRequest ppp.Code = 1
	AuthenticateAck     ppp.Code = 2
	AuthenticateNak     ppp.Code = 3
)

// maxField is the most that the protocol's length fields, of one octet, can
// tell.
const maxField = 255

// Errors of the parsers.
var (
	ErrRequest = errors.New("pap: Peer-ID-Length or Passwd-Length field beyond the packet")
	ErrMessage = errors.New("pap: Msg-Length field beyond the packet")
)

// Request is the data of an Authenticate-Request (RFC 1334 section 2.2.1).
type Request struct {
	Name     []byte // Peer-ID: at most 255 octets
	Password Password
}

// ParseRequest reads the data of an Authenticate-Request. The fields alias data;
// octets after the password are ignored.
func ParseRequest(data []byte) (Request, error) {
	name, rest, ok := cut(data)
	if !ok {
		return Request{}, ErrRequest
	}
	password, _, ok := cut(rest)
	if !ok {
		return Request{}, ErrRequest
	}
	return Request{Name: name, Password: password}, nil
}

// AppendTo appends the data of the request. Fields longer than 255 octets are
// cut.
func (r Request) AppendTo(b []byte) []byte {
	return appendField(appendField(b, r.Name), r.Password)
}

// ParseMessage reads the data of an Authenticate-Ack or -Nak (RFC 1334 section
// 2.2.2): words for people, which may be none. The result aliases data; octets
// after it are ignored.
func ParseMessage(data []byte) ([]byte, error) {
	message, _, ok := cut(data)
	if !ok {
		return nil, ErrMessage
	}
	return message, nil
}

// AppendMessage appends the data of an Authenticate-Ack or -Nak. A message
// longer than 255 octets is cut.
func AppendMessage(b []byte, message string) []byte {
	return appendField(b, []byte(message))
}

// cut takes a field that begins with its length off the front of b.
func cut(b []byte) (field, rest []byte, ok bool) {
	if len(b) < 1 || 1+int(b[0]) > len(b) {
		return nil, nil, false
	}
	n := 1 + int(b[0])
	return b[1:n:n], b[n:], true
}

func appendField(b, field []byte) []byte {
	field = field[:min(len(field), maxField)]
	return append(append(b, byte(len(field))), field...)
}
