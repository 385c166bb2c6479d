package radius

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"layeh.com/radius"
)

// AttributeType is the type of an attribute: a standard one, or one of a vendor.
type AttributeType struct {
	Vendor uint32 // private enterprise number; 0: a standard attribute
	Type   uint8
}

// vendorSpecific is the type of the attribute that has those of vendors (RFC 2865 section 5.26).
const vendorSpecific = 26

// String returns the name of an attribute that is known, or its number: "Framed-MTU", "26.14988.8".
func (t AttributeType) String() string {
	if a, ok := known[t]; ok {
		return a.name
	}
	if t.Vendor == 0 {
		return "attribute " + strconv.Itoa(int(t.Type))
	}
	return fmt.Sprintf("attribute %d.%d.%d", vendorSpecific, t.Vendor, t.Type)
}

// ParseAttributeType parses the name of a known attribute, the number of a standard one like "11", or
// the vendor and number of another like "14988.8".
func ParseAttributeType(text string) (AttributeType, error) {
	for t, a := range known {
		if strings.EqualFold(a.name, text) {
			return t, nil
		}
	}
	vendor, number, cut := strings.Cut(text, ".")
	if !cut {
		vendor, number = "0", text
	}
	v, err := strconv.ParseUint(vendor, 10, 32)
	n, bad := strconv.ParseUint(number, 10, 8)
	if err != nil || bad != nil || n == 0 {
		return AttributeType{}, fmt.Errorf("%w: attribute %q: give a name like Filter-Id, or a number like 11, or VENDOR.NUMBER like 14988.8", ErrConfig, text)
	}
	return AttributeType{Vendor: uint32(v), Type: uint8(n)}, nil
}

// AttributeError reports an attribute whose value is wrong.
type AttributeError struct {
	Attribute AttributeType
	Err       error
}

func (e *AttributeError) Error() string { return fmt.Sprintf("%v: %v", e.Attribute, e.Err) }

// Unwrap returns what is wrong with the value.
func (e *AttributeError) Unwrap() error { return e.Err }

// value is an attribute.
type value struct {
	AttributeType
	data []byte
}

// values returns a packet's attributes in order, those of vendors by themselves. The error is an
// *AttributeError.
func values(p *radius.Packet) (all []value, err error) {
	for _, a := range p.Attributes {
		if a.Type != vendorSpecific {
			all = append(all, value{AttributeType{Type: uint8(a.Type)}, a.Attribute})
			continue
		}
		if all, err = appendVendor(all, a.Attribute); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// vendorHeader is the length of the vendor's number.
const vendorHeader = 4

// appendVendor appends the attributes in a Vendor-Specific. Those of a vendor with another format
// than that of RFC 2865 section 5.26 are ignored, unless attributes of the vendor are known.
func appendVendor(all []value, b []byte) ([]value, error) {
	if len(b) < vendorHeader {
		return nil, &AttributeError{AttributeType{Type: vendorSpecific}, errLength(len(b), "at least 4")}
	}
	vendor := binary.BigEndian.Uint32(b)
	had := len(all)
	for b = b[vendorHeader:]; len(b) > 0; b = b[b[1]:] {
		if len(b) < 2 || b[1] < 2 || int(b[1]) > len(b) {
			if !knownVendors[vendor] {
				return all[:had], nil
			}
			return nil, &AttributeError{AttributeType{vendor, b[0]}, errVendorLength}
		}
		all = append(all, value{AttributeType{vendor, b[0]}, b[2:b[1]]})
	}
	return all, nil
}
