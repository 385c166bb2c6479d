package eap

import (
	"errors"
	"fmt"

	"upppoe/ppp"
)

// Codes of EAP packets (RFC 3748 section 4).
const (
	Request  ppp.Code = 1
	Response ppp.Code = 2
	Success  ppp.Code = 3
	Failure  ppp.Code = 4
)

// Type is the type of a Request or Response.
type Type uint8

// Types of RFC 3748 section 5.
const (
	Identity     Type = 1
	Notification Type = 2
	Nak          Type = 3 // in Responses only: proposes other types
	MD5Challenge Type = 4
)

// String returns the type's name as pppd prints it, or its number.
func (t Type) String() string {
	switch t {
	case Identity:
		return "Identity"
	case Notification:
		return "Notification"
	case Nak:
		return "Nak"
	case MD5Challenge:
		return "MD5-Challenge"
	}
	return fmt.Sprintf("0x%02x", uint8(t))
}

// Errors of ParsePacket.
var (
	ErrCode = errors.New("eap: unknown code")
	ErrType = errors.New("eap: Request or Response without a Type field")
)

// Packet is an EAP packet.
type Packet struct {
	Code ppp.Code
	ID   uint8
	Type Type   // of a Request or Response; 0 otherwise
	Data []byte // what follows the Type field; of MD5-Challenge: see chap.ParseValue
}

// ParsePacket parses a control packet as an EAP packet. Data aliases c. A Success or
// Failure should have no data (RFC 3748 section 4.2); one with data is accepted, as by
// pppd.
func ParsePacket(c ppp.Control) (Packet, error) {
	p := Packet{Code: c.Code, ID: c.ID, Data: c.Data}
	switch c.Code {
	case Success, Failure:
		return p, nil
	case Request, Response:
		if len(c.Data) < 1 {
			return Packet{}, ErrType
		}
		p.Type, p.Data = Type(c.Data[0]), c.Data[1:]
		return p, nil
	}
	return Packet{}, ErrCode
}

// Control returns the packet as a control packet.
func (p Packet) Control() ppp.Control {
	c := ppp.Control{Code: p.Code, ID: p.ID, Data: p.Data}
	if p.Code == Request || p.Code == Response {
		c.Data = append([]byte{byte(p.Type)}, p.Data...)
	}
	return c
}
