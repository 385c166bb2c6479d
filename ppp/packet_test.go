package ppp

import (
	"bytes"
	"testing"
)

func TestParseFrame(t *testing.T) {
	for _, c := range []struct {
		what string
		in   []byte
		want Protocol
		err  error
	}{
		{"LCP", []byte{0xc0, 0x21, 1}, LCP, nil},
		{"without information", []byte{0x00, 0x21}, IPv4, nil},
		{"empty", nil, 0, ErrShortFrame},
		{"one octet", []byte{0x21}, 0, ErrShortFrame},
		{"a compressed Protocol field", []byte{0x21, 0x45}, 0, ErrBadProtocol},
		{"an even protocol number", []byte{0xc0, 0x20}, 0, ErrBadProtocol},
	} {
		p, rest, err := ParseFrame(c.in)
		if err != c.err || p != c.want || err == nil && len(rest) != len(c.in)-2 {
			t.Errorf("%s: got %v, %d octets, %v; want %v, %v", c.what, p, len(rest), err, c.want, c.err)
		}
	}
}

func TestControl(t *testing.T) {
	packet := []byte{1, 7, 0, 6, 0xaa, 0xbb}
	c, err := ParseControl(append(packet[:6:6], 0, 0, 0))
	if err != nil || c.Code != ConfigureRequest || c.ID != 7 || !bytes.Equal(c.Data, packet[4:]) {
		t.Errorf("a packet with padding parses as %+v, %v", c, err)
	}
	if got := c.AppendTo(nil); !bytes.Equal(got, packet) {
		t.Errorf("it encodes to % x, want % x", got, packet)
	}
	for n := range packet {
		if _, err := ParseControl(packet[:n]); err == nil {
			t.Errorf("the first %d octets parse, though Length says 6", n)
		}
	}
	if _, err := ParseControl([]byte{1, 7, 0, 3}); err != ErrControlLength {
		t.Errorf("Length 3: %v, want ErrControlLength", err)
	}
	long := Control{Data: make([]byte, 70000)}.AppendTo(nil)
	if c, err := ParseControl(long); err != nil || len(c.Data) != 0xffff-ControlHeaderLen {
		t.Errorf("data too long for Length must be truncated to a full packet: %d octets, %v", len(c.Data), err)
	}
}

func TestOptions(t *testing.T) {
	for _, c := range []struct {
		what       string
		in         []byte
		ok         bool
		duplicates bool
	}{
		{"none", nil, true, false},
		{"two", []byte{1, 4, 5, 0xd4, 5, 6, 1, 2, 3, 4}, true, false},
		{"one twice", []byte{1, 2, 1, 2}, true, true},
		{"a Length of 1", []byte{1, 1}, false, false},
		{"a Length of 0", []byte{1, 0, 0, 0}, false, false},
		{"one cut short", []byte{1, 4, 5}, false, false},
		{"half a header", []byte{7, 2, 1}, false, false},
	} {
		o, err := ParseOptions(c.in)
		if (err == nil) != c.ok {
			t.Errorf("%s: %v", c.what, err)
		}
		if err == nil && o.HasDuplicates() != c.duplicates {
			t.Errorf("%s: Repeats says %v", c.what, o.HasDuplicates())
		}
	}
}

func FuzzParseFrame(f *testing.F) {
	f.Add([]byte{0xc0, 0x21, 1, 1, 0, 4})
	f.Fuzz(func(t *testing.T, b []byte) {
		p, information, err := ParseFrame(b)
		if err == nil && (len(information) != len(b)-2 || uint16(p)&0x0101 != 1) {
			t.Errorf("% x parses as %v with %d octets", b, p, len(information))
		}
	})
}

func FuzzParseControl(f *testing.F) {
	f.Add([]byte{1, 7, 0, 6, 0xaa, 0xbb, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := ParseControl(b)
		if err != nil {
			return
		}
		again := c.AppendTo(nil)
		if !bytes.Equal(again, b[:len(again)]) {
			t.Errorf("% x encodes again to % x", b, again)
		}
	})
}

func FuzzParseOptions(f *testing.F) {
	f.Add([]byte{1, 4, 5, 0xd4, 5, 6, 1, 2, 3, 4})
	f.Fuzz(func(t *testing.T, b []byte) {
		o, err := ParseOptions(b)
		if err != nil {
			return
		}
		var again []byte
		for option := range o.All() {
			again = option.AppendTo(again)
		}
		if !bytes.Equal(again, b) {
			t.Errorf("% x encodes again to % x", b, again)
		}
	})
}
