package limit

import (
	"errors"
	"testing"

	"upppoe/pppoe/wire"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]Limits{
		"total=60000,interface=30000,vlan=100,client=4": {60000, 30000, 100, 4},
		"client=1":                 {Client: 1},
		"vlan=1000000,client=none": {VLAN: Max, Client: -1},
	} {
		if l, err := Parse(text); l != want || err != nil || l.String() != text {
			t.Errorf("%q: %v, %v, printed %q", text, l, err, l.String())
		}
	}
	for text, want := range map[string]error{
		"": ErrScope, "5": ErrScope, "vlan": ErrValue, "vlan=": ErrValue, "vlan=0": ErrValue, "vlan=-1": ErrValue, "vlan=1000001": ErrValue,
		"vlan=1,": ErrScope, "port=1": ErrScope, "vlan=1,vlan=2": ErrTwice, "vlan = 1": ErrScope, "vlan=1e3": ErrValue, "VLAN=1": ErrScope,
	} {
		if l, err := Parse(text); !errors.Is(err, want) || l != (Limits{}) {
			t.Errorf("%q: %v, %v, want %v", text, l, err, want)
		}
	}
}

// FuzzParse: limits that are read, printed and read again are the same.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"", "total=1,interface=2,vlan=3,client=none", "vlan=0", "client"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		l, err := Parse(s)
		if err != nil {
			return
		}
		if again, err := Parse(l.String()); again != l || err != nil {
			t.Errorf("%q is %v, printed %q, which is %v, %v", s, l, l.String(), again, err)
		}
		for s := range scopes {
			if n := *l.of(s); n < -1 || n > Max {
				t.Errorf("a limit of %d", n)
			}
		}
	})
}

// TestClients: a list of allowed clients excludes all others, and one of denied ones goes before.
func TestClients(t *testing.T) {
	set := func(texts ...string) *wire.AddrSet {
		var all []wire.AddrPrefix
		for _, text := range texts {
			p, err := wire.ParseAddrPrefix(text)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, p)
		}
		return wire.NewAddrSet(all)
	}
	a, b := wire.Addr{2, 0, 0x5e, 0, 0x53, 1}, wire.Addr{2, 0, 0x5f, 0, 0x53, 1}
	for _, c := range []struct {
		lists Clients
		a, b  error
	}{
		{Clients{}, nil, nil},
		{Clients{Allow: set("02:00:5e")}, nil, ErrDenied},
		{Clients{Deny: set("02:00:5e")}, ErrDenied, nil},
		{Clients{Allow: set("02"), Deny: set("02:00:5e:00:53:01")}, ErrDenied, nil},
		{Clients{Allow: set()}, ErrDenied, ErrDenied},
		{Clients{Deny: set()}, nil, nil},
	} {
		if x, y := c.lists.Admit(a), c.lists.Admit(b); x != c.a || y != c.b {
			t.Errorf("%v: %v, %v, want %v, %v", c.lists, x, y, c.a, c.b)
		}
	}
}

// TestExceededText: a reason says what and of whom.
func TestExceededText(t *testing.T) {
	if got := (Exceeded{HalfOpen, PerVLAN}).Error(); got != "limit: too many half-open sessions of one VLAN" {
		t.Errorf("%q", got)
	}
}
