package wire

import (
	"bytes"
	"strings"
	"testing"
)

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
		{AccessLine{"c", "r"}, []byte("\x00\x00\x0d\xe9\x01\x01c\x02\x01r"), AccessLine{"c", "r"}},
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
	const forum = "\x00\x00\x0d\xe9"
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

// FuzzAccessLine: any tag value is parsed within its bounds, and encodes to a tag that parses the
// same.
func FuzzAccessLine(f *testing.F) {
	f.Add([]byte(vendorDSLForum + "\x01\x01c\x02\x01r"))
	f.Add([]byte(vendorDSLForum + "\x01\x09x"))
	f.Fuzz(func(t *testing.T, value []byte) {
		a := Tags(nil).Append(TagVendorSpecific, value[:min(len(value), 1400)]).AccessLine()
		if len(a.CircuitID)+len(a.RemoteID) > len(value) {
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
