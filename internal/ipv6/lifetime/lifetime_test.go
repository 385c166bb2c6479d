package lifetime

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func TestLifetime(t *testing.T) {
	l := New(now, 10*time.Second, Infinity)
	if l.Deprecated(now.Add(9*time.Second)) || !l.Deprecated(now.Add(10*time.Second)) {
		t.Errorf("preferred for 10 s, it ends %v", l.Preferred)
	}
	if l.Expired(now.Add(1<<40)) || Remaining(now, l.Valid) != Infinity {
		t.Errorf("valid for ever, it ends %v", l.Valid)
	}
	if got := Remaining(now.Add(time.Minute), l.Preferred); got != 0 {
		t.Errorf("%v is left of what is over", got)
	}
}

func TestEarliest(t *testing.T) {
	early, late := now, now.Add(1)
	for _, c := range [][3]time.Time{{early, late, early}, {late, early, early}, {{}, late, late}, {early, {}, early}, {}} {
		if got := Earliest(c[0], c[1]); !got.Equal(c[2]) {
			t.Errorf("of %v and %v the first is %v", c[0], c[1], got)
		}
	}
}

func TestFitForUse(t *testing.T) {
	for text, want := range map[string][2]bool{ // as a host's address, as a name server's
		"2001:db8::1": {true, true}, "fd00::1": {true, true}, "fe80::1": {false, true},
		"::": {}, "::1": {}, "ff02::1": {}, "::ffff:192.0.2.1": {}, "192.0.2.1": {},
	} {
		a := netip.MustParseAddr(text)
		if got := [2]bool{IsHostAddress(a), IsServerAddress(a)}; got != want {
			t.Errorf("%s is fit for %v, want %v", text, got, want)
		}
	}
	if p := netip.PrefixFrom(netip.MustParseAddr("2001:db8::1"), 1); !IsHostPrefix(p) || IsHostPrefix(netip.PrefixFrom(p.Addr(), 0)) {
		t.Error("a network of one bit is none, or one of none is one")
	}
	if IsHostPrefix(netip.Prefix{}) || IsHostPrefix(netip.MustParsePrefix("::/0")) || !IsHostPrefix(netip.MustParsePrefix("2001:db8::/32")) {
		t.Error("a prefix of 0 bits is a network")
	}
}

func TestDomain(t *testing.T) {
	for _, name := range []string{"example.org", "a", "x_y.Example", "xn--bcher-kva.example", "example.org.", "0.9", "az.AZ", strings.Repeat("a", 63) + ".b",
		strings.Repeat("abc.", 63) + "a"} {
		if !IsDomainName(name) {
			t.Errorf("%q is refused", name)
		}
	}
	for _, name := range []string{"", ".", "-x", "a b", "a\nnameserver ::1", "é", "a;b", "$(reboot)", "a/b", "a:b", "a@b", "a[b", "a`b", "a{b", "a,b", "a..b", ".a", "a..",
		strings.Repeat("a", 64) + ".b", "b." + strings.Repeat("a", 64), strings.Repeat("abc.", 63) + "ab"} {
		if IsDomainName(name) {
			t.Errorf("%q is taken", name)
		}
	}
}
