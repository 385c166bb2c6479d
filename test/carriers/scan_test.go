package carriers

import (
	"path/filepath"
	"strings"
	"testing"

	"upppoe/test/guest"
	"upppoe/test/lab"
)

// TestScanWithVLANDevices: servers on the kernel's VLAN devices are found by tags that
// pppoe-discovery adds itself, each on its VLAN only, whether or not the client has such devices
// too, and without servers on untagged interfaces.
func TestScanWithVLANDevices(t *testing.T) {
	t.Parallel()
	need(t)
	k := guest.Kernels{Owner: t, Bin: bin}
	k.Run(t, []string{"veth", "vlan"}, func(t *testing.T) {
		client, server := pair(t)
		vlans := []string{
			"link add link eth0 name eth0.50 type vlan id 50", "link set eth0.50 up",
			"link add link eth0 name eth0.60 type vlan protocol 802.1ad id 60", "link set eth0.60 up",
			"link add link eth0.60 name eth0.60.100 type vlan id 100", "link set eth0.60.100 up",
			"link add link eth0.50 name eth0.50.7 type vlan id 7", "link set eth0.50.7 up",
		}
		ip(t, server, vlans...)
		for _, name := range []string{"eth0", "eth0.50", "eth0.60.100", "eth0.50.7"} {
			serve(t, port{in: server, name: name})
		}
		for _, devices := range [][]string{nil, vlans} {
			ip(t, client, devices...)
			wantScan(t, client, "40-70,60.90-110,0x8100:50.0x8100:1-9", "50 60.100 0x8100:50.0x8100:7")
			wantScan(t, client, "0,51", "untagged") // priority-tagged frames belong to no VLAN
		}
		discover(t, port{in: client, name: "eth0.50"})
	})
}

// wantScan compares the VLANs on which a server is found with those on which there is one.
func wantScan(t testing.TB, in *lab.Namespace, list, want string) {
	t.Helper()
	out, err := in.Run(filepath.Join(bin, "pppoe-discovery"), "-I", "eth0", "--vlan", list)
	found := map[string]bool{}
	for _, line := range strings.Split(out, "\n") {
		if tags, ok := strings.CutPrefix(line, "VLAN: "); ok {
			found[tags] = true
		}
	}
	for _, tags := range strings.Fields(want) {
		if !found[tags] {
			t.Errorf("--vlan %s finds no server on %s, but on %v", list, tags, found)
		}
	}
	if err != nil || len(found) != len(strings.Fields(want)) {
		t.Errorf("--vlan %s: want servers on %s: %v\n%s", list, want, err, out)
	}
}
