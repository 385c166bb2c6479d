package netconfig

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"

	"upppoe/internal/roottest"
	"upppoe/test/lab"
)

// mtus returns the MTUs of devices, as in "eth0 1500, br0 1500".
func mtus(t *testing.T, names ...string) string {
	t.Helper()
	var all []string
	for _, n := range names {
		link, err := netlink.LinkByName(n)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprintf("%s %d", n, link.Attrs().MTU))
	}
	return strings.Join(all, ", ")
}

// ipBatch runs ip(8) for each line.
func ipBatch(t *testing.T, commands string) {
	t.Helper()
	for line := range strings.Lines(commands) {
		if words := strings.Fields(line); len(words) > 0 {
			ip(t, words...)
		}
	}
}

// TestRaiseMTU: the MTUs of an interface and its lower devices are raised, no others, and all of
// them are restored.
func TestRaiseMTU(t *testing.T) {
	roottest.Need(t, "ip")
	const two = "link add eth0 type veth peer name eth1\nlink add eth2 type veth peer name eth3\n"
	for _, c := range []struct {
		name, kind, ipBatch string
		on                  string
		names               []string
		want                string
	}{
		{"an Ethernet", "", two, "eth0", []string{"eth0", "eth1", "eth2"}, "eth0 1508, eth1 1500, eth2 1500"},
		{"enough already", "", two + "link set eth0 mtu 9000", "eth0", []string{"eth0"}, "eth0 9000"},
		{"macvlan", "", two + "link add mac0 link eth0 type macvlan", "mac0", []string{"mac0", "eth0", "eth1"}, "mac0 1508, eth0 1508, eth1 1500"},
		{"bridge", "", two + "link add br0 type bridge\nlink set eth0 master br0\nlink set eth2 master br0", "br0",
			[]string{"br0", "eth0", "eth2", "eth1"}, "br0 1508, eth0 1508, eth2 1508, eth1 1500"},
		{"bridge with an MTU of its own", "", two + "link add br0 type bridge\nlink set br0 mtu 1400\nlink set eth0 master br0\nlink set eth2 master br0\nlink set eth2 mtu 2000", "br0",
			[]string{"br0", "eth0", "eth2"}, "br0 1508, eth0 1508, eth2 2000"},
		{"bridge above its ports", "", two + "link add br0 type bridge\nlink set eth0 master br0\nlink set br0 mtu 1600", "br0",
			[]string{"br0", "eth0"}, "br0 1600, eth0 1508"},
		{"macvlan on a bridge", "", two + "link add br0 type bridge\nlink set eth0 master br0\nlink add mac0 link br0 type macvlan", "mac0",
			[]string{"mac0", "br0", "eth0"}, "mac0 1508, br0 1508, eth0 1508"},
		{"VLAN", "vlan", two + "link add link eth0 name eth0.7 type vlan id 7\nlink add link eth0 name eth0.8 type vlan id 8", "eth0.7",
			[]string{"eth0.7", "eth0", "eth0.8"}, "eth0.7 1508, eth0 1508, eth0.8 1500"},
		{"VLAN in a VLAN on a bridge", "vlan", two + "link add br0 type bridge\nlink set eth0 master br0\nlink add link br0 name br0.7 type vlan id 7\nlink add link br0.7 name qq type vlan id 9", "qq",
			[]string{"qq", "br0.7", "br0", "eth0"}, "qq 1508, br0.7 1508, br0 1508, eth0 1508"},
	} {
		t.Run(c.name, func(t *testing.T) {
			inNamespace(t, func(t *testing.T) {
				if c.kind != "" {
					needKind(t, c.kind)
				}
				ipBatch(t, c.ipBatch)
				before := mtus(t, c.names...)
				restore, err := RaiseMTU(t.TempDir(), c.on, 1508)
				if err != nil {
					t.Fatal(err)
				}
				if got := mtus(t, c.names...); got != c.want {
					t.Errorf("raised to %s, want %s", got, c.want)
				}
				if err := restore(); err != nil {
					t.Error(err)
				}
				if got := mtus(t, c.names...); got != before {
					t.Errorf("restored to %s, want %s", got, before)
				}
			})
		})
	}
}

// TestRaiseMTUCannot: the error names the device whose MTU cannot be raised, and the others are as
// before.
func TestRaiseMTUCannot(t *testing.T) {
	roottest.Need(t, "ip")
	inNamespace(t, func(t *testing.T) {
		ipBatch(t, `link add eth0 type veth peer name eth1
			link add eth2 type veth peer name eth3
			link add tunnel type vxlan id 5 remote 192.0.2.1 dev eth2 dstport 4789
			link add br0 type bridge
			link set eth0 master br0
			link set tunnel master br0
			link add mac0 link br0 type macvlan`)
		names := []string{"eth0", "eth2", "tunnel", "br0", "mac0"}
		before := mtus(t, names...)
		_, err := RaiseMTU(t.TempDir(), "mac0", 1508)
		if !errors.Is(err, ErrMTU) || !strings.HasPrefix(err.Error(), "mac0: tunnel (vxlan, MTU 1450) does not support MTU 1508") {
			t.Errorf("raising what cannot be raised: %v", err)
		}
		if got := mtus(t, names...); got != before {
			t.Errorf("left at %s, want %s", got, before)
		}
		if _, err := RaiseMTU(t.TempDir(), "eth9", 1508); err == nil || !strings.HasPrefix(err.Error(), "eth9: ") {
			t.Errorf("raising what is not there: %v", err)
		}
	})
}

