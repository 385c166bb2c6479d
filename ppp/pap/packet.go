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

// maxField is the longest field, in octets: its length field has one octet.
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

// ParseRequest parses the data of an Authenticate-Request. The fields alias data;
// octets after the password are ignored.
func ParseRequest(data []byte) (Request, error) {
	name, rest, ok := takeField(data)
	if !ok {
		return Request{}, ErrRequest
	}
	password, _, ok := takeField(rest)
	if !ok {
		return Request{}, ErrRequest
	}
	return Request{Name: name, Password: password}, nil
}

// AppendTo appends the data of the request. A field longer than 255 octets
// is truncated.
func (r Request) AppendTo(b []byte) []byte {
	return appendField(appendField(b, r.Name), r.Password)
}

// ParseMessage parses the data of an Authenticate-Ack or -Nak (RFC 1334 section
// 2.2.2): a text for people, which may be empty. The result aliases data; octets
// after it are ignored.
func ParseMessage(data []byte) ([]byte, error) {
	message, _, ok := takeField(data)
	if !ok {
		return nil, ErrMessage
	}
	return message, nil
}

// AppendMessage appends the data of an Authenticate-Ack or -Nak. A message
// longer than 255 octets is truncated.
func AppendMessage(b []byte, message string) []byte {
	return appendField(b, []byte(message))
}

// takeField splits b after its first field, which begins with its length.
func takeField(b []byte) (field, rest []byte, ok bool) {
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
