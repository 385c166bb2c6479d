package wire

import (
	"encoding/binary"
	"iter"
	"slices"
)

// AccessLine is the subscriber's access line, as an access node or another PPPoE intermediate agent
// inserts it into PADI and PADR (TR-101 section 3.9.2, RFC 4679). A client that sends one plays the
// agent. It is comparable. Empty fields are not sent; what was received is untrusted.
type AccessLine struct {
	CircuitID string // Agent Circuit ID, in octets; sent: up to 63
	RemoteID  string // Agent Remote ID, in octets; sent: up to 63
	// RelaySessionID is the value of a relay agent's Relay-Session-Id (RFC 2516 appendix A). It is never
	// sent.
	RelaySessionID string
	attributes     string // sub-options of LineAttributes as encoded, in the order of their numbers
}

// broadbandForum is the enterprise number of TR-101's tag, formerly of the DSL Forum.
const broadbandForum = 3561

// Sub-options of TR-101's tag: those with a text. Others are a LineAttribute.
const (
	subCircuitID = 0x01
	subRemoteID  = 0x02
)

// Limits of identifiers, in octets.
const (
	// MaxAccessLine is the longest identifier that is sent (TR-101, R-125).
	MaxAccessLine = 63
	// MaxReceivedAccessLine is the longest identifier that is read: some access nodes send more than
	// they may, but more does not fit into the RADIUS attributes of RFC 4679.
	MaxReceivedAccessLine = 247
)

// LineAttribute is a characteristic of an access line: the number of a sub-option of TR-101's tag,
// and of the attribute of RFC 4679. Rates are in kbit/s, where those of RFC 4679 are in bit/s.
type LineAttribute uint8

// Characteristics of an access line (TR-101 appendix B). Up is from the subscriber.
const (
	ActualRateUp        LineAttribute = 0x81 + iota // kbit/s
	ActualRateDown                                  // kbit/s
	MinRateUp                                       // kbit/s
	MinRateDown                                     // kbit/s
	AttainableRateUp                                // kbit/s
	AttainableRateDown                              // kbit/s
	MaxRateUp                                       // kbit/s
	MaxRateDown                                     // kbit/s
	MinLowPowerRateUp                               // kbit/s
	MinLowPowerRateDown                             // kbit/s
	MaxDelayUp                                      // interleaving delay in ms
	ActualDelayUp                                   // ms
	MaxDelayDown                                    // ms
	ActualDelayDown                                 // ms
	// AccessLoopEncapsulation is three octets: data link, encapsulation 1 and 2 (RFC 4679 section
	// 3.3.17).
	AccessLoopEncapsulation LineAttribute = 0x90
	// IWFSession says that the session comes from PPP over ATM (RFC 4679 section 3.3.18); it has no
	// value.
	IWFSession LineAttribute = 0xfe
)

var lineAttributeNames = map[LineAttribute]string{
	ActualRateUp: "actual rate up in kbit/s", ActualRateDown: "actual rate down in kbit/s",
	MinRateUp: "minimum rate up in kbit/s", MinRateDown: "minimum rate down in kbit/s",
	AttainableRateUp: "attainable rate up in kbit/s", AttainableRateDown: "attainable rate down in kbit/s",
	MaxRateUp: "maximum rate up in kbit/s", MaxRateDown: "maximum rate down in kbit/s",
	MinLowPowerRateUp: "minimum low-power rate up in kbit/s", MinLowPowerRateDown: "minimum low-power rate down in kbit/s",
	MaxDelayUp: "maximum delay up in ms", ActualDelayUp: "actual delay up in ms",
	MaxDelayDown: "maximum delay down in ms", ActualDelayDown: "actual delay down in ms",
	AccessLoopEncapsulation: "access loop encapsulation", IWFSession: "PPPoA interworking",
}

// String returns the name of an attribute, with its unit; empty: it is unknown.
func (k LineAttribute) String() string { return lineAttributeNames[k] }

// octets returns the length of an attribute's value.
func (k LineAttribute) octets() int {
	switch k {
	case AccessLoopEncapsulation:
		return 3
	case IWFSession:
		return 0
	}
	return 4
}

// parse returns the value of an attribute; ok is false if the attribute is unknown or the length
// wrong.
func (k LineAttribute) parse(b []byte) (value uint32, ok bool) {
	if k.String() == "" || len(b) != k.octets() {
		return 0, false
	}
	for _, octet := range b {
		value = value<<8 | uint32(octet)
	}
	return value, true
}

// Attributes yields the line's characteristics in the order of their numbers.
func (a AccessLine) Attributes() iter.Seq2[LineAttribute, uint32] {
	return func(yield func(LineAttribute, uint32) bool) {
		for kind, value := range subOptions([]byte(a.attributes)) {
			v, _ := LineAttribute(kind).parse(value)
			if !yield(LineAttribute(kind), v) {
				return
			}
		}
	}
}

