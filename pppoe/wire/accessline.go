package wire

// AccessLine is the subscriber's access line, as a DSLAM or other access node would insert it
// (TR-101 section 3.9.2). Empty fields are not sent.
type AccessLine struct {
	CircuitID string // Agent Circuit ID, up to 63 octets
	RemoteID  string // Agent Remote ID, up to 63 octets
}

// vendorDSLForum is the vendor ID of TR-101's tag: IANA enterprise number 3561.
const vendorDSLForum = "\x00\x00\x0d\xe9"

// Sub-options of TR-101's tag.
const (
	subCircuitID = 1
	subRemoteID  = 2
)

// MaxAccessLine is the longest identifier, in octets (TR-101, R-125).
const MaxAccessLine = 63

// AppendTags appends the Vendor-Specific tag, unless both fields are empty.
func (a AccessLine) AppendTags(tags Tags) Tags {
	value := []byte(vendorDSLForum)
	for _, sub := range []struct {
		code byte
		text string
	}{{subCircuitID, a.CircuitID}, {subRemoteID, a.RemoteID}} {
		if text := sub.text[:min(len(sub.text), MaxAccessLine)]; text != "" {
			value = append(append(value, sub.code, byte(len(text))), text...)
		}
	}
	if len(value) == len(vendorDSLForum) {
		return tags
	}
	return tags.Append(TagVendorSpecific, value)
}

// AccessLine returns the access line in a packet's TR-101 tag. Both fields are untrusted: escape
// them before printing. The complete sub-options of a truncated tag are still returned.
func (l Tags) AccessLine() (a AccessLine) {
	for tag := range l.All() {
		if tag.Type != TagVendorSpecific || len(tag.Value) < len(vendorDSLForum) || string(tag.Value[:4]) != vendorDSLForum {
			continue
		}
		for sub := tag.Value[4:]; len(sub) >= 2 && len(sub) >= 2+int(sub[1]); sub = sub[2+int(sub[1]):] {
			switch text := string(sub[2 : 2+int(sub[1])]); sub[0] {
			case subCircuitID:
				a.CircuitID = text
			case subRemoteID:
				a.RemoteID = text
			}
		}
	}
	return a
}
