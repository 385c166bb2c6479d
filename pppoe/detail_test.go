package pppoe_test

import (
	"slices"
	"testing"

	"upppoe/pppoe"
)

func TestDetails(t *testing.T) {
	for _, c := range []struct {
		typ   pppoe.TagType
		value string
		want  []pppoe.Detail
	}{
		{pppoe.TagServiceName, "", []pppoe.Detail{{"text", ""}}},
		{pppoe.TagACName, "ac\x1b", []pppoe.Detail{{"text", "ac\x1b"}}},
		{pppoe.TagGenericError, "no", []pppoe.Detail{{"text", "no"}}},
		{pppoe.TagHURL, "http://x", []pppoe.Detail{{"text", "http://x"}}},
		{pppoe.TagMaxPayload, "\x05\xdc", []pppoe.Detail{{"octets", "1500"}}},
		{pppoe.TagMaxPayload, "\x05", []pppoe.Detail{{"octets in hexadecimal", "05"}}},
		{pppoe.TagACCookie, "\x01\x02", []pppoe.Detail{{"octets in hexadecimal", "0102"}}},
		{pppoe.TagRelaySessionID, "", nil},
		{0x1234, "\xff", []pppoe.Detail{{"octets in hexadecimal", "ff"}}},
		{pppoe.TagCredits, "\x00\x05\x01\x00", []pppoe.Detail{{"forward credits", "5"}, {"backward credits", "256"}}},
		{pppoe.TagCredits, "\x00\x05\x01", []pppoe.Detail{{"octets in hexadecimal", "000501"}}},
		{pppoe.TagSequenceNumber, "\x00\x05", []pppoe.Detail{{"number", "5"}}},
		{pppoe.TagCreditScale, "\x00\x40", []pppoe.Detail{{"octets a credit", "64"}}},
		{pppoe.TagMetrics, "\x00\x01\x64\x32\x00\x0a\x03\xe8\x07\xd0", []pppoe.Detail{
			{"flags", "0x0001"}, {"relative link quality", "100"}, {"resources", "50"}, {"latency in ms", "10"},
			{"current data rate", "1000"}, {"maximum data rate", "2000"},
		}},
		{pppoe.TagIPRouteAdd, "\xc0\x00\x02\x00\xff\xff\xff\x00\xc0\x00\x02\x01\x00\x00\x00\x07", []pppoe.Detail{
			{"destination", "192.0.2.0"}, {"mask", "255.255.255.0"}, {"gateway", "192.0.2.1"}, {"metric", "7"},
		}},
		{pppoe.TagVendorSpecific, "\x00\x00\x0d\xe9\x01\x05dsl/1\x02\x02me\x81\x04\x00\x00\x03\xe8\x90\x03\x01\x01\x00", []pppoe.Detail{
			{"enterprise", "3561"}, {"circuit-id", "dsl/1"}, {"remote-id", "me"}, {"actual rate up in kbit/s", "1000"}, {"sub-option 0x90", "010100"},
		}},
		{pppoe.TagVendorSpecific, "\x00\x00\x0d\xe9\x01\x09dsl", []pppoe.Detail{{"enterprise", "3561"}, {"cut short", "010964736c"}}},
		{pppoe.TagVendorSpecific, "\x00\x00\x0d\xe9\x01", []pppoe.Detail{{"enterprise", "3561"}, {"cut short", "01"}}},
		{pppoe.TagVendorSpecific, "\x00\x00\x00\x09xyz", []pppoe.Detail{{"enterprise", "9"}, {"octets in hexadecimal", "78797a"}}},
		{pppoe.TagVendorSpecific, "\x00\x00", []pppoe.Detail{{"octets in hexadecimal", "0000"}}},
	} {
		if got := (pppoe.Tag{Type: c.typ, Value: []byte(c.value)}).Details(); !slices.Equal(got, c.want) {
			t.Errorf("%v % x says %q, want %q", c.typ, c.value, got, c.want)
		}
	}
}

// FuzzDetails: no tag makes it fail.
func FuzzDetails(f *testing.F) {
	f.Add(uint16(pppoe.TagVendorSpecific), []byte("\x00\x00\x0d\xe9\x01\x05dsl/1"))
	f.Add(uint16(pppoe.TagMetrics), make([]byte, 10))
	f.Fuzz(func(t *testing.T, typ uint16, value []byte) {
		for _, d := range (pppoe.Tag{Type: pppoe.TagType(typ), Value: value}).Details() {
			if d.Name == "" {
				t.Fatal("a detail without a name")
			}
		}
	})
}
