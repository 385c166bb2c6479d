package wire

// AccessLine says which subscriber line a host is on, as a DSLAM would insert it
// (TR-101 section 3.9.2). Zero fields are not told.
type AccessLine struct {
	CircuitID string // Agent Circuit ID, up to 63 octets
	RemoteID  string // Agent Remote ID, up to 63 octets
}

// vendorDSLForum is the vendor of TR-101's tag: IANA's enterprise number 3561.
const vendorDSLForum = "\x00\x00\x0d\xe9"

// Sub-options of TR-101's tag.
const (
	subCircuitID = 1
	subRemoteID  = 2
)

// MaxAccessLine bounds each identifier, in octets (TR-101, R-125).
const MaxAccessLine = 63

// AppendTags appends the Vendor-Specific tag, if there is anything to tell.
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

// AccessLine is what a packet's TR-101 tag tells; both fields are a stranger's words,
// escape it before printing. A tag that is cut off tells what comes before the cut.
func (t Tags) AccessLine() (a AccessLine) {
	for tag := range t.All() {
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
