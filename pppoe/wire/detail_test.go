package wire_test

import (
	"slices"
	"testing"

	"upppoe/pppoe/wire"
)

func TestDetails(t *testing.T) {
	for _, c := range []struct {
		typ   wire.TagType
		value string
		want  []wire.Detail
	}{
		{wire.TagServiceName, "", []wire.Detail{{"text", ""}}},
		{wire.TagACName, "ac\x1b", []wire.Detail{{"text", "ac\x1b"}}},
		{wire.TagGenericError, "no", []wire.Detail{{"text", "no"}}},
		{wire.TagHURL, "http://x", []wire.Detail{{"text", "http://x"}}},
		{wire.TagMaxPayload, "\x05\xdc", []wire.Detail{{"octets", "1500"}}},
		{wire.TagMaxPayload, "\x05", []wire.Detail{{"octets in hexadecimal", "05"}}},
		{wire.TagACCookie, "\x01\x02", []wire.Detail{{"octets in hexadecimal", "0102"}}},
		{wire.TagRelaySessionID, "", nil},
		{0x1234, "\xff", []wire.Detail{{"octets in hexadecimal", "ff"}}},
		{wire.TagCredits, "\x00\x05\x01\x00", []wire.Detail{{"forward credits", "5"}, {"backward credits", "256"}}},
		{wire.TagCredits, "\x00\x05\x01", []wire.Detail{{"octets in hexadecimal", "000501"}}},
		{wire.TagSequenceNumber, "\x00\x05", []wire.Detail{{"number", "5"}}},
		{wire.TagCreditScale, "\x00\x40", []wire.Detail{{"octets a credit", "64"}}},
		{wire.TagMetrics, "\x00\x01\x64\x32\x00\x0a\x03\xe8\x07\xd0", []wire.Detail{
			{"flags", "0x0001"}, {"relative link quality", "100"}, {"resources", "50"}, {"latency in ms", "10"},
			{"current data rate", "1000"}, {"maximum data rate", "2000"},
		}},
		{wire.TagIPRouteAdd, "\xc0\x00\x02\x00\xff\xff\xff\x00\xc0\x00\x02\x01\x00\x00\x00\x07", []wire.Detail{
			{"destination", "192.0.2.0"}, {"mask", "255.255.255.0"}, {"gateway", "192.0.2.1"}, {"metric", "7"},
		}},
		{wire.TagVendorSpecific, "\x00\x00\x0d\xe9\x01\x05dsl/1\x02\x02me\x81\x04\x00\x00\x03\xe8\x90\x03\x01\x01\x00", []wire.Detail{
			{"enterprise", "3561"}, {"circuit-id", "dsl/1"}, {"remote-id", "me"}, {"actual rate up in kbit/s", "1000"}, {"access loop encapsulation", "010100"},
		}},
		{wire.TagVendorSpecific, "\x00\x00\x0d\xe9\x01\x09dsl", []wire.Detail{{"enterprise", "3561"}, {"cut short", "010964736c"}}},
		{wire.TagVendorSpecific, "\x00\x00\x0d\xe9\x01", []wire.Detail{{"enterprise", "3561"}, {"cut short", "01"}}},
		{wire.TagVendorSpecific, "\x00\x00\x00\x09xyz", []wire.Detail{{"enterprise", "9"}, {"octets in hexadecimal", "78797a"}}},
		{wire.TagVendorSpecific, "\x00\x00", []wire.Detail{{"octets in hexadecimal", "0000"}}},
	} {
		if got := (wire.Tag{Type: c.typ, Value: []byte(c.value)}).Details(); !slices.Equal(got, c.want) {
			t.Errorf("%v % x: %q, want %q", c.typ, c.value, got, c.want)
		}
	}
}

// FuzzDetails: Details of any tag does not panic.
func FuzzDetails(f *testing.F) {
	f.Add(uint16(wire.TagVendorSpecific), []byte("\x00\x00\x0d\xe9\x01\x05dsl/1"))
	f.Add(uint16(wire.TagMetrics), make([]byte, 10))
	f.Fuzz(func(t *testing.T, typ uint16, value []byte) {
		for _, d := range (wire.Tag{Type: wire.TagType(typ), Value: value}).Details() {
			if d.Name == "" {
				t.Fatal("a detail without a name")
			}
		}
	})
}
