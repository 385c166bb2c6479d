package ppp

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Protocol is the number in a frame's Protocol field, two octets in network
// byte order (RFC 1661 section 2).
type Protocol uint16

// Protocol numbers, from IANA's PPP registry.
const (
	IPv4   Protocol = 0x0021 // RFC 1332
	IPv6   Protocol = 0x0057 // RFC 5072
	MP     Protocol = 0x003d // RFC 1990
	IPCP   Protocol = 0x8021 // RFC 1332
	IPv6CP Protocol = 0x8057 // RFC 5072
	ECP    Protocol = 0x8053 // RFC 1968
	CCP    Protocol = 0x80fd // RFC 1962
	MPLSCP Protocol = 0x8281 // RFC 3032
	LCP    Protocol = 0xc021 // RFC 1661
	PAP    Protocol = 0xc023 // RFC 1334
	LQR    Protocol = 0xc025 // RFC 1989
	CBCP   Protocol = 0xc029 // Microsoft's Callback Control Protocol
	CHAP   Protocol = 0xc223 // RFC 1994
	EAP    Protocol = 0xc227 // RFC 3748
)

var protocolNames = map[Protocol]string{
	IPv4: "IP", IPv6: "IPv6", MP: "MP", IPCP: "IPCP", IPv6CP: "IPV6CP",
	ECP: "ECP", CCP: "CCP", MPLSCP: "MPLSCP", LCP: "LCP", PAP: "PAP",
	LQR: "LQR", CBCP: "CBCP", CHAP: "CHAP", EAP: "EAP",
}

// String returns the protocol's name as pppd prints it, or its number.
func (p Protocol) String() string {
	if name, ok := protocolNames[p]; ok {
		return name
	}
	return fmt.Sprintf("0x%04x", uint16(p))
}

// Errors of ParseFrame.
var (
	ErrShortFrame  = errors.New("ppp: frame too short for a Protocol field")
	ErrBadProtocol = errors.New("ppp: Protocol field not of the form xxxxxxx0 xxxxxxx1")
)

// ParseFrame splits a frame, which begins with its Protocol field (no HDLC
// address, control or check sequence: RFC 2516 section 4), into protocol and
// information. The information aliases b and includes any padding.
//
// A compressed Protocol field, of one octet, is an error: PFC is never negotiated (RFC
// 2516 section 7).
func ParseFrame(b []byte) (Protocol, []byte, error) {
	if len(b) < 2 {
		return 0, nil, ErrShortFrame
	}
	// RFC 1661 section 2: the least significant bit of the last octet is 1,
	// that of the first octet 0.
	if b[0]&1 != 0 || b[1]&1 != 1 {
		return 0, nil, ErrBadProtocol
	}
	return Protocol(binary.BigEndian.Uint16(b)), b[2:], nil
}

// IsData reports whether frames of the protocol carry network-layer packets
// (RFC 1661 section 2: 0*** to 3***).
func (p Protocol) IsData() bool { return p < 0x4000 }
