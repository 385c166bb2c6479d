package wire

import "testing"

// TestCodes: the numbers of codes, tags and ethertypes in RFC 2516 (sections 4 and 5, appendix A),
// RFC 4638 section 4, RFC 5578 sections 3 and 4, and draft-carrel-info-pppoe-ext.
func TestCodes(t *testing.T) {
	if EtherTypeDiscovery != 0x8863 || EtherTypeSession != 0x8864 {
		t.Errorf("ethertypes 0x%x, 0x%x", EtherTypeDiscovery, EtherTypeSession)
	}
	for number, c := range map[uint8]struct {
		code Code
		name string
	}{
		0x00: {CodeSession, "Session"}, 0x07: {PADO, "PADO"}, 0x09: {PADI, "PADI"}, 0x0a: {PADG, "PADG"}, 0x0b: {PADC, "PADC"}, 0x0c: {PADQ, "PADQ"},
		0x19: {PADR, "PADR"}, 0x65: {PADS, "PADS"}, 0xa7: {PADT, "PADT"}, 0xd3: {PADM, "PADM"}, 0xd4: {PADN, "PADN"},
		0x08: {0x08, "code 0x08"}, 0xff: {0xff, "code 0xff"},
	} {
		if c.code != Code(number) || c.code.String() != c.name {
			t.Errorf("%s is 0x%02x, called %v; want 0x%02x", c.name, uint8(c.code), c.code, number)
		}
	}
	for number, c := range map[uint16]struct {
		tag    TagType
		name   string
		single bool
		fault  bool
	}{
		0x0000: {TagEndOfList, "end-of-list", false, false},
		0x0101: {TagServiceName, "service-name", false, false},
		0x0102: {TagACName, "AC-name", true, false},
		0x0103: {TagHostUniq, "host-uniq", true, false},
		0x0104: {TagACCookie, "AC-cookie", true, false},
		0x0105: {TagVendorSpecific, "vendor-specific", false, false},
		0x0106: {TagCredits, "credits", false, false},
		0x0107: {TagMetrics, "metrics", false, false},
		0x0108: {TagSequenceNumber, "sequence-number", false, false},
		0x0109: {TagCreditScale, "credit-scale", false, false},
		0x0110: {TagRelaySessionID, "relay-session-id", true, false},
		0x0111: {TagHURL, "hurl", false, false},
		0x0112: {TagMOTM, "motm", false, false},
		0x0120: {TagMaxPayload, "PPP-max-payload", true, false},
		0x0121: {TagIPRouteAdd, "ip-route-add", false, false},
		0x0200: {0x0200, "tag 0x0200", false, false},
		0x0201: {TagServiceNameError, "service-name-error", false, true},
		0x0202: {TagACSystemError, "AC-system-error", false, true},
		0x0203: {TagGenericError, "generic-error", false, true},
		0x0204: {0x0204, "tag 0x0204", false, false},
	} {
		if c.tag != TagType(number) || c.tag.String() != c.name || c.tag.single() != c.single || c.tag.IsError() != c.fault {
			t.Errorf("%s is 0x%04x, called %v, single %v, an error %v; want 0x%04x, %v, %v", c.name, uint16(c.tag), c.tag, c.tag.single(), c.tag.IsError(), number, c.single, c.fault)
		}
	}
}
