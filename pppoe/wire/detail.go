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

// broadbandForum is the enterprise number of TR-101.
const broadbandForum = 3561

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

// accessLine parses the sub-options of TR-101: one octet each of type and length.
func accessLine(b []byte) (details []Detail) {
	for len(b) > 0 {
		if len(b) < 2 || len(b) < 2+int(b[1]) {
			return append(details, hexDetail("cut short", b)...)
		}
		details = append(details, subOption(b[0], b[2:2+int(b[1])]))
		b = b[2+int(b[1]):]
	}
	return details
}

// Sub-options of TR-101's tag.
const (
	circuitID = 0x01
	remoteID  = 0x02
)

var subOptionNames = map[byte]string{
	0x81: "actual rate up in kbit/s", 0x82: "actual rate down in kbit/s",
	0x83: "minimum rate up in kbit/s", 0x84: "minimum rate down in kbit/s",
	0x85: "attainable rate up in kbit/s", 0x86: "attainable rate down in kbit/s",
	0x87: "maximum rate up in kbit/s", 0x88: "maximum rate down in kbit/s",
	0x89: "minimum low-power rate up in kbit/s", 0x8a: "minimum low-power rate down in kbit/s",
	0x8b: "maximum delay up in ms", 0x8c: "actual delay up in ms",
	0x8d: "maximum delay down in ms", 0x8e: "actual delay down in ms",
}

func subOption(kind byte, value []byte) Detail {
	switch name := subOptionNames[kind]; {
	case kind == circuitID:
		return Detail{"circuit-id", string(value)}
	case kind == remoteID:
		return Detail{"remote-id", string(value)}
	case name != "" && len(value) == 4:
		return Detail{name, strconv.FormatUint(uint64(binary.BigEndian.Uint32(value)), 10)}
	}
	return Detail{fmt.Sprintf("sub-option 0x%02x", kind), hex.EncodeToString(value)}
}
