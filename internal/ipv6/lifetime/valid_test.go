package lifetime

import (
	"net/netip"
	"strings"
	"testing"
)

func TestAddresses(t *testing.T) {
	for text, want := range map[string][2]bool{ // as a host's address, as a name server's
		"2001:db8::1": {true, true}, "fd00::1": {true, true}, "fe80::1": {false, true},
		"::": {}, "::1": {}, "ff02::1": {}, "::ffff:192.0.2.1": {}, "192.0.2.1": {},
	} {
		a := netip.MustParseAddr(text)
		if got := [2]bool{IsHostAddress(a), IsServerAddress(a)}; got != want {
			t.Errorf("%s is valid for %v, want %v", text, got, want)
		}
	}
	if p := netip.PrefixFrom(netip.MustParseAddr("2001:db8::1"), 1); !IsHostPrefix(p) || IsHostPrefix(netip.PrefixFrom(p.Addr(), 0)) {
		t.Error("a prefix of 1 bit is rejected, or one of 0 bits accepted")
	}
	if IsHostPrefix(netip.Prefix{}) || IsHostPrefix(netip.MustParsePrefix("::/0")) || !IsHostPrefix(netip.MustParsePrefix("2001:db8::/32")) {
		t.Error("a wrong prefix is accepted, or a valid one rejected")
	}
}

func TestIsDomainName(t *testing.T) {
	for _, name := range []string{"example.org", "a", "x_y.Example", "xn--bcher-kva.example", "example.org.", "0.9", "az.AZ", strings.Repeat("a", 63) + ".b",
		strings.Repeat("abc.", 63) + "a"} {
		if !IsDomainName(name) {
			t.Errorf("%q is rejected", name)
		}
	}
	for _, name := range []string{"", ".", "-x", "a b", "a\nnameserver ::1", "é", "a;b", "$(reboot)", "a/b", "a:b", "a@b", "a[b", "a`b", "a{b", "a,b", "a..b", ".a", "a..",
		strings.Repeat("a", 64) + ".b", "b." + strings.Repeat("a", 64), strings.Repeat("abc.", 63) + "ab"} {
		if IsDomainName(name) {
			t.Errorf("%q is accepted", name)
		}
	}
}
