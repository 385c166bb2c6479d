package wire

import (
	"bytes"
	"strings"
	"testing"
)

// forum is the enterprise number of TR-101's tag.
const forum = "\x00\x00\x0d\xe9"

func TestAccessLineOnTheWire(t *testing.T) {
	long := strings.Repeat("x", 70)
	for _, c := range []struct {
		line AccessLine
		want []byte // the tag's value; nil: there is none
		read AccessLine
	}{
		{AccessLine{}, nil, AccessLine{}},
		{AccessLine{CircuitID: "eth 1/2"}, []byte("\x00\x00\x0d\xe9\x01\x07eth 1/2"), AccessLine{CircuitID: "eth 1/2"}},
		{AccessLine{RemoteID: "r"}, []byte("\x00\x00\x0d\xe9\x02\x01r"), AccessLine{RemoteID: "r"}},
		{AccessLine{CircuitID: "c", RemoteID: "r"}, []byte("\x00\x00\x0d\xe9\x01\x01c\x02\x01r"), AccessLine{CircuitID: "c", RemoteID: "r"}},
		{AccessLine{CircuitID: long}, []byte("\x00\x00\x0d\xe9\x01\x3f" + long[:63]), AccessLine{CircuitID: long[:63]}},
	} {
		tags := c.line.AppendTags(nil)
		value, there := tags.Find(TagVendorSpecific)
		if there != (c.want != nil) || !bytes.Equal(value, c.want) {
			t.Errorf("%+v: % x, want % x", c.line, value, c.want)
		}
		if got := tags.AccessLine(); got != c.read {
			t.Errorf("%+v is parsed as %+v", c.line, got)
		}
	}
}

// TestAccessLineMalformed: of a tag that is truncated or of another vendor, only complete
// sub-options of TR-101 count.
func TestAccessLineMalformed(t *testing.T) {
	for value, want := range map[string]AccessLine{
		"":                                   {},
		"\x00\x00\x0d":                       {},
		forum:                                {},
		"\x00\x00\x0d\xea\x01\x01c":          {},
		forum + "\x01":                       {},
		forum + "\x01\x05c":                  {},
		forum + "\x01\x00\x02\x01r":          {RemoteID: "r"},
		forum + "\x01\x01c\x02\x02r":         {CircuitID: "c"},
		forum + "\x81\x02zz\x01\x01c":        {CircuitID: "c"},
		forum + "\x01\x01c\x01\x01d":         {CircuitID: "d"},
		forum + "\x01\x02\x1b\n\x02\x01\xff": {CircuitID: "\x1b\n", RemoteID: "\xff"},
	} {
		if got := Tags(nil).Append(TagVendorSpecific, []byte(value)).AccessLine(); got != want {
			t.Errorf("%q: %+v, want %+v", value, got, want)
		}
	}
}

// TestLineAttributes: characteristics of the line are read whatever their order, the last of two
// counts, those of a wrong length do not, and they are encoded in the order of their numbers.
func TestLineAttributes(t *testing.T) {
	const in = forum + "\xfe\x00\x01\x01c\x82\x04\x00\x00\xc3\x50\x90\x03\x01\x02\x03\x81\x04\x00\x00\x00\x01\x83\x03\x00\x00\x01\x84\x05\x00\x00\x00\x00\x01\x99\x00\x81\x04\x00\x00\x27\x10"
	const out = forum + "\x01\x01c\x81\x04\x00\x00\x27\x10\x82\x04\x00\x00\xc3\x50\x90\x03\x01\x02\x03\xfe\x00"
	a := Tags(nil).Append(TagVendorSpecific, []byte(in)).AccessLine()
	want := []struct {
		kind  LineAttribute
		value uint32
	}{{ActualRateUp, 10000}, {ActualRateDown, 50000}, {AccessLoopEncapsulation, 0x010203}, {IWFSession, 0}}
	for kind, value := range a.Attributes() {
		if len(want) == 0 || want[0].kind != kind || want[0].value != value {
			t.Fatalf("%v is %d; of those expected, %v are left", kind, value, want)
		}
		want = want[1:]
	}
	if len(want) > 0 {
		t.Errorf("%v are missing", want)
	}
	if encoded, _ := a.AppendTags(nil).Find(TagVendorSpecific); string(encoded) != out {
		t.Errorf("encoded as % x, want % x", encoded, out)
	}
	if v, ok := a.Attribute(ActualRateDown); !ok || v != 50000 {
		t.Errorf("the rate down is %d, %v", v, ok)
	}
	if _, ok := a.Attribute(MinRateUp); ok {
		t.Error("an attribute of three octets, of four, is read")
	}
	before := a
	a.SetAttribute(AccessLoopEncapsulation, 1<<24)
	a.SetAttribute(IWFSession, 1)
	a.SetAttribute(0x99, 1)
	if a != before {
		t.Error("values that an attribute cannot have are set")
	}
}

// TestAccessLineOfAgents: the tag that an agent appends counts more than the client's, and identifiers
// that are too long are ignored; so is the Relay-Session-Id.
func TestAccessLineOfAgents(t *testing.T) {
	long := strings.Repeat("x", MaxReceivedAccessLine+1)
	tags := Tags(nil).Append(TagVendorSpecific, []byte(forum+"\x01\x06forged\x02\x01r"))
	tags = tags.Append(TagRelaySessionID, []byte("relay")).Append(TagVendorSpecific, []byte(forum+"\x01\x04port"))
	tags = tags.Append(TagVendorSpecific, []byte(forum+"\x02\xf8"+long))
	if got, want := tags.AccessLine(), (AccessLine{CircuitID: "port", RemoteID: "r", RelaySessionID: "relay"}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := Tags(nil).Append(TagRelaySessionID, []byte(long)).AccessLine(); got != (AccessLine{}) {
		t.Errorf("a Relay-Session-Id of %d octets is read", len(long))
	}
}

// FuzzAccessLine: any tag value is parsed within its bounds, and encodes to a tag that parses the
// same.
func FuzzAccessLine(f *testing.F) {
	f.Add([]byte(forum + "\x01\x01c\x02\x01r"))
	f.Add([]byte(forum + "\x01\x09x"))
	f.Add([]byte(forum + "\xfe\x00\x90\x03\x01\x02\x03\x82\x04\x00\x00\xc3\x50\x81\x04\x00\x00\x27\x10\x81\x04\x00\x00\x00\x01"))
	f.Fuzz(func(t *testing.T, value []byte) {
		a := Tags(nil).Append(TagVendorSpecific, value[:min(len(value), 1400)]).AccessLine()
		if n := len(a.CircuitID) + len(a.RemoteID) + len(a.attributes); n > len(value) || len(a.attributes) > 16*6 {
			t.Errorf("%d octets give %+v", len(value), a)
		}
		if len(a.CircuitID) > MaxAccessLine || len(a.RemoteID) > MaxAccessLine {
			return // longer than we send
		}
		if again := a.AppendTags(nil).AccessLine(); again != a {
			t.Errorf("%+v is parsed as %+v after it was encoded", a, again)
		}
	})
}
