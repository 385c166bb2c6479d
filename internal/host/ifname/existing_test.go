package ifname

import (
	"fmt"
	"testing"
)

func TestList(t *testing.T) {
	var many []string
	for i := range 5000 {
		many = append(many, fmt.Sprintf("veth%d", i))
	}
	for _, c := range []struct {
		names         []string
		missing, want string
	}{
		{nil, "wan", "none is an Ethernet interface"},
		{[]string{"eth0", "ifb0"}, "wan", "eth0, ifb0"},
		{[]string{"eth0", "lan"}, "wan", "eth0, lan (did you mean lan?)"},
		{[]string{"eth0", "enp3s0"}, "enp3so", "eth0, enp3s0 (did you mean enp3s0?)"},
		{[]string{"a\x1b[31m"}, "a\x1b[31n", `a\x1b[31m (did you mean a\x1b[31m?)`},
		{many, "vteh4321", "veth0, veth1, veth2, veth3, veth4, veth5, veth6, veth7 and 4992 others (did you mean veth4321?)"},
	} {
		if got := list(c.names, c.missing); got != c.want {
			t.Errorf("%q: %q, want %q", c.missing, got, c.want)
		}
	}
}