// TestRaiseMTUOtherNamespace: a parent in another namespace cannot be raised from here.
func TestRaiseMTUOtherNamespace(t *testing.T) {
	roottest.Need(t, "ip")
	inNamespace(t, func(t *testing.T) {
		other, err := lab.NewNamespace()
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		ipBatch(t, "link add eth0 type veth peer name eth1\nlink add mac0 link eth0 type macvlan")
		ip(t, "link", "set", "mac0", "netns", pathOf(t, other))
		err = other.Do(func() error {
			_, err := RaiseMTU(t.TempDir(), "mac0", 1508)
			return err
		})
		if !errors.Is(err, ErrMTU) || !strings.Contains(err.Error(), "is in another network namespace: set MTU 1508 there") {
			t.Errorf("raising over what is elsewhere: %v", err)
		}
		ip(t, "link", "set", "eth0", "mtu", "1508") // as the error says
		err = other.Do(func() error {
			_, err := RaiseMTU(t.TempDir(), "mac0", 1508)
			return err
		})
		if err != nil {
			t.Errorf("raising over what is raised: %v", err)
		}
	})
}

// TestRestoreMTUChangedByOthers: an MTU that has been changed meanwhile stays, and a removed
// device does not matter.
func TestRestoreMTUChangedByOthers(t *testing.T) {
	roottest.Need(t, "ip")
	inNamespace(t, func(t *testing.T) {
		ipBatch(t, "link add eth0 type veth peer name eth1\nlink add mac0 link eth0 type macvlan")
		restore, err := RaiseMTU(t.TempDir(), "mac0", 1508)
		if err != nil {
			t.Fatal(err)
		}
		ipBatch(t, "link delete mac0\nlink set eth0 mtu 9000")
		if err := restore(); err != nil {
			t.Error(err)
		}
		if got := mtus(t, "eth0"); got != "eth0 9000" {
			t.Errorf("restored to %s, where somebody had set 9000", got)
		}
	})
}

// TestRaiseMTUShared: of the sessions over one device the last one to end restores its MTU,
// whichever that is; after a crash, the next one.
func TestRaiseMTUShared(t *testing.T) {
	roottest.Need(t, "ip")
	inNamespace(t, func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "run")
		ipBatch(t, "link add eth0 type veth peer name eth1")
		raise := func(need int) (restore func() error) {
			t.Helper()
			restore, err := RaiseMTU(dir, "eth0", need)
			if err != nil {
				t.Fatal(err)
			}
			return restore
		}
		want := func(mtu string) {
			t.Helper()
			if got := mtus(t, "eth0"); got != "eth0 "+mtu {
				t.Errorf("MTU: %s, want %s", got, mtu)
			}
		}
		first, second, third := raise(1508), raise(1516), raise(1508)
		for _, restore := range []func() error{first, second} {
			if err := restore(); err != nil {
				t.Error(err)
			}
			want("1516")
		}
		if err := third(); err != nil {
			t.Error(err)
		}
		want("1500")
		if left, _ := filepath.Glob(filepath.Join(dir, "mtu.*.*")); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}

		shares := openMTUShares(dir)
		crashed := shares.join(&netlink.Dummy{LinkAttrs: netlink.LinkAttrs{Index: indexOf(t, "eth0"), MTU: 1500}}, 1508)
		shares.close()
		ip(t, "link", "set", "eth0", "mtu", "1508")
		crashed.file.Close()
		if err := raise(1508)(); err != nil {
			t.Error(err)
		}
		want("1500")

		after := raise(1508)
		ip(t, "link", "set", "eth0", "mtu", "9000") // by another program
		if err := after(); err != nil {
			t.Error(err)
		}
		want("9000")
		if err := raise(1508)(); err != nil { // nobody needs the raised MTU
			t.Error(err)
		}
		want("9000")
	})
}

// TestRaiseMTUNoDirectory: without a directory for the files each session acts alone.
func TestRaiseMTUNoDirectory(t *testing.T) {
	roottest.Need(t, "ip")
	inNamespace(t, func(t *testing.T) {
		ipBatch(t, "link add eth0 type veth peer name eth1")
		restore, err := RaiseMTU("/dev/null/run", "eth0", 1508)
		if err != nil {
			t.Fatal(err)
		}
		if got := mtus(t, "eth0"); got != "eth0 1508" {
			t.Errorf("raised: %s", got)
		}
		if err := restore(); err != nil {
			t.Error(err)
		}
		if got := mtus(t, "eth0"); got != "eth0 1500" {
			t.Errorf("restored: %s", got)
		}
	})
}

func indexOf(t *testing.T, name string) int {
	t.Helper()
	link, err := netlink.LinkByName(name)
	if err != nil {
		t.Fatal(err)
	}
	return link.Attrs().Index
}
