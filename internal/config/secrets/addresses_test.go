package secrets

import (
	"net/netip"
	"strings"
	"testing"

	"upppoe/internal/config/pppd"
)

func addresses(t *testing.T, column string) Addresses {
	t.Helper()
	var words []pppd.Word
	for w := range strings.FieldsSeq(column) {
		words = append(words, pppd.Word{Text: w})
	}
	a, err := parseAddresses(words)
	if err != nil {
		t.Fatalf("%q: %v", column, err)
	}
	return a
}

func TestAllows(t *testing.T) {
	for _, c := range []struct {
		column, addr string
		allowed      bool
	}{
		{"", "192.0.2.1", false}, // pppd(8): no addresses allow none
		{"-", "192.0.2.1", false},
		{"*", "192.0.2.1", true},
		{"192.0.2.1", "192.0.2.1", true}, {"192.0.2.1", "192.0.2.2", false},
		{"192.0.2.1", "::ffff:192.0.2.1", true},
		{"192.0.2.9/24", "192.0.2.1", true}, {"192.0.2.0/24", "192.0.3.1", false},
		{"!192.0.2.1 192.0.2.0/24", "192.0.2.1", false}, {"!192.0.2.1 192.0.2.0/24", "192.0.2.2", true},
		{"192.0.2.0/24 !192.0.2.1", "192.0.2.1", true}, // the first rule that matches decides
		{"!192.0.2.1", "192.0.2.2", false},             // what no rule matches is forbidden
		{"!192.0.2.1 *", "192.0.2.2", true}, {"!192.0.2.1 *", "192.0.2.1", false},
		{"!*", "192.0.2.1", false}, {"!* 192.0.2.1", "192.0.2.1", false},
		{"192.0.2.1 - 192.0.2.2", "192.0.2.1", true}, {"192.0.2.1 - 192.0.2.2", "192.0.2.2", false},
		{"192.0.2.1 -- 192.0.2.2", "192.0.2.2", false},
		{"* !192.0.2.1", "192.0.2.1", true}, // * ends the list
		{"*", "127.0.0.1", false}, {"127.0.0.1", "127.0.0.1", false},
		{"*", "224.0.0.1", false}, {"*", "255.255.255.255", false}, {"*", "0.0.0.0", false},
		{"*", "223.255.255.255", true}, {"*", "126.255.255.255", true}, {"*", "128.0.0.0", true}, {"*", "127.255.255.255", false},
		{"*", "2001:db8::1", false},
		{"192.0.2.0/24+", "192.0.2.1", false}, // not resolved for a unit
		{"!192.0.2.0/24+ *", "192.0.2.77", false},
	} {
		if got := addresses(t, c.column).Allows(netip.MustParseAddr(c.addr)); got != c.allowed {
			t.Errorf("%q allows %s: %v, want %v", c.column, c.addr, got, c.allowed)
		}
	}
}

// TestSingles: a client's own addresses are those that are named individually and allowed, in order.
func TestSingles(t *testing.T) {
	for _, c := range []struct {
		column, want string
		none         bool // nothing is allowed
	}{
		{"", "", true}, {"-", "", true}, {"*", "", false}, {"!192.0.2.1", "", true}, {"!192.0.2.1 *", "", false},
		{"192.0.2.1", "192.0.2.1", false}, {"192.0.2.1/32", "192.0.2.1", false},
		{"!192.0.2.2 192.0.2.1", "192.0.2.1", false}, {"192.0.2.1 !192.0.2.2", "192.0.2.1", false},
		{"192.0.2.2 192.0.2.1", "192.0.2.2 192.0.2.1", false}, {"192.0.2.1 *", "192.0.2.1", false},
		{"192.0.2.0/24", "", false}, {"192.0.2.0/31", "", false}, {"192.0.2.0/24 192.0.2.9", "192.0.2.9", false},
		{"!192.0.2.0/24 192.0.2.1 198.51.100.1", "198.51.100.1", false}, // forbidden before it is named
		{"192.0.2.0/24+", "", true}, {"127.0.0.1", "", false}, {"192.0.2.1 - 192.0.2.2", "192.0.2.1", false},
	} {
		a := addresses(t, c.column)
		if got := list(a.Singles()); got != c.want || a.AllowsNone() != c.none {
			t.Errorf("%q: %q, nothing allowed: %v; want %q, %v", c.column, got, a.AllowsNone(), c.want, c.none)
		}
	}
}

func list(all []netip.Addr) string {
	var words []string
	for _, a := range all {
		words = append(words, a.String())
	}
	return strings.Join(words, " ")
}

// TestForUnit: a.b.c.d/n+ is the network plus the unit plus one (pppd(8)).
func TestForUnit(t *testing.T) {
	for _, c := range []struct {
		column string
		unit   int
		want   string // of Singles
	}{
		{"192.0.2.0/24+", 0, "192.0.2.1"},
		{"192.0.2.77/24+", 9, "192.0.2.10"},
		{"10.0.0.0/8+", 65535, "10.1.0.0"},
		{"192.0.2.0/30+", 1, "192.0.2.2"},
		{"192.0.2.0/30+", 2, ""}, // the broadcast address
		{"192.0.2.0/32+", 0, ""}, {"192.0.2.0/31+", 0, ""}, {"192.0.2.0/30+", 0, "192.0.2.1"},
		{"0.0.0.0/0+", 16777215, "1.0.0.0"},
		{"192.0.2.0/24+", -1, ""},
		{"192.0.2.7", 3, "192.0.2.7"},
	} {
		if got := list(addresses(t, c.column).ForUnit(c.unit).Singles()); got != c.want {
			t.Errorf("%q for ppp%d: %q, want %q", c.column, c.unit, got, c.want)
		}
	}
	forbidden := addresses(t, "!192.0.2.0/24+ *")
	if a := netip.MustParseAddr("192.0.2.4"); forbidden.ForUnit(3).Allows(a) || !forbidden.ForUnit(4).Allows(a) {
		t.Error("the forbidden address does not depend on the unit")
	}
}

func TestBadAddresses(t *testing.T) {
	for _, word := range []string{"host.example", "192.0.2", "192.0.2.1/33", "192.0.2.1/", "192.0.2.1/24++", "192.0.2.1+", "2001:db8::1", "::/0", "!", "!!192.0.2.1", "!-", "/24", ""} {
		if a, err := parseAddresses([]pppd.Word{{Text: "192.0.2.1"}, {Text: word}}); err == nil || !strings.HasPrefix(err.Error(), "word 5 ") || len(a.rules) > 0 {
			t.Errorf("%q: %v, %v; want an error that names the fifth word, and no rules", word, a, err)
		}
	}
}
