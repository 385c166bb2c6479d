package chap_test

import (
	"bytes"
	"errors"
	"testing"

	"upppoe/chap"
	"upppoe/ppp/ppptest"
)

// golden holds packets of a real pppd, captured from sessions of user "testuser" with
// password "testpassword" (the last three: with another password).
var golden = struct {
	md5Challenge, md5Response, md5Success string
	msChallenge, msResponse, msSuccess    string
	badChallenge, badResponse, badFailure string
}{
	"0160001c112f9c7ba2298516d386bd73759bc758d8b1286e6f6e6529",
	"0260001d10e89eca654343d6f96214775fd3eb76f97465737475736572",
	"03600012416363657373206772616e746564",

	"0154001b10651dd289c8f6d44e574964c09a1e3276286e6f6e6529",
	"0254003e31e762321ee4ae9284c01048709fe4d93a0000000000000000e0bd057a4f5f5283f037485404e39a199f0132ad2679074a007465737475736572",
	"0354003f533d33354633323137333036453644363345394544423442453036303845414233373341314230333736204d3d416363657373206772616e746564",

	"017e001e13d900bc50e39e3618304118aa4d2af2354d6301286e6f6e6529",
	"027e001d10d929f887d903abf978036909ebd17fcb7465737475736572",
	"047e00114163636573732064656e696564",
}

const password = "testpassword"

func TestParseValue(t *testing.T) {
	for _, s := range []string{golden.md5Challenge, golden.md5Response, golden.msChallenge, golden.msResponse} {
		data := ppptest.Packet(t, s).Data
		value, name, err := chap.ParseValue(data)
		if err != nil {
			t.Fatalf("%s: %v", s, err)
		}
		if again := chap.AppendValue(nil, value, string(name)); !bytes.Equal(again, data) {
			t.Errorf("%s: appended again it is %x", s, again)
		}
		// The name ends with the packet: a prefix with the whole value is a valid packet
		// with a shorter name (RFC 1994 section 4.1).
		for n := range 1 + len(value) {
			if _, _, err := chap.ParseValue(data[:n]); !errors.Is(err, chap.ErrValue) {
				t.Errorf("%s: its first %d octets: %v", s, n, err)
			}
		}
	}
}

func TestParseValueBounds(t *testing.T) {
	longest := append([]byte{255}, make([]byte, 255)...)
	for _, c := range []struct {
		what string
		data []byte
		name int // octets; -1: an error
	}{
		{"nothing", nil, -1},
		{"no value", []byte{0}, -1},
		{"no value, a name", []byte{0, 'x'}, -1},
		{"value of one octet, no name", []byte{1, 9}, 0},
		{"value beyond the end", []byte{3, 1, 2}, -1},
		{"longest value", longest, 0},
		{"longest value, truncated", longest[:255], -1},
		{"longest value and a name", append(longest, "ac"...), 2},
	} {
		_, name, err := chap.ParseValue(c.data)
		if c.name < 0 && !errors.Is(err, chap.ErrValue) || c.name >= 0 && (err != nil || len(name) != c.name) {
			t.Errorf("%s: name %q, error %v", c.what, name, err)
		}
	}
}

func TestAppendValueTruncates(t *testing.T) {
	value, name, err := chap.ParseValue(chap.AppendValue(nil, make([]byte, 300), "ac"))
	if len(value) != 255 || string(name) != "ac" || err != nil {
		t.Errorf("300 octets became %d, name %q, error %v", len(value), name, err)
	}
}

func FuzzParseValue(f *testing.F) {
	f.Add(ppptest.Packet(f, golden.md5Challenge).Data)
	f.Add(ppptest.Packet(f, golden.msResponse).Data)
	f.Fuzz(func(t *testing.T, data []byte) {
		value, name, err := chap.ParseValue(data)
		if err != nil {
			return
		}
		if again := chap.AppendValue(nil, value, string(name)); !bytes.Equal(again, data) {
			t.Errorf("%x, appended again: %x", data, again)
		}
	})
}