// Attribute returns a characteristic of the line; ok is false if the agent has not sent it.
func (a AccessLine) Attribute(k LineAttribute) (value uint32, ok bool) {
	for kind, value := range a.Attributes() {
		if kind == k {
			return value, true
		}
	}
	return 0, false
}

// SetAttribute sets a characteristic of the line. An unknown attribute, or a value that is too large
// for it, is ignored.
func (a *AccessLine) SetAttribute(k LineAttribute, value uint32) {
	if k.String() == "" || uint64(value) >= 1<<(8*k.octets()) {
		return
	}
	var all lineValues
	for kind, v := range a.Attributes() {
		all.set(kind, v)
	}
	all.set(k, value)
	a.attributes = string(all.appendTo(nil))
}

// lineValues are the values of LineAttributes.
type lineValues struct {
	there  [lineAttributes]bool
	values [lineAttributes]uint32
}

// lineAttributes is the number of LineAttributes.
const lineAttributes = 16

// lineAttributeOrder are all LineAttributes, in the order of their numbers.
var lineAttributeOrder = [lineAttributes]LineAttribute{
	ActualRateUp, ActualRateDown, MinRateUp, MinRateDown, AttainableRateUp, AttainableRateDown, MaxRateUp, MaxRateDown,
	MinLowPowerRateUp, MinLowPowerRateDown, MaxDelayUp, ActualDelayUp, MaxDelayDown, ActualDelayDown,
	AccessLoopEncapsulation, IWFSession,
}

func (v *lineValues) set(k LineAttribute, value uint32) {
	i := slices.Index(lineAttributeOrder[:], k)
	v.there[i], v.values[i] = true, value
}

// appendTo appends the values as sub-options.
func (v *lineValues) appendTo(b []byte) []byte {
	for i, k := range lineAttributeOrder {
		if v.there[i] {
			var octets [4]byte
			binary.BigEndian.PutUint32(octets[:], v.values[i])
			b = appendSubOption(b, byte(k), octets[4-k.octets():])
		}
	}
	return b
}

// AppendTags appends the Vendor-Specific tag, unless there is nothing to be sent.
func (a AccessLine) AppendTags(tags Tags) Tags {
	var subs []byte
	for _, sub := range []struct {
		kind byte
		text string
	}{{subCircuitID, a.CircuitID}, {subRemoteID, a.RemoteID}} {
		if text := sub.text[:min(len(sub.text), MaxAccessLine)]; text != "" {
			subs = appendSubOption(subs, sub.kind, []byte(text))
		}
	}
	if subs = append(subs, a.attributes...); len(subs) == 0 {
		return tags
	}
	return tags.Append(TagVendorSpecific, append(binary.BigEndian.AppendUint32(nil, broadbandForum), subs...))
}

func appendSubOption(b []byte, kind byte, value []byte) []byte {
	return append(append(b, kind, byte(len(value))), value...)
}

// AccessLine returns the access line in a packet's TR-101 tags and its Relay-Session-Id. Of what is
// repeated, the last counts: an agent appends its tag to what a client has sent. Identifiers and
// attributes of a wrong length are ignored; of a truncated tag the complete sub-options are returned.
func (l Tags) AccessLine() AccessLine {
	var p lineParser
	for tag := range l.All() {
		switch {
		case tag.Type == TagRelaySessionID && len(tag.Value) <= MaxReceivedAccessLine:
			p.relay = tag.Value
		case tag.Type == TagVendorSpecific && len(tag.Value) >= 4 && binary.BigEndian.Uint32(tag.Value) == broadbandForum:
			for kind, value := range subOptions(tag.Value[4:]) {
				p.add(kind, value)
			}
		}
	}
	return AccessLine{string(p.circuit), string(p.remote), string(p.relay), string(p.values.appendTo(nil))}
}

// lineParser collects an AccessLine without allocating for what is repeated. Its fields alias the
// packet.
type lineParser struct {
	circuit, remote, relay []byte
	values                 lineValues
}

// add adds a sub-option.
func (p *lineParser) add(kind byte, value []byte) {
	if v, ok := LineAttribute(kind).parse(value); ok {
		p.values.set(LineAttribute(kind), v)
	}
	switch {
	case len(value) > MaxReceivedAccessLine:
	case kind == subCircuitID:
		p.circuit = value
	case kind == subRemoteID:
		p.remote = value
	}
}

// subOptions yields the complete sub-options of TR-101: one octet each of type and length, and the
// value.
func subOptions(b []byte) iter.Seq2[byte, []byte] {
	return func(yield func(byte, []byte) bool) {
		for len(b) >= 2 && len(b) >= 2+int(b[1]) {
			n := 2 + int(b[1])
			if !yield(b[0], b[2:n:n]) {
				return
			}
			b = b[n:]
		}
	}
}
