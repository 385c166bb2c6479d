package wire

import (
	"bytes"
	"testing"
	"unicode"
)

func TestParseDiscovery(t *testing.T) {
	for _, c := range []struct {
		what string
		in   string
		err  error
	}{
		{"a PADI", "\x11\x09\x00\x00\x00\x04\x01\x01\x00\x00", nil},
		{"with padding", "\x11\x09\x00\x00\x00\x04\x01\x01\x00\x00\x00\x00\x00", nil},
		{"no tags", "\x11\xa7\x00\x01\x00\x00", nil},
		{"an unknown tag", "\x11\x09\x00\x00\x00\x05\x7f\x01\x00\x01x", nil},
		{"what follows End-Of-List", "\x11\x09\x00\x00\x00\x07\x00\x00\x00\x00\x01\x01\x00", nil},
		{"empty", "", ErrShort},
		{"version 2", "\x21\x09\x00\x00\x00\x00", ErrVersion},
		{"type 2", "\x12\x09\x00\x00\x00\x00", ErrVersion},
		{"LENGTH beyond the frame", "\x11\x09\x00\x00\x00\x05\x01\x01\x00\x00", ErrLength},
		{"a tag beyond LENGTH", "\x11\x09\x00\x00\x00\x04\x01\x01\x00\x01x", ErrTag},
		{"half a tag", "\x11\x09\x00\x00\x00\x03\x01\x01\x00", ErrTag},
		{"End-Of-List with a length", "\x11\x09\x00\x00\x00\x05\x00\x00\x00\x01x", ErrEndOfList},
		{"two cookies", "\x11\x07\x00\x00\x00\x0a\x01\x04\x00\x01a\x01\x04\x00\x01b", ErrRepeated},
		{"two services", "\x11\x07\x00\x00\x00\x0a\x01\x01\x00\x01a\x01\x01\x00\x01b", nil},
		{"a session packet", "\x11\x00\x00\x01\x00\x00", ErrCode},
	} {
		d, err := ParseDiscovery([]byte(c.in))
		if err != c.err {
			t.Errorf("%s: %v, want %v", c.what, err, c.err)
		}
		if err != nil {
			continue
		}
		whole := d.AppendTo(nil)
		if !bytes.HasPrefix([]byte(c.in), whole) {
			t.Errorf("%s: encodes to % x, was % x", c.what, whole, c.in)
		}
		for n := range whole {
			if _, err := ParseDiscovery(whole[:n]); err == nil {
				t.Errorf("%s: the first %d octets parse, though LENGTH is more", c.what, n)
			}
		}
	}
}

func TestTextHoldsNoControlCharacters(t *testing.T) {
	tags := Tags(nil).Append(TagACName, []byte("\x1b[2Jevil\n\u202eac\u061c\u2060\u2069\u206f\U000e0041")).Append(TagGenericError, []byte("\xff\x00\u009b"))
	text := string(DiscoveryFrame{Dst: Broadcast, Src: acAddr, Discovery: Discovery{PADO, 0, tags}}.AppendText(nil))
	for _, r := range text {
		if r != '\n' && !unicode.IsPrint(r) {
			t.Errorf("%q holds %U", text, r)
		}
	}
	if n := bytes.Count([]byte(text), []byte("\n")); n != 2 {
		t.Errorf("%q is of %d lines, want 3", text, n+1)
	}
}

func FuzzParseDiscovery(f *testing.F) {
	f.Add([]byte("\x11\x09\x00\x00\x00\x04\x01\x01\x00\x00"))
	f.Add([]byte("\x11\x07\x00\x00\x00\x0a\x01\x04\x00\x01a\x01\x03\x00\x01b"))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := ParseDiscovery(b)
		if err != nil {
			return
		}
		again := d.AppendTo(nil)
		if !bytes.Equal(again, b[:len(again)]) {
			t.Errorf("% x encodes again to % x", b, again)
		}
		frame := DiscoveryFrame{Dst: hostAddr, Src: acAddr, Discovery: d}
		parsed, err := ParseDiscoveryFrame(frame.AppendTo(nil))
		if err != nil || !bytes.Equal(parsed.Tags, d.Tags) || parsed.Src != acAddr || parsed.Dst != hostAddr {
			t.Errorf("in its Ethernet frame % x reads as %v, %v", b, parsed, err)
		}
		for _, r := range string(frame.AppendText(nil)) {
			if r != '\n' && unicode.IsControl(r) {
				t.Errorf("its text holds %U", r)
			}
		}
	})
}

func FuzzParseDiscoveryFrame(f *testing.F) {
	f.Add(DiscoveryFrame{Dst: hostAddr, Src: acAddr, Discovery: Discovery{PADS, 1, Tags(nil).Append(TagServiceName, nil)}}.AppendTo(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := ParseDiscoveryFrame(b)
		if err != nil {
			return
		}
		if again, err := ParseDiscoveryFrame(d.AppendTo(nil)); err != nil || again.Code != d.Code || again.VLAN != d.VLAN || !bytes.Equal(again.Tags, d.Tags) {
			t.Errorf("% x reads again as %v, %v", b, again, err)
		}
	})
}

func FuzzParseSession(f *testing.F) {
	f.Add([]byte("\x11\x00\x00\x01\x00\x02\xc0\x21"))
	f.Fuzz(func(t *testing.T, b []byte) {
		id, frame, err := ParseSession(b)
		if err != nil {
			return
		}
		again := AppendSessionFrame(nil, hostAddr, acAddr, id, frame)[14:]
		if !bytes.Equal(again, b[:len(again)]) {
			t.Errorf("% x encodes again to % x", b, again)
		}
	})
}
