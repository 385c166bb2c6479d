package linkmonitor

import (
	"strings"
	"testing"

	"upppoe/internal/roottest"
	"upppoe/test/lab"
)

// TestDiagnose: the reason why an interface receives no answers is named, with what to do.
func TestDiagnose(t *testing.T) {
	roottest.Need(t, "ip")
	ns, err := lab.NewNamespace()
	if err != nil {
		t.Fatal(err)
	}
	defer ns.Close()
	for _, step := range []struct{ commands, want string }{
		{"", "interface eth0 does not exist"},
		{"link add eth0 type veth peer name eth1", "interface eth0 is down: ip link set eth0 up"},
		{"link set eth0 up", "interface eth0 has no carrier: is the cable plugged in, and is the other end switched on?"},
		{"link set eth1 up", ""},
		{"link add br0 type bridge, link set eth0 master br0", "interface eth0 is a port of bridge br0, which receives its frames: use br0 instead"},
		{"link set eth0 nomaster", ""},
		{"link add mv0 link eth0 type macvlan", ""}, // it receives only frames of its own
	} {
		for command := range strings.SplitSeq(step.commands, ", ") {
			if command == "" {
				continue
			}
			if out, err := ns.Run("ip", strings.Fields(command)...); err != nil {
				t.Fatalf("ip %s: %v %s", command, err, out)
			}
		}
		var got string
		if err := ns.Do(func() error { got = Diagnose("eth0"); return nil }); err != nil || got != step.want {
			t.Errorf("after %q: %q, %v, want %q", step.commands, got, err, step.want)
		}
	}
}
