package netconfig

import (
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strings"
	"testing"
)

// attr encodes an attribute of rtnetlink(7) with the given length field.
func attr(length, typ uint16, value string) string {
	b := binary.NativeEndian.AppendUint16(nil, length)
	b = binary.NativeEndian.AppendUint16(b, typ)
	return hex.EncodeToString(b) + value
}

func octets(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestAttributes: lengths at both sides of each limit, padding, and trailing octets.
func TestAttributes(t *testing.T) {
	for _, c := range []struct {
		what, text string
		want       []string // values
		ok         bool
	}{
		{"nothing", "", nil, true},
		{"three octets, too few for one", "040001", nil, true},
		{"an empty one", attr(4, 1, ""), []string{""}, true},
		{"a length below its own header", attr(3, 1, ""), nil, false},
		{"a length of 0", attr(0, 1, ""), nil, false},
		{"one octet more than there is", attr(5, 1, ""), nil, false},
		{"just what there is", attr(5, 1, "aa"), []string{"aa"}, true},
		{"one octet, three of padding, another", attr(5, 1, "aa000000") + attr(8, 2, "01020304"), []string{"aa", "01020304"}, true},
		{"four octets need no padding", attr(8, 1, "01020304") + attr(6, 2, "bbcc"), []string{"01020304", "bbcc"}, true},
		{"the second is bad", attr(8, 1, "01020304") + attr(9, 2, "bbcc0000"), []string{"01020304"}, false},
	} {
		list, ok := parseAttributes(octets(t, c.text))
		var got []string
		for _, a := range list {
			got = append(got, hex.EncodeToString(a.value))
		}
		if ok != c.ok || !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, %v; want %q, %v", c.what, got, ok, c.want, c.ok)
		}
	}
	for length, want := range map[int]int{0: 0, 1: 4, 3: 4, 4: 4, 5: 8, 8: 8, 9: 12} {
		if got := padded(length); got != want {
			t.Errorf("%d octets are padded to %d, want %d", length, got, want)
		}
	}
	for typ, want := range map[uint16]uint16{5: 5, 0x8005: 5, 0x4005: 5, 0xc005: 5, 0x3fff: 0x3fff} {
		if got := (attribute{typ: typ}).baseType(); got != want {
			t.Errorf("type %#x has number %d, want %d", typ, got, want)
		}
	}
	for value, want := range map[string]string{"": attr(4, 0x8001, ""), "aa": attr(5, 0x8001, "aa000000"), "01020304": attr(8, 0x8001, "01020304")} {
		if got := hex.EncodeToString(attribute{0x8001, octets(t, value)}.appendTo(nil)); got != want {
			t.Errorf("%q is encoded as %s, want %s", value, got, want)
		}
	}
}
