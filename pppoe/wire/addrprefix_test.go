package wire

import (
	"errors"
	"testing"
)

func TestParseAddrPrefix(t *testing.T) {
	for text, want := range map[string]AddrPrefix{
		"02:00:5e:00:53:01":    {Addr{2, 0, 0x5e, 0, 0x53, 1}, 48},
		"02:00:5E":             {Addr{2, 0, 0x5e}, 24},
		"02":                   {Addr{2}, 8},
		"02:00:5e:00:53:ff/40": {Addr{2, 0, 0x5e, 0, 0x53}, 40},
		"02:00:5f/23":          {Addr{2, 0, 0x5e}, 23},
		"ff/0":                 {},
	} {
		if p, err := ParseAddrPrefix(text); p != want || err != nil {
			t.Errorf("%q: %v, %v, want %v", text, p, err, want)
		}
	}
	for _, text := range []string{
		"", ":", "2:0:5e", "02:00:5e:", "02:00:5e:00:53:01:02", "02-00-5e", "02005e", "zz:00:5e", "02:00:5e/25", "02/", "02/-1", "02/x", "+2", "02:00:5e:00:53:01/49", " 02",
	} {
		if p, err := ParseAddrPrefix(text); !errors.Is(err, ErrAddrPrefix) || p != (AddrPrefix{}) {
			t.Errorf("%q: %v, %v", text, p, err)
		}
	}
}

// TestAddrSet: an address is in a set if one of its prefixes, of whatever length, has it.
func TestAddrSet(t *testing.T) {
	s := NewAddrSet([]AddrPrefix{{Addr{2, 0, 0x5e, 9}, 24}, {Addr{4, 0, 0, 0, 0, 1}, 48}, {Addr{4, 0, 0, 0, 0, 1}, 48}, {Addr{0xf0}, 4}})
	if s.Len() != 3 {
		t.Errorf("%d prefixes, want 3", s.Len())
	}
	for a, want := range map[Addr]bool{
		{2, 0, 0x5e}: true, {2, 0, 0x5e, 255, 255, 255}: true, {2, 0, 0x5f}: false, {2, 0, 0x5d, 255, 255, 255}: false,
		{4, 0, 0, 0, 0, 1}: true, {4}: false, {0xff, 1}: true, {0xef}: false,
	} {
		if got := s.Contains(a); got != want {
			t.Errorf("%v: %v", a, got)
		}
	}
	if (*AddrSet)(nil).Contains(Addr{2}) || (*AddrSet)(nil).Len() != 0 {
		t.Error("no set has an address")
	}
	if !NewAddrSet([]AddrPrefix{{}}).Contains(Addr{9}) {
		t.Error("the prefix of no bits does not have each address")
	}
}

// FuzzParseAddrPrefix: a prefix that is read, printed and read again is the same, and has its own
// address.
func FuzzParseAddrPrefix(f *testing.F) {
	for _, s := range []string{"", "02", "02:00:5e", "02:00:5e:00:53:01", "02:00:5e:00:53:01/47", "ff/0", "02/8/8"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParseAddrPrefix(s)
		if err != nil {
			return
		}
		if again, err := ParseAddrPrefix(p.String()); again != p || err != nil {
			t.Errorf("%q is %v, which is %v, %v", s, p, again, err)
		}
		if p.Bits < 0 || p.Bits > 48 || !NewAddrSet([]AddrPrefix{p}).Contains(p.Addr) {
			t.Errorf("%q is %v, which has not its own address", s, p)
		}
	})
}
