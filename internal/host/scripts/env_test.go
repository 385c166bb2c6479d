package scripts

import (
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestUnitBounds: the greatest number in a device's name, and one more.
func TestUnitBounds(t *testing.T) {
	for device, want := range map[string]string{"ppp2147483647": "2147483647", "ppp2147483648": "5", "ppp-1": "5", "xppp1": "5"} {
		if got := (&sessionEnv{}).unitNumber(device, 5); got != want {
			t.Errorf("%s has the number %s, want %s", device, got, want)
		}
	}
}

// TestUnit: a device always has a number: the one in its name, the configured one, or its
// interface index.
func TestUnit(t *testing.T) {
	loopback, err := net.InterfaceByName("lo")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		device string
		wanted int
		want   string
	}{
		{"ppp0", -1, "0"},
		{"ppp17", 3, "17"},
		{"wan", 3, "3"},
		{"wan", 0, "0"},
		{"lo", 0, "0"},
		{"lo", -1, strconv.Itoa(loopback.Index)},
		{"pppx", 5, "5"},
		{"ppp", 5, "5"},
		{"nowhere0", -1, "0"},
	} {
		k := &sessionEnv{}
		if got := k.unitNumber(c.device, c.wanted); got != c.want {
			t.Errorf("%s, with unit %d, has the number %s, want %s", c.device, c.wanted, got, c.want)
		}
	}
	k := &sessionEnv{device: "gone0", unit: "9"}
	if got := k.unitNumber("gone0", -1); got != "9" {
		t.Errorf("a device that has gone has the number %s, want the one it had", got)
	}
}

// TestNameServers: variables of name servers exist only for those that were requested and given.
func TestNameServers(t *testing.T) {
	p := newTestDir(t)
	p.addRecording(t, IPUp)
	for _, c := range []struct {
		given [2]netip.Addr
		want  []string
	}{
		{[2]netip.Addr{}, nil},
		{[2]netip.Addr{1: addressing.IPv4.DNS[0]}, []string{"DNS2=192.0.2.53", "USEPEERDNS=1"}},
	} {
		s := p.scripts(nil)
		configured := withIPv4("192.0.2.10")
		configured.IPv4.DNS = c.given
		s.Notify(info, configured)
		s.Close()
		env := slices.DeleteFunc(p.env(t, IPUp), func(v string) bool { return !strings.Contains(v, "DNS") })
		if !slices.Equal(env, c.want) {
			t.Errorf("given %v: %q, want %q", c.given, env, c.want)
		}
	}
}
