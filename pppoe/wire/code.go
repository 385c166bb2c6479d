package wire

import "fmt"

// Ethertypes (RFC 2516 section 4).
const (
	EtherTypeDiscovery = 0x8863
	EtherTypeSession   = 0x8864
)

// Code is the CODE field of a PPPoE packet.
type Code uint8

// Codes, from RFC 2516 section 5, RFC 5578 section 3, and
// draft-carrel-info-pppoe-ext.
const (
	CodeSession Code = 0x00
	PADO        Code = 0x07
	PADI        Code = 0x09
	PADG        Code = 0x0a
	PADC        Code = 0x0b
	PADQ        Code = 0x0c
	PADR        Code = 0x19
	PADS        Code = 0x65
	PADT        Code = 0xa7
	PADM        Code = 0xd3
	PADN        Code = 0xd4
)

var codeNames = map[Code]string{
	CodeSession: "Session", PADO: "PADO", PADI: "PADI", PADG: "PADG", PADC: "PADC", PADQ: "PADQ",
	PADR: "PADR", PADS: "PADS", PADT: "PADT", PADM: "PADM", PADN: "PADN",
}

// String returns the code's name in its RFC, or its number.
func (c Code) String() string {
	if name, ok := codeNames[c]; ok {
		return name
	}
	return fmt.Sprintf("code 0x%02x", uint8(c))
}

// TagType is the TAG_TYPE field of a tag.
type TagType uint16

// Tag types, from IANA's registry (RFC 4937): RFC 2516 appendix A, RFC 4638
// section 4, RFC 5578 section 4, and draft-carrel-info-pppoe-ext.
const (
	TagEndOfList        TagType = 0x0000
	TagServiceName      TagType = 0x0101
	TagACName           TagType = 0x0102
	TagHostUniq         TagType = 0x0103
	TagACCookie         TagType = 0x0104
	TagVendorSpecific   TagType = 0x0105
	TagCredits          TagType = 0x0106
	TagMetrics          TagType = 0x0107
	TagSequenceNumber   TagType = 0x0108
	TagCreditScale      TagType = 0x0109
	TagRelaySessionID   TagType = 0x0110
	TagHURL             TagType = 0x0111
	TagMOTM             TagType = 0x0112
	TagMaxPayload       TagType = 0x0120
	TagIPRouteAdd       TagType = 0x0121
	TagServiceNameError TagType = 0x0201
	TagACSystemError    TagType = 0x0202
	TagGenericError     TagType = 0x0203
)

var tagNames = map[TagType]string{
	TagEndOfList: "end-of-list", TagServiceName: "service-name", TagACName: "AC-name",
	TagHostUniq: "host-uniq", TagACCookie: "AC-cookie", TagVendorSpecific: "vendor-specific",
	TagCredits: "credits", TagMetrics: "metrics", TagSequenceNumber: "sequence-number",
	TagCreditScale: "credit-scale", TagRelaySessionID: "relay-session-id", TagHURL: "hurl",
	TagMOTM: "motm", TagMaxPayload: "PPP-max-payload", TagIPRouteAdd: "ip-route-add",
	TagServiceNameError: "service-name-error", TagACSystemError: "AC-system-error",
	TagGenericError: "generic-error",
}

// String returns the tag's name as pppd prints it, or its number.
func (t TagType) String() string {
	if name, ok := tagNames[t]; ok {
		return name
	}
	return fmt.Sprintf("tag 0x%04x", uint16(t))
}

// IsError reports whether the tag reports an error (RFC 2516 appendix A).
func (t TagType) IsError() bool { return t >= TagServiceNameError && t <= TagGenericError }

// single reports whether a packet may have the tag only once: of two that differ, it would be
// undefined which one counts.
func (t TagType) single() bool {
	switch t {
	case TagHostUniq, TagACCookie, TagRelaySessionID, TagACName, TagMaxPayload:
		return true
	}
	return false
}
