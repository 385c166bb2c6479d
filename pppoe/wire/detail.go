package wire

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strconv"
)

// Detail is one field of a tag as text. Its value is untrusted: escape it before printing.
type Detail struct {
	Name, Value string
}

// Details returns the fields of a tag, by RFC 2516, RFC 4638, RFC 5578, draft-carrel-info-pppoe-ext
// and, for Vendor-Specific, TR-101. A tag that is unknown or has the wrong length is one Detail in
// hexadecimal.
func (t Tag) Details() []Detail {
	switch {
	case t.Type == TagServiceName, t.Type == TagACName, t.Type.IsError(), t.Type == TagMOTM, t.Type == TagHURL:
		return []Detail{{"text", string(t.Value)}}
	case t.Type == TagMaxPayload && len(t.Value) == 2:
		return []Detail{{"octets", t.field(0, 2)}}
	case t.Type == TagVendorSpecific && len(t.Value) >= 4:
		return vendorDetails(t.Value)
	case t.Type == TagCredits && len(t.Value) == 4:
		return []Detail{{"forward credits", t.field(0, 2)}, {"backward credits", t.field(2, 2)}}
	case t.Type == TagMetrics && len(t.Value) == 10:
		return t.metrics()
	case t.Type == TagSequenceNumber && len(t.Value) == 2:
		return []Detail{{"number", t.field(0, 2)}}
	case t.Type == TagCreditScale && len(t.Value) == 2:
		return []Detail{{"octets a credit", t.field(0, 2)}}
	case t.Type == TagIPRouteAdd && len(t.Value) == 16:
		return t.route()
	}
	return hexDetail("octets in hexadecimal", t.Value)
}

// hexDetail returns nil if there are no octets.
func hexDetail(name string, b []byte) []Detail {
	if len(b) == 0 {
		return nil
	}
	return []Detail{{name, hex.EncodeToString(b)}}
}

// field returns a field of the tag's value in decimal.
func (t Tag) field(at, octets int) string {
	n := uint64(0)
	for _, b := range t.Value[at : at+octets] {
		n = n<<8 | uint64(b)
	}
	return strconv.FormatUint(n, 10)
}

// metrics returns the link metrics of RFC 5578. The flags have the units of the rates, and whether
// the link is receive-only.
func (t Tag) metrics() []Detail {
	return []Detail{
		{"flags", fmt.Sprintf("0x%04x", binary.BigEndian.Uint16(t.Value))},
		{"relative link quality", t.field(2, 1)},
		{"resources", t.field(3, 1)},
		{"latency in ms", t.field(4, 2)},
		{"current data rate", t.field(6, 2)},
		{"maximum data rate", t.field(8, 2)},
	}
}

// route returns the route of IP_ROUTE_ADD (draft-carrel-info-pppoe-ext).
func (t Tag) route() (details []Detail) {
	for i, name := range []string{"destination", "mask", "gateway"} {
		addr, _ := netip.AddrFromSlice(t.Value[4*i : 4*i+4])
		details = append(details, Detail{name, addr.String()})
	}
	return append(details, Detail{"metric", t.field(12, 4)})
}

// vendorDetails returns the fields of a Vendor-Specific tag (RFC 2516 appendix A): four octets of
// enterprise number, and that enterprise's own format.
func vendorDetails(b []byte) []Detail {
	enterprise, rest := binary.BigEndian.Uint32(b), b[4:]
	details := []Detail{{"enterprise", strconv.FormatUint(uint64(enterprise), 10)}}
	if enterprise == broadbandForum {
		return append(details, accessLine(rest)...)
	}
	return append(details, hexDetail("octets in hexadecimal", rest)...)
}

// accessLine returns the sub-options of TR-101.
func accessLine(b []byte) (details []Detail) {
	for kind, value := range subOptions(b) {
		details = append(details, subOption(kind, value))
		b = b[2+len(value):]
	}
	return append(details, hexDetail("cut short", b)...)
}

func subOption(kind byte, value []byte) Detail {
	switch number, ok := LineAttribute(kind).parse(value); {
	case kind == subCircuitID:
		return Detail{"circuit-id", string(value)}
	case kind == subRemoteID:
		return Detail{"remote-id", string(value)}
	case ok && len(value) == 4:
		return Detail{LineAttribute(kind).String(), strconv.FormatUint(uint64(number), 10)}
	case ok:
		return Detail{LineAttribute(kind).String(), hex.EncodeToString(value)}
	}
	return Detail{fmt.Sprintf("sub-option 0x%02x", kind), hex.EncodeToString(value)}
}
